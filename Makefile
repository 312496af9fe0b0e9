# SPDX-License-Identifier: Apache-2.0

# Tools are pinned in go.tools.mod, so that what they need stays out of go.mod.
TOOL := go tool -modfile=go.tools.mod
LINT := $(TOOL) golangci-lint-kube-api-linter

# What is built, and the image's name. Where git cannot tell, as in a source archive, it is "dev".
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMG ?= ghcr.io/doorbell-dev/doorbell:$(VERSION)
KUBECTL ?= kubectl

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' Makefile

.PHONY: generate
generate: ## Write deep copies, apply configurations, CRDs and the manager's role from api/ and controllers/
	hack/generate.sh

.PHONY: fmt
fmt: ## Format the code
	$(LINT) fmt

.PHONY: lint
lint: ## Look for mistakes and breaches of style
	$(LINT) run
	lint=$$($(TOOL) -n golangci-lint-kube-api-linter) && cd hack/image && "$$lint" run

.PHONY: test
test: ## Install and build what the tests need, then run them
	hack/install-test-deps.sh redis-server
	hack/testenv.sh >/dev/null
	go test -timeout 20m ./...
	go -C hack/image test ./...

.PHONY: race
race: ## Run the tests with the race detector
	hack/install-test-deps.sh redis-server gcc
	hack/testenv.sh >/dev/null
	CGO_ENABLED=1 go test -race -timeout 30m ./...

.PHONY: e2e
e2e: install-manifest ## Test on the cluster of $KUBECONFIG, where the image IMG is loaded
	hack/e2e.sh

.PHONY: tidy
tidy: ## Bring go.mod, go.tools.mod and the modules in hack/ in line with what is imported
	go mod tidy
	hack/tidy-tools.sh
	go -C hack/image mod tidy
	go -C hack/testenv mod tidy

.PHONY: verify
verify: ## Check format, style, generated files, go.mod, and the tests under the race detector
	$(LINT) fmt --diff
	$(MAKE) --no-print-directory lint
	hack/verify-generated.sh
	go mod tidy -diff
	hack/tidy-tools.sh -diff
	go -C hack/image mod tidy -diff
	go -C hack/testenv mod tidy -diff
	$(MAKE) --no-print-directory race

.PHONY: bench
bench: ## Measure each step of an event's way, and the whole of it
	hack/install-test-deps.sh redis-server
	go test -run '^$$' -bench . -benchmem ./ingest/... ./test/bench/...

.PHONY: bench-operator
bench-operator: ## Measure the operator against a real API server
	hack/testenv.sh >/dev/null
	go test -run '^$$' -bench . -benchmem -timeout 30m ./controllers/...

.PHONY: build
build: ## Build the commands into bin/
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/ ./cmd/...

.PHONY: image
image: ## Write dist/image-linux-{amd64,arm64}.tar, the image IMG as archives
	VERSION=$(VERSION) IMG=$(IMG) hack/image.sh

.PHONY: install-manifest
install-manifest: ## Write dist/install.yaml, which runs the image IMG
	IMG=$(IMG) hack/install-manifest.sh

.PHONY: install
install: ## Install the CRDs into the cluster of $KUBECONFIG
	$(KUBECTL) kustomize config/crd | $(KUBECTL) apply --server-side -f -

.PHONY: deploy
deploy: install-manifest ## Install all of Doorbell into the cluster of $KUBECONFIG
	$(KUBECTL) apply --server-side -f dist/install.yaml

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin dist
