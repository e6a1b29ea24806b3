"""Tools whose arguments are taken at their word: an unknown one is an error that helps."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ValidationError


class StrictTool(Tool):
    """A tool that names what is wrong with its arguments and what would be right."""

    async def run(
        self, arguments: dict[str, Any], context: Any, convert_result: bool = False
    ) -> Any:
        """Check the names of the arguments, then run. Raises `ToolError`."""
        known = list(self.parameters["properties"])
        for name in arguments:
            if name not in known:
                near = get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f"did you mean `{near[0]}`? " if near else ""
                raise ToolError(
                    f"{self.name} has no argument `{name[:80]}`; {hint}It takes: {', '.join(known)}"
                )
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            raise ToolError(f"{self.name}: {_explained(error)}") from error
        return await super().run(arguments, context, convert_result)


def _explained(error: ValidationError) -> str:
    """Each wrong argument in a few words, without echoing its value."""
    problems = []
    for each in error.errors(include_url=False, include_input=False, include_context=False)[:5]:
        name = ".".join(str(part) for part in each["loc"])
        message = each["msg"].removeprefix("Value error, ")
        if each["type"] == "missing":
            message = "is required"
        elif each["type"] == "extra_forbidden":
            message = "is unknown"
        problems.append(f"`{name}`: {message}")
    return "; ".join(problems)


def strict_tool(fn: Callable[..., Any], *, title: str, annotations: ToolAnnotations) -> StrictTool:
    """A strict tool of a function, its schemas without the noise of generated titles."""
    tool = StrictTool.from_function(fn, title=title, annotations=annotations)
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    tool.parameters = _without_titles(model.model_json_schema(by_alias=True))
    if tool.fn_metadata.output_schema:
        tool.fn_metadata.output_schema = _without_titles(tool.fn_metadata.output_schema)
    tool.description = " ".join(tool.description.split())
    assert isinstance(tool, StrictTool)
    return tool


def _without_titles(schema: Any) -> Any:
    """The schema without `title`s and nullable wrappings that pydantic adds."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = ("properties", "$defs")
    return {
        key: {name: _without_titles(part) for name, part in value.items()}
        if key in named
        else _without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
