"""The entry point. Bare, or with `serve`, it starts the MCP server; see `server.cli`.

Garbage collection is off while modules load: they are never garbage, and looking costs a third of
the start-up.
"""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    gc.disable()
    from .cli import main as cli

    cli()


if __name__ == "__main__":
    main()
