"""Documents of any size, for measuring without a corpus."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal


def api(resources: int) -> dict[str, Any]:
    """An OpenAPI 3.0 description with five operations a resource, about 50 kB of JSON in all."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": problem()}
    for number in range(resources):
        name = f"Resource{number}"
        schemas[name] = resource(number)
        collection, item = f"/resources-{number}", f"/resources-{number}/{{id}}"
        paths[collection] = {
            "get": operation(f"list{name}", array_of(name), [limit(), cursor()]),
            "post": operation(f"create{name}", reference(name), [], reference(name)),
        }
        paths[item] = {
            "parameters": [identifier()],
            "get": operation(f"get{name}", reference(name), []),
            "put": operation(f"replace{name}", reference(name), [], reference(name)),
            "delete": operation(f"delete{name}", None, []),
        }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Generated", "version": "1.0.0"},
        "servers": [{"url": "https://api.example.com"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def operation(
    name: str, result: Any, parameters: list[Any], body: Any | None = None
) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "As asked"}
    if result is not None:
        content = {"schema": result, "example": example()}
        success["content"] = {"application/json": content}
    error = {"schema": reference("Problem")}
    problems = {
        code: {"description": "What went wrong", "content": {"application/problem+json": error}}
        for code in ("400", "401", "404", "429")
    }
    described = {
        "operationId": name,
        "summary": f"What {name} does",
        "description": f"A longer explanation of what {name} does and when to call it. " * 4,
        "parameters": parameters,
        "responses": {"200" if result else "204": success, **problems},
    }
    if body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return described


def example() -> list[dict[str, Any]]:
    """What makes real documents large: examples."""
    return [
        {f"field_{index}": f"value {index} of item {item}" for index in range(12)}
        for item in range(14)
    ]


def resource(number: int) -> dict[str, Any]:
    properties = {
        f"field_{index}": {
            "type": "string",
            "maxLength": 200,
            "description": f"Field {index} of resource {number}, as the caller sees it",
            "example": f"value {index}",
        }
        for index in range(12)
    }
    following = {"$ref": f"#/components/schemas/Resource{number - 1}"} if number else {}
    return {
        "type": "object",
        "required": ["field_0"],
        "properties": {**properties, "related": following},
    }


def problem() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"title": {"type": "string"}, "status": {"type": "integer"}},
    }


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(name: str) -> dict[str, Any]:
    return {"type": "array", "items": reference(name)}


def identifier() -> dict[str, Any]:
    schema = {"type": "string", "maxLength": 36}
    return {"name": "id", "in": "path", "required": True, "schema": schema}


def limit() -> dict[str, Any]:
    return {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}


def cursor() -> dict[str, Any]:
    return {"name": "cursor", "in": "query", "schema": {"type": "string", "maxLength": 200}}


def schema(tables: int, details: int = 20, indexes: int = 12) -> str:
    """A PostgreSQL dump as pg_dump writes it, about 3.8 kB a table: keys, indexes, references."""
    lines = ["-- a generated dump", "CREATE TYPE public.state AS ENUM ('open', 'closed');"]
    for number in range(tables):
        name = f"public.records_{number}"
        columns = [
            f"    detail_{n} character varying(200) DEFAULT ''::text" for n in range(details)
        ]
        owner = f"records_{max(number - 1, 0)}"
        lines += [
            f"CREATE TABLE {name} (",
            "    id bigint NOT NULL,",
            "    owner_id bigint NOT NULL,",
            "    state public.state DEFAULT 'open'::public.state NOT NULL,",
            "    created_at timestamp with time zone DEFAULT now() NOT NULL,",
            ",\n".join(columns),
            ");",
            f"CREATE SEQUENCE {name}_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE;",
            f"ALTER SEQUENCE {name}_id_seq OWNED BY {name}.id;",
            f"ALTER TABLE ONLY {name} ALTER COLUMN id SET DEFAULT nextval('{name}_id_seq');",
            f"ALTER TABLE ONLY {name} ADD CONSTRAINT records_{number}_pkey PRIMARY KEY (id);",
            f"CREATE INDEX records_{number}_owner_idx ON {name} USING btree (owner_id);",
            *(
                f"CREATE INDEX records_{number}_{n}_idx ON {name} USING btree (detail_{n}, state);"
                for n in range(indexes)
            ),
            f"ALTER TABLE ONLY {name} ADD CONSTRAINT records_{number}_owner_fkey"
            f" FOREIGN KEY (owner_id) REFERENCES public.{owner}(id);",
        ]
    return "\n".join(lines) + "\n"


