"""Extracts the text of a file's bytes, whatever the format. `extractor` is the interface, and others use it.

Used by `magicfs.pipeline`, which opens, reads and hashes the file and passes its bytes on, so that the hash is that of
the extracted bytes. Plain text is decoded in this process; all else is parsed in a child process (`sandbox`), which
imports this package too: nothing is imported here, so that it imports no more than it needs.
"""
