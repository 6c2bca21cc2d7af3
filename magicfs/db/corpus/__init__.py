"""Files and what is read in them: claims, contents with their chunks and words, failures."""
