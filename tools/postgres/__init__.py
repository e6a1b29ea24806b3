"""A private, throw-away PostgreSQL: launch, sandbox, introspect."""
