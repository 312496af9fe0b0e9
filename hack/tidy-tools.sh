#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tidies go.tools.mod in an empty module. In this repository, `go mod tidy -modfile=go.tools.mod` would add the dependencies of our
# own code too. With -diff the script changes nothing and fails if go.tools.mod is not tidy.
set -euo pipefail
cd "$(dirname "$0")/.."

alone=$(mktemp -d)
trap 'rm -rf "$alone"' EXIT
cp go.tools.mod "$alone/go.mod"
cp go.tools.sum "$alone/go.sum"
go -C "$alone" mod tidy "$@"
cp "$alone/go.mod" go.tools.mod
cp "$alone/go.sum" go.tools.sum
