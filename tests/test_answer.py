"""What is answered is of the shape that is declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fragments import API_RULES, document
from pydantic import BaseModel, ValidationError

from backend_architect.server.answer import FindingData, GroupData, Place, ReviewAnswer, SummaryData
from backend_architect.server.render import MIN_TOKENS
from backend_architect.server.render.json import data
from backend_architect.server.render.page import page
from backend_architect.tools.openapi.document import Unreadable
from backend_architect.tools.policy import Policy
from backend_architect.tools.report import Report
from backend_architect.tools.review_api import review
from backend_architect.tools.source import Source

ORDERS = (Path(__file__).parents[1] / "examples/orders-api.yaml").read_text("utf-8")
RULES = [pytest.param(rule.bad, id=rule.id) for rule in API_RULES.values()]
DECLARED = jsonschema.Draft202012Validator(ReviewAnswer.model_json_schema(by_alias=True))
BUDGETS = [(detail, budget) for detail in ("concise", "full") for budget in (MIN_TOKENS, 4_000)]


def report(text: str) -> Report:
    def no_files(base: str, reference: str) -> Source:
        raise Unreadable("there are no other files here")

    return review(text, "api.yaml", no_files, Policy(profile="all"))


def nothing_undeclared(answer: Any, model: type[BaseModel]) -> None:
    """Each key is a field of its model, in every object of the answer."""
    assert set(answer) <= {field.alias or name for name, field in model.model_fields.items()}
    parts: list[tuple[Any, type[BaseModel]]] = []
    if model is ReviewAnswer:
        parts += [(answer["summary"], SummaryData)]
        parts += [(group, GroupData) for group in answer["groups"]]
        parts += [(finding, FindingData) for finding in answer["findings"]]
    elif model is FindingData:
        parts += [(place, Place) for place in [answer["location"], *answer.get("related", [])]]
    for part, of in parts:
        nothing_undeclared(part, of)


def check(answer: Any) -> None:
    plain = json.loads(json.dumps(answer))
    ReviewAnswer.model_validate(plain, strict=True)
    DECLARED.validate(plain)
    nothing_undeclared(plain, ReviewAnswer)


@pytest.mark.parametrize("bad", RULES)
def test_a_whole_report_is_as_declared(bad: str) -> None:
    check(data(report(document(bad))))


@pytest.mark.parametrize(("detail", "budget"), BUDGETS)
def test_every_page_of_a_report_is_as_declared(detail: str, budget: int) -> None:
    found = report(ORDERS)
    cursor = None
    while True:
        answer = page(found, budget, cursor, detail).data
        check(answer)
        cursor = answer["next_cursor"]
        if cursor is None:
            break


@pytest.mark.parametrize("detail", ["concise", "full"])
def test_a_page_of_an_empty_report_is_as_declared(detail: str) -> None:
    check(page(report(document("openapi: 3.1.1")), MIN_TOKENS, None, detail).data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("summary", "verdict"), "maybe"),
        (("summary", "counts"), {"error": "one"}),
        (("findings", 0, "severity"), "fatal"),
        (("findings", 0, "class"), "bug"),
        (("findings", 0, "location"), {"file": "a", "line": 1, "column": 1}),
        (("groups",), None),
    ],
)
def test_what_is_declared_is_strict(path: tuple[Any, ...], value: Any) -> None:
    answer = json.loads(json.dumps(data(report(ORDERS))))
    target = answer
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(ValidationError):
        ReviewAnswer.model_validate(answer)
