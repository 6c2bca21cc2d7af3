"""The embedded Postgres and Redis, and the supervisor behind `magicfs up`. Used by the command line only."""
