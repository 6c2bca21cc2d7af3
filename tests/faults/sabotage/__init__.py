"""Imported by a worker of a test before it starts: each module makes one real part misbehave on a marked text."""
