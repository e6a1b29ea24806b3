"""The physical schema: a logical one for an engine and version, with the reasons."""
