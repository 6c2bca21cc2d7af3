#!/bin/sh
# Show one search through the mount, and the commands to go on with. Used by `make run`.
#
#   infra/first-look.sh MOUNT QUERY
set -eu

mount=$1
query=$2
magicfs=${MAGICFS:-magicfs}

printf '\n$ ls "%s/search/%s"\n' "$mount" "$query"
# The names begin with the rank, so the best result comes first.
# shellcheck disable=SC2012
ls "$mount/search/$query" | head -n 10
cat <<EOT

Search more:    ls "$mount/search/what you look for"
                $magicfs search what you look for
                $magicfs status
Stop:           $magicfs down
EOT
