"""Extractors: from artefacts to facts."""
