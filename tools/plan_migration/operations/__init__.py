"""What statements do to others: each is like an operation that was measured."""
