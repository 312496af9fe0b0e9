# SPDX-License-Identifier: Apache-2.0

# go.tools.mod pins the development tools, so that their dependencies stay out of go.mod.
TOOL := go tool -modfile=go.tools.mod
LINT := $(TOOL) golangci-lint-kube-api-linter

# The version of the programs and the name of the image. Without a git repository, as in a source archive, the version is "dev".
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMG ?= ghcr.io/doorbell-dev/doorbell:$(VERSION)
KUBECTL ?= kubectl

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' Makefile

.PHONY: generate
generate: ## Generate code, CRDs, the manager's role and the field reference from api/ and controllers/
	hack/generate.sh

.PHONY: fmt
fmt: ## Format the code
	$(LINT) fmt

.PHONY: lint
lint: ## Run the linters
	$(LINT) run
	lint=$$($(TOOL) -n golangci-lint-kube-api-linter) && cd hack/image && "$$lint" run

.PHONY: test
test: ## Run all tests; installs redis-server and valkey-server and builds a kube-apiserver if they are missing
	hack/install-test-deps.sh redis-server valkey-server
	hack/testenv.sh >/dev/null
	go test -timeout 20m ./...
	go -C hack/image test ./...

.PHONY: race
race: ## Run the tests with the race detector
	hack/install-test-deps.sh redis-server valkey-server gcc
	hack/testenv.sh >/dev/null
	CGO_ENABLED=1 go test -race -timeout 30m ./...

.PHONY: simulate
simulate: SCHEDULES ?= 10000
simulate: ## Run SCHEDULES schedules of the data plane in virtual time, on all processors; about ten minutes
	hack/simulate.sh $(SCHEDULES)

.PHONY: faults
faults: SCHEDULES ?= 50
faults: FAILOVERS ?= 20
faults: SEED ?= 1
faults: ## Run SCHEDULES schedules with real processes that are killed, and FAILOVERS failovers, from SEED on; about five minutes
	hack/install-test-deps.sh redis-server valkey-server
	go test -count=1 -timeout 2h -v ./test/faults -schedules=$(SCHEDULES) -failovers=$(FAILOVERS) -first=$(SEED)

.PHONY: e2e
e2e: install-manifest ## Run the end-to-end tests on the cluster of $KUBECONFIG; its nodes must have the image IMG
	hack/e2e.sh

.PHONY: tidy
tidy: ## Tidy go.mod, go.tools.mod and the modules in hack/ and test/
	go mod tidy
	hack/tidy-tools.sh
	go -C hack/image mod tidy
	go -C hack/testenv mod tidy
	go -C test/bench/bento mod tidy

.PHONY: verify
verify: ## Check formatting, lint, generated files and go.mod, then run the tests with the race detector
	$(LINT) fmt --diff
	$(MAKE) --no-print-directory lint
	hack/verify-generated.sh
	go mod tidy -diff
	hack/tidy-tools.sh -diff
	go -C hack/image mod tidy -diff
	go -C hack/testenv mod tidy -diff
	$(MAKE) --no-print-directory race

.PHONY: bench
bench: ## Compare the data plane with simpler programs and write dist/bench.json; LONG=1 adds the figures that take an hour
	hack/install-test-deps.sh redis-server
	mkdir -p dist
	go run ./test/bench -json dist/bench.json $(if $(LONG),-long)

.PHONY: bench-steps
bench-steps: ## Benchmark each step of the data plane
	hack/install-test-deps.sh redis-server
	go test -run '^$$' -bench . -benchmem ./ingest/...

.PHONY: bench-operator
bench-operator: ## Benchmark the operator against a real API server
	hack/testenv.sh >/dev/null
	go test -run '^$$' -bench . -benchmem -timeout 30m ./controllers/...

.PHONY: build
build: ## Build the programs into bin/
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/ ./cmd/...

.PHONY: image
image: ## Build the image IMG as archives: dist/image-linux-{amd64,arm64}.tar
	VERSION=$(VERSION) IMG=$(IMG) hack/image.sh

.PHONY: install-manifest
install-manifest: ## Write dist/install.yaml, which installs Doorbell with the image IMG
	IMG=$(IMG) hack/install-manifest.sh

.PHONY: install
install: ## Install the CRDs into the cluster of $KUBECONFIG
	$(KUBECTL) kustomize config/crd | $(KUBECTL) apply --server-side -f -

.PHONY: deploy
deploy: install-manifest ## Install Doorbell into the cluster of $KUBECONFIG
	$(KUBECTL) apply --server-side -f dist/install.yaml

.PHONY: clean
clean: ## Delete bin/ and dist/
	rm -rf bin dist
