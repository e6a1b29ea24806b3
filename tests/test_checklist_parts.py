"""What the checklist says beside its rows: inventory, threats, conflicts, diagrams, formats."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from test_checklist import API, answer, read

from backend_architect.server.render import checklist_csv, checklist_page, checklist_sarif
from backend_architect.server.render.page import tokens
from backend_architect.tools.ddl.model import Dialect
from backend_architect.tools.security_checklist import Inputs, check
from backend_architect.tools.security_checklist.checklist import Checklist
from backend_architect.tools.security_checklist.classes import classify
from backend_architect.tools.security_checklist.conflicts import CONFLICTS
from backend_architect.tools.security_checklist.controls import CONTROLS
from backend_architect.tools.security_checklist.threats import OF_CONTROL

SCHEMA = """
CREATE TABLE users (
  id bigint PRIMARY KEY, name text, email text UNIQUE, password varchar(32), is_admin boolean
);
CREATE TABLE invoices (id bigint PRIMARY KEY, user_id bigint REFERENCES users, card_number text,
  cvv text, billing_city text);
CREATE TABLE visitors (id bigint PRIMARY KEY, first_name text, ip_address inet);
CREATE TABLE password_resets (id serial PRIMARY KEY, token integer,
  user_id bigint REFERENCES users);
CREATE TABLE audit_log (id bigint PRIMARY KEY, user_id bigint, action text, created_at timestamp,
  request_body text);
