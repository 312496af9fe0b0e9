#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Writes dist/install.yaml: everything in config/default, with the image $IMG for the manager and the ingest pods.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${IMG:?}"
mkdir -p dist
overlay=$(mktemp -d "$PWD/dist/install.XXXXXX") # inside the repository, because kustomize requires a relative path to the base
trap 'rm -rf "$overlay"' EXIT
cat >"$overlay/kustomization.yaml" <<EOT
resources:
  - ../../config/default
sortOptions: {order: legacy}
replacements: # copy the manager's image, which "edit set image" sets below, to DOORBELL_IMAGE: the ingest pods run the same image
  - source:
      kind: Deployment
      name: doorbell-manager
      fieldPath: spec.template.spec.containers.[name=manager].image
    targets:
      - select: {kind: Deployment, name: doorbell-manager}
        fieldPaths: ["spec.template.spec.containers.[name=manager].env.[name=DOORBELL_IMAGE].value"]
EOT
kustomize=$(go tool -modfile=go.tools.mod -n kustomize)
(cd "$overlay" && "$kustomize" edit set image "ghcr.io/doorbell-dev/doorbell=$IMG")

{
	echo "# SPDX-License-Identifier: Apache-2.0"
	echo "# kubectl apply --server-side -f install.yaml"
	"$kustomize" build "$overlay"
} >"$overlay/install.yaml"
mv "$overlay/install.yaml" dist/install.yaml
echo "dist/install.yaml: $IMG"
