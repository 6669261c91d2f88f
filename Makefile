TARGET = $(or $(CARGO_TARGET_DIR),target)
BENCH = $(TARGET)/debug/bench

# The functions that have budgets in bench/: the session functions, and one of each heavier kind. CI
# builds the session functions with the release profile and all others with the dev profile, since a
# release build of the heavier kind takes minutes: `make bench-check-sealing` is run by hand.
SESSION = create-session reconnect-session get-session delete-session
SEALING = authorize get-connection start-oauth finish-oauth

.PHONY: advisories bench bench-check bench-check-sealing bench-choices bench-connections bench-cost bench-load bench-picture bench-scale \
	build check deny fmt fuzz measured peers release release-sealing run scripts test

run:            ## the whole service on 127.0.0.1:3003
	cargo run --locked

# The dev profile, always for the whole workspace: a part of it would have other features of some
# dependencies, and build the AWS SDK again.
build:          ## everything that tests run
	cargo build --workspace --locked --bins --examples --tests

test:           ## the tests that need nothing but Cargo
	cargo test --workspace --locked

fmt:
	cargo fmt --all

check:          ## format and lints
	cargo fmt --all --check
	cargo clippy --workspace --lib --bins --examples --tests --test bootstraps --locked -- -D warnings

scripts:        ## lints of the shell scripts; needs shellcheck
	shellcheck --external-sources --source-path=SCRIPTDIR/.. $$(git grep -lE '^#!.*\b(ba)?sh$$') .ci/venv.sh

deny:           ## licences, sources, banned and unused crates; needs cargo-deny and cargo-shear
	cargo deny check licenses bans sources
	cargo shear

# The database of advisories is a Git repository at GitHub, in no package registry. Where that cannot
# be reached, this says so and checks nothing, unless ADVISORIES=required.
advisories:     ## known vulnerabilities of dependencies; needs cargo-deny and github.com
	.ci/advisories

fuzz:           ## the handlers on mutated requests, FUZZ_SECONDS=60 of them
	fuzz/run.sh $(FUZZ_SECONDS)

bench: build release release-sealing peers    ## every budget, beside a default Rust function and Node
	$(BENCH) table

bench-check: build release    ## each budget that is a must; needs valgrind
	$(BENCH) check

bench-check-sealing: build release-sealing    ## those of the functions that seal credentials
	$(BENCH) check-sealing

bench-picture: build    ## docs/budgets.svg, from the tables of docs/benchmarks.md
	$(BENCH) picture

bench-choices: build    ## what each choice of the set-up is worth
	bench/choices/build
	$(BENCH) choices

bench-scale: build release    ## how the cost of a create grows
	$(BENCH) scale

bench-connections: build release release-sealing    ## what connections cost where there are 1, 1,000 and 100,000 of them
	cargo build --release --locked -p list-connections
	$(BENCH) connections

bench-load: build       ## the local server under load; needs wrk
	cargo build --release --locked -p local
	$(BENCH) load

bench-cost: build release     ## dollars; PRICES='write_unit=0.7 gets=3' for other ones
	$(BENCH) cost $(PRICES)

# Those of a group together, so that their dependencies are built once and their links run side by
# side. Then one by one, as they are built for Lambda: that does nothing as long as together and alone
# they have the same features, and builds a function again where another one's features have reached it.
release:        ## the session functions, as they are deployed
	cargo build --release --locked $(SESSION:%=-p %)
	for function in $(SESSION); do cargo build --release --locked -p $$function || exit; done

release-sealing:        ## those that seal or open credentials
	cargo build --release --locked $(SEALING:%=-p %)

measured:
	@echo $(SESSION)

peers:
	cd bench/peers/default-rust && cargo build --release --locked --target-dir target
	cd bench/peers/node && npm ci --silent && npm run --silent build
