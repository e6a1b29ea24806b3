"""Rules about pagination."""
