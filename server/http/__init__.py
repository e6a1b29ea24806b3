"""The server for teams: who may call, how often, and what is told of it."""
