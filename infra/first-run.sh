#!/bin/sh
# Index the roots, mount at MOUNT, and show one search with the commands to go on with. Where nothing can be mounted, as
# in most containers, search without a mount. Used by `make run`.
#
#   BIN=.venv/bin infra/first-run.sh MOUNT QUERY ROOT...
set -eu

# A tilde that comes in a variable is not expanded by anybody else.
mount=$("$BIN/python" -c 'import os, sys; os.write(1, os.fsencode(os.path.expanduser(sys.argv[1])))' "$1")
query=$2
shift 2

# Why this machine mounts nothing; empty if it does.
refusal() {
    "$BIN/python" - <<'EOT'
from magicfs.errors import MountError
from magicfs.fuse.mountpoint import require_fuse

try:
    require_fuse()
except MountError as error:
    print(error)
EOT
}

reason=$(refusal)
if [ -n "$reason" ]; then
    echo "searching without a mount: $reason"
    "$BIN/magicfs" up "$@" --detach --wait
    printf '\n$ magicfs search "%s"\n' "$query"
    "$BIN/magicfs" search "$query"
else
    [ -e "$mount" ] || mkdir -p "$mount" 2>/dev/null || true
    "$BIN/magicfs" up "$@" --mount "$mount" --detach --wait
    printf '\n$ ls "%s/search/%s"\n' "$mount" "$query"
    # The names begin with the rank, so the best result comes first.
    # shellcheck disable=SC2012
    ls "$mount/search/$query" | head -n 10
fi

printf '\nSearch more:    '
[ -n "$reason" ] || printf 'ls "%s/search/what you look for"\n                ' "$mount"
cat <<EOT
$BIN/magicfs search what you look for
                $BIN/magicfs status
Stop:           $BIN/magicfs down
EOT
