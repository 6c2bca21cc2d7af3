"""`search/` and `links/`: the results of queries as files or links, and how they are named and cached."""
