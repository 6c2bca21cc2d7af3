"""Fixtures for all tiers. The servers start when a test first asks for them, so unit tests stay quick."""

pytest_plugins = [
    "tests.plugins.environment",
    "tests.plugins.order",
    "tests.plugins.imports",
    "tests.plugins.servers",
    "tests.plugins.broker",
    "tests.plugins.models",
    "tests.plugins.stack",
    "tests.plugins.commands",
    "tests.plugins.index",
    "tests.plugins.network",
]
