"""The GraphQL model: SDL of one file or many to types with places, and what is reachable."""
