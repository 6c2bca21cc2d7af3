"""Office documents of all suites and times, where kreuzberg reads them not at all or not as a person does."""
