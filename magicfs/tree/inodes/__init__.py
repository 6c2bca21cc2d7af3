"""The numbers by which the kernel knows nodes, and what is kept of a node that nobody uses."""
