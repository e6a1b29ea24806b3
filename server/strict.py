"""Tools whose arguments are taken at their word: an unknown one is an error that helps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ValidationError

from backend_architect.tools.report import quoted


class StrictTool(Tool):
    """A tool that names what is wrong with its arguments and what would be right."""

    async def run(
        self, arguments: dict[str, Any], context: Any, convert_result: bool = False
    ) -> Any:
        """Check the names of the arguments, then run. Raises `ToolError`."""
        for name in arguments:
            if name not in self.parameters["properties"]:
                hint = _takes(self.parameters, (), name)
                raise ToolError(f"{self.name} has no argument {quoted(name)}; {hint}")
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            raise ToolError(f"{self.name}: {_explained(error, self.parameters)}") from error
        return await super().run(arguments, context, convert_result)


def _explained(error: ValidationError, schema: dict[str, Any]) -> str:
    """Each wrong argument in a few words, without echoing its value."""
    problems = []
    for each in error.errors(include_url=False, include_input=False, include_context=False)[:5]:
        message = each["msg"].removeprefix("Value error, ")
        match each["type"]:
            case "missing":
                message = "is required"
            case "extra_forbidden":
                *around, name = each["loc"]
                message = f"is unknown; {_takes(schema, around, str(name))}"
            case "list_type":
                message = 'must be a list: ["…"]'
            case "model_type" | "model_attributes_type":
                message = f"must be an object; {_takes(schema, each['loc'])}"
        problems.append(f"{quoted('.'.join(map(str, each['loc'])))}: {message}")
    return "; ".join(problems)


def _takes(schema: dict[str, Any], where: Iterable[str | int], wrong: str = "") -> str:
    """The names that an object in the arguments takes, the nearest to a wrong one first."""
    part = schema
    for step in where:
        part = part["properties"][step]
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    known = list(part["properties"])
    near = get_close_matches(wrong[:80], known, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"{hint}It takes: {', '.join(known)}"


def strict_tool(fn: Callable[..., Any], *, title: str, annotations: ToolAnnotations) -> StrictTool:
    """A strict tool of a function, its schemas without the noise of generated titles."""
    tool = StrictTool.from_function(fn, title=title, annotations=annotations)
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    tool.parameters = _terse(model.model_json_schema(by_alias=True))
    if tool.fn_metadata.output_schema:
        tool.fn_metadata.output_schema = _terse(tool.fn_metadata.output_schema)
    tool.description = " ".join(tool.description.split())
    assert isinstance(tool, StrictTool)
    return tool


def _terse(schema: Any) -> Any:
    """The schema without the `title`s that pydantic adds; what may be left out need not be null."""
    if isinstance(schema, list):
        return [_terse(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "default" in schema and schema["default"] is None:
        given, _ = schema["anyOf"]
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        schema = {**given, **rest}
    named = ("properties", "$defs")
    return {
        key: {name: _terse(part) for name, part in value.items()} if key in named else _terse(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
