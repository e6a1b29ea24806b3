"""The logical schema: relations, keys and references of a domain, for no engine in particular."""
