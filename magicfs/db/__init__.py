"""Postgres: connections, migrations, and one typed function per query. Nothing else imports psycopg."""
