"""What other programs ask of the index. Each protocol has a module that only translates."""
