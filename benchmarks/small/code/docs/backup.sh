#!/bin/sh
# Copies the photos to the disk in the cellar, and keeps the last seven days.
set -eu
target=/mnt/cellar/photos-$(date +%a)
rsync -a --delete "$HOME/Photos/" "$target/"
logger "photos are on $target"
