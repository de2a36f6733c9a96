#!/bin/sh
# A post-task script: copies what was stored to a second place. $DPBACKUP_FILES holds a path
# on each line, of files that are complete and verified.
set -eu

second=/second/datapower

[ "$DPBACKUP_STATUS" = SUCCESS ] || exit 0
printf '%s' "$DPBACKUP_FILES" | while IFS= read -r file; do
    place="$second/${file#"$DPBACKUP_STORE"/}"
    mkdir -p "$(dirname "$place")"
    cp -p "$file" "$place.partial"
    mv "$place.partial" "$place"
done
