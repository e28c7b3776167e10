# Each target says what it needs beyond Go; nothing is installed.

GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   = golang.org/x/vuln/cmd/govulncheck@v1.9.0
BENCHSTAT     = golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
OASDIFF       = github.com/oasdiff/oasdiff@v1.36.0
PLATFORMS     = linux darwin windows

# witness is a module of its own, so that the dependencies of libopenapi do not reach users
# of the library. It has only tests, which make one call at a time: they are the same on
# all platforms, and the race detector has nothing to find.
MODULES = . pkg/internal/witness

# The published document: a file or an https URL. This is the only place that has
# the URL of the provider's page.
SPEC = https://docs.edisglobal.com/management-api-reference/ptr/set-ptr-records.md
export SPEC

# Names and checksums of all files that git tracks or would track.
TREE = git ls-files -z --cached --others --exclude-standard | xargs -0 cksum

.PHONY: help demo test ci generator witness race generate check soak bench fuzz vuln lint spec-check spec-update spec-changelog spec-address specsync

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: ## a short tour on a fake EDIS on this machine
	@go run ./pkg/cmd/edisptr demo

# -v names each package that is compiled, since the first time takes minutes.
test: ## run the tests
	@go build -v ./...
	@go test ./...

ci: test check witness lint generator race ## all that CI runs, this first: test; then the rest

# The build tag keeps these tests from "make test": each generates code and compiles it.
generator: ## changes of the API document are noticed when code is generated, built or tested (minutes)
	go test -tags generator -run '^TestDocumentChanges$$' ./pkg/edis

# go caches results of tests although they read overlay.yaml, which is outside the module.
witness: ## the tests of pkg/internal/witness, with a second validator
	cd pkg/internal/witness && go test -count=1 ./...

# -short runs the tests of edisptr in one form of responses, and leaves out a million records.
race: ## run the tests under the race detector, in random order (needs a C compiler)
	go test -race -short -shuffle=on ./...

generate: ## regenerate gen/ from openapi.yaml, overlay.yaml and oapi-codegen.yaml
	go generate ./...

check: ## generated code is up to date, all platforms build, vet, go.mod is tidy (needs git)
	@before=$$($(TREE)); \
	if [ -z "$$before" ]; then echo "check: needs a git checkout"; exit 1; fi; \
	go generate ./... || exit 1; \
	if [ "$$before" != "$$($(TREE))" ]; then \
		echo "check: generated code was not up to date; it is now, commit it:"; git status --short; exit 1; \
	fi
	@if [ "$$(ls -A gen)" != edis.gen.go ]; then echo "check: gen/ holds more than edis.gen.go"; ls -A gen; exit 1; fi
	@for os in $(PLATFORMS); do \
		echo "GOOS=$$os go vet ./..."; \
		GOOS=$$os go build ./... && GOOS=$$os go vet -tags generator ./... || exit 1; \
	done
	@for dir in $(MODULES); do echo "go mod tidy -diff in $$dir"; (cd $$dir && go mod tidy -diff) || exit 1; done

soak: ## the model test for a minute, under the race detector
	go test -race -count=1 -v -run '^TestSoak$$' ./pkg/edis -soak=1m

ROUNDS = 10

bench: ## how fast a call is, beside the same call by hand: ROUNDS=10 (2 minutes; benchstat is built on first use)
	@results=$$(mktemp) && trap 'rm -f "$$results"' EXIT && \
	for round in $$(seq $(ROUNDS)); do \
		go test -run '^$$' -bench . -benchtime 0.3s ./pkg/edis >>"$$results" || { cat "$$results"; exit 1; }; \
	done && go run $(BENCHSTAT) -col /by "$$results"

FUZZTIME = 30s

fuzz: ## each fuzz test for 30 seconds
	@for package in $$(go list ./pkg/...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep ^Fuzz); do \
			echo "$$target in $$package"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

