"""The virtual tree behind the mount: `search/`, `mirror/` and `.magic/`. Knows nothing of FUSE.

Nodes are plain objects. Each names the thread pool for its methods that may block; the FUSE adapter calls those in
threads. `tree.Tree` puts the nodes together; docs/mount.md describes the tree to users, and
docs/mount-concurrency.md has the rules for threads.
"""
