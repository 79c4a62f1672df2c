# Every step of the continuous integration is a recipe here, and nothing is in the one that is not in the other.

comma      := ,
space      := $(subst ,, )
unit       := $(shell printf '\037')
TARGET     ?= $(shell rustc -vV | sed -n 's/^host: //p')
# Static glibc, at a fixed address: nothing has to be put right in memory before the first instruction, a tenth of a start. PIE=1
# makes it position-independent, with its relocations packed (DT_RELR). No index of unwind tables: a panic does not unwind.
PLACE       = $(if $(PIE),-Clink-arg=-Wl$(comma)-z$(comma)pack-relative-relocs,-Crelocation-model=static)
# Only lld, with which rustc links on x86_64, can fold identical functions (40 KB), and lay together those that a start executes.
ORDER       = -Clink-arg=-Wl$(comma)--symbol-ordering-file=link/start.order -Clink-arg=-Wl$(comma)--no-warn-symbol-ordering
LLD         = $(if $(filter x86_64-%,$(TARGET)),-Clink-arg=-Wl$(comma)--icf=all $(ORDER))
# In a static program nothing finds getrandom(2) by its name; without this, random numbers would need /dev/urandom.
STATIC      = $(strip -Ctarget-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\" $(PLACE) -Clink-arg=-Wl$(comma)--no-eh-frame-hdr $(LLD))
# The same bytes wherever it is built: the paths in it, of panics, begin with names instead of this folder and cargo's.
HOME_CARGO  = $(or $(CARGO_HOME),$(HOME)/.cargo)
REMAP       = --remap-path-prefix=$(CURDIR)=prereq$(unit)--remap-path-prefix=$(HOME_CARGO)=cargo
# lld finds no function by its name where it strips the names itself; STRIP does it after.
STRIP      ?= strip
# Flags are separated by a character that no path has (cargo's way for those that may have spaces).
RELEASE     = CARGO_PROFILE_RELEASE_STRIP=none CARGO_ENCODED_RUSTFLAGS="$(subst $(space),$(unit),$(STATIC))$(unit)$(REMAP)" \
  cargo build --release --locked --bin prereq --target $(TARGET)
BINARY      = target/$(TARGET)/release/prereq
SLIM        = target/slim/$(TARGET)/release/prereq
# The packages of a build by these features, one in a line.
packages    = cargo tree --locked --target $(TARGET) --prefix none --format '{p}' $(1) | cut -d ' ' -f 1,2 | sort -u
# So many packages the program may be made of, itself included.
MAX_SLIM_PACKAGES ?= 151
MAX_PACKAGES ?= 169
MAX_SLIM   ?= 4500000
MAX_BYTES  ?= 12000000
VERSION     = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
ENGINE     ?= podman
# What goes into the image: full, or slim, whose tags end in -slim.
FLAVOUR    ?= full
SUFFIX      = $(FLAVOUR:%=-%)
IMAGE      ?= prereq:$(VERSION)$(SUFFIX:-full=)
# The tags that are published: the version and, unless that is a pre-release, its first two numbers.
MINOR       = $(shell echo $(VERSION) | sed -n 's/^\([0-9]*\.[0-9]*\)\.[0-9]*$$/\1/p')
TAGS       ?= $(addsuffix $(SUFFIX:-full=),$(VERSION) $(MINOR))
SOURCE     ?=
REVISION    = $(shell git rev-parse HEAD 2>/dev/null)
# Those that begin with '_' are what others have in common, and nothing on their own.
FEATURES    = $(shell sed -n '/^\[features\]/,/^$$/s/^\([a-z0-9][a-z0-9_-]*\) = .*/\1/p' Cargo.toml)
# Kinds are declared by a macro, where cargo fmt does not find them.
KINDS       = $(wildcard src/check/*.rs src/check/*/mod.rs)
# Tools of cargo, each built once into the checkout.
tool        = target/tools/bin/cargo-$(1)
VERSION_deny      = 0.20.2
VERSION_cyclonedx = 0.5.9
VERSION_fuzz      = 0.13.2
VERSION_mutants   = 27.1.0

SECONDS    ?= 300
READERS    ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

.DEFAULT_GOAL := help
.PHONY: help build release slim order size-check slim-check reproducible budget sbom fmt fmt-check clippy features test doc docs docs-check deny advisories real image publish image-test pods examples test-cluster fuzz mutants bench herd herd-check performance ci clean

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

build: ## debug build
	cargo build

release: ## static release build; prints its size
	$(RELEASE)
	$(STRIP) $(BINARY)
	@printf '%s: %s bytes\n' $(BINARY) "$$(stat -c %s $(BINARY))"

slim: ## static release build of the feature slim, in target/slim; prints its size
	$(RELEASE) --no-default-features --features slim --target-dir target/slim
	$(STRIP) $(SLIM)
	@printf '%s: %s bytes\n' $(SLIM) "$$(stat -c %s $(SLIM))"

size-check: release slim ## fail when a static binary is larger than it may be: slim MAX_SLIM, full MAX_BYTES
	@for pair in $(SLIM):$(MAX_SLIM) $(BINARY):$(MAX_BYTES); do \
	  size=$$(stat -c %s $${pair%:*}); \
	  if [ "$$size" -gt $${pair#*:} ]; then echo "$${pair%:*}: $$size bytes, more than $${pair#*:}" >&2; exit 1; fi; \
	  echo "$${pair%:*}: $$size bytes, within $${pair#*:}"; \
	done

order: ## renew link/start.order, after a new compiler or new versions of libraries (needs valgrind)
	$(RELEASE) --target-dir target/symbols
	$(RELEASE) --no-default-features --features slim --target-dir target/symbols/slim
	link/order.py $(BINARY:target/%=target/symbols/%) $(SLIM:target/%=target/symbols/%)

slim-check: slim ## fail when the slim program does not name the feature of what it lacks
	tests/slim.sh $(SLIM)

reproducible: release slim ## fail when a copy of the sources elsewhere does not make the same static binaries
	@set -e; copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; \
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory "$$copy"; \
	$(MAKE) --no-print-directory -C "$$copy" release slim; \
	for binary in $(BINARY) $(SLIM); do \
	  cmp $$binary "$$copy/$$binary"; sha256sum $$binary; \
	done

budget: ## fail when the program is made of more packages than it may be (MAX_SLIM_PACKAGES, MAX_PACKAGES)
	@for pair in "slim --no-default-features --features slim:$(MAX_SLIM_PACKAGES)" "full --all-features:$(MAX_PACKAGES)"; do \
	  flavour=$${pair%% *}; flags=$${pair#* }; most=$${flags#*:}; \
	  count=$$($(call packages,--edges normal$(comma)build $${flags%:*}) | wc -l); \
	  if [ "$$count" -lt 2 ] || [ "$$count" -gt "$$most" ]; then echo "$$flavour: $$count packages, not within $$most" >&2; exit 1; fi; \
	  echo "$$flavour: $$count packages, within $$most"; \
	done

sbom: $(call tool,cyclonedx) ## list what the program is made of, as CycloneDX, in target/prereq.cdx.json, where nothing of cargo's own list may lack
	$(call tool,cyclonedx) cyclonedx --quiet --format json --all-features --target $(TARGET) --no-build-deps --override-filename sbom
	mv sbom.json target/prereq.cdx.json
	@$(call packages,--edges normal --all-features) >target/sbom.tree
	@jq --raw-output '.components[], .metadata.component | "\(.name) v\(.version)"' target/prereq.cdx.json | sort -u >target/sbom.list
	@missing=$$(comm -23 target/sbom.tree target/sbom.list); \
	  if [ ! -s target/sbom.tree ] || [ -n "$$missing" ]; then printf 'not in the list: %s\n' $$missing >&2; exit 1; fi
	@printf 'target/prereq.cdx.json: %s packages\n' "$$(wc -l <target/sbom.list)"

fmt: ## format the code
	cargo fmt --all
	rustfmt --edition 2024 $(KINDS)

fmt-check: ## fail when the code is not formatted
	cargo fmt --all --check
	rustfmt --check --edition 2024 $(KINDS)

clippy: ## all lints, in all targets, as errors
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --no-default-features --features slim -- -D warnings

features: ## all lints with each feature alone, FEATURES="redis log" for some
	@test -n "$(FEATURES)"
	@set -e; for feature in $(FEATURES); do \
	  echo "== $$feature"; cargo clippy --quiet --locked --no-default-features --features $$feature -- -D warnings; \
	done

test: ## the tests that need Rust and nothing else
	cargo test

doc: ## the library's documentation, warnings as errors
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps

docs: herd ## renew the pages and pinned outputs that are made from the code
	UPDATE_DOCS=1 cargo test --lib report
	UPDATE_DOCS=1 cargo test --test docs
	UPDATE_DOCS=1 cargo test --test cli config::every

docs-check: herd-check ## fail when one of them is not up to date (part of «test», but herd-check)
	cargo test --lib report
	cargo test --test docs
	cargo test --test cli config::every

# Unoptimised and without debug information: compiling them is most of what they cost.
$(call tool,%):
	CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
	  cargo install cargo-$* --version $(VERSION_$*) --locked --profile dev --root target/tools

deny: $(call tool,deny) ## bans, licences and sources of the dependencies
	$(call tool,deny) --all-features --locked check bans licenses sources
	@echo "not part of this recipe: known vulnerabilities; «make advisories» downloads the public database for that"

advisories: $(call tool,deny) ## known vulnerabilities (downloads the public advisory database)
	$(call tool,deny) --all-features --locked check advisories

real: release ## the static binary against real servers (root; tests/real/setup.sh first)
	PREREQ=$(CURDIR)/$(BINARY) cargo test --locked --test real -- --ignored

image: $(if $(filter slim,$(FLAVOUR)),slim,release) ## container image around the static binary (FLAVOUR=slim)
	$(ENGINE) build --build-context build=$(if $(filter slim,$(FLAVOUR)),target/slim/$(TARGET),target/$(TARGET))/release \
	  --build-arg VERSION=$(VERSION) --build-arg SOURCE=$(SOURCE) --build-arg REVISION=$(REVISION) --tag $(IMAGE) .

publish: image ## push the image to REGISTRY, by its version; never as «latest» (PUSH_FLAGS for the engine)
	@test -n "$(REGISTRY)" || { echo "where to: make publish REGISTRY=registry.example/team" >&2; exit 2; }
	set -eu; for tag in $(TAGS); do \
	  $(ENGINE) tag $(IMAGE) $(REGISTRY)/prereq:$$tag; \
	  $(ENGINE) push $(PUSH_FLAGS) $(REGISTRY)/prereq:$$tag; \
	done

image-test: release slim ## build the images, look into them, run them restricted, publish them (root; tests/image/setup.sh first)
	MAX_BINARY_BYTES=$(MAX_SLIM) tests/image/run.sh $(SLIM)
	MAX_BINARY_BYTES=$(MAX_BYTES) tests/image/run.sh $(BINARY)
	tests/image/registry.sh

examples: build ## what kubectl kustomize and jsonnet make of the examples (tests/kubernetes/setup.sh first)
	cargo test --locked --test kubernetes -- --ignored

pods: release ## real Pods, whose init container is what prereq manifest prints (root; tests/pods/setup.sh first)
	tests/pods/run.sh $(BINARY)

# It needs options of the compiler that are not stable.
fuzz: $(call tool,fuzz) ## feed every reader of foreign bytes with anything, SECONDS each (READERS="target words" for some)
	@set -e; for reader in $(READERS); do \
	  echo "== $$reader"; mkdir -p fuzz/corpus/$$reader; \
	  RUSTC_BOOTSTRAP=1 $(call tool,fuzz) run --target-dir fuzz/target $$reader -- \
	    -max_total_time=$(SECONDS) -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0; \
	done

mutants: $(call tool,mutants) ## change the code, one expression at a time, and list the changes that no test notices (FILES='src/plan/*.rs' for some)
	tests/mutants/run.sh

test-cluster: release ## the static binary and IMAGE, which the nodes must have, against the cluster that KUBECONFIG names
	tests/cluster/run.sh $(BINARY) $(IMAGE)

bench: release slim ## measure the static binary (benches/README.md)
	PREREQ=$(CURDIR)/$(BINARY) benches/run

herd: ## simulate 10 000 waiters at one dependency; renews docs/herd.svg, docs/lag.svg and their tables in docs/performance.md
	cargo run --locked --example herd -- docs

herd-check: ## fail when the simulation does not make what is in docs
	@set -e; made=$$(mktemp -d); trap 'rm -rf "$$made"' EXIT; cp docs/performance.md "$$made"; \
	cargo run --locked --example herd -- "$$made"; \
	for file in performance.md herd.svg lag.svg; do \
	  cmp "docs/$$file" "$$made/$$file" || { echo "docs/$$file is not up to date: run make herd" >&2; exit 1; }; \
	done

performance: release slim ## measure all, and renew the tables of docs/performance.md
	PREREQ=$(CURDIR)/$(BINARY) benches/report

ci: fmt-check clippy features test doc herd-check deny budget sbom size-check slim-check reproducible real image-test pods examples ## all that .ci/run runs, on a machine that is set up

clean: ## remove all that was built
	cargo clean
