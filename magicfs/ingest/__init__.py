"""From disk to rows: which files are there, which of them are wanted, and which have changed."""
