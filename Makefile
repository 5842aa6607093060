# `make help` lists what there is. Nothing but Go and make is needed, and for `race`
# a C compiler.

BIN      := bin/slipway
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
CONFIG   ?= config.toml
PKG      ?= ./...
FUZZTIME ?= 10s
KILLS    ?= 200
BENCH    ?= .
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.0
PLATFORMS := linux/amd64 linux/arm linux/arm64 windows/amd64 darwin/arm64 freebsd/amd64

# Arguments for go test, as in `make test TESTFLAGS=-v`.
TESTFLAGS  ?=
BENCHFLAGS ?=

# Folders that have a target of a kind, so that the others are not built for it.
having = $$(grep -rl --include='*_test.go' '^func $(1)' . | xargs -n 1 dirname | sort -u)

export CGO_ENABLED = 0

.PHONY: build run test race lint fuzz bench crash cover cross clean help

build: ## the program: bin/slipway
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./gateway

run: build ## build it, and serve config.toml (or CONFIG=…)
	$(BIN) serve --config $(CONFIG)

test: ## all tests; those that want a server or a tool that is not there skip
	go test $(TESTFLAGS) $(PKG)

race: ## all tests under the race detector
	CGO_ENABLED=1 go test -race $(TESTFLAGS) $(PKG)

lint: ## gofmt, go vet, staticcheck
	@out=$$(gofmt -l .) || exit 1; test -z "$$out" || { echo "gofmt these files:"; echo "$$out"; exit 1; }
	go vet $(PKG)
	go run $(STATICCHECK) $(PKG)

fuzz: ## every fuzz target, for FUZZTIME each
	@for pkg in $(call having,Fuzz); do \
		list=$$(go test -list '^Fuzz' $$pkg) || { echo "$$list"; exit 1; }; \
		for target in $$(echo "$$list" | grep '^Fuzz'); do \
			echo "== $$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

bench: ## every benchmark, or BENCH=PATTERN; the whole program's are in gateway
	go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m $(BENCHFLAGS) $(call having,Benchmark)

crash: ## kill -9 at KILLS random points, and look whether anything was lost
	SLIPWAY_CRASH_KILLS=$(KILLS) go test ./gateway/crashtest -run TestKill -v -timeout 60m

cover: ## coverage of all tests: coverage.out and coverage.html
	go test -coverpkg=./... -coverprofile=coverage.out $(TESTFLAGS) $(PKG)
	go tool cover -html=coverage.out -o coverage.html
	@go tool cover -func=coverage.out | tail -n 1

cross: ## compile for the other systems
	@for p in $(PLATFORMS); do \
		echo "$$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} go build -trimpath -o /dev/null ./gateway || exit 1; \
	done

clean: ## what was built; data stays
	rm -rf bin coverage.out coverage.html

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile
