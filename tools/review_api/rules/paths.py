"""Rules about path templates and what fills them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...openapi.api import TEMPLATE, Api, Listed, Operation
from ...openapi.document import Node
from ...openapi.kinds import METHODS
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule
from ...source import pointer

_PATHS = "https://spec.openapis.org/oas/v3.1.1#path-templating"
_PARAMETERS = "https://spec.openapis.org/oas/v3.1.1#parameter-object"


@rule(
    "api/path-parameter-undeclared",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="operation",
    fix="Declare the parameter with `in: path` and `required: true`",
    references=[_PATHS],
    bad="""
    paths:
      /pets/{petId}:
        get:
          parameters: []
    """,
    good="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
    """,
)
def path_parameter_undeclared(operation: Operation, api: Api) -> Iterator[Hit]:
    """A path template has a variable that no parameter declares.

    Clients cannot know what to put there, and generated code does not compile or sends the braces.
    Every `{variable}` of a path needs a parameter of that name with `in: path`, on the path item
    or on each of its operations.
    """
    unfilled, surplus = _mismatch(operation)
    for name in unfilled:
        variable = quoted("{" + name + "}")
        fix = f"Add a parameter {quoted(name)} with `in: path` and `required: true`"
        misnamed = ""
        if _is_misnamed(unfilled, surplus):
            other = quoted(surplus[0].node.get("name"))
            misnamed = f", and its parameter {other} no variable"
            fix = f"Give the variable and the parameter one name, {quoted(name)} or {other}"
        yield Hit(
            operation.node.place(),
            f"{quoted(operation)} has no parameter for {variable}{misnamed}",
            cause=f"{quoted(operation.path)} has no parameter for {variable}",
            fix=fix,
            related=(operation.item.place(),),
        )


def _mismatch(operation: Operation) -> tuple[list[str], list[Listed]]:
    """The variables of the path without a parameter, and the path parameters without a variable."""
    variables = dict.fromkeys(TEMPLATE.findall(operation.path))
    listed = list(operation.parameters_in("path"))
    names = [str(each.node.get("name")) for each in listed]
    surplus = [each for each, name in zip(listed, names, strict=True) if name not in variables]
    return [name for name in variables if name not in names], surplus


def _is_misnamed(unfilled: list[str], surplus: list[Listed]) -> bool:
    """Whether one of the two was renamed and the other forgotten."""
    return len(unfilled) == len(surplus) == 1


@rule(
    "api/path-parameter-unused",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="operation",
    fix="Put the variable into the path, or remove the parameter",
    references=[_PARAMETERS],
    bad="""
    paths:
      /pets:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
    """,
    good="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
    """,
)
def path_parameter_unused(operation: Operation, api: Api) -> Iterator[Hit]:
    """A path parameter's name is not in the path template.

    The value cannot be sent anywhere. Where the path has a variable without a parameter, too, one
    of the two was renamed, and `api/path-parameter-undeclared` reports them together.
    """
    unfilled, surplus = _mismatch(operation)
    for at, node in [] if _is_misnamed(unfilled, surplus) else surplus:
        name = quoted(node.get("name"))
        message = f"{quoted(operation.path)} has no variable for {name}"
        where = node.place("name") if at is node else at.place()
        yield Hit(where, message, related=(operation.item.place(),))


@rule(
    "api/path-parameter-optional",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="parameter",
    fix="Set `required: true`",
    references=[_PARAMETERS],
    bad="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, schema: {type: string, maxLength: 36}}
    """,
    good="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
    """,
)
def path_parameter_optional(parameter: Node, api: Api) -> Iterator[Hit]:
    """A path parameter is not marked as required.

    A path without its variable is another path, so the specification demands `required: true`.
    """
    if parameter.get("in") == "path" and parameter.get("required") is not True:
        op = "replace" if "required" in parameter.value else "add"
        where = pointer((*parameter.path, "required"))
        yield Hit(
            parameter.place(*(["required"] if op == "replace" else [])),
            f"path parameter {quoted(parameter.get('name'))} lacks `required: true`",
            related=(parameter.place("name"),) if "name" in parameter.value else (),
            patch=({"op": op, "path": where, "value": True},),
        )


@rule(
    "api/path-duplicate",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Move the operations under one template, with one name for the variable",
    references=["https://spec.openapis.org/oas/v3.1.1#paths-object"],
    bad="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
      /pets/{id}:
        delete:
          parameters:
            - {name: id, in: path, required: true, schema: {type: string, maxLength: 36}}
    """,
    good="""
    paths:
      /pets/{petId}:
        parameters:
          - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
        get: {}
        delete: {}
    """,
)
def path_duplicate(api: Api, _: Api) -> Iterator[Hit]:
    """Two path templates differ only in the names of their variables.

    They match exactly the same requests, so which one describes a call is anyone's guess: routers,
    mocks and gateways take the first, the last or neither, and the operations of the other are
    never reached. The specification calls such paths identical and forbids them, even where the
    methods differ.
    """
    first: dict[str, str] = {}
    for path in sorted(_paths(api)):
        shape = TEMPLATE.sub("{}", path)
        earlier = first.setdefault(shape, path)
        if earlier != path:
            yield Hit(
                api.root.place("paths", path),
                f"{quoted(path)} is the same path as {quoted(earlier)}",
                cause=f"several paths differ from {quoted(earlier)} only in the names of variables",
                related=(api.root.place("paths", earlier),),
            )


