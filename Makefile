SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOL := go tool -modfile=tools/go.mod
PACKAGES := ./...

.PHONY: help
help: ## Show what can be made
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: bootstrap
bootstrap: ## Put on this machine what is missing: Postgres, Redis, RabbitMQ, nginx, Prometheus, Alertmanager, the temporal command
	@scripts/bootstrap

.PHONY: build
build: ## Build into .bin the product, onlywave, and onlywave-lab, which runs it here, breaks it and measures it
	@mkdir -p .bin
	CGO_ENABLED=0 go build -trimpath -o .bin/onlywave .
	CGO_ENABLED=0 go build -trimpath -o .bin/onlywave-lab ./test/lab

.PHONY: demo
demo: bootstrap build ## Run the whole platform and watch one payment's story on it
	@exec .bin/onlywave-lab demo

.PHONY: up
up: bootstrap build ## Run the whole platform until Ctrl-C, with a curl to paste
	@exec .bin/onlywave-lab dev

.PHONY: compose
compose: ## With Docker: start the platform of docker-compose.yml, have a payment paid on it, and remove it again
	@scripts/compose

.PHONY: test
test: bootstrap ## Run every test, on real services
	go test -race -timeout 15m -p 4 ./test/system $(PACKAGES) # what takes longest begins first

# Packages whose tests start no service: they import neither test/devstack nor test/platform.
UNIT_PACKAGES = $(shell go list -f '{{.ImportPath}}: {{.TestImports}} {{.XTestImports}}' $(PACKAGES) | grep -v -e 'onlywave/test/devstack' -e 'onlywave/test/platform' | cut -d: -f1)

.PHONY: test-unit
test-unit: ## Run the tests that need no service, in seconds
	go test $(UNIT_PACKAGES)

.PHONY: lint
lint: ## Check format, vet, staticcheck, workflow determinism, import rules and generated code
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt these: $$unformatted"; exit 1; }
	go vet $(PACKAGES)
	go vet -tags chromium ./test/system/walk
	$(TOOL) staticcheck $(PACKAGES)
	$(TOOL) workflowcheck ./worker ./workflows
	$(TOOL) depguard $(PACKAGES)
	@$(MAKE) --no-print-directory verify

.PHONY: generate
generate: ## Make the generated code anew
	go generate $(PACKAGES)

.PHONY: verify
verify: ## Check that the generated code and the module files are up to date
	go mod tidy -diff
	cd tools && go mod tidy -diff
	@before=$$(git ls-files '*.gen.go' 'deploy/grafana/dashboards/*.json' | xargs sha256sum); $(MAKE) --no-print-directory generate; \
	after=$$(git ls-files '*.gen.go' 'deploy/grafana/dashboards/*.json' | xargs sha256sum); \
	[ "$$before" = "$$after" ] || { echo "generated code was out of date; it is made anew now, commit it"; exit 1; }

.PHONY: bench
bench: bootstrap build ## Measure against the machine's own limits, and keep the table in docs/performance.md
	@exec .bin/onlywave-lab bench

.PHONY: bench-record
bench-record: bootstrap build ## Measure reads of a record of 5 million payments, and keep the tables and plans in test/bench/record/results (15 GB, 10 min)
	@exec .bin/onlywave-lab bench record

.PHONY: drill
drill: bootstrap build ## Break a throw-away platform in every way we know (NAME=redis-.* SEED=7), see docs/drills.md
	@exec .bin/onlywave-lab drill --name '$(NAME)' --seed '$(or $(SEED),0)'

.PHONY: soak
soak: bootstrap build ## Draw faults at random for LENGTH (10m); SEED repeats one
	@exec .bin/onlywave-lab drill --soak '$(or $(LENGTH),10m)' --seed '$(or $(SEED),0)'

.PHONY: screenshots
screenshots: ## Walk through the console in Chromium, with a picture of each page in .screenshots
	@WITH_CHROMIUM=1 scripts/bootstrap
	go test -tags chromium -count=1 ./test/system/walk -args -pictures '$(CURDIR)/.screenshots'

.PHONY: alerts
alerts: bootstrap build ## Make every alert fire on a throw-away platform and clear again, and keep the table in docs/alerts.md
	@exec .bin/onlywave-lab alerts

.PHONY: clean-data
clean-data: ## Remove the data and logs of `make up` and `make demo`
	rm -rf .data
