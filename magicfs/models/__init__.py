"""Embedding models on this machine: which there are, where their weights come from, how they are prepared and stored.

The rest of MagicFS uses `store.ModelStore`. Importing this package imports neither fastembed nor onnx.
"""
