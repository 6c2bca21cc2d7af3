#!/bin/sh
# Become redis-server with the configuration given as argument and the password of REDISCLI_AUTH.
#
# The password goes in through standard input: the command line is readable by everybody on the host.
set -eu

: "${REDISCLI_AUTH:?set MAGICFS_REDIS_PASSWORD in .env}"

exec redis-server "$1" - <<CONFIGURATION
requirepass "$REDISCLI_AUTH"
CONFIGURATION
