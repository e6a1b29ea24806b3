"""What an API is, seen from one side: who may call what, its resources, its contract for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...openapi.api import Api
from ...report import Finding, View
from .contract import contract
from .matrix import matrix
from .resource_map import resource_map

VIEWS: dict[str, Callable[[Api, Iterable[Finding], str], View]] = {
    "matrix": matrix,
    "resources": resource_map,
    "contract": contract,
}
"""By name; each takes the API, its findings, and the pointer that operations must lie below."""
