"""Text that is text already: charsets, newlines, escapes, and large files piece by piece."""
