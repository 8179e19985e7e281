#!/bin/sh
# From nothing to models/diffusion: fetch, draw, train, export, measure. Every stage keeps what is already there.
set -eu
cd "$(dirname "$0")/.."
RANKS=${RANKS:-2}
TARGET=${1:-../diffusion}
STEPS=${STEPS:-9000} COOL=${COOL:-2000}
. ./environment.sh
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