vuln: ## known vulnerabilities in what is used (its database needs the network)
	@for dir in $(MODULES); do (cd $$dir && go run $(GOVULNCHECK) ./...) || exit 1; done

lint: ## golangci-lint, built on first use
	@for dir in $(MODULES); do (cd $$dir && go run $(GOLANGCI_LINT) run --config "$(CURDIR)/.golangci.yml" ./...) || exit 1; done

# "go run" would turn every exit status into 1, so the program is built first. make exits
# with 2 whatever the status; the program prints its own in its last line.
SPECSYNC = dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && $(MAKE) -s specsync OUT="$$dir" && "$$dir/specsync"

spec-check: ## say what a newer document changes: SPEC=FILE-or-https-URL (the published page if left out)
	@$(SPECSYNC) check "$$SPEC"

spec-update: ## take a newer document in: SPEC=FILE-or-https-URL
	@$(SPECSYNC) update "$$SPEC"

spec-changelog: ## what oasdiff says of a newer document: SPEC=FILE-or-https-URL (oasdiff is built on first use)
	@$(SPECSYNC) document "$$SPEC" >"$$dir/published" && \
	go run $(OASDIFF) changelog --allow-external-refs=false --match-path '^/set/ptr$$' openapi.yaml "$$dir/published"

spec-address: # print where the published document is
	@echo "$$SPEC"

specsync: # build the program of spec-check and spec-update into the directory OUT
	@go build -o "$(abspath $(OUT))/" ./pkg/cmd/specsync

# What follows is for users of edisptr, not for work on the library. PREFIX and DESTDIR are
# those of the GNU Coding Standards.

PREFIX        = /usr/local
EDISPTR       = ./pkg/cmd/edisptr
PACKAGING     = .github/packaging
EDISPTR_FILES = go.mod go.sum LICENSE CHANGELOG.md $(shell find gen pkg $(PACKAGING) -type f)
INSTALLED     = $(DESTDIR)$(PREFIX)

.PHONY: build install uninstall dist

build: dist/build/edisptr ## edisptr, its man pages and its completion scripts, into dist/

dist/build/edisptr: $(EDISPTR_FILES)
	CGO_ENABLED=0 go build -buildvcs=auto -trimpath -ldflags='-s -w' -o dist/build/ $(EDISPTR) $(EDISPTR)/internal/share
	rm -rf dist/share
	umask 022 && dist/build/share dist/share && gzip -9n dist/share/man/man1/* && mkdir -p dist/share/doc/edisptr && \
		cp -R $(PACKAGING)/running.md $(PACKAGING)/examples dist/share/doc/edisptr && \
		gzip -9n <CHANGELOG.md >dist/share/doc/edisptr/changelog.gz && \
		$(PACKAGING)/copyright >dist/share/doc/edisptr/copyright

install: build ## install what build makes: PREFIX=/usr/local (root needs no Go after "make build")
	umask 022 && mkdir -p "$(INSTALLED)/bin" "$(INSTALLED)/share" && \
		install -m 755 dist/build/edisptr "$(INSTALLED)/bin" && cp -R dist/share/. "$(INSTALLED)/share"

uninstall: ## remove what install installed, with the same PREFIX
	rm -f "$(INSTALLED)/bin/edisptr" "$(INSTALLED)/share/man/man1/edisptr.1.gz" "$(INSTALLED)/share/man/man1/edisptr-"*.1.gz \
		"$(INSTALLED)/share/bash-completion/completions/edisptr" "$(INSTALLED)/share/zsh/site-functions/_edisptr" \
		"$(INSTALLED)/share/fish/vendor_completions.d/edisptr.fish"
	rm -rf "$(INSTALLED)/share/doc/edisptr"

dist: ## archives, deb and rpm of edisptr, into dist/ (needs git, GNU tar and zip; builds nfpm on first use)
	@$(PACKAGING)/dist $(foreach os,$(PLATFORMS),$(os)/amd64 $(os)/arm64)
