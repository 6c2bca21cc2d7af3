"""What MagicFS talks about: ids, files, text, results. Pure values and rules; no I/O, no clock, no settings."""
