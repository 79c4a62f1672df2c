# Every step of the continuous integration is a recipe here, and nothing is in the one that is not in the other.

TARGET     ?= x86_64-unknown-linux-gnu
BINARY      = target/$(TARGET)/release/prereq
MAX_BYTES  ?= 4500000
VERSION     = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
IMAGE      ?= prereq:$(VERSION)
ENGINE     ?= podman
CARGO_DENY  = target/tools/bin/cargo-deny
DENY_VERSION = 0.20.2

.DEFAULT_GOAL := help
.PHONY: help build release size-check fmt fmt-check clippy test doc docs docs-check deny advisories real image image-test bench ci clean

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

build: ## debug build
	cargo build

release: ## static release build; prints its size
	RUSTFLAGS=-Ctarget-feature=+crt-static cargo build --release --locked --bin prereq --target $(TARGET)
	@printf '%s: %s bytes\n' $(BINARY) "$$(stat -c %s $(BINARY))"

size-check: release ## fail when the static binary is larger than MAX_BYTES
	@size=$$(stat -c %s $(BINARY)); \
	  if [ "$$size" -gt $(MAX_BYTES) ]; then echo "$$size bytes: more than $(MAX_BYTES)" >&2; exit 1; fi; \
	  echo "$$size bytes: within $(MAX_BYTES)"

fmt: ## format the code
	cargo fmt --all

fmt-check: ## fail when the code is not formatted
	cargo fmt --all --check

clippy: ## all lints, in all targets, as errors
	cargo clippy --locked --all-targets -- -D warnings

test: ## the tests that need Rust and nothing else
	cargo test

doc: ## the library's documentation, warnings as errors
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps

docs: ## renew the pages and pinned outputs that are made from the code
	UPDATE_DOCS=1 cargo test --lib report
	UPDATE_DOCS=1 cargo test --test docs

docs-check: ## fail when one of them is not up to date (part of «test»)
	cargo test --lib report
	cargo test --test docs

# Unoptimised and without debug information: it runs for a second, so compiling it is all that counts.
$(CARGO_DENY):
	CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
	  cargo install cargo-deny --version $(DENY_VERSION) --locked --profile dev --root target/tools

deny: $(CARGO_DENY) ## bans, licences and sources of the dependencies
	$(CARGO_DENY) --all-features --locked check bans licenses sources
	@echo "not part of this recipe: known vulnerabilities; «make advisories» downloads the public database for that"

advisories: $(CARGO_DENY) ## known vulnerabilities (downloads the public advisory database)
	$(CARGO_DENY) --all-features --locked check advisories

real: release ## the static binary against real servers (root; tests/real/setup.sh first)
	PREREQ=$(CURDIR)/$(BINARY) cargo test --locked --test real -- --ignored

image: release ## container image around the static binary
	$(ENGINE) build --build-context build=target/$(TARGET)/release --build-arg VERSION=$(VERSION) --tag $(IMAGE) .

image-test: release ## build the image, look into it, run it restricted (root; tests/image/setup.sh first)
	tests/image/run.sh $(BINARY)

bench: release ## measure the static binary (benches/README.md)
	PREREQ=$(CURDIR)/$(BINARY) benches/run

ci: fmt-check clippy test doc deny size-check real image-test ## all that .ci/run runs, on a machine that is set up

clean: ## remove all that was built
	cargo clean
