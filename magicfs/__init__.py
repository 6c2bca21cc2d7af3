"""MagicFS: a filesystem you can ask."""

__version__ = "0.1.0"
