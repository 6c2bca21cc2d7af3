"""The command line: only this package talks to a person. `main.main` is its entry point.

Imports nothing, and neither does `application` import anything heavy: `magicfs --help` and shell completion are quick,
and a service that needs `wiring` alone does not load the commands.
"""
