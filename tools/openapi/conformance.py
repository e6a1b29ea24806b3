"""Whether a document is what its specification's official JSON Schema demands, and why not.

The whole document goes through the schema once (milliseconds on 13 MB). Only for what fails, the
validator's error tree is followed into the alternative that was meant, and said in words of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..report import quoted
from ..source import Path
from .kinds import Version, name_of

if TYPE_CHECKING:
    import jsonschema_rs

    from .document import Description

# The dates are those of the published iterations, see NOTICE.
_MODERN = ("schema-base", "schema", "dialect", "meta")


@dataclass(frozen=True, slots=True)
class Violation:
    """One demand of the schema that the document does not meet.

    `aspect` is "unknown" (a field), "missing" (a field), "type" or "value"; `names` are the fields
    or the values that would be right; `path` leads to the field at fault, or to the object that
    lacks it.
    """

    aspect: str
    path: Path
    message: str
    names: tuple[str, ...] = ()
    keyword: str = ""
    fix: str = ""


def violations(description: Description) -> list[Violation]:
    """What the official schema of the description's version objects to, in its root document."""
    validator = _validator(description.version)
    data = description.root.data
    if validator.is_valid(data):
        return []
    explained = _Explainer(description)
    found = [v for error in validator.iter_errors(data) for v in explained.error(error)]
    wrong_type = {v.path for v in found if v.aspect == "type"}
    return [v for v in dict.fromkeys(found) if v.aspect == "type" or v.path not in wrong_type]


def preload() -> None:
    """Compile the schemas of all versions."""
    for version in Version:
        _validator(version)


@cache
def _validator(version: Version) -> Any:
    import jsonschema_rs

    if not version.modern:
        return jsonschema_rs.Draft4Validator(_official(version, "schema"))
    parts = [_official(version, part) for part in _MODERN]
    registry = jsonschema_rs.Registry([(part["$id"], part) for part in parts])
    return jsonschema_rs.Draft202012Validator(parts[0], registry=registry)


@cache
def _official(version: Version, part: str) -> dict[str, Any]:
    file = resources.files(__package__) / "official" / f"{version}-{part}.json"
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


