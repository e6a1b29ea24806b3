"""Whether a document is what its specification's official JSON Schema demands, and why not.

The whole document goes through the schema once (milliseconds on 13 MB). Only for what fails, the
validator's error tree is followed into the alternative that was meant, and said in words of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ..report import quoted
from ..source import Path
from .document import steps_of
from .kinds import Version, name_of

if TYPE_CHECKING:
    import jsonschema_rs

    from .document import Description

# The dates are those of the published iterations, see NOTICE.
_MODERN = ("schema-base", "schema", "dialect", "meta")

_SAME_DIALECT = ("https://spec.openapis.org/oas/", "https://json-schema.org/draft/2020-12/schema")
"""Schema Objects of these dialects are judged; others may be anything."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One demand of the schema that the document does not meet.

    `aspect` is "unknown" (a field), "missing" (a field), "type" or "value"; `names` are the fields
    or the values that would be right; `path` leads to the field at fault, or to the object that
    lacks it. A `vague` one counts where nothing definite is said of its object.
    """

    aspect: str
    path: Path
    message: str
    names: tuple[str, ...] = ()
    keyword: str = ""
    fix: str = ""
    vague: bool = False

    @property
    def object(self) -> Path:
        """The object that is said to be wrong, or to have a wrong field."""
        return self.path if self.keyword in _OF_OBJECTS else self.path[:-1]


_OF_OBJECTS = ("required", "exclusive")


MAX_ERRORS = 5_000  # that are explained; each costs up to a millisecond


def violations(description: Description) -> list[Violation]:
    """What the official schema of the description's version objects to, in its root document."""
    data = description.root.data
    dialect = data.get("jsonSchemaDialect", _SAME_DIALECT[0])
    validator = _validator(description.version, str(dialect).startswith(_SAME_DIALECT))
    try:
        errors = _errors(validator, data)
    except UnicodeEncodeError:  # an unpaired surrogate, which the validator cannot take
        data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
        errors = _errors(validator, data)
    explained = _Explainer(description, data)
    found = _decisive([v for error in errors[:MAX_ERRORS] for v in explained.error(error)])
    if len(errors) > MAX_ERRORS:
        left = f"{len(errors) - MAX_ERRORS:,} more errors of the official schema are not explained"
        found.append(Violation("value", (), f"{left}; mend the others first"))
    return found


def _errors(validator: Any, data: Any) -> list[Any]:
    return [] if validator.is_valid(data) else list(validator.iter_errors(data))


def preload() -> None:
    """Compile the schemas of all versions."""
    for version in Version:
        _validator(version, True)


@cache
def _validator(version: Version, with_schemas: bool) -> Any:
    import jsonschema_rs

    if not version.modern:
        # The validator takes the regular expressions of Rust; rules on patterns say what is wrong.
        schema, formats = _official(version, "schema"), {"regex": lambda _: True}
        return jsonschema_rs.Draft4Validator(schema, formats=formats)
    base, schema, *others = (_official(version, part) for part in _MODERN)
    # schema-base insists on one dialect; the specification lets a document name any.
    base = {**base, "$defs": {**base["$defs"], "dialect": True}}
    registry = jsonschema_rs.Registry([(part["$id"], part) for part in (base, schema, *others)])
    root = base if with_schemas else schema
    return jsonschema_rs.Draft202012Validator(root, registry=registry)


@cache
def _official(version: Version, part: str) -> dict[str, Any]:
    file = resources.files(__package__) / "official" / f"{version}-{part}.json"
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def _decisive(found: list[Violation]) -> list[Violation]:
    """Each fault once: without what only follows from something definite."""
    definite = [v for v in found if not v.vague]
    around = {v.path[:length] for v in definite for length in range(len(v.path) + 1)}
    wrong_type = {v.path for v in definite if v.aspect == "type"}
    misspelt = {(*v.object, name) for v in definite if v.aspect == "unknown" for name in v.names}
    replaced = {v.object for v in definite if v.keyword == "reference"}
    kept = [
        v
        for v in dict.fromkeys(found)
        if not (v.vague and v.object in around)
        and (v.aspect == "type" or v.path not in wrong_type)
        and not (v.aspect == "missing" and any((*v.path, name) in misspelt for name in v.names))
        and not (v.aspect == "missing" and v.path in replaced)
    ]
    first_of = {(v.aspect, v.path): v for v in reversed(kept)}
    return [v for v in kept if v.aspect != "type" or first_of[v.aspect, v.path] is v]


