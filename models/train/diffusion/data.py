"""Captioned pictures for the diffusion model, and their latents on disk.

Input: the caches of data/icons.py and data/fonts.py; for the shards also the trained autoencoder. Output of `Pictures.draw`: pictures
(n, 3, 64, 64) in 0..1 with captions; of this program: .cache/diffusion/shard-N.npz with latents (n, 4, 16, 16) f16 and token ids (n, 24).
Unlike the encoder's data nothing is disturbed and no caption is a riddle: what is said is what is drawn. Deterministic: everything
follows from (seed, shard, slot).

Usage: data.py [--ranks N]   (writes the shards that are missing)
"""
import argparse
import os

import numpy as np
import torch

from data import captions as C
from data.colours import MORE
from data.compose import GREY_SHARE, LIGHT_SHADE, SLOT, Data, flips
from data.drawing import SIDE, over, place, solid, some
from data.fetch import CACHE
from data.looks import LUMA, luma, noise
from diffusion.text import ids_of

FOLDER = os.path.join(CACHE, "diffusion")
MIX = {"plain": 0.46, "tinted": 0.11, "emoji": 0.12, "materials": 0.08, "looks": 0.15, "fields": 0.08}
FRAMES = ("a picture of {}", "an image of {}", "a drawing of {}", "an icon of {}", "a photo of {}", "a clip art of {}")
FRAMED = 0.12  # of the captions stand in a frame
JOINTS = (" on {a} background", " on {a} background", " on {a} background", " on {}", " in front of {a} background", " with {a} background")
RARE = 0.1  # of the inks have one of the less common colour names
# Grounds of plain things: white and unsaid, white and said, coloured and said; the rest is coloured and unsaid.
WHITE, SAID_WHITE, SAID = 0.45, 0.15, 0.32
TRAIN_SEED, TEST_SEED = 5, 6
SHARD, SHARDS = 4096, 8


def levels(names, rng, spread=0.02):
    """Colours (n, 3) in 0..1 of colour names, slightly varied."""
    base = np.array([MORE.get(name) or C.COLOURS[name] for name in names]) / 255
    return np.clip(base + rng.uniform(-spread, spread, (len(names), 3)), 0, 1)


def pick(names, n, rng):
    return [names[i] for i in rng.integers(len(names), size=n)]


def framed(text, rng):
    return FRAMES[rng.integers(len(FRAMES))].format(C.with_article(text)) if rng.random() < FRAMED else text


