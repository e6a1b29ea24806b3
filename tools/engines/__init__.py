"""Facts about database engines, as data: limits, reserved words, what a server can tell."""