class _Explainer:
    def __init__(self, description: Description, data: Any) -> None:
        self.description, self.data = description, data
        parts = _MODERN if description.version.modern else ("schema",)
        schemas = [_official(description.version, part) for part in parts]
        self.schemas = {s.get("$id", s.get("id", "")).rstrip("#"): s for s in schemas}

    def error(self, error: jsonschema_rs.ValidationError) -> list[Violation]:
        """One error of the validator as violations, alternatives resolved to the one meant."""
        kind: Any = error.kind
        path = self.path(error)
        if kind.name in ("anyOf", "oneOf"):
            branches = [[v for e in branch for v in self.error(e)] for branch in kind.context]
            if not all(kind.context):
                return [self.exclusive(error, path)]
            return _meant(branches, path)
        found = list(self.plain(error, path))
        if "then" not in self.origin(error)[1]:
            return found
        # Without the field that tells the forms of an object apart, the conditions of all hold.
        return [
            replace(v, vague=not any(t in self.value(v.object) for t in _TELLING)) for v in found
        ]

    def plain(self, error: jsonschema_rs.ValidationError, path: Path) -> Iterator[Violation]:
        """An error without alternatives."""
        kind: Any = error.kind
        beside = self.beside(error)
        match kind.name:
            case "additionalProperties" | "unevaluatedProperties":
                schema, steps = self.origin(error)
                known = set(_fields(_under(schema, steps[:-1]), schema))
                for name in kind.unexpected:
                    yield self.unknown(path, name, known)
            case "falseSchema":
                if beside:
                    yield self.excluded(path[:-1], (*beside, str(path[-1])))
                else:
                    yield self.unknown(path[:-1], str(path[-1]), ())
            case "required":
                yield self.missing(path, (kind.property,))
            case "type":
                found = _with_article(_type_of(error.instance))
                message = f"{self.field(path)} must be {_listed('type', kind.types)}, not {found}"
                if isinstance(error.instance, dict) and "$ref" in error.instance:
                    message += "; it cannot be a reference"
                yield Violation("type", path, message, tuple(kind.types), "type")
            case "enum" | "const":
                options = kind.options if kind.name == "enum" else [kind.expected_value]
                yield self.not_allowed(path, error.instance, tuple(map(_shown, options)))
            case "not":
                required = kind.schema.get("required", ()) if isinstance(kind.schema, dict) else ()
                yield self.excluded(path, (*beside, *required))
            case "propertyNames":
                name = str(kind.error.instance)
                yield from self.plain(kind.error, (*path, name))
            case "minProperties" if self.object(path) == "Responses Object":
                yield self.excluded(path, ())
            case keyword:
                yield self.constraint(path, keyword, kind.value)

    def unknown(self, path: Path, name: str, known: Iterable[str]) -> Violation:
        """A field that the object does not have, or not beside its other fields."""
        what = self.object(path)
        if name in known:
            message = f"{quoted(name)} does not go with the other fields of the {what}"
            return Violation("unknown", (*path, name), message, keyword="unknown", vague=True)
        if name == "$ref":
            return self.no_reference(path)
        if what == "Schema Object" and (since := _since(name)) > self.description.version:
            message = f"{quoted(name)} is a field of the Schema Object from OpenAPI {since} on only"
            fix = f"Move to OpenAPI {since}, or say it with the fields there are"
            return Violation("unknown", (*path, name), message, (), "unknown", fix)
        if what == "Paths Object" and not name.startswith("/"):
            message = f"path {quoted(name)} does not start with `/`"
        elif what == "Responses Object":
            ranges = "" if self.description.version is Version.V20 else ", status range (`4XX`)"
            message = f"{quoted(name)} is no status code{ranges} or `default`"
        else:
            message = f"{quoted(name)} is no field of the {what}"
        near = _nearest(name, frozenset(known))
        fix = f"Write {quoted(near[0])}" if near else ""
        message += f"; did you mean {quoted(near[0])}?" if near else ""
        return Violation("unknown", (*path, name), message, near, "unknown", fix)

    def no_reference(self, path: Path) -> Violation:
        """A reference in place of an object that cannot be one."""
        node = self.description.node_at(self.value(path))
        what = name_of(node.expects) if node else self.object(path)
        message = f"the {what} cannot be a reference"
        fix = "Write the object itself; path items, parameters and responses can be references"
        return Violation("unknown", (*path, "$ref"), message, (), "reference", fix)

    def missing(self, path: Path, names: tuple[str, ...]) -> Violation:
        """A field that the object must have."""
        what = self.object(path)
        if what == "Responses Object":
            return self.excluded(path, ())
        listed = _listed("required", names)
        message = f"the {what} lacks {listed}"
        return Violation("missing", path, message, names, "required", f"Add {listed}")

    def not_allowed(self, path: Path, value: Any, options: tuple[str, ...]) -> Violation:
        """A value that is none of the few allowed."""
        listed = _listed("enum", options)
        if isinstance(value, list | dict):
            message = f"{self.field(path)} takes a single one of {listed}"
            return Violation("type", path, message, options, "enum")
        near = _nearest(str(value), frozenset(options))
        message = f"{self.field(path)} is {quoted(_shown(value))}; allowed: {listed}"
        fix = f"Write {quoted(near[0])}" if near else ""
        return Violation("value", path, message, options, "enum", fix)

    def excluded(self, path: Path, names: tuple[str, ...]) -> Violation:
        """A form that is ruled out: fields that exclude each other, or a value."""
        what = self.object(path) if isinstance(self.value(path), dict) else ""
        if what == "Responses Object":
            message = "the Responses Object lacks a response: a status code or `default`"
            return Violation("missing", path, message, (), "required", "Add a response", True)
        if len(names) > 1:
            both = " and ".join(quoted(name) for name in names)
            message = f"{both} exclude each other in the {what}"
        elif names:
            message = f"{quoted(names[0])} does not go with the other fields of the {what}"
        elif path[-1:] == ("parameters",):  # 3.2
            message = "parameters `in: query` and `in: querystring` exclude each other"
        else:
            message = f"{self.field(path)} is not allowed here"
        return Violation("value", path, message, names, "exclusive")

    def exclusive(self, error: jsonschema_rs.ValidationError, path: Path) -> Violation:
        """More than one of several alternatives holds."""
        names = [
            str(required[0])
            for branch in _under(*self.origin(error)) or ()
            if (required := branch.get("required"))
        ]
        if len(names) > 1:
            return self.excluded(path, tuple(names))
        message = f"the {self.object(path)} has more than one of several exclusive forms"
        return Violation("value", path, message, keyword="exclusive", vague=True)

    def constraint(self, path: Path, keyword: str, limit: Any) -> Violation:
        """A value that is too short, too small, of the wrong form."""
        if path == ("openapi",):
            demand = f"must name the full version, such as `{self.description.version}.0`"
        else:
            other = f"does not meet `{keyword}` of the official schema"
            demand = _CONSTRAINTS.get(f"{keyword} {limit}") or _CONSTRAINTS.get(keyword, other)
        message = f"{self.field(path)} {demand.format(limit)}"
        return Violation("value", path, message, keyword=keyword)

    # Names

    def path(self, error: jsonschema_rs.ValidationError) -> Path:
        """The error's place: the validator gives `200` and `007` as numbers, and no empty keys."""
        found = list(_places(self.data, list(error.instance_path)))
        if len(found) > 1:
            found = [each for each in found if each[1] == error.instance] or found
        return found[0][0]

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
        value = self.data
        for step in path:
            value = value[step]
        return value

    # The official schema

    def beside(self, error: jsonschema_rs.ValidationError) -> tuple[str, ...]:
        """The field whose presence brings the demand about, if one does."""
        _, steps = self.origin(error)
        if "dependentSchemas" not in steps:
            return ()
        return (steps[steps.index("dependentSchemas") + 1],)

    def origin(self, error: jsonschema_rs.ValidationError) -> tuple[Any, list[str]]:
        """The official schema that an error comes from, and the steps to the keyword."""
        base, _, fragment = (error.absolute_keyword_location or "").partition("#")
        return self.schemas.get(base), steps_of(fragment)


