"""Run an embedding model: the `Embedder` protocol with fastembed behind it, and the process that embeds queries.

Workers load `embedder.FastembedEmbedder` (one process, one model); the mount and the commands ask through
`query_client.QueryEmbedder` and hold no model. Importing this package imports neither fastembed nor onnxruntime.
"""
