#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fails if a generated file differs from what `make generate` writes. It generates into a copy, so it does not change the
# working tree, which may contain uncommitted changes.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R go.mod go.sum go.tools.mod go.tools.sum api config controllers hack ingest "$copy"
"$copy/hack/generate.sh"

for path in api config/crd config/rbac docs/reference.md; do
	if ! diff -ru "$path" "$copy/$path"; then
		echo "$path is out of date or contains files that are: run 'make generate'" >&2
		exit 1
	fi
done
