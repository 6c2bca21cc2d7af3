"""The state directory of this machine, for its owner alone: where it is, its locks, and the files of values in it.

Knows no setting but `MAGICFS_HOME`: the settings themselves stand in a file of this directory.
"""
