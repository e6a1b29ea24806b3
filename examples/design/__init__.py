"""Whole domain models for `design_schema`; some are resources of the server."""
