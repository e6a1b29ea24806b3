"""The thin outside: MCP application, transports, command line, rendering."""
