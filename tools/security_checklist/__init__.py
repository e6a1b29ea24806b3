"""A security checklist whose statuses rest on facts: artefacts in, rows with evidence out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..ddl.model import Dialect
from ..openapi.api import Api
from ..openapi.document import Reader, describe
from ..source import Source
from .checklist import Checklist, Shown, counts, excluded, places_of, question
from .conflicts import conflicts
from .controls import CONTROLS
from .diagrams import diagrams
from .domain.reading import read as read_system
from .evaluate import Evaluation, evaluate
from .extract.api import api_facts
from .extract.authorization import Rule, owner_facts, rule_facts, rule_of
from .extract.authorization import read as read_authorization
from .extract.graphql import Sdl, is_sdl
from .extract.graphql import read as read_sdl
from .extract.system import answer_fact, system_facts
from .facts import Artefact, Basis, Fact, Facts, Kind
from .inventory import Inventory
from .matrix import Matrix, matrix
from .negative import Case, cases, http_file, pytest_file
from .places import locations
from .questions import questions
from .requests import Request, Requests
from .threats import threats

TOOL = "security_checklist"
Text = tuple[str, str | bytes]
"""A document: its name and its content."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the checklist is made from; everything is optional."""

    api: Text | None = None
    schema: Mapping[str, str] = field(default_factory=dict)  # SQL by file
    dialect: Dialect | None = None
    system: Text | None = None
    authorization: Text | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    export: bool = False  # whether tests and diagrams are made as files


class Gathered:
    """The facts of all inputs, and the texts they come from."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.artefacts: list[Artefact] = []
        self.sources: dict[str, Source] = {}
        self.texts: dict[str, str] = {}
        self.api: Api | None = None
        self.stack: tuple[str, ...] = ()
        self.notes: list[str] = []
        self.roles: tuple[str, ...] = ()
        self.requests: Mapping[str, Request] = {}


def check(
    inputs: Inputs, read: Reader, progress: Callable[[str], object] = lambda stage: None
) -> Checklist:
    """The checklist of the inputs; `read` gives the files that references of the API name.

    Raises `SourceError`, `NotOpenApi`, `BadSystem`, and of the schema `ScriptError` and
    `UnknownDialect`.
    """
    progress("reading")
    gathered = gather(inputs, read)
    progress("deciding")
    facts = Facts(gathered.facts, gathered.artefacts)
    evaluation = evaluate(CONTROLS, facts)
    progress("locating evidence")
    return _shown(gathered, facts, evaluation, inputs.export)


def gather(inputs: Inputs, read: Reader) -> Gathered:
    """All facts. Raises as `check` does."""
    gathered = Gathered()
    if inputs.api is not None:
        _add_api(gathered, inputs.api, read)
    if inputs.system is not None:
        _add_system(gathered, inputs.system)
    if inputs.schema:
        _add_schema(gathered, inputs)
    _add_rules(gathered, inputs)
    gathered.facts += _answers(inputs.answers)
    return gathered


def _add_api(gathered: Gathered, given: Text, read: Reader) -> None:
    name, content = given
    if is_sdl(name, content):
        _add_sdl(gathered, read_sdl(name, content, read), name)
        return
    gathered.api = Api(describe(content, name, read))
    gathered.artefacts.append(Artefact.API)
    found, notes = api_facts(gathered.api)
    gathered.facts += found
    gathered.notes += notes
    gathered.sources |= gathered.api.description.sources


def _add_sdl(gathered: Gathered, sdl: Sdl, name: str) -> None:
    gathered.artefacts.append(Artefact.GRAPHQL)
    gathered.facts += sdl.facts
    gathered.notes += sdl.notes
    gathered.texts[name] = sdl.text
    gathered.requests = sdl.requests


def _add_system(gathered: Gathered, given: Text) -> None:
    name, content = given
    system, source = read_system(content, name)
    gathered.artefacts.append(Artefact.SYSTEM)
    gathered.facts += system_facts(system, source.name)
    gathered.sources[source.name] = source
    if system.stack:
        told = system.stack
        gathered.stack = (*told.frameworks, *told.languages, *told.datastores, *told.proxies)


def _add_schema(gathered: Gathered, inputs: Inputs) -> None:
    from ..ddl.load import load
    from .extract.schema import schema_facts

    loaded = load(inputs.schema, inputs.dialect)
    said = next((f for f in gathered.facts if f.subject == "tenancy.key"), None)
    gathered.artefacts.append(Artefact.SCHEMA)
    gathered.facts += schema_facts(loaded, said.value if said else "")
    gathered.texts |= loaded.texts
    gathered.notes += loaded.notes
    gathered.stack = (*gathered.stack, str(loaded.schema.dialect))


def _add_rules(gathered: Gathered, inputs: Inputs) -> None:
    """Rules of the authorisation model, else those of the description's roles."""
    rules: list[Rule] = []
    if inputs.authorization is not None:
        model = read_authorization(*inputs.authorization)
        gathered.artefacts.append(Artefact.AUTHORIZATION)
        gathered.facts += owner_facts(model)
        gathered.notes += model.notes
        gathered.roles, rules = tuple(model.roles), model.rules
        gathered.texts[inputs.authorization[0]] = model.text
    else:
        told = [fact for fact in gathered.facts if fact.kind is Kind.ROLE and fact.value.may]
        rules = [rule_of(f.subject, text, f.at) for f in told for text in f.value.may]
        gathered.roles = tuple(fact.subject for fact in told)
    calls = [(f, f.value) for f in gathered.facts if f.kind is Kind.OPERATION]
    gathered.facts += list(rule_facts(rules, calls))


