"""Rules on what a new schema does to operations: what each means, and the gentler way."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

from ....graphql.changes import Change, Effect
from ....report import Confidence, FindingClass, Severity
from ....rule import Hit, Rule
from .validity import SPEC


def _of_two_schemas(subject: Any, context: Any) -> Iterator[Hit]:
    """Changes are judged by their kind, two schemas at once."""
    yield from ()


def _rule(
    id: str, severity: Severity, title: str, rationale: str, fix: str, bad: str, good: str
) -> Rule:
    class_ = FindingClass.DEFECT if severity is Severity.ERROR else FindingClass.RISK
    return Rule(
        id,
        severity,
        class_,
        Confidence.HIGH,
        "change",
        title,
        rationale,
        fix,
        (f"{SPEC}#sec-Validation", "https://graphql.org/learn/schema-design/#versioning"),
        inspect.cleandoc(bad) + "\n",
        inspect.cleandoc(good) + "\n",
        False,
        _of_two_schemas,
    )


BREAKING: Final = _rule(
    "graphql/change-breaking",
    Severity.ERROR,
    "Operations that were valid are no longer, or get what they do not expect",
    "Servers refuse a whole operation for one field or argument that they do not know; clients in"
    " the field keep sending it until they are updated.",
    "Keep it beside the new one, mark it `@deprecated`, and remove it when nobody asks for it",
    "# before\ntype Query { pet: Pet, pets: [Pet!] }\n# after\ntype Query { pets: [Pet!] }",
    "# before\ntype Query { pet: Pet, pets: [Pet!] }\n# after\ntype Query {\n"
    '  pet: Pet @deprecated(reason: "Use `pets`")\n  pets: [Pet!]\n}',
)
DANGEROUS: Final = _rule(
    "graphql/change-dangerous",
    Severity.WARNING,
    "Operations stay valid, and clients may meet what they do not expect",
    "A new value of an enum or member of a union reaches code without a branch for it; another"
    " default changes what a call does that never named the argument.",
    "Tell clients beforehand, and let them handle unknown values",
    "# before\nenum Kind { CAT }\n# after\nenum Kind { CAT, DOG }",
    "# before\nenum Kind { CAT }\n# after\nenum Kind { CAT }",
)
DEPRECATED: Final = _rule(
    "graphql/change-deprecated",
    Severity.INFO,
    "A part is on its way out",
    "Clients can move while both work.",
    "Say in the reason what to use, and until when it stays",
    "# before\ntype Query { pet: Pet }\n# after\ntype Query { pet: Pet @deprecated }",
    "# before\ntype Query { pet: Pet }\n# after\n"
    'type Query { pet: Pet @deprecated(reason: "Use `pets` until 2027-06-30") }',
)
ADDED: Final = _rule(
    "graphql/change-added",
    Severity.INFO,
    "A part is new",
    "Operations name what they want: what is new reaches nobody who does not ask.",
    "Describe it",
    "# before\ntype Query { pet: Pet }\n# after\ntype Query { pet: Pet, vets: [Vet!] }",
    '# before\ntype Query { pet: Pet }\n# after\ntype Query { pet: Pet, "Who heals" vets: [Vet!] }',
)
OTHER: Final = _rule(
    "graphql/change-compatible",
    Severity.INFO,
    "Something changed that breaks nothing",
    "Descriptions, directives, and types that promise more or ask for less.",
    "Tell those who read the changelog",
    "# before\ntype Query { count: Int }\n# after\ntype Query { count: Int! }",
    "# before\ntype Query { count: Int! }\n# after\ntype Query { count: Int! }",
)
RULES: Final = (BREAKING, DANGEROUS, DEPRECATED, ADDED, OTHER)

_WAYS: Final = {
    "required argument added": "Make it optional, or give it a default",
    "required input field added": "Make it optional, or give it a default",
    "required directive argument added": "Make it optional, or give it a default",
    "field type changed": "Add a field with the new type, and deprecate this one",
    "argument type changed": "Add an argument with the new type, and deprecate this one",
    "input field type changed": "Add a field with the new type, and deprecate this one",
    "enum value added": "Tell clients to expect values that they do not know",
    "union member added": "Tell clients to expect members that they do not know",
}


def rule_of(change: Change) -> Rule:
    """The rule that a change belongs to."""
    if change.effect is not Effect.COMPATIBLE:
        return BREAKING if change.effect is Effect.BREAKING else DANGEROUS
    if "deprecat" in change.kind:
        return DEPRECATED
    return ADDED if change.kind.endswith("added") else OTHER


def way_of(change: Change) -> str:
    """The way that breaks less; empty for that of the rule."""
    return _WAYS.get(change.kind, "")
