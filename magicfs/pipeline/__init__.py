"""From rows to text to vectors: extract waiting files, embed waiting chunks, maintain the index."""
