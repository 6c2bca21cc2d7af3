"""The Celery side: messages come in, one service call is made, an outcome goes out. The services are in `magicfs`."""