def _places(value: Any, steps: list[str | int]) -> Iterator[tuple[Path, Any]]:
    """Where the validator's steps may lead in the data, and what is there."""
    onward: list[tuple[str | int, list[str | int]]] = []
    if not steps:
        yield (), value
    elif isinstance(value, list) and isinstance(steps[0], int) and steps[0] < len(value):
        onward = [(steps[0], steps[1:])]
    elif isinstance(value, dict):
        step = steps[0]
        keys = [key for key in value if _number(key) == step] if isinstance(step, int) else [step]
        onward = [(key, steps[1:]) for key in keys if key in value]
    if isinstance(value, dict) and "" in value:
        onward.append(("", steps))
    for key, left in onward:
        for path, found in _places(value[key], left):
            yield (key, *path), found


def _number(key: str) -> int | None:
    digits = key.removeprefix("+")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


# Fields of the Schema Object that came later: all of JSON Schema 2020-12 with 3.1.
_SINCE_30 = {"anyOf", "oneOf", "not", "nullable", "writeOnly", "deprecated"}
_SINCE_31 = {
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$schema", "const",
    "contains", "contentEncoding", "contentMediaType", "contentSchema", "dependentRequired",
    "dependentSchemas", "else", "examples", "if", "maxContains", "minContains",
    "patternProperties", "prefixItems", "propertyNames", "then", "unevaluatedItems",
    "unevaluatedProperties",
}  # fmt: skip