POSTGRES_COLUMNS = (
    "name character varying(200) NOT NULL",
    "email text",
    "amount numeric(12,2) DEFAULT 0 NOT NULL",
    "details jsonb DEFAULT '{}'::jsonb NOT NULL",
    "is_active boolean DEFAULT true NOT NULL",
    "external_id uuid DEFAULT gen_random_uuid()",
    "state public.state DEFAULT 'open'::public.state NOT NULL",
    "created_at timestamp with time zone DEFAULT now() NOT NULL",
    "updated_at timestamp without time zone",
)
SQLITE_COLUMNS = (
    "name TEXT NOT NULL CHECK (length(name) <= 200)",
    "email TEXT COLLATE NOCASE",
    "amount NUMERIC NOT NULL DEFAULT 0",
    "details TEXT NOT NULL DEFAULT '{}'",
    "is_active BOOLEAN NOT NULL DEFAULT 1",
    "external_id BLOB",
    "state TEXT NOT NULL DEFAULT 'open'",
    "created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP",
    "updated_at TEXT",
)
Dialect = Literal["postgres", "sqlite"]
DIALECTS: tuple[Dialect, ...] = ("postgres", "sqlite")
CHANGED = 12  # tables, evenly over the dump


def two_schemas(tables: int, dialect: Dialect) -> tuple[str, str]:
    """A dump with twelve columns, three indexes and two references a table, and what it becomes.

    A column is added, an index is added, a column is dropped, a default is changed, in turn, in
    tables all over the dump; one new table stands in the middle of the other.
    """
    write = _postgres_dump if dialect == "postgres" else _sqlite_dump
    numbers = [*range(tables)]
    turn = {number * tables // CHANGED: number % 4 for number in range(CHANGED)}
    after = [*numbers[: tables // 2], tables, *numbers[tables // 2 :]]
    return write(numbers, {}), write(after, turn)


def _columns(kinds: tuple[str, ...], turn: int | None) -> list[str]:
    columns = [*kinds]
    if turn == 0:
        columns.append("added text")
    elif turn == 2:
        columns.remove(kinds[1])
    elif turn == 3:
        columns[2] = columns[2].replace("DEFAULT 0", "DEFAULT 1")
    return columns


def _indexed(turn: int | None) -> tuple[str, ...]:
    return ("parent_id", "owner_id", "state, created_at", *(["external_id"] if turn == 1 else []))


def _postgres_dump(numbers: list[int], turns: dict[int, int]) -> str:
    """As pg_dump writes it: the tables, then their defaults, keys, indexes, references."""

    def table(number: int, name: str) -> list[str]:
        columns = ["id bigint NOT NULL", "parent_id bigint", "owner_id bigint NOT NULL"]
        columns += _columns(POSTGRES_COLUMNS, turns.get(number))
        return [
            f"CREATE TABLE {name} (\n    " + ",\n    ".join(columns) + "\n);",
            f"CREATE SEQUENCE {name}_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE"
            " CACHE 1;",
            f"ALTER SEQUENCE {name}_id_seq OWNED BY {name}.id;",
        ]

    def default(number: int, name: str) -> list[str]:
        value = f"nextval('{name}_id_seq'::regclass)"
        return [f"ALTER TABLE ONLY {name} ALTER COLUMN id SET DEFAULT {value};"]

    def key(number: int, name: str) -> list[str]:
        return [
            f"ALTER TABLE ONLY {name}\n    ADD CONSTRAINT records_{number}_pkey PRIMARY KEY (id);"
        ]

    def indexes(number: int, name: str) -> list[str]:
        return [
            f"CREATE INDEX records_{number}_{place} ON {name} USING btree ({columns});"
            for place, columns in enumerate(_indexed(turns.get(number)))
        ]

    def references(number: int, name: str) -> list[str]:
        return [
            f"ALTER TABLE ONLY {name}\n    ADD CONSTRAINT records_{number}_{column}_fkey"
            f" FOREIGN KEY ({column}_id) REFERENCES public.records_{other}(id);"
            for column, other in (("parent", number), ("owner", number // 2))
        ]

    parts: tuple[Callable[[int, str], list[str]], ...] = (table, default, key, indexes, references)
    lines = ["CREATE TYPE public.state AS ENUM (\n    'open',\n    'closed'\n);"]
    for part in parts:
        for number in numbers:
            lines += part(number, f"public.records_{number}")
    return "\n\n".join(lines) + "\n"


def _sqlite_dump(numbers: list[int], turns: dict[int, int]) -> str:
    """As `.schema` writes it: each table with its indexes."""
    lines = []
    for number in numbers:
        columns = [
            "id INTEGER PRIMARY KEY",
            f"parent_id INTEGER REFERENCES records_{number} (id)",
            f"owner_id INTEGER NOT NULL REFERENCES records_{number // 2} (id) ON DELETE CASCADE",
            *_columns(SQLITE_COLUMNS, turns.get(number)),
        ]
        lines.append(f"CREATE TABLE records_{number} (\n  " + ",\n  ".join(columns) + "\n);")
        lines += [
            f"CREATE INDEX records_{number}_{place} ON records_{number} ({columns});"
            for place, columns in enumerate(_indexed(turns.get(number)))
        ]
    return "\n".join(lines) + "\n"


def copies(document: dict[str, Any], count: int) -> dict[str, Any]:
    """An OpenAPI 3 document whose paths and components stand there `count` times, apart."""
    whole: dict[str, Any] = {**document, "paths": {}, "components": {}}
    for number in range(count):
        suffix = f"_{number}"
        text = json.dumps({key: document.get(key, {}) for key in ("paths", "components")})
        text = re.sub(r'("#/components/\w+/[^"/]+)', rf"\g<1>{suffix}", text)
        text = re.sub(r'("operationId": "[^"]+)', rf"\g<1>{suffix}", text)
        part = json.loads(text)
        whole["paths"] |= {f"/{number}{path}": item for path, item in part["paths"].items()}
        for kind, named in part["components"].items():
            keep = kind == "securitySchemes"
            entries = whole["components"].setdefault(kind, {})
            entries |= {name if keep else name + suffix: value for name, value in named.items()}
    return whole


def domain(entities: int) -> dict[str, Any]:
    """A domain model of tenants, and so many entities in chains of five, each with its rules."""
    made = [{"name": "tenant", "attributes": [{"name": "name", "type": "text", "max_length": 80}]}]
    return {
        "name": "generated",
        "entities": [*made, *(entity(number) for number in range(1, entities))],
        "relationships": [relationship(n) for n in range(1, entities) if n % 5 != 1],
        "access_patterns": [p for n in range(1, entities) for p in access_patterns(n)],
        "tenancy": {"kind": "shared", "entity": "tenant"},
        "audit": "who_when",
    }


def entity(number: int) -> dict[str, Any]:
    """An entity with values of many kinds, an invariant and a state machine."""
    return {
        "name": f"entity{number}",
        "purpose": f"The {number}th thing that is kept",
        "attributes": [
            {"name": "code", "type": "text", "pattern": "^[A-Z]{2}-[0-9]{4}$", "unique": True},
            {"name": "title", "type": "text", "max_length": 120},
            {"name": "contact", "type": "email", "required": False, "sensitivity": "personal"},
            {"name": "price", "type": "money", "currency": "EUR", "minimum": 0},
            {"name": "paid", "type": "money", "currency": "EUR", "minimum": 0, "default": 0},
            {"name": "status", "type": "enum", "values": ["draft", "open", "closed"]},
            {"name": "due_on", "type": "date", "required": False},
            {"name": "details", "type": "json", "required": False},
        ],
        "invariants": [
            {"kind": "check", "name": "not_overpaid", "expression": "paid <= price"},
            {"kind": "required_when", "attribute": "due_on", "when": "status = 'open'"},
        ],
        "states": {
            "attribute": "status",
            "initial": ["draft"],
            "transitions": {"draft": ["open"], "open": ["closed"]},
        },
        "volume": {"rows": 10_000 * number, "growth_per_month": 1_000 * number},
    }


def relationship(number: int) -> dict[str, Any]:
    """To the entity before."""
    source, target = f"entity{number}", f"entity{number - 1}"
    return {"name": "previous", "source": source, "target": target, "owned": number % 2 == 0}


def access_patterns(number: int) -> list[dict[str, Any]]:
    """A page of the latest, and one by its code."""
    name = f"entity{number}"
    return [
        {
            "name": f"{name}_due",
            "entity": name,
            "filters": [{"attribute": "status"}, {"attribute": "due_on", "operator": "<="}],
            "sort": [{"attribute": "due_on"}],
            "page": "keyset",
            "limit": 50,
        },
        {"name": f"{name}_by_code", "entity": name, "filters": [{"attribute": "code"}]},
    ]