@rule(
    "api/path-with-query",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Cut the path there; declare query parameters with `in: query`",
    references=[
        "https://spec.openapis.org/oas/v3.1.1#path-templating",
        "https://www.rfc-editor.org/rfc/rfc3986#section-3.3",
    ],
    bad="""
    paths:
      /pets?kind=cat:
        get: {}
    """,
    good="""
    paths:
      /pets:
        get:
          parameters:
            - {name: kind, in: query, schema: {type: string, enum: [cat, dog]}}
    """,
)
def path_with_query(api: Api, _: Api) -> Iterator[Hit]:
    """A path template has a query or a fragment.

    The path of a URI ends at the first `?` or `#`, so no request has such a path. Clients that
    escape the character get a 404; routers, mocks and gateways never match the operation; and a
    parameter hidden in the key is neither documented nor validated.
    """
    for path in _paths(api):
        end = re.search(r"[?#]", path)
        if end:
            what = "query" if end[0] == "?" else "fragment"
            yield Hit(
                api.root.place("paths", path),
                f"the path {quoted(path)} has a {what}",
                cause=f"paths have a {what} (`{end[0]}`)",
            )


@rule(
    "api/server-variable-undefined",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="server",
    fix="Define the variable in the server's `variables`, with a `default`",
    references=["https://spec.openapis.org/oas/v3.1.1#server-object"],
    bad="""
    servers:
      - url: https://{region}.api.example.com
    """,
    good="""
    servers:
      - url: https://{region}.api.example.com
        variables:
          region: {default: eu, enum: [eu, us]}
    """,
)
def server_variable_undefined(server: Node, api: Api) -> Iterator[Hit]:
    """A server's URL has a variable that is not defined.

    Without a default and the values allowed, no client can build the URL: generated code sends the
    braces to the resolver, and a reader has to ask which hosts exist.
    """
    url, variables = server.get("url"), server.get("variables")
    for name in dict.fromkeys(TEMPLATE.findall(url) if isinstance(url, str) else ()):
        if not isinstance(variables, dict) or name not in variables:
            message = f"server {quoted(url)} does not define {quoted('{' + name + '}')}"
            yield Hit(
                server.place("url"),
                message,
                cause=message,
                fix=f"Add {quoted(name)} to `variables` of the server, with a `default`",
            )


def _paths(api: Api) -> list[str]:
    paths = api.root.get("paths")
    return [path for path in paths if path[:2] != "x-"] if isinstance(paths, dict) else []


@rule(
    "api/path-template-malformed",
    Severity.ERROR,
    FindingClass.DEFECT,
    on="api",
    fix="Write each variable as `{name}`, once",
    references=[_PATHS],
    bad="""
    paths:
      /pets/{petId:
        get: {}
    """,
    good="""
    paths:
      /pets/{petId}:
        get:
          parameters:
            - {name: petId, in: path, required: true, schema: {type: string, maxLength: 36}}
    """,
)
def path_template_malformed(api: Api, _: Api) -> Iterator[Hit]:
    """The braces of a path are no template.

    A variable is a name between braces, and stands once in a path. With an empty name, a missing
    brace or the same name twice, no client can tell what to put where.
    """
    for item in api.nodes("path_item"):
        if item.key[:1] == ("paths",) and item.parent is api.root:
            path = str(item.key[-1])
            fault = _fault_of(path)
            if fault:
                yield Hit(item.place(), f"{quoted(path)} {fault}")


def _fault_of(path: str) -> str:
    """What is wrong with a template; empty if nothing."""
    names = TEMPLATE.findall(path)
    rest = TEMPLATE.sub("", path)
    if "{" in rest or "}" in rest:
        return "has a brace without its partner"
    if not all(map(str.strip, names)):
        return "has a variable without a name"
    twice = next((name for name in names if names.count(name) > 1), None)
    return f"has the variable {quoted(twice)} twice" if twice else ""


@rule(
    "api/path-without-operation",
    Severity.INFO,
    FindingClass.STYLE,
    on="path_item",
    opt_in=True,
    fix="Describe an operation, or remove the path",
    references=["https://spec.openapis.org/oas/v3.1.1#path-item-object"],
    bad="""
    paths:
      /pets: {}
    """,
    good="""
    paths:
      /pets: {get: {}}
    """,
)
def path_without_operation(item: Node, api: Api) -> Iterator[Hit]:
    """A path has no operation.

    It is valid, and is meant for what a reader may not see; mostly the operation was forgotten.
    """
    known = {*METHODS, "$ref", "additionalOperations"}
    if isinstance(item.value, dict) and known.isdisjoint(item.value):
        yield Hit(item.place(), f"{quoted(item.key[-1])} has no operation")
