#!/bin/sh
# Show what was made: one search through the mount, and how to go on. Used by `make run`.
#
#   infra/first-look.sh MOUNT QUERY
set -eu

mount=$1
query=$2
magicfs=${MAGICFS:-magicfs}

printf '\n$ ls "%s/search/%s"\n' "$mount" "$query"
# In the order of the directory, which is best first; ls alone would sort by name.
# shellcheck disable=SC2012
ls -U "$mount/search/$query" | head -n 10
cat <<EOF

Look further:   ls "$mount/search/what you look for"
                $magicfs search what you look for
                $magicfs status
Stop:           $magicfs down
EOF
