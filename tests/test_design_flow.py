"""From a domain model to a design: DDL, what the rules say of it, promises that were kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from designs import billing

from backend_architect.tools.ddl.load import load
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.design_schema.design import design
from backend_architect.tools.design_schema.domain.reading import read

# Names of their own, natural keys with periods, circles, overlapping subtypes, most types.
ODD = """
name: odd
tenancy: {kind: shared, entity: practice}
audit: history
naming: {tables: singular, key: entity_id, prefix: odd_}
entities:
  - name: practice
    key: {public_id: true}
    attributes: [{name: name, type: text, max_length: 80}]
  - name: country
    shared: true
    key: {kind: natural, attributes: [code]}
    attributes:
      - {name: code, type: text, min_length: 2, max_length: 2, pattern: "^[A-Z]{2}$"}
      - {name: dial, type: integer, minimum: 1, maximum: 999}
  - name: patient
    soft_delete: true
    concurrency: optimistic
    attributes:
      - {name: email, type: email, unique: true, required: false, sensitivity: personal}
      - {name: born_on, type: date, sensitivity: personal}
      - {name: died_on, type: date, required: false}
      - {name: blood, type: enum, values: [a, b, ab, o], growth: fixed, sensitivity: special}
      - {name: tags, type: text, array: true, max_length: 20}
      - {name: scores, type: integer, array: true, required: false}
      - {name: home, type: point, required: false}
      - {name: photo, type: binary, max_length: 1000, required: false}
      - {name: login_ip, type: ip, required: false}
      - {name: handle, type: text, case_insensitive: true, unique: true, max_length: 30}
      - {name: device, type: uuid, unique: true}
      - {name: active, type: boolean, default: true}
      - {name: wakes_at, type: time, required: false}
      - {name: website, type: url, required: false}
    invariants:
      - {kind: check, name: dies_after_birth, expression: "died_on is null or died_on >= born_on"}
    unique:
      - {attributes: [handle, blood], when: "active"}
    retention: {keep_days: 3000, after: died_on, on_erasure: anonymise, basis: law}
  - name: room
    attributes:
      - {name: label, type: text, max_length: 12, unique: true}
      - {name: seats, type: integer, minimum: 1, maximum: 8}
      - {name: area, type: quantity, unit: m2, minimum: 0.5}
  - name: appointment
    attributes:
      - {name: at, type: period}
      - {name: status, type: enum, values: [planned, held, cancelled], default: planned}
      - {name: cancelled_at, type: instant, required: false}
      - {name: length, type: duration}
      - {name: fee, type: money, currency: each, minimum: 0, maximum: 500}
      - {name: discount, type: decimal, precision: 5, scale: 4, minimum: 0, maximum: 1,
          default: 0}
      - {name: net, type: decimal, computed: "fee * (1 - discount)", precision: 19, scale: 4}
    states:
      attribute: status
      initial: [planned]
      transitions: {planned: [held, cancelled], held: []}
    invariants:
      - {kind: no_overlap, period: at, per: [room], when: "status <> 'cancelled'"}
      - {kind: required_when, attribute: cancelled_at, when: "status = 'cancelled'"}
  - name: stay
    key: {kind: natural, attributes: [patient, nights]}
    attributes: [{name: nights, type: date_period}]
    invariants:
      - {kind: no_overlap, period: nights, per: [patient]}
  - name: stock
    concurrency: counter
    attributes:
      - {name: on_hand, type: integer, minimum: 0}
    invariants:
      - {kind: balance, children: reservation, sum_of: quantity, is: "<=", to: on_hand}
  - name: reservation
    attributes: [{name: quantity, type: integer, minimum: 1}, {name: open, type: boolean,
        default: true}]
  - name: task
    concurrency: queue
    attributes: [{name: payload, type: json}, {name: kind, type: enum, values: [mail, sms],
        growth: often}]
    states: {attribute: kind, initial: [mail], transitions: {mail: [sms]}}
  - name: reading
    attributes: [{name: at, type: instant}, {name: value, type: decimal}]
    volume: {rows: 1000000000, growth_per_month: 100000000}
    retention: {keep_days: 90, after: at}
    audit: none
  - name: person
    attributes: [{name: name, type: text, max_length: 50}]
  - name: doctor
    subtype_of: {entity: person, exclusive: false}
    attributes: [{name: licence, type: text, max_length: 20, unique: true}]
  - name: nurse
    subtype_of: {entity: person, exclusive: false}
    attributes: [{name: level, type: integer, minimum: 1, maximum: 3}]
  - name: team
    attributes: [{name: name, type: text, max_length: 50}]
    invariants: [{kind: at_most, children: membership, count: 2, when: "leads"}]
  - name: membership
    attributes: [{name: leads, type: boolean}]
