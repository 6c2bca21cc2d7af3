"""Files and directories of other hosts, which are asked for what they hold."""
