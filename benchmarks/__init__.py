"""Figures of the whole, each a ratio of two things measured side by side in one run."""
