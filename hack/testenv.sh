#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the kube-apiserver and the etcd that tests run, once a version, and prints the folder that holds them.
# Nothing is downloaded but Go modules, pinned in hack/testenv/go.mod. The first build takes minutes.
set -euo pipefail
cd "$(dirname "$0")/testenv"

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/doorbell/testenv/$version"
mkdir -p "$folder"

build() { # NAME PACKAGE
	[ -x "$folder/$1" ] && return
	echo "building $1 $version for the tests (once, minutes)" >&2
	# Without a version the API server calls itself v0.0.0-master.
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" \
		-o "$folder/$1.new.$$" "$2" >&2
	mv "$folder/$1.new.$$" "$folder/$1"
}

exec 9>"$folder/lock"
flock 9 # test packages run at the same time; one builds, the others wait
build etcd go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
echo "$folder"
