"""Write the model card of an exported folder: README.md, the sample sheet and figures.json.

Input: the exported folder, .cache/diffusion/figures.json (of evaluate.py), the logs and the curve. Output: README.md, sheet.jpg and
figures.json in the folder. Deterministic.

Usage: card.py FOLDER
"""
import argparse
import json
import os

import torch
from blake3 import blake3

from data import photos
from data.captions import SHAPE_NAMES
from data.fetch import ICONS
from diffusion import data, loop, train, vae
from diffusion import model as m
from diffusion.evaluate import CURVE
from diffusion.sample import CAPTIONS, GUIDANCE, SAMPLE_STEPS, Model, sheet

SHEET_BYTES = 100_000
NAMES = {"judge": "the judge (second encoder)", "encoder": "the built-in encoder", "outline": "outlines, nearest of many"}


def lines_of(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(line) for line in f]


def write_sheet(folder):
    pictures = Model.of_folder(folder).pictures(list(CAPTIONS))
    image, path = sheet(pictures), os.path.join(folder, "sheet.jpg")
    for quality in (92, 88, 84, 80, 70):
        image.save(path, quality=quality, optimize=True)
        if os.path.getsize(path) <= SHEET_BYTES:
            return


def cell(value):
    return "" if value is None else f"{value:.1f}"


def figures_table(figures):
    rows = ["| instrument | colour right, samples | colour right, drawn | shape right, samples | shape right, drawn |", "| --- | --- | --- | --- | --- |"]
    for name, said in NAMES.items():
        values = [figures[kind][name].get(what) for what in ("colour", "shape") for kind in ("samples", "drawn")]
        rows.append(f"| {said} | " + " | ".join(map(cell, values)) + " |")
    return "\n".join(rows)


def shapes_text(figures):
    table = figures["samples"]["outline"]["shapes"]
    return ", ".join(f"{s} {table[s]:.0f}" for s in sorted(SHAPE_NAMES, key=lambda s: -table.get(s, 0)) if s in table)


def curve_table(rows):
    if not rows:
        return ""
    keys = ["judge colour", "encoder colour", "judge shape", "encoder shape", "outline shape"]
    out = ["| step | samples | " + " | ".join(keys) + " |", "| --- " * (len(keys) + 2) + "|"]
    return "\n".join(out + [f"| {r['step']} | {r['samples']:,} | " + " | ".join(cell(r.get(k)) for k in keys) + " |" for r in rows])


def credits():
    icons = "\n".join(f"* {name} {version} by {author}, {licence}" for name, version, licence, author, use in ICONS if use != "test")
    return icons + "\n" + "\n".join(f"* scikit-image {name}: {licence}" for name, _, _, licence in photos.TRAIN)


def decoder_text():
    path = loop.path_of(vae.DECODER)
    if not os.path.exists(path):
        return ""
    saved = torch.load(path, map_location="cpu")
    return f"; then its decoder alone, {saved['samples']:,} pictures, {saved['seconds'] / 60:.0f} minutes"


def card(folder, figures):
    unet, autoencoder = (torch.load(loop.path_of(job), map_location="cpu") for job in (train.newest(), vae.JOB))
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names if name.endswith(".safetensors"))
    minutes = [round(saved["seconds"] / 60) for saved in (autoencoder, unet)]
    return f"""# The small diffusion model

A latent diffusion model in the layout of Stable Diffusion 1.x, {size / 1e6:.1f} MB in half precision: a demonstration, and the test bed of every
diffusion method of the program. **It is no rival of Stable Diffusion.** It draws plain shapes in plain colours, and hints at icons,
materials and looks, at 64 x 64 pixels. Written by `models/train/diffusion/run.sh`; do not edit by hand.

* `unet`: {m.parameters_of(m.UNet()) / 1e6:.2f} M parameters, widths {m.UNET['block_out_channels']}, {m.UNET['attention_head_dim']} heads, attention to the text at 16 x 16, 8 x 8 and in the middle at 4 x 4.
* `vae`: {m.parameters_of(m.Vae()) / 1e6:.2f} M parameters, one latent of four numbers for 4 x 4 pixels, {m.VAE['norm_num_groups']} groups in its normalisations (the denoiser has {m.UNET['norm_num_groups']}).
* `scheduler`: predicts noise; scaled linear 0.00085 to 0.012, 1000 steps, the last step ends at the first timestep's noise level.
* `text_encoder` and `tokenizer` hold no weights: `"file"` in their configurations names those of `models/default`, relative to the
  folder. The condition is the state of all 24 positions after the last normalisation; padding is not masked. `python -m diffusion.export FOLDER --whole` writes a folder with copies.

## What it knows, and what it does not

![{len(CAPTIONS)} captions](sheet.jpg)

Row by row, seed 0, {SAMPLE_STEPS} steps, guidance {GUIDANCE:g}, nothing chosen: {"; ".join(c or "(no caption)" for c in CAPTIONS)}.

{figures["captions"]} captions of a plain shape in one of 24 colours, half of them on a coloured ground, {figures["steps"]} steps, guidance {figures["guidance"]:g}; per cent of samples
whose colour word ranks first among 24, whose shape ranks first among 17. "Drawn" are the generator's own pictures of the same captions: the
judge hardly knows shapes even there, so its figure for shapes says nothing about the samples; the outlines do.

{figures_table(figures)}

By shape, outlines: {shapes_text(figures)}.

The autoencoder alone gives back unseen pictures at {figures["psnr"]:.1f} dB on average (PSNR), the worst tenth below {figures["psnr lowest tenth"]:.1f} dB.

It does not know: people, places, text, counting, who stands left of what, any object that is not an icon, and most icons only as a
patch of the right colours. Photographs come from nine pictures. Other sizes than 64 x 64 run, but were never trained on.

## Training

Autoencoder: {autoencoder["samples"]:,} pictures in {autoencoder["step"]:,} steps, {minutes[0]} minutes{decoder_text()}. Denoiser: {unet["samples"]:,} samples in {unet["step"]:,} steps, {minutes[1]} minutes, from
{data.SHARD * data.SHARDS:,} pictures that were drawn once ({", ".join(f"{k} {100 * v:.0f} %" for k, v in data.MIX.items())}); {100 * train.SILENT:.0f} % of the captions are left
out. All on two CPU cores that were shared with other work. The moving average of the weights is shipped.

{curve_table(lines_of(CURVE))}

## Data and licence

Pictures come from `models/train/data`, as for the built-in encoder, without its letters and without pictures from the program. The weights are
offered under the project's licence (MIT or Apache-2.0); the works they were trained on keep theirs, with thanks:

{credits()}
"""


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    folder = options.parse_args().folder
    torch.set_num_threads(1)
    with open(os.path.join(data.FOLDER, "figures.json")) as f:
        figures = json.load(f)
    write_sheet(folder)
    with open(os.path.join(folder, "README.md"), "w") as f:
        f.write(card(folder, figures))
    with open(os.path.join(folder, "unet", "diffusion_pytorch_model.safetensors"), "rb") as f:
        figures = {"weights_blake3": blake3(f.read()).hexdigest(), **figures}
    with open(os.path.join(folder, "figures.json"), "w") as f:
        json.dump(figures, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
