"""The model of an OpenAPI description: kinds, nodes, references, operations."""
