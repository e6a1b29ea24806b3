"""Indexes from access patterns: what the planner makes of each, before there is any data."""
