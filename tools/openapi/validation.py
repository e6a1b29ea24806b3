"""Whether a value satisfies a schema, in the direction it travels, and what rejects it if not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from .document import Node
from .translation import Direction, Translation
from .values import type_of

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
    the keyword says (of `required` the missing name, of `additionalProperties` the surplus names);
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
        self._compiled: dict[tuple[int, Direction], Any] = {}
        self._batches: list[Any] = []  # kept, as taking them apart costs as much as compiling

    def schema(self, schema: Node, direction: Direction) -> dict[str, Any]:
        """A schema as a whole JSON Schema document of 2020-12."""
        translation = self._translations[self._way(schema, direction)]
        name = translation.name(schema)
        return translation.root([name], {"$ref": f"#/$defs/{name}"})

    def admits(self, schema: Node, value: Any, direction: Direction) -> bool | None:
        """Whether the schema admits the value; None: no verdict."""
        validator = self._validator(schema, self._way(schema, direction))
        try:
            return None if validator is None else bool(validator.is_valid(value))
        except (ValueError, OverflowError):  # what JSON cannot say: an unpaired surrogate, infinity
            return None

    def rejections(self, schema: Node, value: Any, direction: Direction) -> list[Rejection]:
        """What the schema has against a value, of alternatives what the nearest one has."""
        if self.admits(schema, value, direction) is not False:
            return []
        way = self._way(schema, direction)
        errors = islice(self._validator(schema, way).iter_errors(value), MAX_ERRORS)
        return _rejections(errors, 0, self._translations[way])

    def all_rejections(self, asked: Sequence[Asked]) -> list[list[Rejection]]:
        """The rejections of many values: what their schemas share is compiled once."""
        found: list[list[Rejection]] = [[] for _ in asked]
        ways: dict[Direction, list[int]] = {}
        for number, (schema, value, direction) in enumerate(asked):
            if _is_of_its_type(value, schema.value):
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
        lists = [{"items": {"$ref": f"#/$defs/{name}"}} for name in of_schema]
        validator = _compiled(translation.root(list(of_schema), {"prefixItems": lists}))
        self._batches.append(validator)
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
        return [_rejections(errors, 2, translation) for errors in found]

    def _way(self, schema: Node, direction: Direction) -> Direction:
        """The direction that decides: where nothing is read- or write-only, they are all one."""
        return direction if schema.unit in self._one_way else Direction.BOTH

    def _validator(self, schema: Node, way: Direction) -> Any:
        key = (id(schema), way)
        if key not in self._compiled:
            self._compiled[key] = _compiled(self.schema(schema, way))
        return self._compiled[key]


def _is_of_its_type(value: Any, schema: Any) -> bool:
    """Whether a schema says nothing but a type, and the value is of it: most are such."""
    return (
        isinstance(schema, dict)
        and type_of(value) == schema.get("type")
        and schema.keys() <= _SAYING_NOTHING
    )


_SAYING_NOTHING: Final = frozenset(
    (
        *("type", "title", "description", "example", "examples", "default", "deprecated"),
        *("nullable", "readOnly", "writeOnly", "externalDocs", "xml"),
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
    if not branches or error.kind.name not in _SEVERAL:
        return [error]
    start = len(error.instance_path)
    candidates = [branch for branch in branches if branch]
    meant = [b for b in candidates if not any(_is_of_another_kind(e, start) for e in b)]
    if len(meant) != 1:
        return [error]
    return [each for inner in meant[0] for each in _nearest(inner, depth + 1)]


def _is_of_another_kind(error: ValidationError, start: int) -> bool:
    """Whether a branch is about another kind of value: wrong type of it, or of its tag."""
    depth = len(error.instance_path) - start
    return (depth == 0 and error.kind.name == "type") or (
        depth <= 1 and error.kind.name in ("enum", "const")
    )


def _rejections(
    errors: Iterable[ValidationError], inside: int, translation: Translation
) -> list[Rejection]:
    """Errors in our words, each once; of their paths without the first `inside` steps."""
    found = [_rejection(e, inside, translation) for error in errors for e in _nearest(error, 0)]
    # What is unevaluated only follows, where a schema beside it has something against the value.
    sure = [each for each in found if not each.keyword.startswith("unevaluated")] or found
    return list({(each.path, each.keyword, str(each.argument)): each for each in sure}.values())


def _rejection(error: ValidationError, inside: int, translation: Translation) -> Rejection:
    kind, location = error.kind, str(error.absolute_keyword_location or "")
    return Rejection(
        tuple(error.instance_path[inside:]),
        kind.name,
        None if kind.name in _SEVERAL else next(iter(kind.as_dict().values()), None),
        error.instance,
        translation.node(location),
        translation.beside(location),
    )
