"""The Celery side of MagicFS: each task makes one call of a service. The services are in `magicfs`."""