def _answers(answers: Mapping[str, str]) -> Iterator[Fact]:
    for id, answer in answers.items():
        yield answer_fact(id, answer, None)
        if id == "exposure":
            yield Fact(Kind.SAID, id, answer, Basis.DECLARED, None, f"answered: {answer}")


def _shown(gathered: Gathered, facts: Facts, evaluation: Evaluation, export: bool) -> Checklist:
    inventory = Inventory(facts)
    wanted = places_of(evaluation.rows).union(inventory.places())
    found = locations(wanted, gathered.sources, gathered.texts)
    requests = Requests(gathered.api, gathered.requests)
    shown = Shown(facts, requests, found, gathered.stack)
    asked = questions(evaluation, facts)
    roles = matrix(facts, gathered.roles)
    refused = list(cases(roles, requests))
    return Checklist(
        {
            "artefacts": sorted(gathered.artefacts),
            "facts": len(facts),
            "controls": len(CONTROLS),
            "counts": counts(evaluation),
            "operations": sum(1 for _ in facts.calls()),
            "answers": {f.subject: f.value for f in facts.of(Kind.ANSWER)},
        },
        tuple(map(shown.row, evaluation.rows)),
        tuple(question(number, each) for number, each in enumerate(asked)),
        tuple(map(shown.undecided, evaluation.undecided)),
        tuple(map(excluded, evaluation.excluded)),
        matrix_data(roles, len(refused)),
        inventory.entries(found),
        tuple(threats(facts, evaluation.rows)),
        tuple(conflicts(facts)),
        diagrams(facts, evaluation.rows),
        tuple(gathered.notes),
        exports(refused) if export else (),
    )


def matrix_data(found: Matrix, tests: int) -> dict[str, Any]:
    """The matrix as plain data."""
    return {
        "roles": list(found.roles),
        "declared": found.declared,
        "negative_tests": tests,
        "rows": [
            {
                "operation": line.operation,
                "cells": {role: cell.value for role, cell in line.cells.items()},
            }
            for line in found.lines
        ],
    }


def exports(refused: list[Case]) -> tuple[tuple[str, str], ...]:
    """The negative tests as files."""
    return (
        ("test_authorization.py", pytest_file(refused)),
        ("authorization.http", http_file(refused)),
    )
