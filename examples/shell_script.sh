#!/usr/bin/env bash
#
# Back up a folder into a dated archive, check the archive, and keep only the newest few.
#
# usage: shell_script.sh [-k COUNT] FOLDER DESTINATION
#
#   -k COUNT   how many archives to keep (default: 7)

set -euo pipefail

keep=7

usage() {
    sed -n '3,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

while getopts ":k:" option; do
    case "$option" in
        k) keep=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))

[[ $# -eq 2 ]] || usage
[[ $keep =~ ^[1-9][0-9]*$ ]] || usage

folder=${1%/}
destination=$2

if [[ ! -d $folder ]]; then
    echo "there is no folder $folder" >&2
    exit 1
fi

mkdir -p "$destination"
name=$(basename "$folder")
archive=$destination/$name-$(date +%Y-%m-%dT%H%M%S).tar.gz
draft=$archive.part

# A half-written archive never gets the final name.
trap 'rm -f "$draft"' EXIT

tar --create --gzip --file "$draft" --directory "$(dirname "$folder")" "$name"
tar --list --gzip --file "$draft" > /dev/null
mv "$draft" "$archive"
echo "wrote $archive ($(du -h "$archive" | cut -f1))"

# Names carry the date, so the shell's alphabetical order is also the order of age.
archives=("$destination/$name"-*.tar.gz)
surplus=$((${#archives[@]} - keep))
for ((i = 0; i < surplus; i++)); do
    rm -- "${archives[i]}"
    echo "removed ${archives[i]}"
done
