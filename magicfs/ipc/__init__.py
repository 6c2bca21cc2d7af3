"""Processes of one machine talk: messages over a unix socket, a server of one socket, and the lock of that server.

Used by the parser's sandbox, the query embedder and the search server. Knows no request: each of them has its own.
"""
