SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOL := go tool -modfile=tools/go.mod
PACKAGES := ./...

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nDurations are for a machine with two cores.\n'

##@ Run it

.PHONY: bootstrap
bootstrap: ## Install the services on this machine if they are missing: Postgres, Redis, RabbitMQ, Temporal, nginx, Prometheus
	@scripts/bootstrap

.PHONY: build
build: ## Build both programs into .bin: onlywave (the product) and onlywave-lab (its test tools)
	@mkdir -p .bin
	CGO_ENABLED=0 go build -trimpath -o .bin/onlywave .
	CGO_ENABLED=0 go build -trimpath -o .bin/onlywave-lab ./test/lab

.PHONY: tctl
tctl: ## Build tctl, the older command line of Temporal, into .bin (1 to 4 min the first time)
	@mkdir -p .bin
	cd tools/tctl && go build -o ../../.bin/tctl github.com/temporalio/tctl/cmd/tctl

.PHONY: demo
demo: bootstrap build ## Start the platform, follow payments through it, and stop (50 s)
	@exec .bin/onlywave-lab demo

.PHONY: up
up: bootstrap build ## Start the platform, print a curl command to try, and run until Ctrl-C
	@exec .bin/onlywave-lab dev

.PHONY: clean-data
clean-data: ## Delete the data and the logs of make demo and make up
	rm -rf .data

.PHONY: compose
compose: ## Start the platform in Docker from docker-compose.yml, pay one payment, and remove the platform
	@scripts/compose

##@ Test it

