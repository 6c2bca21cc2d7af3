"""Random operations on a tree, random faults of the parts that index it, and the comparison of two indexes."""
