"""Whether a value satisfies a schema, in the direction it travels, and what rejects it if not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from .document import Node
from .translation import FORMATS, Direction, Translation
from .values import listing, type_of

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

    from .api import Api

Asked = tuple[Node, Any, Direction]
"""A schema, a value, and which way the value travels."""

MAX_ERRORS: Final = 20  # of one value
_SIZE: Final = 1 << 20  # bytes that a compiled pattern may take


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a schema has against a value.

    `path` leads to the part that is rejected, `keyword` of `schema` rejects it; `argument` is what
    the keyword says (of `required` the missing name, of `additionalProperties` the surplus names,
    of `anyOf` and `oneOf` how many alternatives admit the value);
    `beside` is what stands beside the keyword, as JSON Schema.
    """

    path: tuple[str | int, ...]
    keyword: str
    argument: Any
    value: Any
    schema: Node | None
    beside: Mapping[str, Any]


class Validation:
    """The compiled schemas of one API. No verdict (None) where a schema cannot be compiled."""

    def __init__(self, api: Api) -> None:
        self._one_way = api.units_reaching(api.having("readOnly", "writeOnly"))
        self._translations = {each: Translation(api, each, is_usable) for each in Direction}
        self._compiled: dict[tuple[str, Direction], tuple[Any, int]] = {}

    def schema(self, schema: Node, direction: Direction) -> dict[str, Any]:
        """A schema as a whole JSON Schema document of 2020-12."""
        translation = self._translations[self._way(schema, direction)]
        name = translation.name(schema)
        return translation.root([name], {"$ref": f"#/$defs/{name}"})

    def admits(self, schema: Node, value: Any, direction: Direction) -> bool | None:
        """Whether the schema admits the value; None: no verdict."""
        validator, position = self._validator(schema, self._way(schema, direction))
        try:
            return None if validator is None else bool(validator.is_valid(_at(position, value)))
        except (ValueError, OverflowError):  # what JSON cannot say: an unpaired surrogate, infinity
            return None

    def rejections(self, schema: Node, value: Any, direction: Direction) -> list[Rejection]:
        """What the schema has against a value, of alternatives what the nearest one has."""
        if self.admits(schema, value, direction) is not False:
            return []
        way = self._way(schema, direction)
        validator, position = self._validator(schema, way)
        try:
            errors = list(islice(validator.iter_errors(_at(position, value)), MAX_ERRORS))
        except (ValueError, OverflowError):  # of a part that the verdict did not need
            return []
        return _rejections(errors, self._translations[way])

    def all_rejections(self, asked: Sequence[Asked]) -> list[list[Rejection]]:
        """The rejections of many values: what their schemas share is compiled once."""
        found: list[list[Rejection]] = [[] for _ in asked]
        ways: dict[Direction, list[int]] = {}
        for number, (schema, value, direction) in enumerate(asked):
            if _is_plainly_admitted(value, schema.value):
                continue
            ways.setdefault(self._way(schema, direction), []).append(number)
        for way, numbers in ways.items():
            batch = self._batch([asked[number] for number in numbers], way)
            for number, rejections in zip(numbers, batch, strict=True):
                found[number] = rejections
        return found

    def _batch(self, asked: list[Asked], way: Direction) -> list[list[Rejection]]:
        """The rejections in one direction, by one validator of the list of all values."""
        translation = self._translations[way]
        of_schema: dict[str, list[int]] = {}
        for number, (schema, _, _) in enumerate(asked):
            of_schema.setdefault(translation.name(schema), []).append(number)
        validator = self._compile(list(of_schema), way)
        numbers = list(of_schema.values())
        found: list[list[ValidationError]] = [[] for _ in asked]
        try:
            if validator is None:
                raise ValueError
            values = [[asked[number][1] for number in of_one] for of_one in numbers]
            for error in validator.iter_errors(values):
                schema_number, value_number = map(int, error.instance_path[:2])
                errors = found[numbers[schema_number][value_number]]
                if len(errors) < MAX_ERRORS:
                    errors.append(error)
        except (ValueError, OverflowError):  # of one of them; the others have their verdicts
            return [self.rejections(*each) for each in asked]
        return [_rejections(errors, translation) for errors in found]

    def _way(self, schema: Node, direction: Direction) -> Direction:
        """The direction that decides: where nothing is read- or write-only, they are all one."""
        return direction if schema.unit in self._one_way else Direction.BOTH

    def _validator(self, schema: Node, way: Direction) -> tuple[Any, int]:
        """A validator of lists, and where in its list the values of the schema stand."""
        name = self._translations[way].name(schema)
        if (name, way) not in self._compiled:
            self._compiled[name, way] = self._compile([name], way), 0
        return self._compiled[name, way]

    def _compile(self, names: list[str], way: Direction) -> Any:
        """One validator for the values of several schemas: a list of them for each."""
        lists = [{"items": {"$ref": f"#/$defs/{name}"}} for name in names]
        validator = _compiled(self._translations[way].root(names, {"prefixItems": lists}))
        if validator is not None:
            self._compiled |= {(name, way): (validator, at) for at, name in enumerate(names)}
        return validator


