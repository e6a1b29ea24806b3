"""The Backend Architect persona, as text."""
