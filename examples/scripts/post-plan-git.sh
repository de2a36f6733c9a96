#!/bin/sh
# A post-plan script: keeps a git repository of what was exported, one text file an object, so that
# every change is a commit. Passwords are masked in it; files of domains stand in it as they are.
set -eu

repository=${DPBACKUP_GIT:-/var/lib/dpbackup/configuration}
dpbackup=${DPBACKUP_PROGRAM:-dpbackup}

# BACKUP-PLAN POST <plan id> <plan name> <final status> <error or NONE> FFU FFU <tasks>
plan=$4
tasks=$9

[ -d "$repository/.git" ] || git init -q "$repository"
printf '%s\n' "$tasks" | tr '~' '\n' | while IFS=, read -r task action device domain status; do
    [ "$action" = exportDomain ] && [ "$status" = SUCCESS ] || continue
    # Names that could lead elsewhere stand percent-encoded in the list: what is none of a folder is none of ours.
    for name in "$device" "$domain"; do
        case $name in
        '' | .* | */*)
            echo "'$name' is no name of a folder in $repository" >&2
            exit 1
            ;;
        esac
    done
    mkdir -p "$repository/$device"
    "$dpbackup" extract "$task" "$repository/$device/$domain" </dev/null
done
cd "$repository"
git add -A
if ! git diff --cached --quiet; then
    git -c user.name=dpbackup -c user.email="dpbackup@$(hostname)" commit -q -m "$plan"
fi
