"""What is covered, by topic; pages are resources of the server."""
