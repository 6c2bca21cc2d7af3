"""Search: what people type, and the files that answer it. Knows Postgres through `magicfs.db` alone."""
