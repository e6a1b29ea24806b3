"""The authorisation matrix: each operation, what its call needs, and which objects it can name.

What is declared, no more: whether the server checks it is for tests to show. `outliers` are
operations that ask for less than their neighbours, which is where forgotten checks are found.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ..names import words
from .access import Access, Grant, accesses, scopes_of
from .api import TEMPLATE, Api, Operation
from .document import Node
from .purposes import Purpose, answered, purposes_of
from .sensitivity import ABOUT_PEOPLE, Field, Part, is_person, objects

Need = frozenset[tuple[Grant, ...]]
SAFE = ("get", "head", "options", "query")
ENOUGH = 5  # operations that make a custom


class Identifier(NamedTuple):
    """What names an object in a request: a parameter or a property of the body.

    `kind`: integer, uuid, string or another type; `node`: the parameter or the property's schema.
    """

    name: str
    where: str
    kind: str
    node: Node

    @property
    def guessable(self) -> bool:
        """Whether the next object's is easily guessed: a number, or the name of a person."""
        return self.kind == "integer" or (self.kind == "string" and words(self.name) in _NAMES)


_NAMES = frozenset(
    ("_username_", "_user_name_", "_email_", "_login_", "_phone_", "_handle_", "_nickname_")
)


@dataclass(frozen=True, slots=True)
class Row:
    """One operation of the matrix.

    `resource` is the path with its parameters' names left out (`/users/{}`); `denials` are the
    documented responses that refuse: 401, 403, 404.
    """

    operation: Operation
    access: Access
    resource: str
    purposes: frozenset[Purpose]
    denials: tuple[str, ...]

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """What the client may choose an object with: parameters, and properties of the body."""
        return tuple(_identifiers(self.operation))

    @property
    def privileged(self) -> bool:
        """Whether only few should be able to call it, by its names."""
        return bool(self.purposes & {Purpose.ADMINISTRATION, Purpose.DEBUGGING})


class Kind(StrEnum):
    """How an operation differs from its neighbours."""

    OPEN = "open beside protected"
    SCOPELESS = "no scope where others need one"
    ORDINARY = "privileged, with the requirement of ordinary operations"
    READ_SCOPE = "changes data with a scope for reading"


@dataclass(frozen=True, slots=True)
class Outlier:
    """A row that asks for less than `contrast`, one of the `support` rows that ask for more."""

    kind: Kind
    row: Row
    contrast: Row
    support: int


def matrix(api: Api) -> tuple[Row, ...]:
    """A row for each operation, in the order of the document."""
    return tuple(
        Row(
            operation,
            access,
            TEMPLATE.sub("{}", operation.path),
            purposes_of(operation),
            tuple(code for code in operation.responses if code in ("401", "403", "404")),
        )
        for operation, access in api.once(accesses).items()
    )


def outliers(api: Api) -> tuple[Outlier, ...]:
    """The rows that ask for less than their neighbours do, by kind and place."""
    rows = api.once(matrix)
    return (*_open(rows), *_scopeless(rows, api), *_ordinary(rows), *_read_scope(rows))


def _identifiers(operation: Operation) -> Iterator[Identifier]:
    api = operation.api
    for _, parameter in operation.parameters:
        where, name = parameter.get("in"), str(parameter.get("name"))
        if where == "path" or (where == "query" and _names_object(name)):
            yield Identifier(name, where, _kind(api, api.schema_of(parameter)), parameter)
    if operation.method not in SAFE:
        for body in operation.request_bodies[:1]:
            for name, schema in api.properties(body.schema).items():
                if _names_object(name) and schema.get("readOnly") is not True:
                    yield Identifier(name, "body", _kind(api, schema), schema)


def _names_object(name: str) -> bool:
    text = words(name)
    if text.startswith(("_client_", "_request_", "_correlation_", "_trace_")):
        return False
    return text in _NAMES or text.endswith(("_id_", "_uuid_", "_guid_"))


def _kind(api: Api, schema: Node | None) -> str:
    parts = api.parts(schema)
    formats = {str(part.get("format")) for part in parts}
    if formats & {"uuid", "guid"}:
        return "uuid"
    types = api.types(schema) - {"null"}
    return "integer" if "integer" in types else min(types, default="string")


def _open(rows: tuple[Row, ...]) -> Iterator[Outlier]:
    """Writes that anyone may call, on a resource of which another operation is protected."""
    protected = {row.resource: row for row in reversed(rows) if row.operation.protected}
    for row in rows:
        contrast = protected.get(row.resource)
        if row.access.anonymous and row.operation.method not in SAFE and contrast is not None:
            yield Outlier(Kind.OPEN, row, contrast, 1)


def _scopeless(rows: tuple[Row, ...], api: Api) -> Iterator[Outlier]:
    """Requirements of a scheme without a scope, where nearly all others name one."""
    scoped: dict[str, list[Row]] = defaultdict(list)
    bare: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for grants in row.access.alternatives:
            for scheme, scopes in grants:
                (scoped if scopes else bare)[scheme].append(row)
    for scheme, these in bare.items():
        others = scoped[scheme]
        offered = scopes_of(api.security_schemes.get(scheme))
        if offered and len(others) >= ENOUGH and len(others) >= 9 * len(these):
            for row in these:
                yield Outlier(Kind.SCOPELESS, row, _nearest(row, others), len(others))


