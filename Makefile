BENCH = cargo run --quiet --locked -p bench --

.PHONY: bench bench-check bench-choices bench-cost bench-load bench-scale check deny fmt peers release run test

run:            ## the whole service on 127.0.0.1:3003
	cargo run --locked

test:           ## every test, with nothing else running
	cargo test --workspace --locked

fmt:
	cargo fmt --all

check:          ## what CI checks besides the tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny:           ## licences, sources and banned crates; needs cargo-deny and cargo-machete
	cargo deny check licenses bans sources
	cargo machete

bench: release peers    ## every budget, beside a default Rust function and Node
	$(BENCH) table

bench-check: release    ## what is noise-free of them; needs valgrind
	$(BENCH) check

bench-choices:          ## what each choice of the set-up is worth
	bench/choices/build
	$(BENCH) choices

bench-scale: release    ## how the cost of a create grows
	$(BENCH) scale

bench-load:             ## the local server under load; needs wrk
	cargo build --release --locked -p local
	$(BENCH) load

bench-cost: release     ## dollars; PRICES='write_unit=0.7 gets=3' for other ones
	$(BENCH) cost $(PRICES)

# One after the other: built together, the features of one would reach the others.
release:
	for function in create reconnect get delete; do \
		cargo build --release --locked -p $$function-session || exit; \
	done

peers:
	cd bench/peers/default-rust && cargo build --release --locked --target-dir target
	cd bench/peers/node && npm ci --silent && npm run --silent build