# A unit test starts no other program: its package's tests import neither test/devstack nor test/platform nor os/exec.
IMPORTS_OF_TESTS = {{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}: {{join .TestImports " "}} {{join .XTestImports " "}}{{end}}
UNIT_PACKAGES = $(shell go list -f '$(IMPORTS_OF_TESTS)' $(PACKAGES) | grep -Ev ' (github.com/onlywave/onlywave/test/(devstack|platform)|os/exec)(/| |$$)' | cut -d: -f1)

.PHONY: test-unit
test-unit: ## Run the tests that need no service (30 s)
	go test $(UNIT_PACKAGES)

# The race detector triples the processor time. make test runs it where the tests call the product's code in their own process, but for two
# packages, which make test-race runs with it: in internal/postgres it is Postgres that does things side by side, and
# internal/providerlimit computes long floods of callers. The tests of test/ and deploy/ start programs and look at them from outside;
# make test-race gives most of those of test/system programs with it. make lint has vetted all.
RACED_APART = github.com/onlywave/onlywave/internal/(postgres|providerlimit)$$
FROM_OUTSIDE = github.com/onlywave/onlywave/(test|deploy)/
GO_TEST = go test -vet=off -timeout 15m
# With the race detector a test binary sleeps for a second at its end, so that what still runs may report; a tenth of it is enough here.
export GORACE = atexit_sleep_ms=100
# What these tests look at is what operators read and type, not what goes on side by side; make test runs them.
READ_AND_TYPED = 'Commands|Script|ShellBlocks|Stor(y|ies)|View|Dashboard|Metric|Address|Health|Trace'

.PHONY: test test-with-race test-without-race
test: bootstrap ## Run every test on real services (8 to 14 min)
	@$(MAKE) --no-print-directory --keep-going --jobs=2 test-with-race test-without-race

# In both, the longest packages start first.
test-with-race:
	$(GO_TEST) -race -p 2 ./internal/rabbitmq ./worker $$(go list $(PACKAGES) | grep -Ev '$(FROM_OUTSIDE)|$(RACED_APART)')

test-without-race:
	$(GO_TEST) -p 2 ./test/system ./test/drills $$(go list $(PACKAGES) | grep -E '$(FROM_OUTSIDE)|$(RACED_APART)')

.PHONY: test-race
test-race: bootstrap ## Run the tests of the whole platform, and those that make test leaves, with the race detector (4 min)
	$(GO_TEST) -race -skip $(READ_AND_TYPED) ./test/system
	$(GO_TEST) -race $$(go list $(PACKAGES) | grep -E '$(RACED_APART)') $(filter github.com/onlywave/onlywave/test/%,$(UNIT_PACKAGES)) # the test tools, too

.PHONY: test-tctl
test-tctl: bootstrap tctl ## Run the tests of scripts/ops with tctl, too (1 to 4 min)
	$(GO_TEST) -tags tctl -run Script ./test/system

.PHONY: lint
lint: bootstrap ## Check format, go vet, staticcheck, shellcheck, workflow determinism, import rules and generated code
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt these: $$unformatted"; exit 1; }
	go vet $(PACKAGES)
	go vet -tags chromium,tctl ./test/system/...
	shellcheck -x scripts/bootstrap scripts/compose scripts/hooks/pre-commit scripts/ops/* .ci/run
	$(TOOL) staticcheck $(PACKAGES)
	$(TOOL) workflowcheck ./worker ./workflows
	$(TOOL) depguard $(PACKAGES)
	@$(MAKE) --no-print-directory verify

.PHONY: screenshots
screenshots: ## Click through the console and the Temporal Web UI in Chromium and save a picture of each page in .screenshots
	@WITH_CHROMIUM=1 scripts/bootstrap
	go test -tags chromium -count=1 ./test/system/walk -args -pictures '$(CURDIR)/.screenshots'

##@ Break and measure it

.PHONY: drill
drill: bootstrap build ## Break the platform in every known way and update docs/drills.md (45 min); NAME=redis-.* picks some
	@exec .bin/onlywave-lab drill --name '$(NAME)' --seed '$(or $(SEED),0)'

.PHONY: soak
soak: bootstrap build ## Inject random faults into the platform for LENGTH=10m; SEED=7 repeats the faults of a run
	@exec .bin/onlywave-lab drill --soak '$(or $(LENGTH),10m)' --seed '$(or $(SEED),0)'

.PHONY: resets
resets: bootstrap build ## Reset every recorded history at every point, and update docs/resets.md (8 min); NAME=unknown picks some
	@WITH_SQLITE=1 scripts/bootstrap
	@exec .bin/onlywave-lab resets --name '$(NAME)'

.PHONY: conformance
conformance: build ## Check our requests and the simulator against Mercado Pago's OpenAPI file, SPEC=spec3.yaml
	@[ -n '$(SPEC)' ] || { echo 'Which file? make conformance SPEC=path of an OpenAPI file of Mercado Pago (github.com/mercadopago/openapi, by-site/MLB)'; exit 1; }
	@exec .bin/onlywave-lab conformance '$(SPEC)'

.PHONY: alerts
alerts: bootstrap build ## Make every alert fire and resolve, and update docs/alerts.md (33 min)
	@exec .bin/onlywave-lab alerts

.PHONY: bench
bench: bootstrap build ## Measure throughput and latency, and update docs/performance.md (4 min)
	@exec .bin/onlywave-lab bench

.PHONY: bench-database
bench-database: bootstrap build ## Measure reads from a database of 5 million payments, and update test/bench/database/results (10 min, 15 GB)
	@exec .bin/onlywave-lab bench database

##@ Change it

.PHONY: generate
generate: ## Regenerate the generated code and the Grafana dashboards
	go generate $(PACKAGES)

.PHONY: verify
verify: ## Check that the generated code and the module files are up to date; make lint includes it
	go mod tidy -diff
	cd tools && go mod tidy -diff
	cd tools/tctl && go mod tidy -diff
	cd tools/temporal && go mod tidy -diff
	cd tools/temporal/cliext && go mod tidy -diff
	@before=$$(git ls-files '*.gen.go' 'deploy/grafana/dashboards/*.json' docs/metrics.md | xargs sha256sum); $(MAKE) --no-print-directory generate; \
	after=$$(git ls-files '*.gen.go' 'deploy/grafana/dashboards/*.json' docs/metrics.md | xargs sha256sum); \
	[ "$$before" = "$$after" ] || { echo "The generated code was out of date. It is regenerated now; commit it."; exit 1; }
