"""What a client may write next, in an argument of a prompt or of a resource's address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mcp.types import Completion, PromptReference, ResourceTemplateReference

from .resources import COVERAGE, EXAMPLE, RULE, coverage_pages, example_models

MOST: Final = 100  # values in an answer, by the protocol
DIALECTS: Final = ("postgres", "mysql", "mariadb", "sqlite")
VERSIONS: Final = {
    "postgres": ("18", "17", "16", "15", "14", "13", "12", "11"),
    "mysql": ("9.4", "8.4", "8.0", "5.7"),
    "mariadb": ("12.0", "11.8", "11.4", "10.11", "10.6"),
    "sqlite": ("3.50", "3.46", "3.40", "3.35", "3.31"),
}


def complete(
    of: PromptReference | ResourceTemplateReference, argument: str, begun: str, dialect: str
) -> Completion:
    """The values of an argument that begin so, then those that contain it."""
    known = list(_values(of, argument, dialect))
    begun = begun.lower()
    found = [each for each in known if each.lower().startswith(begun)]
    found += [each for each in known if begun in each.lower() and each not in found]
    return Completion(values=found[:MOST], total=len(found), has_more=len(found) > MOST)


def _values(
    of: PromptReference | ResourceTemplateReference, argument: str, dialect: str
) -> Iterable[str]:
    if isinstance(of, ResourceTemplateReference):
        match of.uri:
            case str(uri) if uri == RULE:
                from backend_architect.tools.catalog import catalog

                return catalog()
            case str(uri) if uri == COVERAGE:
                return coverage_pages()
            case str(uri) if uri == EXAMPLE:
                return example_models()
    if argument == "dialect":
        return DIALECTS
    if argument == "engine_version":
        return VERSIONS.get(dialect, ())
    return ()