relationships:
  - {name: country, source: patient, target: country, targets_per_source: "0..1"}
  - {name: patient, source: appointment, target: patient}
  - {name: room, source: appointment, target: room, on_delete: restrict}
  - {name: patient, source: stay, target: patient, owned: true}
  - {name: stock, source: reservation, target: stock, owned: true}
  - {name: team, source: membership, target: team, owned: true}
  - {name: person, source: membership, target: person, sources_per_target: "0..1"}
  - {name: head, source: team, target: person, targets_per_source: "0..1"}
  - {name: favourite, source: person, target: team, targets_per_source: "0..1"}
  - {name: device, source: reading, target: room}
  - {name: skills, source: person, target: country, targets_per_source: "0..*",
      sources_per_target: "0..*", ordered: true, attributes: [{name: since, type: date}]}
"""


@pytest.mark.parametrize("dialect", Dialect)
def test_the_script_is_the_schema(dialect: Dialect) -> None:
    made = design(billing(), dialect, prove=False)
    loaded = load({"design.sql": made.ddl}, dialect, made.blueprint.version)
    assert not loaded.schema.unread
    assert set(loaded.schema.tables) == set(made.blueprint.schema.tables)


def test_without_proof_nothing_is_tried() -> None:
    made = design(billing(), prove=False)
    assert (made.kept, made.engine) == ((), "")
    assert not made.is_proved
    assert made.notes == ("No promise was tried: it was not asked for.",)


def test_the_same_model_gives_the_same_bytes() -> None:
    assert design(billing(), prove=False).ddl == design(billing(), prove=False).ddl


def test_an_engine_that_is_not_here_is_told() -> None:
    made = design(billing(), Dialect.MYSQL)
    assert not made.is_proved
    assert "no private server" in made.notes[0]


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_every_promise_of_a_design_is_kept(dialect: Dialect) -> None:
    made = design(billing(), dialect)
    assert {k.promise.name: k.failure or k.untried for k in made.kept if not k.is_kept} == {}
    assert len(made.kept) > 160
    assert made.findings == ()
    assert made.is_proved


def test_sample_data_has_rows_of_every_table_and_is_the_same_each_time() -> None:
    made = design(billing(), prove=False)
    assert made.sample == design(billing(), prove=False).sample
    filled = {sql.split()[2] for sql in made.sample}
    given = {name for name, r in made.logical.relations.items() if r.kind == "values"}
    assert filled == set(made.logical.relations) - given


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_every_promise_of_an_odd_model_is_kept(dialect: Dialect) -> None:
    made = design(read(ODD, "odd.yaml"), dialect)
    assert {k.promise.name: k.failure or k.untried for k in made.kept if not k.is_kept} == {}
    assert made.findings == ()


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_an_entity_of_which_nothing_is_known_yet_is_designed(dialect: Dialect) -> None:
    made = design(read("name: bare\nentities: [{name: thing}]\n", "bare.yaml"), dialect)
    assert [kept.failure or kept.untried for kept in made.kept if not kept.is_kept] == []


AWKWARD = Path(__file__).parent / "data" / "design" / "awkward.yaml"


@pytest.mark.parametrize("dialect", [Dialect.POSTGRES, Dialect.SQLITE])
def test_reserved_words_long_names_and_everything_at_once(dialect: Dialect) -> None:
    made = design(read(AWKWARD.read_bytes(), AWKWARD.name), dialect)
    assert [f"{kept.promise.name}: {kept.failure or kept.untried}" for kept in made.broken] == []
    assert [finding.message for finding in made.findings] == []


JOURNEYS = AWKWARD.with_name("journeys.yaml")


def test_rows_are_found_for_what_rules_say_of_two_parents_dates_and_sides_of_one() -> None:
    made = design(read(JOURNEYS.read_bytes(), JOURNEYS.name), Dialect.POSTGRES)
    assert {k.promise.name: k.failure or k.untried for k in made.kept if not k.is_kept} == {}
    assert [finding.message for finding in made.findings] == []
    checks = made.blueprint.table("tickets").checks
    assert (
        "seat_row" in checks["tickets_seat_aircraft_id_seat_row_seat_letter_whole_check"].expression
    )
