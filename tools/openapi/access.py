"""Who may call an operation, by what is declared: schemes, scopes, anonymous callers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ..names import words
from .api import Api, Operation
from .document import Node
from .naming import AUTHENTICATES
from .values import listing, mapping


class Grant(NamedTuple):
    """One scheme of an alternative, with the scopes (or roles) that it must carry."""

    scheme: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """What a call needs, by what is declared.

    `alternatives`: each is enough by itself; all grants of one are needed together.
    `open_because`: why a call passes without any credential; empty where none does, where the
    operation takes a credential as an ordinary parameter, or where the declaration is malformed.
    """

    declared: bool
    alternatives: tuple[tuple[Grant, ...], ...]
    open_because: str
    credential_parameters: tuple[str, ...]

    @property
    def anonymous(self) -> bool:
        """Whether a call passes without any credential."""
        return bool(self.open_because)

    @property
    def scopes(self) -> frozenset[str]:
        """All scopes that any alternative names."""
        return frozenset(
            scope for grants in self.alternatives for grant in grants for scope in grant.scopes
        )

    @property
    def weakest(self) -> frozenset[tuple[Grant, ...]]:
        """The alternatives without those that another one makes needless."""
        needs = {frozenset(grants): grants for grants in self.alternatives}
        return frozenset(
            grants for need, grants in needs.items() if not any(other < need for other in needs)
        )

    def __str__(self) -> str:
        if not self.declared:
            return "undeclared"
        if not self.alternatives:
            return "anyone"
        return " or ".join(
            " and ".join(
                f"{grant.scheme} ({', '.join(grant.scopes)})" if grant.scopes else grant.scheme
                for grant in grants
            )
            or "anyone"
            for grants in self.alternatives
        )


def accesses(api: Api) -> dict[Operation, Access]:
    """The access of every operation, in the order of the document."""
    return {operation: _access(operation) for operation in api.operations}


def access_of(operation: Operation) -> Access:
    """What a call of one operation needs."""
    return operation.api.once(accesses)[operation]


def declares_access(api: Api) -> bool:
    """Whether any operation requires a credential: without, absence of one tells nothing."""
    return any(operation.protected for operation in api.operations)


def _access(operation: Operation) -> Access:
    declared = operation.node.get("security", operation.api.root.get("security"))
    credentials = tuple(
        str(parameter.node.get("name"))
        for parameter in operation.parameters
        if operation.api.found(_carries_credential, parameter.node)
    )
    return Access(
        declared is not None,
        tuple(_grants(entry) for entry in operation.security or ()),
        _open_because(operation, declared) if not credentials else "",
        credentials,
    )


def _grants(entry: dict[str, Any]) -> tuple[Grant, ...]:
    return tuple(
        Grant(str(scheme), tuple(str(scope) for scope in listing(scopes)))
        for scheme, scopes in entry.items()
    )


def _open_because(operation: Operation, declared: Any) -> str:
    """Why a call passes without a credential; empty if none does, or if that is malformed."""
    if operation.protected:
        return ""
    if declared is None:
        return "no security requirement is in force"
    if not isinstance(declared, list) or not all(isinstance(entry, dict) for entry in declared):
        return ""
    return "`security` offers `{}` as an alternative" if declared else "`security` is `[]`"


def _carries_credential(_: Api, parameter: Node) -> bool:
    """Whether a parameter that is no declared scheme carries a credential all the same."""
    name = words(parameter.get("name"))
    if parameter.get("in") == "path":
        return name.endswith("_token_")  # a link that is a secret itself
    return AUTHENTICATES.search(name) is not None


def scopes_of(scheme: Node | None) -> frozenset[str]:
    """The scopes that the flows of an OAuth scheme offer."""
    if scheme is None:
        return frozenset()
    flows = [scheme.value, *mapping(scheme.get("flows")).values()]
    return frozenset(str(scope) for flow in flows for scope in mapping(mapping(flow).get("scopes")))
