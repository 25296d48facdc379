#!/bin/sh
# Builds the gate and the benchmark as released, then compares the gate with nginx on loopback.
#   scripts/bench.sh [--quick] [--repeats N] [--enforce]   the comparison
#   scripts/bench.sh soak [--seconds N] [--rate N]          memory over ten minutes
#   scripts/bench.sh parts [--entries N] [--leaves N]       single parts: money, journal, store, proofs
#   scripts/bench.sh guards                                what guards cost, by text and by guard
# HAPROXY=/path adds a row; NGINX=/path names another nginx.
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = parts ] || [ "${1:-}" = guards ]; then
    exec cargo run --quiet --profile dist -p bench -- "$@"
fi

nginx=${NGINX:-$(command -v nginx || echo /usr/sbin/nginx)}
for tool in "$nginx" taskset; do
    command -v "$tool" >/dev/null || {
        echo "error: $tool is missing" >&2
        echo "hint: apt-get install nginx-light util-linux" >&2
        exit 1
    }
done

cargo build --profile dist -p bartizan -p bench
built=${CARGO_TARGET_DIR:-target}/dist

what=run
if [ "${1:-}" = soak ]; then
    what=soak
    shift
fi
if [ "$what" = run ] && [ -n "${HAPROXY:-}" ]; then
    set -- --haproxy "$HAPROXY" "$@"
fi
exec "$built/bench" "$what" --bartizan "$built/bartizan" --nginx "$nginx" "$@"
