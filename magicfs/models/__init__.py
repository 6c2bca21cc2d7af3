"""Embedding models on this machine: their names, the sources of their files, their preparation and their store.

The rest of MagicFS uses `store.ModelStore`. Importing this package imports neither fastembed nor onnx.
"""
