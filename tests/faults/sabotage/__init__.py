"""Modules that a worker of a test imports before it starts. Each makes one real part fail on a marked text."""
