"""Which object stands where: the fixed fields of the specifications, as data.

A field's value is given as ``kind`` (one object), ``kind*`` (an array of them) or ``kind{}`` (a
map of them). Only fields that hold objects are listed; scalars are the official schemas' business.
Sources: Swagger 2.0; OpenAPI 3.0.4, 3.1.2, 3.2.0, section "Schema" (fixed fields of each object).
"""

from __future__ import annotations

from enum import StrEnum

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


class Version(StrEnum):
    """A family of specification versions with the same objects."""

    V20 = "2.0"
    V30 = "3.0"
    V31 = "3.1"
    V32 = "3.2"

    @property
    def modern(self) -> bool:
        """Schema Objects are full JSON Schema 2020-12, and `$ref` may have siblings in them."""
        return self in (Version.V31, Version.V32)


Fields = dict[str, str]

_SCHEMA: Fields = {
    "properties": "schema{}",
    "patternProperties": "schema{}",
    "dependentSchemas": "schema{}",
    "$defs": "schema{}",
    "definitions": "schema{}",
    "allOf": "schema*",
    "anyOf": "schema*",
    "oneOf": "schema*",
    "prefixItems": "schema*",
    "items": "schema",
    "additionalProperties": "schema",
    "additionalItems": "schema",
    "unevaluatedItems": "schema",
    "unevaluatedProperties": "schema",
    "propertyNames": "schema",
    "contains": "schema",
    "contentSchema": "schema",
    "not": "schema",
    "if": "schema",
    "then": "schema",
    "else": "schema",
    "discriminator": "discriminator",
    "xml": "xml",
    "externalDocs": "external_docs",
}
_PARAMETER: Fields = {"schema": "schema", "content": "media_type{}", "examples": "example{}"}

SWAGGER_2: dict[str, Fields] = {
    "document": {
        "info": "info",
        "paths": "path_item{}",
        "definitions": "schema{}",
        "parameters": "parameter{}",
        "responses": "response{}",
        "securityDefinitions": "security_scheme{}",
        "security": "security_requirement*",
        "tags": "tag*",
        "externalDocs": "external_docs",
    },
    "info": {"contact": "contact", "license": "license"},
    "path_item": {"parameters": "parameter*", **dict.fromkeys(METHODS[:7], "operation")},
    "operation": {
        "externalDocs": "external_docs",
        "parameters": "parameter*",
        "responses": "response{}",
        "security": "security_requirement*",
    },
    "parameter": {"schema": "schema", "items": "items"},
    "response": {"schema": "schema", "headers": "header{}"},
    "header": {"items": "items"},
    "items": {"items": "items"},
    "tag": {"externalDocs": "external_docs"},
    "schema": _SCHEMA,
}

OPENAPI_3: dict[str, Fields] = {
    "document": {
        "info": "info",
        "servers": "server*",
        "paths": "path_item{}",
        "webhooks": "path_item{}",
        "components": "components",
        "security": "security_requirement*",
        "tags": "tag*",
        "externalDocs": "external_docs",
    },
    "info": {"contact": "contact", "license": "license"},
    "server": {"variables": "server_variable{}"},
    "path_item": {
        "servers": "server*",
        "parameters": "parameter*",
        "additionalOperations": "operation{}",
        **dict.fromkeys(METHODS, "operation"),
    },
    "operation": {
        "externalDocs": "external_docs",
        "parameters": "parameter*",
        "requestBody": "request_body",
        "responses": "response{}",
        "callbacks": "callback{}",
        "security": "security_requirement*",
        "servers": "server*",
    },
    "parameter": _PARAMETER,
    "header": _PARAMETER,
    "request_body": {"content": "media_type{}"},
    "media_type": {
        "schema": "schema",
        "itemSchema": "schema",
        "examples": "example{}",
        "encoding": "encoding{}",
        "prefixEncoding": "encoding*",
        "itemEncoding": "encoding",
    },
    "encoding": {
        "headers": "header{}",
        "encoding": "encoding{}",
        "prefixEncoding": "encoding*",
        "itemEncoding": "encoding",
    },
    "response": {"headers": "header{}", "content": "media_type{}", "links": "link{}"},
    "link": {"server": "server"},
    "components": {
        "schemas": "schema{}",
        "responses": "response{}",
        "parameters": "parameter{}",
        "examples": "example{}",
        "requestBodies": "request_body{}",
        "headers": "header{}",
        "securitySchemes": "security_scheme{}",
        "links": "link{}",
        "callbacks": "callback{}",
        "pathItems": "path_item{}",
        "mediaTypes": "media_type{}",
    },
    "security_scheme": {"flows": "oauth_flows"},
    "oauth_flows": dict.fromkeys(
        ("implicit", "password", "clientCredentials", "authorizationCode", "deviceAuthorization"),
        "oauth_flow",
    ),
    "tag": {"externalDocs": "external_docs"},
    "schema": _SCHEMA,
}

# Maps whose keys are free, or patterned, all of one kind.
MAPS = {"callback": "path_item"}

NAMES = {
    "document": "OpenAPI Object",
    "external_docs": "External Documentation Object",
    "oauth_flow": "OAuth Flow Object",
    "oauth_flows": "OAuth Flows Object",
    "xml": "XML Object",
}


def name_of(kind: str) -> str:
    """The specification's name of a kind of object: Path Item Object."""
    return NAMES.get(kind) or " ".join(word.capitalize() for word in kind.split("_")) + " Object"


def fields_of(version: Version) -> dict[str, Fields]:
    """The objects of a version."""
    return SWAGGER_2 if version is Version.V20 else OPENAPI_3
