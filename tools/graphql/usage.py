"""What operations of clients use of a schema, by schema coordinate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..source import SourceError, error_at
from .model import Schema
from .reading import MAX_TOKENS, check_depth

UNNAMED: Final = "an operation without name"


def used(schema: Schema, texts: Mapping[str, str]) -> dict[str, set[str]]:
    """By coordinate (`Pet.name`, `Query.pet(id:)`, `Kind.CAT`, `PetInput.age`, `Pet`), the names
    of the operations and fragments that use it.

    Raises `SourceError` for text that is no GraphQL.
    """
    from graphql import (
        GraphQLError,
        GraphQLSyntaxError,
        Source,
        TypeInfo,
        TypeInfoVisitor,
        build_ast_schema,
        concat_ast,
        parse,
        visit,
    )

    built = build_ast_schema(concat_ast(schema.asts), assume_valid_sdl=True)
    found: dict[str, set[str]] = {}
    for name, text in sorted(texts.items()):
        check_depth(name, text)
        try:
            document = parse(Source(text, name), max_tokens=MAX_TOKENS)
            info = TypeInfo(built)
            visit(document, TypeInfoVisitor(info, _visitor(info, found)))
        except GraphQLSyntaxError as error:
            at = next(iter(error.positions or ()), 0)
            raise error_at(text, name, at, "malformed GraphQL; operations are expected") from None
        except (GraphQLError, RecursionError):
            raise SourceError(name, "these operations cannot be read") from None
    return found


def _visitor(info: Any, found: dict[str, set[str]]) -> Any:
    from graphql import Visitor, get_named_type

    class Uses(Visitor):
        """Takes down what is used under the operation or fragment that is being read."""

        name = UNNAMED

        def use(self, coordinate: str) -> None:
            found.setdefault(coordinate, set()).add(self.name)

        def enter_operation_definition(self, node: Any, *_: Any) -> None:
            self.name = node.name.value if node.name else UNNAMED

        def enter_fragment_definition(self, node: Any, *_: Any) -> None:
            self.name = f"fragment {node.name.value}"
            self.use(node.type_condition.name.value)

        def enter_inline_fragment(self, node: Any, *_: Any) -> None:
            if node.type_condition:
                self.use(node.type_condition.name.value)

        def enter_named_type(self, node: Any, *_: Any) -> None:
            self.use(node.name.value)

        def enter_field(self, node: Any, *_: Any) -> None:
            owner = info.get_parent_type()
            definition = info.get_field_def()
            if owner is None:
                return
            self.use(owner.name)
            self.use(f"{owner.name}.{node.name.value}")
            if definition is not None:
                self.use(get_named_type(definition.type).name)
            for argument in node.arguments or ():
                self.use(f"{owner.name}.{node.name.value}({argument.name.value}:)")

        def enter_object_field(self, node: Any, *_: Any) -> None:
            owner = get_named_type(info.get_parent_input_type())
            if owner is not None:
                self.use(f"{owner.name}.{node.name.value}")

        def enter_enum_value(self, node: Any, *_: Any) -> None:
            owner = get_named_type(info.get_input_type())
            if owner is not None:
                self.use(f"{owner.name}.{node.value}")

        def enter_directive(self, node: Any, *_: Any) -> None:
            self.use(f"@{node.name.value}")

    return Uses()