class _Explainer:
    def __init__(self, description: Description) -> None:
        self.description = description
        parts = _MODERN if description.version.modern else ("schema",)
        schemas = [_official(description.version, part) for part in parts]
        self.schemas = {s.get("$id", s.get("id", "")).rstrip("#"): s for s in schemas}

    def error(self, error: jsonschema_rs.ValidationError) -> list[Violation]:
        """One error of the validator as violations, alternatives resolved to the one meant."""
        kind: Any = error.kind
        if kind.name not in ("anyOf", "oneOf"):
            return list(self.plain(error))
        path = self.path(error)
        failed = [[v for e in branch for v in self.error(e)] for branch in kind.context if branch]
        if len(failed) < len(kind.context):
            return [self.exclusive(error, path)]
        return _specific(_merged(failed, path))

    def plain(self, error: jsonschema_rs.ValidationError) -> Iterator[Violation]:
        """An error without alternatives."""
        kind: Any = error.kind
        path = self.path(error)
        match kind.name:
            case "additionalProperties" | "unevaluatedProperties":
                known = self.known_fields(error)
                for name in kind.unexpected:
                    if name not in known:
                        yield self.unknown(path, name, known)
            case "falseSchema":
                yield self.unknown(path[:-1], str(path[-1]) if path else "", ())
            case "required":
                yield self.missing(path, (kind.property,))
            case "type":
                expected = " or ".join(_with_article(t) for t in kind.types)
                found = _type_of(error.instance)
                message = f"{self.field(path)} must be {expected}, not {_with_article(found)}"
                yield Violation("type", path, message, tuple(kind.types), "type")
            case "enum" | "const":
                options = kind.options if kind.name == "enum" else [kind.expected_value]
                yield self.not_allowed(path, error.instance, tuple(map(_shown, options)))
            case "not":
                yield self.excluded(path, kind.schema)
            case "propertyNames":
                yield from (replace(v, path=path) for v in self.plain(kind.error))
            case keyword:
                demand = _CONSTRAINTS.get(
                    keyword, f"does not meet `{keyword}` of the official schema"
                )
                message = f"{self.field(path)} {demand.format(kind.value)}"
                yield Violation("value", path, message, keyword=keyword)

    def unknown(self, path: Path, name: str, known: Iterable[str]) -> Violation:
        """A field that the object does not have."""
        here = path[-1] if path else ""
        if here == "paths" and not name.startswith("/"):
            message = f"path {quoted(name)} does not start with `/`"
        elif here == "responses":
            message = f"{quoted(name)} is no status code, status range (`4XX`) or `default`"
        else:
            message = f"{quoted(name)} is no field of the {self.object(path)}"
        near = get_close_matches(name, list(known), n=1, cutoff=0.7)
        fix = f"Write {quoted(near[0])}" if near else ""
        message += f"; did you mean {quoted(near[0])}?" if near else ""
        return Violation("unknown", (*path, name), message, tuple(near), "unknown", fix)

    def missing(self, path: Path, names: tuple[str, ...]) -> Violation:
        """A field, or one of several, that the object must have."""
        listed = " or ".join(quoted(name) for name in names)
        message = f"the {self.object(path)} lacks {'one of ' * (len(names) > 2)}{listed}"
        return Violation("missing", path, message, names, "required", f"Add {listed}")

    def not_allowed(self, path: Path, value: Any, options: tuple[str, ...]) -> Violation:
        """A value that is none of the few allowed."""
        near = get_close_matches(str(value), options, n=1, cutoff=0.7)
        message = f"{self.field(path)} is {quoted(_shown(value))}; allowed: {', '.join(options)}"
        fix = f"Write {quoted(near[0])}" if near else ""
        return Violation("value", path, message, options, "enum", fix)

    def excluded(self, path: Path, schema: Any) -> Violation:
        """A form that is ruled out: fields that exclude each other, or a value."""
        names = schema.get("required", ()) if isinstance(schema, dict) else ()
        if len(names) > 1:
            both = " and ".join(quoted(name) for name in names)
            return Violation(
                "value", path, f"{both} exclude each other in the {self.object(path)}", tuple(names)
            )
        return Violation("value", path, f"{self.field(path)} has a form that is ruled out", ())

    def exclusive(self, error: jsonschema_rs.ValidationError, path: Path) -> Violation:
        """More than one of several alternatives holds."""
        branches = self.schema_at(error)
        names = [
            str(required[0])
            for branch in (branches if isinstance(branches, list) else ())
            if isinstance(branch, dict) and (required := branch.get("required"))
        ]
        if len(names) > 1:
            return self.excluded(path, {"required": names})
        message = f"the {self.object(path)} has more than one of several exclusive forms"
        return Violation("value", path, message, keyword="exclusive")

    # Names

    def path(self, error: jsonschema_rs.ValidationError) -> Path:
        """The error's place; the validator gives every numeric key as a number."""
        value, path = self.description.root.data, []
        for step in error.instance_path:
            if isinstance(value, dict) and step not in value:
                step = next(k for k in value if k.isdigit() and int(k) == int(step))
            path.append(step)
            value = value[step]
        return tuple(path)

    def object(self, path: Path) -> str:
        """What the specification calls the object at a path."""
        node = self.description.node_at(self.value(path))
        if node is not None:
            return name_of(node.kind)
        if path and path[-1] in ("paths", "responses"):
            return f"{str(path[-1]).capitalize()} Object"
        return f"value of {quoted(path[-1])}" if path else "document"

    def field(self, path: Path) -> str:
        """A field by its key; an item by its index in the field."""
        steps = [step for step in path[-2:] if isinstance(step, str)]
        if not path:
            return "the document"
        if isinstance(path[-1], int):
            return f"item {path[-1] + 1} of {quoted(steps[-1])}" if steps else "an item"
        return quoted(path[-1])

    def value(self, path: Path) -> Any:
        """The data at a path that exists."""
        value = self.description.root.data
        for step in path:
            value = value[step]
        return value

    def known_fields(self, error: jsonschema_rs.ValidationError) -> set[str]:
        """The fields that the part of the official schema at fault knows."""
        schema = self.schema_at(error, above=1)
        return set(schema.get("properties", ())) if isinstance(schema, dict) else set()

    def schema_at(self, error: jsonschema_rs.ValidationError, above: int = 0) -> Any:
        """The part of the official schema that an error comes from, or what is around it."""
        base, _, fragment = (error.absolute_keyword_location or "").partition("#")
        steps = [
            step.replace("~1", "/").replace("~0", "~") for step in unquote(fragment).split("/")[1:]
        ]
        schema: Any = self.schemas.get(base)
        for step in steps[: len(steps) - above]:
            try:
                schema = schema[int(step)] if isinstance(schema, list) else schema[step]
            except (KeyError, IndexError, TypeError, ValueError):
                return None
        return schema


