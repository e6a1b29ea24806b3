"""Rules about path templates and what fills them."""

from __future__ import annotations

from collections.abc import Iterator

from ...openapi.api import TEMPLATE, Api, Operation
from ...openapi.document import Node, pointer
from ...report import FindingClass, Severity, quoted
from ...rule import Hit, rule

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
    declared = {listed.node.get("name") for listed in operation.parameters_in("path")}
    for name in dict.fromkeys(TEMPLATE.findall(operation.path)):
        if name not in declared:
            yield Hit(
                operation.node.place(),
                f"{quoted(operation)} has no parameter for {quoted('{' + name + '}')}",
                cause=f"{quoted(operation.path)} has no parameter for {quoted('{' + name + '}')}",
                fix=f"Add a parameter {quoted(name)} with `in: path` and `required: true`",
            )


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

    The value cannot be sent anywhere. Usually the path or the parameter was renamed and the other
    was forgotten.
    """
    variables = set(TEMPLATE.findall(operation.path))
    for at, node in operation.parameters_in("path"):
        if node.get("name") not in variables:
            name = quoted(node.get("name"))
            yield Hit(at.place(), f"{quoted(operation.path)} has no variable for {name}")


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
            patch=({"op": op, "path": where, "value": True},),
        )
