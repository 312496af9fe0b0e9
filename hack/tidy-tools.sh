#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tidies go.tools.mod by itself: `go mod tidy -modfile=go.tools.mod` would add everything that our own code imports.
# With -diff it changes nothing, and fails when something would change.
set -euo pipefail
cd "$(dirname "$0")/.."

alone=$(mktemp -d)
trap 'rm -rf "$alone"' EXIT
cp go.tools.mod "$alone/go.mod"
cp go.tools.sum "$alone/go.sum"
go -C "$alone" mod tidy "$@"
cp "$alone/go.mod" go.tools.mod
cp "$alone/go.sum" go.tools.sum
