"""The thin outside: MCP application, transports, command line, rendering."""

from functools import cache


@cache
def version() -> str:
    """The version of the installed distribution."""
    from importlib.metadata import version as installed

    return installed("backend-architect")
