"""SQLite: parse and emit."""