def _merged(branches: list[list[Violation]], path: Path) -> list[Violation]:
    """The alternative that was most likely meant, or what the alternatives have in common."""
    meant = [b for b in branches if not any(_wants_reference(v) for v in b)] or branches
    enums = [{v.path: v for v in b if v.keyword == "enum" and v.path[:-1] == path} for b in meant]
    if common := set.intersection(*(set(found) for found in enums)):
        first = enums[0][min(common, key=str)]  # the field that tells the alternatives apart
        options = tuple(dict.fromkeys(o for found in enums for o in found[first.path].names))
        shown = first.message.partition("; allowed: ")[0]
        return [replace(first, message=f"{shown}; allowed: {', '.join(options)}", names=options)]
    distances = [_distance(branch, path) for branch in meant]
    nearest = [b for b, d in zip(meant, distances, strict=True) if d == min(distances)]
    if len(nearest) > 1 and all(len(b) == 1 and b[0].aspect == "missing" for b in nearest):
        first = nearest[0][0]
        names = tuple(dict.fromkeys(name for branch in nearest for name in branch[0].names))
        listed = " or ".join(quoted(name) for name in names)
        what = first.message.partition(" lacks ")[0]
        message = f"{what} lacks {listed}"
        return [replace(first, message=message, names=names, fix=f"Add {listed}")]
    return nearest[0]


def _wants_reference(violation: Violation) -> bool:
    return violation.keyword == "required" and violation.names == ("$ref",)


def _distance(branch: list[Violation], path: Path) -> int:
    """How far a document is from an alternative: another kind of object is farther than a typo."""
    distance = 0
    for violation in branch:
        distance += 1
        if violation.keyword == "type" and violation.path == path:
            distance += 30
        elif violation.keyword == "enum" and violation.path[:-1] == path:
            distance += 10
    return distance


def _specific(found: list[Violation]) -> list[Violation]:
    """Without the vague ones, where something definite is said of the same object."""
    definite = [v for v in found if v.keyword != "exclusive"]
    return definite or found


_CONSTRAINTS = {
    "pattern": "does not match the form {}",
    "format": "is no valid {}",
    "minItems": "needs at least {} items",
    "maxItems": "may have at most {} items",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be above {}",
    "minLength": "must not be shorter than {}",
    "minProperties": "needs at least {} fields",
    "maxProperties": "may have at most {} fields",
    "uniqueItems": "has the same item twice",
}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)[:80]


def _type_of(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
    return "null" if value is None else names.get(type(value), "number")


def _with_article(name: str) -> str:
    return name if name == "null" else f"{'an' if name[0] in 'aeio' else 'a'} {name}"
