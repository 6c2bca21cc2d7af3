"""The virtual tree behind the mount: `search/`, `mirror/` and `.magic/`. Knows nothing of FUSE.

Nodes are plain objects. Each names the thread pool for its methods that may block; whoever serves the tree calls
those in threads. `tree.Tree` is the way in; docs/mount.md describes the tree to its users.
"""
