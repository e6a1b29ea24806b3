"""What a design promises, each tried on a private engine."""
