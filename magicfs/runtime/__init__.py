"""What runs on this machine: the embedded Postgres and Redis, and the supervisor behind `magicfs up`."""
