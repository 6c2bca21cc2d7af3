"""From disk to index: what is there, what of it is wanted, what it says, and what of it is still to be done."""
