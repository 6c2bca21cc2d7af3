"""The embedded Postgres and Redis, and the supervisor behind `magicfs up`."""
