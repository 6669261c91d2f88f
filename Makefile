.PHONY: check deny fmt run test

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
