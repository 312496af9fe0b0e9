#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the programs as static binaries and writes the image as an archive for each architecture:
# dist/image-linux-ARCH.tar. Load it with "docker load", "kind load image-archive" or "ctr images import".
#   IMG=registry/doorbell:tag VERSION=v1.2.3 hack/image.sh [ARCH...]
# Without arguments it builds for amd64 and arm64.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${VERSION:?}" "${IMG:?}"
[ $# -gt 0 ] || set -- amd64 arm64

# Record the commit if git knows it. It does not in a source archive, or if another user owns the checkout.
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