class Pictures:
    def __init__(self):
        self.data, self.rare = Data(), list(MORE)

    def draw(self, n, seed, shard):
        """Pictures and captions of `n` / SLOT slots of one kind each."""
        parts = [self.slot(np.random.default_rng([seed, shard, slot])) for slot in range(n // SLOT)]
        pictures, texts = zip(*parts)
        return torch.cat(pictures), sum(texts, [])

    def slot(self, rng):
        kind = rng.choice(list(MIX), p=list(MIX.values()))
        pictures, texts = getattr(self, kind)(SLOT, rng)
        return pictures.clamp(0, 1), texts if kind == "looks" else [framed(t, rng) for t in texts]

    def inks(self, n, rng):
        rare = rng.random(n) < RARE
        return [b if r else a for a, b, r in zip(pick(C.COLOUR_NAMES, n, rng), pick(self.rare, n, rng), rare)]

    def grounds(self, inks, rng):
        """Names of the grounds under things in the given inks, and whether the caption says them."""
        n = len(inks)
        sort, others = rng.random(n), pick(C.COLOUR_NAMES, n, rng)
        names = ["white" if s < WHITE + SAID_WHITE else other for s, other in zip(sort, others)]
        light = levels(inks, rng, 0) @ np.array(LUMA) * 255 > LIGHT_SHADE
        # a thing never lies on a ground of its own colour, a light one not on white
        names = [("navy", "teal", "gray")[i % 3] if name == ink or pale and name == "white" else name
                 for i, (name, ink, pale) in enumerate(zip(names, inks, light))]
        return names, (sort >= WHITE) & (sort < WHITE + SAID_WHITE + SAID)

    def painted(self, mask, things, rng):
        """Masks in one ink each on plain grounds, with captions."""
        n = len(things)
        inks = self.inks(n, rng)
        grounds, said = self.grounds(inks, rng)
        shade = 0.96 + 0.08 * noise(rng, n, SIDE, 2)
        picture = over(solid(levels(grounds, rng)), (solid(levels(inks, rng)) * shade).clamp(0, 1), mask)
        texts = [f"{C.with_article(ink)} {C.bare(thing)}" for ink, thing in zip(inks, things)]
        joints = pick(JOINTS, n, rng)
        return picture, [t + j.format(g, a=C.with_article(g)) if s else t for t, j, g, s in zip(texts, joints, grounds, said)]

    def plain(self, n, rng):
        kinds = rng.integers(len(C.SHAPE_NAMES), size=n)
        mask = self.data.shape_masks(kinds, rng, low=0.6, high=0.95)
        words = [C.SHAPES[C.SHAPE_NAMES[k]] for k in kinds]
        return self.painted(mask, [w[0] if rng.random() < 0.8 else w[rng.integers(len(w))] for w in words], rng)

    def tinted(self, n, rng):
        """One-colour icons."""
        index = rng.choice(self.data.glyphs, n)
        texts = [self.data.mono_rows[i]["caption"] for i in index]
        mask = self.data.mono[torch.from_numpy(index)].float()[:, None] / 255
        return self.painted(place(mask, rng, 0.65, 1.0, flip=flips(texts, 0.2)), texts, rng)

    def emoji(self, n, rng):
        index = rng.choice(self.data.icons, n)
        texts = [self.data.name(self.data.colour_rows[i], rng)[0] for i in index]
        x = place(self.data.restyle(self.data.rgba(index), rng), rng, 0.65, 1.0, flip=flips(texts, 0.3))
        ground = self.data.ground(n, rng)
        ground[some(rng, n, 0.5)] = 1.0
        picture = ground * (1 - x[:, 3:]) + x[:, :3]
        grey = some(rng, n, GREY_SHARE / 3)
        picture[grey] = luma(picture[grey]).expand(-1, 3, -1, -1)
        for i in grey.tolist():
            texts[i] += " in black and white"
        return picture, [C.with_article(t) if rng.random() < 0.5 else t for t in texts]

    def materials(self, n, rng):
        return self.data.materials(n, rng, rng)[:2]

    def looks(self, n, rng):
        return self.data.looks_batch(n, rng, rng)[:2]

    def fields(self, n, rng):
        """Whole fields of colour, patterns of two colours, things without a shape's name."""
        return self.data.colours(n, rng, rng)[:2]


def path_of(shard):
    return os.path.join(FOLDER, f"shard-{shard}.npz")


def write(shard, pictures, vae):
    """Latents are kept as means, unscaled; the texts as token ids."""
    x, texts = pictures.draw(SHARD, TRAIN_SEED, shard)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        latents = torch.cat([vae.encode(part * 2 - 1)[0].float() for part in x.split(SLOT)])
    with open(path_of(shard) + ".tmp", "wb") as f:
        np.savez(f, latents=latents.half().numpy(), ids=ids_of(texts).numpy().astype(np.int16))
    os.replace(path_of(shard) + ".tmp", path_of(shard))


def worker(rank, ranks):
    from diffusion.vae import trained
    torch.set_num_threads(1)
    pictures, vae = Pictures(), trained()
    for shard in range(rank, SHARDS, ranks):
        if not os.path.exists(path_of(shard)):
            write(shard, pictures, vae)
            print("shard", shard + 1, "of", SHARDS, flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--ranks", type=int, default=2)
    ranks = options.parse_args().ranks
    torch.multiprocessing.spawn(worker, (ranks,), ranks)


class Latents:
    """All shards in memory; samples by number. `scale` brings the latents to a deviation of one."""

    def __init__(self):
        parts = [np.load(path_of(i)) for i in range(SHARDS)]
        self.latents = torch.cat([torch.from_numpy(p["latents"]) for p in parts])
        self.ids = torch.cat([torch.from_numpy(p["ids"]) for p in parts])

    def __len__(self):
        return len(self.ids)

    def scale(self):
        return 1 / self.latents.float().std().item()


if __name__ == "__main__":
    main()
