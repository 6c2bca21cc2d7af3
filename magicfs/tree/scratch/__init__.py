"""What programs write beside results, before it is saved in a file."""
