"""The system's description: what a document of the API or the database cannot say."""
