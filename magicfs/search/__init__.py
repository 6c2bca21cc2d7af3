"""The search: from the text that a person types to ranked files. It reaches Postgres through `magicfs.db` only."""
