#!/bin/sh
# Fuzzes the functions, from an event to its answer, with the recorded cases as the corpus.
#   fuzz/run.sh [seconds]
# Needs a C++ compiler for libFuzzer, but neither a nightly compiler nor cargo-fuzz: the code is safe
# Rust, so it needs no sanitizer, and the coverage counters are a stable option. Failing inputs are
# written to target/fuzz; `target/debug/examples/answer FILE` runs one again.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
python3 fuzz/seed.py
# The whole workspace, so that dependencies have the same features as for the tests and are not built
# again.
RUSTC_WORKSPACE_WRAPPER="$PWD/fuzz/instrument" cargo build --workspace --locked --example answer
mkdir -p "$target/fuzz"
exec "$target/debug/examples/answer" fuzz/corpus/answer -artifact_prefix="$target/fuzz/" \
    -max_total_time="${1:-60}" -dict=fuzz/corpus/answer.dict -max_len=4096 -len_control=0 \
    -timeout=10 -print_final_stats=1
