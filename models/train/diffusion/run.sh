#!/bin/sh
# From nothing to models/diffusion: fetch, draw, train, export, measure. Every stage keeps what is already there.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.cache/venv/bin/python}
RANKS=${RANKS:-2}
TARGET=${1:-../diffusion}
STEPS=${STEPS:-9000} COOL=${COOL:-2000}
if [ ! -x "$PYTHON" ]; then
    python3 -m venv .cache/venv
    .cache/venv/bin/pip install -q -r requirements.txt
fi
# An allocator that keeps its pages trains faster; it is optional.
for library in /usr/lib/*/libjemalloc.so.2 /usr/lib64/libjemalloc.so.2; do
    if [ -e "$library" ]; then
        export LD_PRELOAD="$library" MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1
    fi
done
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
run() { echo "== $*"; "$PYTHON" -m "$@"; }
run data.fetch
[ -e .cache/icons.json ] || run data.icons
[ -e .cache/letters.npz ] || run data.fonts
run diffusion.vae
run diffusion.data --ranks "$RANKS"
run diffusion.train --ranks "$RANKS" --stop "$STEPS"
run diffusion.train --ranks "$RANKS" --cool "$COOL"
run diffusion.vae --decoder --ranks "$RANKS"
run diffusion.export "$TARGET"
run diffusion.evaluate --folder "$TARGET" --json .cache/diffusion/figures.json
run diffusion.card "$TARGET"