def _at(position: int, value: Any) -> list[Any]:
    return [*([[]] * position), [value]]


def _is_plainly_admitted(value: Any, schema: Any) -> bool:
    """Whether a schema says no more than a type, and the value is of it: most are such."""
    if not isinstance(schema, dict) or not schema.keys() <= _SAYING_LITTLE:
        return False
    kind, named = type_of(value), schema.get("format")
    if kind != schema.get("type"):
        return value is None and schema.get("nullable") is True and "enum" not in schema
    if "enum" in schema and not (kind == "string" and value in listing(schema["enum"])):
        return False
    return named is None or (kind == "string" and isinstance(named, str) and named not in FORMATS)


_SAYING_LITTLE: Final = frozenset(
    (
        *("type", "title", "description", "example", "examples", "default", "deprecated", "enum"),
        *("format", "nullable", "readOnly", "writeOnly", "externalDocs", "xml"),
    )
)


def _compiled(schema: dict[str, Any]) -> Any:
    """The validator of a schema; None if it cannot be compiled."""
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            pattern_options=jsonschema_rs.RegexOptions(_SIZE, _SIZE),
        )
    except (ValueError, OverflowError, jsonschema_rs.ReferencingError):
        return None


@cache
def is_usable(pattern: str) -> bool:
    """Whether the validator can take a regular expression, in time linear in a value's length.

    It means the same there as in ECMA-262: without `$` before a line's end, `\\d` of ASCII only.
    """
    import jsonschema_rs

    if len(pattern) > 2_000 or _ELSEWHERE.search(pattern):
        return False
    options = jsonschema_rs.RegexOptions(_SIZE, _SIZE)
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)
    except (ValueError, jsonschema_rs.ReferencingError):
        return False
    return True


_ELSEWHERE: Final = re.compile(r"\[[^\]]*(\[|&&|--|~~)|\(\?[a-zA-Z-]+[:)]|\\[AzZbBQG]")
"""What Rust's engine reads otherwise than ECMA-262, or may: nested classes, flags, anchors."""


_SEVERAL: Final = ("anyOf", "oneOf")


def _nearest(error: ValidationError, depth: int) -> list[ValidationError]:
    """The error itself; of alternatives, the errors of the one that the value seems meant for."""
    branches = getattr(error.kind, "context", None) if depth < 20 else None
    if not branches or error.kind.name not in _SEVERAL or not all(branches):
        return [error]  # of a branch that has nothing against the value, too: `oneOf` has several
    start = len(error.instance_path)
    meant = [b for b in branches if not any(_is_of_another_kind(e, start) for e in b)]
    if len(meant) != 1:
        return [error]
    return [each for inner in meant[0] for each in _nearest(inner, depth + 1)]


def _is_of_another_kind(error: ValidationError, start: int) -> bool:
    """Whether a branch is about another kind of value: wrong type of it, or of its tag."""
    depth = len(error.instance_path) - start
    return (depth == 0 and error.kind.name == "type") or (
        depth <= 1 and error.kind.name in ("enum", "const")
    )


def _rejections(errors: Iterable[ValidationError], translation: Translation) -> list[Rejection]:
    """Errors in our words, of each part of a value what says most."""
    found = [_rejection(e, translation) for error in errors for e in _nearest(error, 0)]
    # What is unevaluated only follows, where a schema beside it has something against the value.
    sure = [each for each in found if not each.keyword.startswith("unevaluated")] or found
    return list({(each.path, each.keyword, str(each.argument)): each for each in sure}.values())


def _argument(kind: Any) -> Any:
    if kind.name in _SEVERAL:
        return sum(not branch for branch in kind.context)
    return next(iter(kind.as_dict().values()), None)


def _rejection(error: ValidationError, translation: Translation) -> Rejection:
    kind, location = error.kind, str(error.absolute_keyword_location or "")
    return Rejection(
        tuple(error.instance_path[2:]),
        kind.name,
        _argument(kind),
        error.instance,
        translation.node(location),
        translation.beside(location),
    )
