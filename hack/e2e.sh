#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs test/e2e on the cluster of KUBECONFIG, which already has the Redis image and the image that dist/install.yaml
# names. The tests read:
#   DOORBELL_E2E_KUBECONFIG  the cluster; without it the tests do nothing. Set here, from KUBECONFIG.
#   DOORBELL_E2E_MANIFEST    what is installed: dist/install.yaml. Set here.
#   DOORBELL_E2E_LOAD        a command that loads the image archive that it is given into the cluster, such as
#                            "kind load image-archive". Yours to set.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${KUBECONFIG:-}" ]; then
	echo "KUBECONFIG is not set: name the configuration of a cluster that may be used up" >&2
	exit 1
fi
export DOORBELL_E2E_KUBECONFIG="$KUBECONFIG"
export DOORBELL_E2E_MANIFEST="$PWD/dist/install.yaml"

# The fake Knock runs in a pod too.
: "${DOORBELL_E2E_LOAD:?names a command that loads an image archive into the cluster}"
export DOORBELL_E2E_KNOCK_IMAGE=localhost/doorbell-e2e-knock:e2e
arch=$(go env GOARCH)
go -C hack/image build -trimpath -buildvcs=false -o ../../bin/hack-image .
rm -rf bin/e2e
CGO_ENABLED=0 GOOS=linux go build -trimpath -o bin/e2e/ ./test/e2e/knock
bin/hack-image -name "$DOORBELL_E2E_KNOCK_IMAGE" -programs bin/e2e -architecture "$arch" -version e2e -output dist/e2e-knock.tar
$DOORBELL_E2E_LOAD dist/e2e-knock.tar

go test -count=1 -timeout 40m -v ./test/e2e "$@"
