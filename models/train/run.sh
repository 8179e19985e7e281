#!/bin/sh
# From nothing to models/default and models/train/judge: fetch, draw, train, measure, write. Every stage keeps what is already
# there. Pictures go through a built linocut (cargo build --release, or LINOCUT).
set -eu
cd "$(dirname "$0")"
. ./environment.sh
run() { echo "== $*"; "$PYTHON" "$@"; }
run -m data.fetch
[ -e .cache/icons.json ] || run -m data.icons
[ -e .cache/letters.npz ] || run -m data.fonts
[ -e .cache/corpus.txt ] || run -m data.tokens
[ -e .cache/teacher.pt ] || run distill.py
[ -e .cache/vectors.npz ] || run -m data.vectors
run train.py
run export.py ../default
run evaluate.py ../default --json .cache/run/figures.json
run evaluate.py --curve
run card.py ../default
run train.py --judge
run export.py judge --judge
run evaluate.py judge --json .cache/judge/figures.json
run card.py judge --judge
