"""The small valid documents that the examples of rules are merged into."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import yaml

from backend_architect.tools.review_api.rules import RULES

API_RULES = {rule.id: rule for rule in sorted(RULES, key=lambda rule: rule.id)}
OPENAPI = yaml.safe_load("""
openapi: 3.1.1
info: {title: Pets, version: 1.0.0}
servers:
  - url: https://api.example.com
security:
  - token: []
paths:
  /health:
    get:
      operationId: getHealth
      security: []
      responses:
        '200': {description: The service is up}
        '503': {$ref: '#/components/responses/Problem'}
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
  responses:
    Problem:
      description: What went wrong
      headers:
        Retry-After: {description: When to try again, schema: {type: integer}}
      content:
        application/problem+json:
          schema: {$ref: '#/components/schemas/Problem'}
  schemas:
    Problem:
      type: object
      required: [title, status]
      properties:
        type: {type: string, format: uri-reference}
        title: {type: string}
        status: {type: integer}
""")

SWAGGER = yaml.safe_load("""
swagger: '2.0'
info: {title: Pets, version: 1.0.0}
host: api.example.com
schemes: [https]
produces: [application/json]
security:
  - key: []
paths:
  /health:
    get:
      operationId: getHealth
      security: []
      responses:
        '200': {description: The service is up}
        '503': {$ref: '#/responses/Problem'}
securityDefinitions:
  key: {type: apiKey, in: header, name: X-Key}
responses:
  Problem:
    description: What went wrong
    headers:
      Retry-After: {description: When to try again, type: integer}
    schema: {$ref: '#/definitions/Problem'}
definitions:
  Problem:
    type: object
    required: [title]
    properties:
      code: {type: string}
      title: {type: string}
""")

RESPONSES = {
    "200": {"description": "As asked"},
    "400": {"$ref": "#/components/responses/Problem"},
}


def document(example: str) -> str:
    """The document an example stands for.

    An example that has `info` is a whole document and used as written. Any other is a fragment,
    merged into a small valid document: the 2.0 one if it says `swagger`, else the 3.1 one. An
    operation without `responses` gets a success and an error.
    """
    fragment = yaml.load(example, yaml.BaseLoader)
    if "info" in fragment:
        return example
    fragment = yaml.safe_load(example)
    base = deepcopy(SWAGGER if "swagger" in fragment else OPENAPI)
    merged = merge(base, fragment)
    for item in merged["paths"].values():
        for method, operation in item.items():
            if method in ("get", "put", "post", "delete", "patch") and isinstance(operation, dict):
                responses = deepcopy(RESPONSES)
                if "swagger" in fragment:
                    responses["400"] = {"$ref": "#/responses/Problem"}
                operation.setdefault("responses", responses)
    return yaml.safe_dump(merged, sort_keys=False)


def merge(base: Any, fragment: Any) -> Any:
    """The fragment over the base: mappings are merged, all else is replaced."""
    if not (isinstance(base, dict) and isinstance(fragment, dict)):
        return fragment
    merged = dict(base)
    for key, value in fragment.items():
        merged[key] = merge(base[key], value) if key in base else value
    return merged
