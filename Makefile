BENCH = cargo run --quiet --locked -p bench --
PEERS = bench/peers

.PHONY: bench bench-check bench-scale bench-load bench-cost release peers

bench: release peers
	$(BENCH) table

# Needs valgrind; no npm.
bench-check: release
	$(BENCH) check

bench-scale: release
	$(BENCH) scale

# Needs wrk.
bench-load:
	cargo build --release --locked -p local
	$(BENCH) load

# PRICES='write_unit=0.7 gets=3' recomputes the model with other values.
bench-cost: release
	$(BENCH) cost $(PRICES)

# One after the other: built together, the features of one would reach the others.
release:
	for function in create reconnect get delete; do \
		cargo build --release --locked -p $$function-session || exit; \
	done

peers:
	cargo build --release --locked --manifest-path $(PEERS)/default-rust/Cargo.toml
	cd $(PEERS)/node && npm ci --silent && npm run --silent build
