"""From a file's bytes to its text, and from the text to the chunks that are embedded.

`extract` returns the text of a file's bytes, `chunking` cuts it. Used by `magicfs.pipeline`. Knows no database and
opens no file of a user.
"""
