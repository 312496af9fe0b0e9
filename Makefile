# SPDX-License-Identifier: Apache-2.0

# Tools are pinned in go.tools.mod, so that what they need stays out of go.mod.
TOOL := go tool -modfile=go.tools.mod
LINT := $(TOOL) golangci-lint-kube-api-linter

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

.PHONY: generate
generate: ## Write deep copies, apply configurations and CRDs from the types in api/
	hack/generate.sh

.PHONY: fmt
fmt: ## Format the code
	$(LINT) fmt

.PHONY: lint
lint: ## Look for mistakes and breaches of style
	$(LINT) run

.PHONY: test
test: ## Install what the tests need, then run them
	hack/install-test-deps.sh redis-server
	go test ./...

.PHONY: race
race: ## Run the tests with the race detector
	hack/install-test-deps.sh redis-server gcc
	CGO_ENABLED=1 go test -race ./...

.PHONY: tidy
tidy: ## Bring go.mod and go.tools.mod in line with what is imported
	go mod tidy
	hack/tidy-tools.sh

.PHONY: verify
verify: ## Check format, style, generated files, go.mod, and the tests under the race detector
	$(LINT) fmt --diff
	$(LINT) run
	hack/verify-generated.sh
	go mod tidy -diff
	hack/tidy-tools.sh -diff
	$(MAKE) --no-print-directory race

.PHONY: bench
bench: ## Measure each step and the whole way
	hack/install-test-deps.sh redis-server
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: build
build: ## Build the commands into bin/
	go build -trimpath -o bin/ ./cmd/...

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin dist
