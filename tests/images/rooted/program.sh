#!/bin/sh
# Writes where only root may write; exits 77 otherwise.
output="${OUTPUT_DIRECTORY:-/var/runtime/output}"

if ! echo proof > /only-root/proof; then
    echo "this program must run as root, but runs as $(id -u)" >&2
    exit 77
fi
printf '{"uid": %s}' "$(id -u)" > "$output/output.json"
echo "ran as $(id -u)"
