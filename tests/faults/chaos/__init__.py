"""Random operations on a tree, random faults on what indexes it, and what must be equal in the end."""
