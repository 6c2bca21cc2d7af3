"""Encoded data inside text: pictures in base64, keys, dumps of bytes, minified code. It is taken out before chunking.

`strip.strip_encoded` is what others use. Nobody reads encoded data, but it would make thousands of chunks, words that
are none, and vectors that are near to anything.
"""
