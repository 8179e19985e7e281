#!/bin/sh
# From nothing to models/default: fetch, draw, train, measure, write. Every stage keeps what is already there.
set -eu
cd "$(dirname "$0")"
PYTHON=${PYTHON:-.cache/venv/bin/python}
if [ ! -x "$PYTHON" ]; then
    python3 -m venv .cache/venv
    .cache/venv/bin/pip install -q -r requirements.txt
fi
# An allocator that keeps its pages trains about 1.7 times faster; it is optional.
for library in /usr/lib/*/libjemalloc.so.2 /usr/lib64/libjemalloc.so.2; do
    if [ -e "$library" ]; then
        export LD_PRELOAD="$library" MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1
    fi
done
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
run() { echo "== $*"; "$PYTHON" "$@"; }
run fetch.py
[ -e .cache/icons.json ] || run icons.py
[ -e .cache/letters.npz ] || run fonts.py
[ -e .cache/corpus.txt ] || run tokens.py
[ -e .cache/teacher.pt ] || run distill.py
run train.py
run export.py ../default
run evaluate.py ../default --json .cache/run/figures.json
run card.py ../default
