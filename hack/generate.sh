#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Generates deep copies, apply configurations, CRDs and docs/reference.md from the types in api/, and the manager's role
# from the markers in controllers/. The script works on the copy of the repository that contains it.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf api/v1alpha1/applyconfiguration config/crd/doorbell.dev_*.yaml
go tool -modfile=go.tools.mod controller-gen \
	object:headerFile=hack/boilerplate.go.txt \
	applyconfiguration:headerFile=hack/boilerplate.go.txt \
	crd \
	paths=./api/v1alpha1 \
	output:crd:dir=config/crd

rm -f config/rbac/role.yaml
go tool -modfile=go.tools.mod controller-gen \
	rbac:roleName=doorbell-manager,headerFile=hack/boilerplate.yaml.txt \
	paths=./controllers/... \
	output:rbac:dir=config/rbac

mkdir -p docs
go tool -modfile=go.tools.mod crd-ref-docs \
	--source-path=./api/v1alpha1 \
	--config=hack/reference/config.yaml \
	--templates-dir=hack/reference \
	--renderer=markdown \
	--output-path=docs/reference.md \
	--log-level=ERROR
