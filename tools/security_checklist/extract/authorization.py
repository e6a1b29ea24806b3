"""Facts of an authorisation model: role tables, OpenFGA models, Cedar policies, OPA data.

Read statically: a role may call what is named, of its own or its tenant's objects only where the
model says so. What cannot be read is told in a note, and decides nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ...names import words
from ...openapi.api import TEMPLATE
from ...report import clean, quoted
from ...rule import Place
from ...source import decode, load
from ..facts import Basis, Call, Fact, Kind, Permission

MAX_RULES = 2_000
METHODS = frozenset(
    ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "QUERY", "*")
)


class BadAuthorization(ValueError):
    """An authorisation model that cannot be read; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a role may do: `target` is an operation or pattern (`GET /orders/*`, an operationId)."""

    role: str
    target: str
    allows: bool = True
    scope: str = "all"
    at: Place | None = None


@dataclass(slots=True)
class Model:
    """An authorisation model: rules, roles, and types that know their owner or tenant."""

    rules: list[Rule] = field(default_factory=list)
    roles: dict[str, None] = field(default_factory=dict)
    owners: dict[str, tuple[str, Place | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    text: str = ""

    def add(self, rule: Rule) -> None:
        """A rule, within the bound."""
        self.roles.setdefault(rule.role)
        if len(self.rules) < MAX_RULES:
            self.rules.append(rule)


def read(name: str, content: str | bytes) -> Model:
    """The model in a document of any of the forms. Raises `BadAuthorization`, `SourceError`."""
    text = decode(content, name)
    model = _read(name, text)
    model.text = text
    return model


def _read(name: str, text: str) -> Model:
    if re.search(r"^[ \t]*(?:permit|forbid)[ \t]*\(", text, re.M):
        return _cedar(text, name)
    if re.search(r"^model[ \t]*$", text, re.M) and re.search(r"^[ \t]*type[ \t]+\w", text, re.M):
        return _openfga(text, name)
    if name.lower().endswith(".csv") or re.match(r"\s*(operation|method|path)\s*,", text, re.I):
        return _table(text, name)
    data = load(text, name).data
    if isinstance(data, dict) and isinstance(data.get("type_definitions"), list):
        return _openfga_json(data, name)
    if isinstance(data, dict):
        return _roles(data, name)
    raise BadAuthorization(
        f"{name}: no authorisation model; a role table would be right: roles: {{user: ['GET"
        " /orders/{id} own']}, or an OpenFGA model, Cedar policies, OPA data"
    )


# Role tables and OPA data


def _roles(data: dict[str, Any], name: str) -> Model:
    model = Model()
    for key in ("roles", "role_permissions", "permissions", "role_grants", "grants"):
        table = data.get(key)
        if isinstance(table, dict):
            for role, entries in table.items():
                _of_role(model, str(role), entries, Place(name, (key, role)))
        elif isinstance(table, list):
            for number, entry in enumerate(table):
                if isinstance(entry, dict) and ("name" in entry or "role" in entry):
                    role = str(entry.get("name", entry.get("role")))
                    may = entry.get("may", entry.get("permissions", entry.get("allow", [])))
                    _of_role(model, role, may, Place(name, (key, number)))
    if not model.roles:
        raise BadAuthorization(
            f"{name}: no roles are there; `roles: {{user: ['GET /orders/{{id}} own'], admin:"
            " ['*']}` would be right"
        )
    return model


def _of_role(model: Model, role: str, entries: Any, at: Place) -> None:
    role = clean(role, 80)
    model.roles.setdefault(role)
    if isinstance(entries, dict):
        entries = entries.get("may", entries.get("permissions", entries.get("allow", [])))
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, str):
            model.add(rule_of(role, entry, at))
        elif isinstance(entry, dict):
            action = str(entry.get("action", entry.get("method", "*")))
            thing = str(entry.get("path", entry.get("type", entry.get("resource", ""))))
            target = f"{action} {thing}".strip()
            allows = entry.get("effect", "allow") not in ("deny", False)
            scope = str(entry.get("scope", "all"))
            model.add(Rule(role, clean(target, 300), allows, _SCOPES.get(scope, "all"), at))


_SCOPES = {
    "own": "own", "owner": "own", "self": "own", "mine": "own", "tenant": "tenant",
    "organization": "tenant", "organisation": "tenant",
}  # fmt: skip


def rule_of(role: str, text: str, at: Place | None) -> Rule:
    """A rule from `GET /orders/{id} own`; `!` or `deny ` before it forbids."""
    text = clean(text.strip(), 300)
    allows = not text.startswith(("!", "deny "))
    text = text.removeprefix("!").removeprefix("deny ").strip()
    head, _, last = text.rpartition(" ")
    scope = _SCOPES.get(last.lower(), "")
    return Rule(role, head if scope and head else text, allows, scope or "all", at)


def _table(text: str, name: str) -> Model:
    """A CSV: an operation a row, a role a column; allow, deny, own, tenant in the cells."""
    model = Model()
    rows = list(csv.reader(io.StringIO(text)))[:MAX_RULES]
    if not rows or len(rows[0]) < 2:
        raise BadAuthorization(f"{name}: `operation,user,admin` would be a right first line")
    header = [cell.strip() for cell in rows[0]]
    first = 2 if header[:2] and header[1].lower() == "path" else 1
    for number, row in enumerate(rows[1:], 2):
        target = " ".join(cell.strip() for cell in row[:first])
        at = Place(name, (number,), _line_start(text, number))
        for role, cell in zip(header[first:], row[first:], strict=False):
            said = cell.strip().lower()
            if said:
                scope = next((s for mark, s in _SCOPES.items() if mark in said), "all")
                allows = said not in ("deny", "no", "-", "x", "false", "0")
                model.add(Rule(clean(role, 80), clean(target, 300), allows, scope, at))
    return model


def _line_start(text: str, line: int) -> int:
    at = -1
    for _ in range(line - 1):
        at = text.find("\n", at + 1)
    return at + 1


# Cedar

_STATEMENT = re.compile(r'(?:"[^"\n]*"|[^";])+')
_EFFECT = re.compile(r"\b(permit|forbid)\s*\(")
_CONDITION = re.compile(r"\b(?:when|unless)\s*\{")
_ENTITY = re.compile(r"(\w{1,80})::\"([^\"]{1,200})\"")
MAX_STATEMENT = 20_000  # characters that are looked at


def _cedar(text: str, name: str) -> Model:
    model = Model()
    plain = re.sub(r"//[^\n]*", lambda found: " " * len(found[0]), text)
    for statement in _STATEMENT.finditer(plain):
        effect = _EFFECT.search(statement[0][:MAX_STATEMENT])
        if effect:
            at = Place(name, (), statement.start() + effect.start())
            rest = statement[0][effect.end() : MAX_STATEMENT]
            condition = _CONDITION.search(rest)
            head = rest[: condition.start()] if condition else rest
            _policy(model, effect[1], head, rest[len(head) :], at)
    if not model.rules:
        model.notes.append(f"No policy of {quoted(name)} could be read.")
    return model


def _policy(model: Model, effect: str, head: str, condition: str, at: Place) -> None:
    named = _ENTITY.search(_part(head, "principal"))
    role = clean(named[2] if named else "everybody", 80)
    scope = _condition_scope(condition)
    actions = [target for _, target in _ENTITY.findall(_part(head, "action"))] or ["*"]
    for target in actions:
        model.add(Rule(role, clean(target, 300), effect == "permit", scope, at))
    kind = re.search(r"\bis\s+([\w:]+)", _part(head, "resource"))
    if scope != "all" and kind:
        model.owners[kind[1].rpartition(":")[2].lower()] = (scope, at)


def _part(head: str, name: str) -> str:
    parts = re.split(r",\s*(?=(?:principal|action|resource)\b)", head)
    return next((part for part in parts if part.strip().startswith(name)), "")


def _condition_scope(condition: str) -> str:
    if re.search(
        r"resource\.(owner|author|creator|user\w*|\w*owner\w*)\b|principal\.id", condition
    ):
        return "own"
    if re.search(r"\.(tenant|organi[sz]ation|org|company|account|workspace)\w*\b", condition):
        return "tenant"
    return "all"


# OpenFGA

_OWNERS = re.compile(r"^(owner|creator|author|holder|member|user|assignee)$")
_TENANTS = re.compile(r"^(tenant|organi[sz]ation|org|company|workspace|parent_org\w*)$")


def _openfga(text: str, name: str) -> Model:
    model = Model()
    kind = ""
    for found in re.finditer(
        r"^[ \t]*(?:type[ \t]+(\w+)|define[ \t]+(\w+)[ \t]*:[ \t]*([^\n]*))", text, re.M
    ):
        if found[1]:
            kind = found[1]
        elif kind:
            _relation(model, kind, found[2], Place(name, (), found.start(2)))
    return model


def _openfga_json(data: dict[str, Any], name: str) -> Model:
    model = Model()
    for number, kind in enumerate(data["type_definitions"]):
        relations = kind.get("relations") if isinstance(kind, dict) else None
        for relation in relations if isinstance(relations, dict) else ():
            at = Place(name, ("type_definitions", number, "relations", relation))
            _relation(model, str(kind.get("type", "")), str(relation), at)
    return model


def _relation(model: Model, kind: str, relation: str, at: Place) -> None:
    if _OWNERS.match(relation):
        model.owners[kind.lower()] = ("own", at)
    elif _TENANTS.match(relation):
        model.owners.setdefault(kind.lower(), ("tenant", at))


# Rules and operations


def rule_facts(rules: Iterable[Rule], calls: Iterable[tuple[Fact, Call]]) -> Iterator[Fact]:
    """What rules say of each operation; of a role the most particular counts, a denial first."""
    matchers = [(rule, _matcher(rule.target)) for rule in rules]
    for fact, call in calls:
        plain = TEMPLATE.sub("{}", call.path)
        best: dict[str, tuple[tuple[bool, int], Rule]] = {}
        for rule, matches in matchers:
            if not matches(call, plain):
                continue
            rank = (not rule.allows, len(rule.target.replace("*", "")))
            if rule.role not in best or rank > best[rule.role][0]:
                best[rule.role] = (rank, rule)
        for role, (_, rule) in best.items():
            scope = {"own": "their own", "tenant": "their tenant's"}.get(rule.scope, "all")
            word = f"may, {scope} objects" if rule.allows else "may not"
            note = f"{quoted(role)} {word}, by {quoted(rule.target, 120)}"
            value = Permission(role, rule.allows, rule.scope)
            yield Fact(Kind.RULE, fact.subject, value, Basis.DECLARED, rule.at, note)


def owner_facts(model: Model) -> Iterator[Fact]:
    """The types that know their owner or tenant."""
    for kind, (scope, at) in model.owners.items():
        note = f"type {quoted(kind)} knows its {'owner' if scope == 'own' else 'tenant'}"
        yield Fact(Kind.MODEL_OWNER, clean(kind, 80), scope, Basis.DECLARED, at, note)


def _matcher(target: str) -> Any:
    method, _, path = target.partition(" ")
    if method.upper() in METHODS and path:
        parts, wanted = _parts(path), method.lower()
        return lambda call, plain: wanted in ("*", call.method) and _globbed(parts, plain)
    if target == "*":
        return lambda call, plain: True
    if target.startswith("/"):
        parts = _parts(target)
        return lambda call, plain: _globbed(parts, plain)
    named = words(target)
    return lambda call, plain: words(call.operation_id) == named or target in call.scopes


def _parts(path: str) -> list[str]:
    return TEMPLATE.sub("{}", path).split("*")


def _globbed(parts: list[str], text: str) -> bool:
    """Whether a text is the parts with anything in between; in linear time."""
    if len(parts) == 1:
        return parts[0] == text
    first, *middle, last = parts
    if not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end
