"""Documents of any size, for measuring without a corpus."""

from __future__ import annotations

from typing import Any


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
