"""Reports as text: one module a format."""
