"""Deterministic reviews: pure functions from documents to reports. Nothing here knows of MCP."""
