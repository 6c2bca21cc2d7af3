#!/bin/sh
# Become redis-server with the configuration given as argument and the password of REDISCLI_AUTH.
#
# The password comes through standard input: everybody on the host can read a command line.
set -eu

: "${REDISCLI_AUTH:?set MAGICFS_REDIS_PASSWORD in .env}"

exec redis-server "$1" - <<CONFIGURATION
requirepass "$REDISCLI_AUTH"
CONFIGURATION
