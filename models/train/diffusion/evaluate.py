"""What the judge sees in samples: 200 fixed captions of a plain shape in a colour, half of them with a coloured ground.

Input: an exported folder, or the newest checkpoints; the judge (models/train/judge) and the built-in encoder. Output: a table, and as
JSON with --json. A colour is right when the caption with the right colour word ranks first among the captions with each of the 24 colour
words, the shape kept; a shape likewise among the 17 plain shapes. A third instrument knows outlines only and has learnt nothing. The
same is asked about pictures that the generator drew for the same captions: what an instrument cannot tell there it cannot tell about
samples either. Deterministic.

Usage: evaluate.py [--folder FOLDER] [--json FILE] [--count N] [--guidance W]
       evaluate.py --curve   (the newest checkpoint, as a line more in .cache/diffusion/curve.jsonl)
"""
import argparse
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

from data import captions as C
from data.compose import LIGHT_SHADE
from data.drawing import over, solid
from data.fetch import CACHE
from data.looks import LUMA
from diffusion import data, vae
from diffusion.sample import GUIDANCE, SAMPLE_STEPS, Model
from diffusion.text import ENCODER
from evaluate import Encoder

COUNT, SEED = 200, 31
OUTLINE, VARIANTS = 24, 120
CURVE = os.path.join(data.FOLDER, "curve.jsonl")
JUDGE = os.path.join(os.path.dirname(CACHE), "judge")


