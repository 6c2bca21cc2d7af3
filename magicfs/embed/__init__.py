"""Embedding models: getting them, checking them, running them, and a process that embeds queries.

The rest of MagicFS uses `protocol.Embedder`, `store.ModelStore`, `embedder.FastembedEmbedder` (workers: one
process, one model) and `client.QueryEmbedder` (mount and commands: no model in their process). Nothing outside
this package imports fastembed or onnxruntime, and importing this package imports neither.
"""
