"""The standard library's SQLite as a private engine: what runs on it can reach nothing else."""
