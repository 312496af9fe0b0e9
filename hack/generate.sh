#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Writes what controller-gen makes of the types in api/ and of the markers in controllers/. Works in the current copy of the repository, wherever it is.
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