def _ordinary(rows: tuple[Row, ...]) -> Iterator[Outlier]:
    """Privileged operations for which the credential of any user is enough, by the declaration."""
    ordinary: Counter[Need] = Counter()
    first: dict[Need, Row] = {}
    for row in rows:
        if not row.privileged and row.access.alternatives and not row.access.anonymous:
            ordinary[frozenset(row.access.alternatives)] += 1
            first.setdefault(frozenset(row.access.alternatives), row)
    privileged = sum(row.privileged for row in rows)
    for row in rows:
        need = frozenset(row.access.alternatives)
        if any(_speaks(grant.scheme, _SPECIAL) for grants in need for grant in grants):
            continue
        if row.privileged and ordinary[need] > privileged and not row.access.scopes:
            yield Outlier(Kind.ORDINARY, row, first[need], ordinary[need])


_SPECIAL = ("_admin_", "_administrator_", "_internal_", "_management_", "_service_", "_root_")
_READING = ("_read_", "_readonly_", "_view_", "_viewer_", "_list_", "_get_")
_WRITING = ("_write_", "_admin_", "_manage_", "_create_", "_edit_", "_delete_", "_update_")


def _read_scope(rows: tuple[Row, ...]) -> Iterator[Outlier]:
    """Changes of data for which a scope named for reading is enough; others need one to write."""
    writing = [row for row in rows if any(_speaks(scope, _WRITING) for scope in row.access.scopes)]
    for row in rows:
        method = row.operation.method
        if writing and method in ("put", "patch", "delete") and not row.access.anonymous:
            for grants in row.access.alternatives:
                scopes = [scope for grant in grants for scope in grant.scopes]
                if scopes and all(_only_reads(scope) for scope in scopes):
                    yield Outlier(Kind.READ_SCOPE, row, _nearest(row, writing), len(writing))
                    break


def _only_reads(scope: str) -> bool:
    return _speaks(scope, _READING) and not _speaks(scope, _WRITING)


def _speaks(scope: str, of: tuple[str, ...]) -> bool:
    text = words(scope)
    return any(word in text for word in of)


def _nearest(row: Row, others: list[Row]) -> Row:
    """The row whose path has most in common with this one's."""
    return max(others, key=lambda other: _common(row.resource, other.resource))


def _common(one: str, other: str) -> int:
    steps = zip(one.split("/"), other.split("/"), strict=False)
    return next((n for n, (a, b) in enumerate(steps) if a != b), len(one))


class Embedded(NamedTuple):
    """A property about a person inside what many users read: an author's address in a post."""

    operation: Operation
    field: Field


def embedded_people(api: Api) -> tuple[Embedded, ...]:
    """What operations that return things of several people tell of each of those people."""
    return tuple(
        Embedded(operation, field)
        for operation, access in api.once(accesses).items()
        if access.declared and _is_shared(operation)
        for field in answered(operation)
        if field.sense in ABOUT_PEOPLE and words(_owner(field)) in _WRITERS
    )


def _owner(field: Field) -> str:
    """The name of the property that the field's object is the value of."""
    return field.path.replace("[]", "").rpartition(".")[0].rpartition(".")[2]


_WRITERS = frozenset(
    f"_{word}_"
    for word in (
        *("author", "creator", "commenter", "reviewer", "poster", "sender", "seller", "uploader"),
        *("publisher", "user", "created_by", "posted_by", "owner", "member", "driver"),
    )
)
_SHARED = re.compile(
    r"_(posts?|comments?|reviews?|messages|feed|forum|community|timeline|threads|topics|questions"
    r"|answers|ratings|articles|blogs?|listings|recent|public|announcements|photos|videos|stories"
    r"|products|books|search)_"
)
_OWN = re.compile(  # one's own, or what operators read
    r"_(me|my|mine|own|self|user|profile|account|admin|management|audit|logs?|traffic|activity)_"
)


def _is_shared(operation: Operation) -> bool:
    """Whether an operation returns things of several people, by its path."""
    static = words(TEMPLATE.sub("", operation.path))
    return operation.method == "get" and bool(_SHARED.search(static)) and not _OWN.search(static)


class Disclosed(NamedTuple):
    """A path key of one row that the response of another operation tells about other people."""

    row: Row
    identifier: Identifier
    teller: Operation
    property: Node


def disclosed_identifiers(api: Api) -> tuple[Disclosed, ...]:
    """Path keys that another operation returns inside the description of other people.

    An operation that returns the object itself is how its owner learns the key; that of a post
    which describes its author's vehicle tells it everybody.
    """
    tellers: dict[str, tuple[Operation, Node]] = {}
    for operation, part in _writers(api):
        for name, node in part.properties.items():
            key = _joined(name)
            if key.endswith("id") and len(key) > 4 and not is_person(key.removesuffix("id")):
                tellers.setdefault(key, (operation, node))
    if not tellers:
        return ()
    return tuple(
        Disclosed(row, identifier, *tellers[_joined(identifier.name)])
        for row in api.once(matrix)
        if not row.access.anonymous
        for identifier in row.identifiers
        if identifier.where == "path" and _joined(identifier.name) in tellers
    )


def _writers(api: Api) -> Iterator[tuple[Operation, Part]]:
    """The objects that describe an author or owner inside what many users read."""
    for operation, access in api.once(accesses).items():
        if access.declared and _is_shared(operation):
            for _, response in operation.success:
                for body in api.bodies(response):
                    for part in objects(api, body.schema):
                        if words(part.path.replace("[]", "").rpartition(".")[2]) in _WRITERS:
                            yield operation, part


def _joined(name: str) -> str:
    return words(name).replace("_", "")
