#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the kube-apiserver and the etcd that the tests run, if this version is not built yet, and prints the directory that
# contains them. It downloads only Go modules, which hack/testenv/go.mod pins. The first build takes several minutes.
set -euo pipefail
cd "$(dirname "$0")/testenv"

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
directory="${XDG_CACHE_HOME:-$HOME/.cache}/doorbell/testenv/$version"
mkdir -p "$directory"

build() { # NAME PACKAGE
	[ -x "$directory/$1" ] && return
	echo "building $1 $version for the tests: this takes several minutes, once" >&2
	# Without this flag the API server reports its version as v0.0.0-master.
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" \
		-o "$directory/$1.new.$$" "$2" >&2
	mv "$directory/$1.new.$$" "$directory/$1"
}

exec 9>"$directory/lock"
flock 9 # several test packages may call this script at the same time: the first one builds, the others wait
build etcd go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
echo "$directory"
