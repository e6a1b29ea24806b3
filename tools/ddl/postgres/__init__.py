"""PostgreSQL: parse by its own grammar, emit, and compare expressions by meaning."""
