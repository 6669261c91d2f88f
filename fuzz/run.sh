#!/bin/sh
# Fuzzes the way from an event to its answer, seeded with the recorded cases.
#   fuzz/run.sh [seconds]
# Needs a C++ compiler for libFuzzer, and neither a nightly compiler nor cargo-fuzz: the code is safe
# Rust, so no sanitizer is on, and the counters are a stable option. What is found goes to
# target/fuzz; run target/debug/examples/answer FILE to see it again.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
python3 fuzz/seed.py
# The whole workspace, so that dependencies have the features that the tests' build gives them: none
# is built again.
RUSTC_WORKSPACE_WRAPPER="$PWD/fuzz/instrument" cargo build --workspace --locked --example answer
mkdir -p "$target/fuzz"
exec "$target/debug/examples/answer" fuzz/corpus/answer -artifact_prefix="$target/fuzz/" \
    -max_total_time="${1:-60}" -dict=fuzz/corpus/answer.dict -max_len=4096 -len_control=0 \
    -timeout=10 -print_final_stats=1
