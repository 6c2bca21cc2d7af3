"""Ids and the records that cross a package: roots, files, contents, chunks, models, queries, results, status.

Pure values and rules: no I/O, no clock, no settings.
"""
