#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a generated file is not what `make generate` would write. Generates into a copy: the tree is left alone and
# need not be clean.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R go.mod go.sum go.tools.mod go.tools.sum api config controllers hack ingest "$copy"
"$copy/hack/generate.sh"

for folder in api config/crd config/rbac; do
	if ! diff -ru "$folder" "$copy/$folder"; then
		echo "$folder holds generated files that are not current: run 'make generate'" >&2
		exit 1
	fi
done
