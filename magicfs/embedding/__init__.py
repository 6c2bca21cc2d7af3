"""Embedding models at work: the `Embedder` protocol with fastembed behind it, and the process that embeds queries.

Workers load `embedder.FastembedEmbedder`, one model a process. The mount and the commands hold no model: they use
`query_client.QueryEmbedder`, the client of `query_server`. Importing this package imports neither fastembed nor
onnxruntime.
"""
