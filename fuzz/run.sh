#!/bin/sh
# Fuzzes the way from an event to its answer, seeded with the recorded cases.
#   fuzz/run.sh [seconds]
# Needs a nightly compiler and `cargo install cargo-fuzz --locked`. The code is safe Rust, so no
# sanitizer is on: that makes it several times as fast.
set -eu
cd "$(dirname "$0")/.."
python3 fuzz/seed.py
exec cargo +nightly fuzz run --fuzz-dir fuzz --sanitizer none answer -- \
    -max_total_time="${1:-60}" -dict=fuzz/corpus/answer.dict -max_len=4096 -len_control=0 \
    -timeout=10 -print_final_stats=1