def _since(keyword: str) -> Version:
    if keyword in _SINCE_31:
        return Version.V31
    return Version.V30 if keyword in _SINCE_30 else Version.V20


def _under(schema: Any, steps: Iterable[str]) -> Any:
    """The part of an official schema under these steps; None if there is none."""
    for step in steps:
        try:
            schema = schema[int(step)] if isinstance(schema, list) else schema[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return schema


def _fields(schema: Any, root: Any) -> Iterator[str]:
    """The fields that a part of an official schema, and all that it combines, knows."""
    if not isinstance(schema, dict):
        return
    yield from schema.get("properties", ())
    parts = [schema.get(key) for key in ("if", "then", "else")]
    for key in ("allOf", "anyOf", "oneOf"):
        parts += schema.get(key, ())
    parts += schema.get("dependentSchemas", {}).values()
    if "$ref" in schema:
        parts.append(_under(root, steps_of(schema["$ref"].partition("#")[2])))
    for part in parts:
        yield from _fields(part, root)


_TELLING = ("in", "type", "flow")
"""The fields that tell the forms of an object apart."""


def _meant(branches: list[list[Violation]], path: Path) -> list[Violation]:
    """The alternative that was most likely meant, or what tells the alternatives apart."""
    meant = [b for b in branches if all(v.names != ("$ref",) for v in b)] or branches
    for name in _TELLING:
        said = [[v.keyword for v in b if v.path == (*path, name)] for b in meant]
        if all(keywords in ([], ["enum"]) for keywords in said):  # each has the field
            meant = [b for b, keywords in zip(meant, said, strict=True) if not keywords] or meant
    if len(meant) == 1:
        return meant[0]
    for first in meant[0]:
        same = [next((v for v in b if _alike(first, v)), None) for b in meant]
        if _tells_apart(first, path) and all(same):
            return [_widened([v for v in same if v is not None])]
    distances = [_distance(branch, path) for branch in meant]
    nearest = [b for b, d in zip(meant, distances, strict=True) if d == min(distances)]
    if len(nearest) > 1 and all(len(b) == 1 and b[0].keyword == "required" for b in nearest):
        return [_widened([b[0] for b in nearest])]
    return nearest[0]


def _tells_apart(violation: Violation, path: Path) -> bool:
    """Whether nothing more can be said of an object, as it may be any of its forms."""
    if violation.path == path:
        return violation.keyword == "type" or violation.names in {(name,) for name in _TELLING}
    return violation.keyword == "enum" and violation.path in {(*path, name) for name in _TELLING}


def _alike(one: Violation, other: Violation) -> bool:
    names = one.names == other.names or one.keyword != "required"
    return names and (one.path, one.keyword) == (other.path, other.keyword)


@lru_cache(1_000)
def _nearest(name: str, known: frozenset[str]) -> tuple[str, ...]:
    """The one most like a name that is not known, if any is; the same fault comes in thousands."""
    return tuple(get_close_matches(name[:100], sorted(known), n=1, cutoff=0.7))


def _widened(same: list[Violation]) -> Violation:
    """One violation with all that each of several would accept."""
    first = same[0]
    names = tuple(dict.fromkeys(name for v in same for name in v.names))
    one, all_ = _listed(first.keyword, first.names), _listed(first.keyword, names)
    fix = next((v.fix for v in same if v.fix), "")
    return replace(
        first, message=first.message.replace(one, all_, 1), names=names, fix=fix.replace(one, all_)
    )


def _listed(keyword: str, names: Iterable[str]) -> str:
    if keyword == "enum":
        return ", ".join(names)
    return " or ".join(map(quoted if keyword == "required" else _with_article, names))


def _distance(branch: list[Violation], path: Path) -> int:
    """How far a document is from an alternative: another kind of object is farther than a typo."""
    distance = 0
    for violation in branch:
        if violation.aspect == "type" and violation.path == path:
            distance += 30
        elif violation.path == (*path, "$ref") and violation.aspect == "unknown":
            distance += 10
        elif not violation.vague:
            distance += 2 if violation.aspect == "missing" else 1
    return distance


_CONSTRAINTS = {
    "format": "is no valid {}",
    "minItems": "needs at least {} items",
    "minItems 1": "must not be empty",
    "maxItems": "may have at most {} items",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be above {}",
    "minLength": "must not be shorter than {}",
    "minProperties": "needs at least {} fields",
    "minProperties 1": "must not be empty",
    "maxProperties": "may have at most {} fields",
    "maxProperties 1": "may have only one field",
    "uniqueItems": "has the same item twice",
    "contains": "may have only one with `in: querystring`",  # the one use of it, in 3.2
    "format uri": "is no absolute URL",
    "format uri-reference": "is no valid URL",
    "format email": "is no e-mail address",
    "pattern ^/": "must start with `/`",
    r"pattern ^[^{}/ :\\]+(?::\d+)?$": "must be a host, with a port if need be: no scheme, no path",
    "pattern ^[Bb][Ee][Aa][Rr][Ee][Rr]$": "must be `bearer` where there is a `bearerFormat`",
    "pattern ^[^{}]+$": "must not contain braces",
    "pattern ^[^#]*$": "must not have a fragment (`#`)",
    "pattern ^[^#]*#?$": "must not have a fragment (`#`)",
    "pattern ^[A-Za-z_][-A-Za-z0-9._]*$": "must be a letter or `_`, then letters, digits, `-._`",
    "pattern ^[a-zA-Z0-9._-]+$": "is no name: only letters, digits and `._-` are allowed",
    "pattern ^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$": "is no HTTP method",
    "pattern": "does not match the form {}",
}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)[:80]


def _type_of(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
    return "null" if value is None else names.get(type(value), "number")


def _with_article(name: str) -> str:
    return name if name == "null" else f"{'an' if name[0] in 'aeio' else 'a'} {name}"
