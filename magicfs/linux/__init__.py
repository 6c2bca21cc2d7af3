"""The Linux kernel in one place: calls that Python lacks, opening files below a root, locks, the table of mounts.

Used by every package that touches the disk. It knows nothing of roots, rules or the index. Any thread may call it.
Functions raise `OSError`; its `ENOSYS` means that the kernel, or a filter around this process, lacks the call.
"""
