"""One exact model of a relational schema: parse, emit, compare."""
