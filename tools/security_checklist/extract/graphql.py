"""Facts of a GraphQL SDL: its fields are read as operations, by the same eyes as those of an API.

The SDL is written as a description of operations (a query is a GET, a mutation a POST, arguments
are parameters or a body, types are components), the facts of that are taken, and each is led back
to its field and its place in the SDL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...names import words
from ...openapi.api import Api
from ...openapi.document import Reader, describe
from ...report import clean, quoted
from ...rule import Place
from ...source import decode
from ..facts import Basis, Fact, Kind, Told
from ..requests import Request
from .api import api_facts

MAX_TOKENS = 400_000
MAX_FIELDS = 5_000  # of the root types
_ROOTS = {"Query": "get", "Mutation": "post", "Subscription": "get"}
_AUTH = re.compile(
    r"_(auth|authenticated|is_authenticated|has_role|has_scope|has_permission|requires?_\w+|authori[sz]ed?"
    r"|login_required|private|protected|guard|can|allow|roles?|scopes?|permissions?|policy)_"
)
_COST = re.compile(r"_(cost|complexity|list_size|depth|rate_limit)_")
_PAGING = re.compile(r"_(first|last|limit|take|page|page_size|per_page|count|top|size|offset)_")
_SCALARS = {
    "Int": {"type": "integer"},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "Upload": {"type": "string", "format": "binary"},
}


class BadGraphql(ValueError):
    """A text that is no GraphQL SDL; the message says where."""


@dataclass(frozen=True, slots=True)
class Sdl:
    """What an SDL gives: facts, notes, its text, and a sample request for each field."""

    facts: list[Fact]
    notes: list[str]
    text: str
    requests: Mapping[str, Request]


def is_sdl(name: str, content: str | bytes) -> bool:
    """Whether a document is GraphQL rather than OpenAPI."""
    if name.lower().endswith((".graphql", ".gql", ".graphqls")):
        return True
    head = content[:50_000]
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    return (
        re.search(r"^(extend[ \t]+)?type[ \t]+(Query|Mutation)\b[^\n:]*\{", text, re.M) is not None
    )


def read(name: str, content: str | bytes, reader: Reader) -> Sdl:
    """The facts of an SDL. Raises `BadGraphql` and `SourceError`."""
    text = decode(content, name)
    written = _Written(_parsed(text, name), name)
    api = Api(describe(json.dumps(written.document()), name, reader))
    found, notes = api_facts(api)
    facts = [written.led_back(fact) for fact in found if fact.kind not in _OF_HTTP]
    return Sdl([*facts, *written.traits()], notes, text, written.requests())


def _parsed(text: str, name: str) -> Any:
    from graphql import GraphQLError, parse

    try:
        return parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        at = error.locations[0] if error.locations else None
        where = f"{name}:{at.line}:{at.column}" if at else name
        raise BadGraphql(f"{where}: this is no GraphQL SDL") from None
    except RecursionError:
        raise BadGraphql(f"{name}: the SDL is nested too deeply") from None


class _Written:
    """An SDL as a description of operations, with the offsets of its parts."""

    def __init__(self, parsed: Any, name: str) -> None:
        self._name = name
        self._types: dict[str, dict[str, Any]] = {}  # kind, fields, values, directives by name
        self._roots = dict(_ROOTS)
        self._offsets: dict[tuple[str, ...], int] = {}
        self._subjects: dict[str, str] = {}
        for node in parsed.definitions:
            self._definition(node)

    def _definition(self, node: Any) -> None:
        kind = node.kind.removesuffix("_definition").removesuffix("_extension")
        if kind == "schema":
            named = {op.operation.value: op.type.name.value for op in node.operation_types or ()}
            methods = {"query": "get", "mutation": "post", "subscription": "get"}
            self._roots |= {type: methods[op] for op, type in named.items()}
        name = getattr(getattr(node, "name", None), "value", None)
        if name is None or kind not in _KINDS:
            return
        known = self._types.setdefault(
            name, {"kind": kind, "fields": {}, "values": [], "directives": [], "members": []}
        )
        known["directives"] += [d.name.value for d in getattr(node, "directives", None) or ()]
        known["members"] += [t.name.value for t in getattr(node, "types", None) or ()]
        known["values"] += [
            v.name.value for v in getattr(node, "values", None) or () if kind == "enum_type"
        ]
        for field in getattr(node, "fields", None) or ():
            known["fields"][field.name.value] = field
            self._offsets[name, field.name.value] = field.loc.start

    # The description

    def document(self) -> dict[str, Any]:
        """The SDL as an OpenAPI document."""
        paths: dict[str, Any] = {}
        guarded = [field for _, _, field in self._root_fields() if _is_guarded(field)]
        for root, name, field in self._root_fields():
            method = self._roots[root]
            path = f"/{name}"
            self._subjects[f"{method.upper()} {path}"] = f"{root}.{name}"
            paths.setdefault(path, {}).setdefault(
                method, self._operation(root, name, field, bool(guarded))
            )
        schemes = {"directive": {"type": "http", "scheme": "bearer"}} if guarded else {}
        return {
            "openapi": "3.1.1",
            "info": {"title": "GraphQL", "version": "1"},
            "paths": paths,
            "components": {"schemas": self._schemas(), "securitySchemes": schemes},
        }

    def _root_fields(self) -> Iterator[tuple[str, str, Any]]:
        left = MAX_FIELDS
        for root in self._roots:
            for name, field in self._types.get(root, {}).get("fields", {}).items():
                left -= 1
                if left < 0:
                    return
                yield root, name, field

    def _operation(self, root: str, name: str, field: Any, declares: bool) -> dict[str, Any]:
        answer = {"application/json": {"schema": self._schema(field.type)}}
        made: dict[str, Any] = {
            "operationId": name,
            "summary": words(name).strip("_").replace("_", " "),
            "responses": {"200": {"description": "data", "content": answer}},
        }
        arguments = {a.name.value: self._schema(a.type) for a in field.arguments or ()}
        for argument in field.arguments or ():
            self._offsets[root, name, argument.name.value] = argument.loc.start
        if self._roots[root] == "post":
            body = {"type": "object", "properties": arguments, "additionalProperties": False}
            made["requestBody"] = {"content": {"application/json": {"schema": body}}}
        else:
            made["parameters"] = [
                {"name": n, "in": "query", "schema": schema} for n, schema in arguments.items()
            ]
        if declares and _is_guarded(field):
            made["security"] = [{"directive": []}]
        return made

    def _schemas(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, known in self._types.items():
            if known["kind"] in ("object_type", "interface_type", "input_object_type"):
                made[name] = {
                    "type": "object",
                    "properties": {n: self._schema(f.type) for n, f in known["fields"].items()},
                    **({"additionalProperties": False} if "input" in known["kind"] else {}),
                }
            elif known["kind"] == "enum_type":
                made[name] = {"type": "string", "enum": known["values"][:500] or ["none"]}
            elif known["kind"] == "union_type":
                members = [{"$ref": f"#/components/schemas/{m}"} for m in known["members"][:50]]
                made[name] = {"oneOf": members} if members else {}
        return made

    def _schema(self, type: Any) -> dict[str, Any]:
        if type.kind == "non_null_type":
            return self._schema(type.type)
        if type.kind == "list_type":
            return {"type": "array", "items": self._schema(type.type)}
        name = type.name.value
        if name in self._types and self._types[name]["kind"] != "scalar_type":
            return {"$ref": f"#/components/schemas/{name}"}
        return dict(_SCALARS.get(name, {"type": "string"}))

    # Back to the SDL

    def led_back(self, fact: Fact) -> Fact:
        """A fact about the field, at its place in the SDL."""
        subject = self._subjects.get(fact.subject, fact.subject)
        note = fact.note
        for found in set(re.findall(r"`((?:GET|POST) /\w+)`", note)):
            note = note.replace(f"`{found}`", f"`{self._subjects.get(found, found)}`")
        note = _HOLDS.sub("the argument is `", note)
        value = fact.value
        if isinstance(value, Told):
            value = Told(value.name, self._subjects.get(value.teller, value.teller))
        place = self._place(fact.at) if fact.at else None
        return replace(fact, subject=subject, note=note, value=value, at=place)

    def _place(self, at: Place) -> Place:
        steps = [step for step in map(str, at.path) if step not in _STRUCTURE]
        if at.path[:1] == ("paths",) and len(at.path) > 2:
            root, _, name = self._subjects.get(
                f"{str(at.path[2]).upper()} {at.path[1]}", ""
            ).partition(".")
            steps = [root, name, *steps[2:]]
        while steps and tuple(steps) not in self._offsets:
            steps.pop()
        return Place(self._name, tuple(steps), self._offsets.get(tuple(steps), 0))

    # What only GraphQL has

    def traits(self) -> Iterator[Fact]:
        """Circles of types, lists without a limit, directives on cost."""
        yield Fact(
            Kind.GRAPHQL,
            "GraphQL",
            "sdl",
            Basis.OBSERVED,
            Place(self._name, (), 0),
            "there is an SDL",
        )
        directives = {d for known in self._types.values() for d in known["directives"]}
        for known in self._types.values():
            for field in known["fields"].values():
                directives |= {d.name.value for d in field.directives or ()}
        costed = next((d for d in sorted(directives) if _COST.search(words(d))), None)
        if costed:
            yield self._trait(
                "GraphQL", "cost", (), f"directive {quoted('@' + costed)} bounds cost"
            )
        if circle := self._circle():
            told = " → ".join(circle)
            yield self._trait(
                circle[0], "cycle", circle[:1], f"types in a circle: {quoted(told, 120)}"
            )
        for root, name, field in self._root_fields():
            names = [words(a.name.value) for a in field.arguments or ()]
            if _is_list(field.type) and not any(map(_PAGING.search, names)):
                note = f"{quoted(f'{root}.{name}')} returns a list, and takes no limit"
                yield self._trait(f"{root}.{name}", "unbounded list", (root, name), note)

    def _trait(self, subject: str, value: str, path: tuple[str, ...], note: str) -> Fact:
        at = Place(self._name, path, self._offsets.get(path, 0))
        return Fact(Kind.GRAPHQL, clean(subject, 200), value, Basis.DERIVED, at, note)

    def _circle(self) -> tuple[str, ...]:
        """A shortest circle of object types: `User → Post → User`; empty if there is none."""
        edges = {
            name: [
                target
                for field in known["fields"].values()
                if (target := _named(field.type)) in self._types
                and self._types[target]["kind"] in ("object_type", "interface_type")
            ]
            for name, known in self._types.items()
            if known["kind"] in ("object_type", "interface_type") and name not in self._roots
        }
        for name, targets in edges.items():
            for target in targets:
                if target == name or name in edges.get(target, ()):
                    return (name, target) if target == name else (name, target, name)
        return _long_circle(edges)

    def requests(self) -> dict[str, Request]:
        """A sample request for each root field."""
        return {
            f"{root}.{name}": Request(
                "POST", "/graphql", body={"query": self._query(root, name, field)}
            )
            for root, name, field in self._root_fields()
        }

    def _query(self, root: str, name: str, field: Any) -> str:
        kind = "mutation" if self._roots[root] == "post" else "query"
        arguments = ", ".join(
            f"{a.name.value}: {_sample(a.type)}" for a in (field.arguments or ())[:8]
        )
        target = self._types.get(_named(field.type), {})
        inner = " { __typename }" if target.get("fields") or target.get("members") else ""
        return f"{kind} {{ {name}{f'({arguments})' if arguments else ''}{inner} }}"


_OF_HTTP = (Kind.SECRET_IN_URL, Kind.CACHED, Kind.MEDIA)  # not of GraphQL, which is one POST
_HOLDS = re.compile(r"the (query|body) holds `")
_KINDS = {
    "object_type",
    "interface_type",
    "input_object_type",
    "enum_type",
    "union_type",
    "scalar_type",
}
_STRUCTURE = {
    "paths", "components", "schemas", "properties", "requestBody", "content", "application/json",
    "schema", "items", "parameters", "responses", "200",
}  # fmt: skip


def _is_guarded(field: Any) -> bool:
    return any(_AUTH.search(words(d.name.value)) for d in field.directives or ())


def _named(type: Any) -> str:
    while type.kind in ("non_null_type", "list_type"):
        type = type.type
    return str(type.name.value)


def _is_list(type: Any) -> bool:
    return type.kind == "list_type" or (type.kind == "non_null_type" and _is_list(type.type))


def _sample(type: Any) -> str:
    if type.kind == "list_type":
        return f"[{_sample(type.type)}]"
    name = _named(type)
    return {"Int": "1", "Float": "1", "Boolean": "true", "ID": '"1"', "String": '"a"'}.get(
        name, "{}"
    )


def _long_circle(edges: dict[str, list[str]]) -> tuple[str, ...]:
    """Any circle of more than two types; by colouring, each type visited once."""
    done: set[str] = set()
    for start in edges:
        path: list[str] = []
        on_path: set[str] = set()
        work = [(start, iter(edges.get(start, ())))] if start not in done else []
        if work:
            path.append(start)
            on_path.add(start)
        while work:
            name, targets = work[-1]
            target = next((t for t in targets if t in edges and t not in done), None)
            if target is None:
                work.pop()
                done.add(name)
                path.pop()
                on_path.discard(name)
            elif target in on_path:
                return (*path[path.index(target) :], target)
            else:
                path.append(target)
                on_path.add(target)
                work.append((target, iter(edges.get(target, ()))))
    return ()
