"""The readers by type of file, with what documents hold beside their running text."""
