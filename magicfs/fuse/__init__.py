"""The mount: pyfuse3 and trio in front of `magicfs.tree`, and the life of a mount from its checks to the unmounting.

Knows nothing of what is in the tree. docs/mount.md says what errors mean, docs/mount-cache.md what is cached, and
docs/mount-concurrency.md has the rules for threads.
"""

from magicfs.fuse.fast_path import load_library

# Before anything here imports pyfuse3.
load_library()
