"""What an API has more than once: steps that are live in several versions."""

from __future__ import annotations

from collections import defaultdict

from .accounts import LOOKS_UP, VERSION
from .api import Api, Operation
from .purposes import Purpose, purposes_of

_SENSITIVE = LOOKS_UP | {Purpose.CREDENTIAL_CHANGE, Purpose.ADMINISTRATION}


def same_steps(api: Api) -> tuple[tuple[Operation, ...], ...]:
    """Operations that differ in the version in their path only, none of them deprecated."""
    groups: dict[tuple[str, str], dict[str, Operation]] = defaultdict(dict)
    for operation in api.operations:
        parts = operation.path.split("/")
        kept = [part for part in parts if not VERSION.match(part)]
        if len(kept) != len(parts) and operation.node.get("deprecated") is not True:
            groups[operation.method, "/".join(kept)][operation.path] = operation
    return tuple(
        tuple(same[path] for path in sorted(same)) for same in groups.values() if len(same) > 1
    )


def is_sensitive(step: tuple[Operation, ...]) -> bool:
    """Whether a step is one of signing in or of administration."""
    return any(purposes_of(operation) & _SENSITIVE for operation in step)
