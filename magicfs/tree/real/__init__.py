"""Files and directories of this host, as `mirror/` and the results show them."""
