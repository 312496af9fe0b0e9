#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the end-to-end tests in test/e2e on the cluster of $KUBECONFIG. The nodes of that cluster must already have the Redis
# image and the image that dist/install.yaml names. Arguments are passed to "go test", for example: -run TestRotatedToken
#
# You set:
#   KUBECONFIG                    the cluster; the tests create and delete namespaces and install Doorbell in it
#   DOORBELL_E2E_LOAD             a command that loads an image archive into the cluster, such as "kind load image-archive";
#                                 the script appends the path of the archive
#   DOORBELL_E2E_RESTART_KUBELET  optional: a shell command that restarts the kubelet of a node, for the test of that fault
#   DOORBELL_RUDDER_PAYLOADS      optional: a file with one RudderStack webhook body a line, sent in addition to the samples
#
# This script sets, for the tests:
#   DOORBELL_E2E_KUBECONFIG       $KUBECONFIG; without it "go test" skips all end-to-end tests
#   DOORBELL_E2E_MANIFEST         dist/install.yaml, the manifest to install
#   DOORBELL_E2E_KNOCK_IMAGE      the image of the fake Knock, which this script builds and loads
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${KUBECONFIG:-}" ]; then
	echo "KUBECONFIG is not set: set it to the kubeconfig of a cluster that the tests may change" >&2
	exit 1
fi
export DOORBELL_E2E_KUBECONFIG="$KUBECONFIG"
export DOORBELL_E2E_MANIFEST="$PWD/dist/install.yaml"

: "${DOORBELL_E2E_LOAD:?set it to a command that loads an image archive into the cluster, such as 'kind load image-archive'}"
export DOORBELL_E2E_KNOCK_IMAGE=localhost/doorbell-e2e-knock:e2e
arch=$(go env GOARCH)
go -C hack/image build -trimpath -buildvcs=false -o ../../bin/hack-image .
rm -rf bin/e2e
CGO_ENABLED=0 GOOS=linux go build -trimpath -o bin/e2e/ ./test/e2e/knock
bin/hack-image -name "$DOORBELL_E2E_KNOCK_IMAGE" -programs bin/e2e -architecture "$arch" -version e2e -output dist/e2e-knock.tar
$DOORBELL_E2E_LOAD dist/e2e-knock.tar

go test -count=1 -timeout 40m -v ./test/e2e "$@"
