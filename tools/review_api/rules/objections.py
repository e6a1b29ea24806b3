"""What a schema has against a value, in words: of examples and of defaults."""

from __future__ import annotations

import json
from typing import Any

from ...openapi.validation import Rejection
from ...openapi.values import in_words, listing, type_of
from ...report import quoted


def kind_of(rejection: Rejection) -> str:
    """The kind of mistake."""
    match rejection.keyword:
        case "required":
            return "an example lacks what is required"
        case "additionalProperties" | "unevaluatedProperties" | "falseSchema":
            return "an example has what is not allowed"
        case "type" if rejection.value is None:
            return "null where it is not allowed"
        case "type" if isinstance(rejection.value, str):
            return "a text where another type is expected"
        case "type":
            return "a value of another type"
        case "enum" | "const":
            return "a value that is not listed"
        case "format":
            return f"no {_text(rejection.argument)}"
        case "pattern":
            return "a text that does not match its pattern"
        case "oneOf" if rejection.argument:
            return "a value that several alternatives admit"
        case "anyOf" | "oneOf" | "not":
            return "a value that the alternatives do not admit"
    return "a value out of bounds"


def objection(rejection: Rejection) -> str:
    """What a keyword has against a value, as the end of a sentence."""
    value, argument = quoted(_text(rejection.value), 60), rejection.argument
    match rejection.keyword:
        case "type":
            kinds = in_words(listing(argument))
            if rejection.value is None:
                return f"is `null`, but the type is {kinds}"
            return f"is {value} of type `{type_of(rejection.value)}`, but the type is {kinds}"
        case "required":
            missing = names_of(argument)
            names = ", ".join(quoted(name, 40) for name in missing[:5])
            return f"lacks {names}, which {'is' if len(missing) == 1 else 'are'} required"
        case "enum":
            return f"is {value}, none of the {len(listing(argument))} values of the `enum`"
        case "const":
            return f"is {value}, not {quoted(_text(argument), 60)}"
        case "format":
            return f"is {value}, which is no {quoted(argument)}"
        case "pattern":
            return f"is {value}, which does not match {quoted(argument)}"
        case "additionalProperties" | "unevaluatedProperties":
            names = ", ".join(quoted(name, 40) for name in listing(argument)[:3])
            return f"has {names}, which the schema does not allow"
        case "anyOf" | "oneOf":
            which = (
                f"{argument} alternatives of `oneOf` at once"
                if argument
                else "none of the alternatives"
            )
            return f"is {value}, which satisfies {which}"
        case "uniqueItems":
            return "repeats an item, but items are unique"
        case "falseSchema" | "not":
            return f"is {value}, which the schema excludes"
    if argument is None:
        return f"is {value}, against `{rejection.keyword}`"
    return f"is {value}, against `{rejection.keyword}: {quoted(_text(argument), 40)[1:-1]}`"


def names_of(argument: Any) -> list[Any]:
    """The names that `required` misses: one, or those of several rejections together."""
    return argument if isinstance(argument, list) else [argument]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
