"""Models and their vectors: what is to be embedded, what was, and the indexes of vectors."""
