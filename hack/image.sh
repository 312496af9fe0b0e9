#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the commands, static, and writes dist/image-linux-ARCH.tar for each architecture, for "docker load", "kind load
# image-archive" or "ctr images import":
#   IMG=registry/doorbell:tag VERSION=v1.2.3 hack/image.sh [ARCH...]
set -euo pipefail
cd "$(dirname "$0")/.."

: "${VERSION:?}" "${IMG:?}"
[ $# -gt 0 ] || set -- amd64 arm64

# Which commit this is, where git can tell: in a source archive, or in somebody else's folder, it cannot.
if revision=$(git rev-parse HEAD 2>/dev/null); then
	created=$(git log -1 --format=%ct)
	vcs=true
else
	revision='' created=0 vcs=false
fi

mkdir -p bin dist
go -C hack/image build -trimpath -buildvcs=false -o ../../bin/hack-image .
for arch in "$@"; do
	programs="bin/linux-$arch"
	rm -rf "$programs"
	CGO_ENABLED=0 GOOS=linux GOARCH="$arch" go build -trimpath -buildvcs="$vcs" \
		-ldflags "-s -w -X main.version=$VERSION" -o "$programs/" ./cmd/...
	bin/hack-image -name "$IMG" -programs "$programs" -architecture "$arch" -version "$VERSION" \
		-revision "$revision" -created "$created" -output "dist/image-linux-$arch.tar"
	echo "dist/image-linux-$arch.tar: $IMG"
done
