"""Placeholder until the model store's fixtures arrive."""
