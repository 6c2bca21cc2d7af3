"""Postgres: connections, migrations, and one typed function for each query. No other package imports psycopg."""
