"""The settings: the environment over `config.toml` over defaults. Read once at the entry point and passed down."""

from magicfs.config.loading import load, unknown_variables
from magicfs.config.settings import MAX_EXTRACT_SECONDS, PATIENCE_SECONDS, Settings, environment_values

__all__ = ["MAX_EXTRACT_SECONDS", "PATIENCE_SECONDS", "Settings", "environment_values", "load", "unknown_variables"]
