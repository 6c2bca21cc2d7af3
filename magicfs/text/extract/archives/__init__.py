"""Archives and compressed files: the names in them, and the files in small ones."""
