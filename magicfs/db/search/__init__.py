"""What searches read: the scope of a query, its candidates, and the files that are found."""
