"""What the encoder sees in use: pictures that went through the program.

Input: the data engine and a built `linocut`. Output: .cache/vectors.npz: slots of pictures (slots, 32, 3, 64, 64) u8 with their
captions and keys. Every kind of picture is vectorized at several palette sizes. A part of the slots is edited as well: the
program's own optimiser and rasterizer take a few steps towards the caption of another picture, with the encoder of the
earlier version, and the picture keeps its true caption. Deterministic for a given program.

Usage: vectors.py   (the program: $LINOCUT, or target/release/linocut; without either it says so and ends)
"""
import io
import json
import os
import subprocess
import tempfile
from multiprocessing import Pool

import numpy as np
import torch
from PIL import Image

from data.compose import MIXES, SLOT, Data
from data.drawing import SIDE
from data.fetch import CACHE

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
LINOCUT = os.environ.get("LINOCUT", os.path.join(ROOT, "target", "release", "linocut"))
SLOTS, EDITED = 6, 1  # of each kind; of these so many are edited
WORKING_PX = 128
ROUNDS = ("4", "8", "16", "6,20", "10,30")
STEPS = "3"
SEED = 77


def run(job):
    """One picture (64, 64, 3) u8 through the program; as it is when the program cannot vectorize it (one flat colour)."""
    pixels, rounds, prompt = job
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "in.png"), os.path.join(folder, "out.png")
        Image.fromarray(pixels).resize((WORKING_PX, WORKING_PX), Image.BICUBIC).save(source)
        common = ["--rounds", rounds, "--cache", "off", "--threads", "1", "--json"]
        if prompt is None:
            command = [LINOCUT, "vectorize", source, "-o", os.path.join(folder, "out.svg"), "--png", target, *common]
        else:
            command = [LINOCUT, "edit", source, "--prompt", prompt, "--iterations", STEPS, "--patches", "4", "-o", target, *common]
        done = subprocess.run(command, capture_output=True)
        if done.returncode:
            return pixels, 1
        return np.asarray(Image.open(target).convert("RGB").resize((SIDE, SIDE), Image.BOX)), 0


def pixels_of(x):
    return (x.permute(0, 2, 3, 1).clamp(0, 1) * 255).round().byte().numpy()


def jobs(x, texts, edited, rng):
    pixels = pixels_of(x)
    for i in range(len(pixels)):
        other = texts[(i + 1 + rng.integers(len(texts) - 1)) % len(texts)]
        yield pixels[i], ROUNDS[rng.integers(len(ROUNDS))], other if edited else None


def vectorized(x, rounds):
    """Pictures (n, 3, 64, 64) in 0..1 through the program; a list of (64, 64, 3) u8."""
    with Pool(2) as pool:
        return [p for p, _ in pool.map(run, [(p, rounds, None) for p in pixels_of(x)], chunksize=8)]


def main():
    if not os.path.exists(LINOCUT):
        raise SystemExit(f"{LINOCUT} is absent: build the program (cargo build --release) or set LINOCUT")
    torch.set_num_threads(1)
    data, pictures, words, failed = Data(), [], [], 0
    kinds = sorted({kind for mix in MIXES[-1].values() for kind in mix})
    with Pool(2) as pool:
        for number, kind in enumerate(kinds):
            for slot in range(SLOTS):
                plan, rng = (np.random.default_rng([SEED, number, slot, part]) for part in (0, 1))
                x, texts, keys = data.slot_of(kind, SLOT, plan, rng)
                drawn = pool.map(run, jobs(x, texts, slot < EDITED, rng), chunksize=4)
                pictures.append(np.stack([p.transpose(2, 0, 1) for p, _ in drawn]))
                words.append({"kind": kind, "texts": texts, "keys": keys})
                failed += sum(f for _, f in drawn)
            print(kind, SLOTS, "slots", flush=True)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, pictures=np.stack(pictures), words=json.dumps(words))
    with open(os.path.join(CACHE, "vectors.npz"), "wb") as f:
        f.write(buffer.getvalue())
    print("pictures", len(pictures) * SLOT, "left as they were", failed)


if __name__ == "__main__":
    main()
