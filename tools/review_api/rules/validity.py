"""Rules about validity."""
