"""The virtual tree behind the mount: searches, mirrors of the roots, `.magic`. Knows nothing of FUSE.

Nodes are plain objects. Methods that may block say so, and which lane they belong to; whoever serves the tree
calls those in threads. docs/mount.md describes the tree to its users.
"""
