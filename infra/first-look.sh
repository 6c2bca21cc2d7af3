#!/bin/sh
# Show the result of an installation: one search through the mount, and how to go on. Used by `make run`.
#
#   infra/first-look.sh MOUNT QUERY
set -eu

mount=$1
query=$2
magicfs=${MAGICFS:-magicfs}

printf '\n$ ls -r "%s/search/%s"\n' "$mount" "$query"
# The names begin with the score: reversed, the best one comes first.
# shellcheck disable=SC2012
ls -r "$mount/search/$query" | head -n 10
cat <<EOF

Look further:   ls -r "$mount/search/what you look for"
                $magicfs search what you look for
                $magicfs status
Stop:           $magicfs down
EOF