def cases(count=COUNT):
    """(colour, shape, ground or "") of each caption; a ground is never the colour itself, nor white under a light thing."""
    rng = np.random.default_rng(SEED)
    out = []
    for i in range(count):
        colour, shape = C.COLOUR_NAMES[i % len(C.COLOUR_NAMES)], C.SHAPE_NAMES[rng.integers(len(C.SHAPE_NAMES))]
        others = [c for c in C.COLOUR_NAMES if c != colour]
        out.append((colour, shape, others[rng.integers(len(others))] if i // len(C.COLOUR_NAMES) % 2 else ""))
    return out


def caption(colour, shape, ground):
    return f"{C.with_article(colour)} {shape}" + (f" on {C.with_article(ground)} background" if ground else "")


def drawn(rows):
    """The generator's own pictures of the captions."""
    rng = np.random.default_rng(SEED)
    pictures = data.Pictures()
    mask = pictures.data.shape_masks(np.array([C.SHAPE_NAMES.index(s) for _, s, _ in rows]), rng, low=0.6, high=0.95)
    inks = data.levels([c for c, _, _ in rows], rng)
    light = inks @ np.array(LUMA) * 255 > LIGHT_SHADE
    grounds = [g or ("gray" if pale else "white") for (_, _, g), pale in zip(rows, light)]
    return over(solid(data.levels(grounds, rng)), solid(inks), mask)


def right(encoder, pictures, rows):
    """Which colours and which shapes rank first, two arrays of booleans."""
    images = encoder.image(pictures)
    hits = []
    for place, words in ((0, C.COLOUR_NAMES), (1, C.SHAPE_NAMES)):
        texts = encoder.text([caption(*row[:place], word, *row[place + 1:]) for row in rows for word in words])
        scores = torch.einsum("nd,nwd->nw", images, texts.view(len(rows), len(words), -1))
        truth = torch.tensor([words.index(row[place]) for row in rows])
        hits.append(scores.argmax(1) == truth)
    return hits


def outlines(pictures):
    """What differs from the border's colour, cut out and scaled to OUTLINE x OUTLINE with its proportions kept."""
    border = torch.cat([pictures[..., 0, :], pictures[..., -1, :], pictures[..., 0], pictures[..., -1]], -1).median(-1).values
    apart = (pictures - border[..., None, None]).norm(dim=1)
    masks = (apart > apart.flatten(1).quantile(0.97, 1).view(-1, 1, 1) / 2).float()
    return torch.stack([cut_out(mask) for mask in masks])


def cut_out(mask):
    if not mask.any():
        return torch.zeros(OUTLINE, OUTLINE)
    rows, columns = (torch.nonzero(mask.any(side))[:, 0] for side in (1, 0))
    cut = mask[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    height, width = cut.shape
    side = max(cut.shape)
    left, top = (side - width) // 2, (side - height) // 2
    padded = F.pad(cut, (left, side - width - left, top, side - height - top))
    return F.interpolate(padded[None, None], (OUTLINE, OUTLINE), mode="area")[0, 0]


class Templates:
    """A judge of shapes that has learnt nothing: the nearest outline of many placed ones, which colours do not enter."""

    def __init__(self):
        rng = np.random.default_rng(SEED + 1)
        self.kinds = np.tile(np.arange(len(C.SHAPE_NAMES)), VARIANTS)
        self.outlines = outlines(data.Pictures().data.shape_masks(self.kinds, rng, low=0.6, high=0.95).expand(-1, 3, -1, -1)).flatten(1)

    def right(self, pictures, rows):
        nearest = torch.cdist(outlines(pictures).flatten(1), self.outlines).argmin(1)
        return torch.tensor([C.SHAPE_NAMES[self.kinds[i]] == row[1] for i, row in zip(nearest.tolist(), rows)])


def percent(hits):
    return round(100 * hits.float().mean().item(), 1)


def by_shape(hits, rows):
    places = {shape: [i for i, row in enumerate(rows) if row[1] == shape] for shape in C.SHAPE_NAMES}
    return {shape: percent(hits[where]) for shape, where in places.items() if where}


def measure(pictures, rows):
    """{instrument: {colour, shape, shapes}} in per cent."""
    out = {}
    for name, folder in (("judge", JUDGE), ("encoder", ENCODER)):
        colour, shape = right(Encoder.of_folder(folder), pictures, rows)
        out[name] = {"colour": percent(colour), "shape": percent(shape), "shapes": by_shape(shape, rows)}
    shape = Templates().right(pictures, rows)
    return {**out, "outline": {"shape": percent(shape), "shapes": by_shape(shape, rows)}}


def table(figures):
    lines = [f"{'':10}{'samples':>18}{'drawn':>18}", f"{'':10}" + f"{'colour':>9}{'shape':>9}" * 2]
    for name in figures["samples"]:
        row = [figures[kind][name].get(what) for kind in ("samples", "drawn") for what in ("colour", "shape")]
        lines.append(f"{name:10}" + "".join(f"{'' if v is None else v:>9}" for v in row))
    return "\n".join([*lines, f"autoencoder {figures['psnr']} dB"])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--folder")
    options.add_argument("--curve", action="store_true")
    options.add_argument("--json")
    options.add_argument("--count", type=int, default=COUNT)
    options.add_argument("--guidance", type=float, default=GUIDANCE)
    options.add_argument("--steps", type=int, default=SAMPLE_STEPS)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    rows = cases(chosen.count)
    model = Model.of_folder(chosen.folder) if chosen.folder else Model.newest()
    samples = model.pictures([caption(*r) for r in rows], guidance=chosen.guidance, steps=chosen.steps)
    values = vae.test(model.vae)
    figures = {"captions": len(rows), "guidance": chosen.guidance, "steps": chosen.steps, "samples": measure(samples, rows),
               "drawn": measure(drawn(rows), rows), "psnr": round(values.mean().item(), 2), "psnr lowest tenth": round(values.quantile(0.1).item(), 2)}
    print(table(figures))
    if chosen.json:
        with open(chosen.json, "w") as f:
            json.dump(figures, f, indent=1)
    if chosen.curve:
        note = {"step": model.made["step"], "samples": model.made["samples"], **{
            f"{name} {what}": figures["samples"][name][what] for name in figures["samples"] for what in ("colour", "shape") if what in figures["samples"][name]}}
        with open(CURVE, "a") as f:
            print(json.dumps(note), file=f)


if __name__ == "__main__":
    main()