GRANT UPDATE ON users TO PUBLIC;
CREATE FUNCTION find(t text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN EXECUTE 'SELECT * FROM ' || t; END $$;
INSERT INTO users (name, password) VALUES ('admin', 'admin');
"""
SYSTEM = """
compliance: [pci_dss, gdpr]
authentication:
  methods: [password, bearer_token]
  passwords: {min_length: 12, rotation_days: 90}
  mfa: {required_for: nobody}
data: [{name: cards, sensitivity: payment, fields: [card_number]}]
components:
  - {name: app, kind: mobile, zone: internet}
  - {name: 'shop"]; click n0', kind: service, zone: cluster}
  - {name: ledger, kind: service, zone: cluster}
  - {name: mailer, kind: external, zone: elsewhere}
flows:
  - {source: app, target: 'shop"]; click n0', protocol: https, tls: true, authentication: token}
  - {source: 'shop"]; click n0', target: ledger, protocol: http}
  - {source: ledger, target: mailer, protocol: http, authentication: none, data: [cards]}
stack: {frameworks: [django], datastores: [postgres]}
"""


def made(**given: Any) -> Checklist:
    return check(Inputs(**given), read)


def everything() -> Checklist:
    return made(
        api=("api.yaml", API),
        schema={"schema.sql": SCHEMA},
        dialect=Dialect.POSTGRES,
        system=("system.yaml", SYSTEM),
    )


@pytest.mark.parametrize(
    ("control", "subject", "status"),
    [
        ("password-storage", "users.password", "not_met"),
        ("card-verification-not-kept", "invoices.cvv", "not_met"),
        ("sensitive-columns-encrypted", "invoices.card_number", "unknown"),
        ("tokens-random", "password_resets.token", "not_met"),
        ("rows-have-owners", "visitors", "unknown"),
        ("rights-of-everybody", "users", "not_met"),
        ("dynamic-sql", "find(text)", "not_met"),
        ("definer-search-path", "find(text)", "not_met"),
        ("default-accounts-in-scripts", "users", "not_met"),
        ("audit-complete", "audit_log", "partial"),
        ("audit-time", "audit_log", "partial"),
        ("audit-without-secrets", "audit_log", "unknown"),
        ("tls-inside", 'shop"]; click n0 → ledger', "not_met"),
        ("service-identity", "ledger → mailer", "not_met"),
        ("service-identity", 'app → shop"]; click n0', "met"),
    ],
)
def test_schema_and_description_decide(control: str, subject: str, status: str) -> None:
    found = {
        each["status"]
        for row in everything().controls
        if row["id"] == control
        for each in row["subjects"]
        if each["subject"] == subject
    }
    assert found == {status}


def test_evidence_of_a_schema_has_its_line() -> None:
    (row,) = (r for r in everything().controls if r["id"] == "card-verification-not-kept")
    at = row["subjects"][0]["evidence"][0]
    assert (at["file"], at["line"]) == ("schema.sql", 6)
    assert "cvv" in SCHEMA.splitlines()[at["line"] - 1]


def test_how_to_implement_is_said_for_the_stack() -> None:
    rows = [r for r in everything().controls if r["id"] == "object-authorization"]
    assert all("django: `get_object_or_404" in row["implement"] for row in rows)
    assert all("postgres: " in row["implement"] for row in rows)
    assert not any("rails" in row["implement"] for row in rows)


def test_the_inventory_says_what_and_where() -> None:
    found = {each["name"]: each for each in everything().inventory}
    assert found["invoices.card_number"]["class"] == "payment"
    assert found["invoices.card_number"]["declared_as"] == "cards"
    assert found["users.email"]["travels"]["returned_by"] == ["GET /accounts/{id}"]
    assert found["Account.email"]["kind"] == "field"
    assert found["users.password"]["needs"]["masking"] == "never shown"
    assert "users.is_admin" not in found


@pytest.mark.parametrize(
    ("name", "around", "beside", "data"),
    [
        ("academic_year_code", "courses", (), None),
        ("is_email_verified", "users", (), None),
        ("name", "products", (), None),
        ("name", "patients", (), "person's name"),
        ("company_name", "customers", (), None),
        ("city", "airports", ("code",), None),
        ("city", "people", (), "postal address"),
        ("address", "contracts", (), None),
        ("cardNumber", "payments", (), "payment"),
        ("cardinal_number", "sets", (), None),
        ("pan", "cards", (), "payment"),
        ("japan_region", "offices", (), None),
        ("pinned_at", "posts", (), None),
        ("pin", "cards", (), "one-time code"),
        ("email_template_id", "mails", (), None),
        ("token", "password_resets", (), "secret"),
        ("token", "lexer_rules", (), None),
        ("state", "orders", (), None),
    ],
)
def test_names_are_read_word_by_word(
    name: str, around: str, beside: tuple[str, ...], data: str | None
) -> None:
    found = classify(name, around=around, beside=beside)
    assert (found.data if found else None) == data


def test_threats_rest_on_facts_and_name_their_control() -> None:
    found = everything()
    rows = {row["row"] for row in found.controls} | {"data-to-others"}
    assert found.threats
    for each in found.threats:
        assert each["because"]
        assert each["control"] in rows
    flows = {each["flow"] for each in found.threats}
    assert "ledger → mailer" in flows
    assert 'shop"]; click n0 → ledger' not in flows  # one zone: no boundary


def test_threats_are_of_controls_that_exist() -> None:
    assert set(OF_CONTROL) <= {each.id for each in CONTROLS}


def test_conflicts_say_what_satisfies_all() -> None:
    found = {each["id"]: each for each in everything().conflicts}
    assert {"password-rotation", "password-length-pci", "log-retention"} <= set(found)
    assert found["password-rotation"]["status"] == "not_met"
    assert "password-length" not in found
    assert "erasure-and-records" not in found  # HIPAA does not bind
    assert all(len(each.rules) > 1 for each in CONFLICTS)


def test_names_cannot_break_out_of_a_diagram() -> None:
    (flows,) = (d for d in everything().diagrams if d["kind"] == "data flow")
    assert "click n0" in flows["mermaid"]
    for line in flows["mermaid"].splitlines():
        assert line.count('"') % 2 == 0
        assert not re.match(r"\s*click", line)


def test_csv_has_a_line_for_each_subject() -> None:
    found = everything()
    lines = list(csv.DictReader(io.StringIO(checklist_csv.text(found))))
    assert len(lines) == sum(len(row["subjects"]) for row in found.controls)
    assert {line["status"] for line in lines} <= {"not_met", "partial", "unknown", "met"}
    assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line.values())


def test_sarif_holds_what_is_not_met() -> None:
    schema = json.loads((Path(__file__).parent / "data/sarif-schema-2.1.0.json").read_text("utf-8"))
    found = checklist_sarif.sarif(everything())
    Draft7Validator(schema).validate(found)
    results = found["runs"][0]["results"]
    assert {r["level"] for r in results} == {"error", "warning"}
    assert any(r["ruleId"] == "security/card-verification-not-kept" for r in results)


@pytest.mark.parametrize("budget", [500, 2_000, 6_000])
@pytest.mark.parametrize("detail", ["concise", "full"])
def test_every_page_keeps_its_budget_and_all_are_reached(budget: int, detail: str) -> None:
    found, cursor, rows = everything(), None, []
    while True:
        page = checklist_page.page(found, budget, cursor, detail)
        assert tokens(page.text) <= budget
        assert tokens(json.dumps(page.data, ensure_ascii=False)) <= budget
        rows += [row["row"] for row in page.data["controls"] if "row" in row]
        cursor = page.data["next_cursor"]
        if cursor is None:
            break
    if budget == 6_000:
        assert rows == [row["row"] for row in found.controls]


def test_with_nothing_there_are_no_threats_and_no_matrix() -> None:
    found = answer(None)
    assert (found["threats"], found["data_inventory"], found["matrix"]["rows"]) == ([], [], [])
