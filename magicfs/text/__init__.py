"""From a file's bytes to text, and from text to the chunks that are embedded.

`extract` gets the text, `chunk` cuts it. Used by the extraction service; knows no database and opens no file.
"""
