"""Held-out tests of an encoder folder (Hugging Face CLIP layout).

Input: a folder with model.safetensors and tokenizer.json; the caches. Output: a table on stdout, and as JSON with --json.
Nothing shown here was trained on: other icons, faces, photographs, one held-out vendor (noto), one with outlines (openmoji).
Colours, looks, shapes and arrangements come from the training generator with new pictures, so those tests are easy ones. One test
sends the held-out vendor's pictures through the program first ($LINOCUT, or target/release/linocut).
Deterministic.

Usage: evaluate.py FOLDER [--json FILE]
       evaluate.py --curve   (the ends of the training's cycles, .cache/run/step-N.pt, into .cache/run/curve.json)
"""
import argparse
import json
import os

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from data import captions as C, photos, styles, tokens, vectors
from data.arrangements import NUMBERS, SPOTS, centres_of, many
from data.colours import MORE
from data.compose import ALL_LOOKS, ALL_MATERIALS, PLACED, Data, grade, texture
from data.drawing import SIDE, colour_of, over, place, posterise, solid
from data.fetch import CACHE
from data.looks import LUMA, luma
from data.shapes import bank
from model import POSITIONS, SHIPPED, Clip, Size
from train import ENCODER_PLAN

BOS, EOS = 8190, 8191
HALF_OF_COLOUR = "half of noto picture to name, top-1"
# test: (chance, goal or None), percentages
GOALS = {
    "colours 24": (4.2, 97), "colours 24, mean of sentence frames": (4.2, None), "all colour words": (0.6, None),
    "ground binding, named": (50, 95), "ground binding, object": (50, 95),
    "looks 22": (4.5, 85), "looks 22, top-2": (9.1, None), "looks 22, mean of sentence frames": (4.5, None),
    "looks 22, flattened pictures": (4.5, None), "all looks": (1.0, None), "art styles": (1.6, None),
    "shapes 17, black on white": (5.9, 90), "shapes 17, coloured": (5.9, None),
    "noto picture to name, top-1": (0.2, 45), "noto picture to name, top-5": (1.0, 75),
    "noto name to picture, top-1": (0.2, None), "noto name to picture, top-5": (1.0, None),
    "noto in grey, top-1": (0.2, HALF_OF_COLOUR), "noto in grey, top-5": (1.0, None),
    "noto vectorized, top-1": (0.2, None),
    "openmoji picture to name, top-1": (0.2, None), "openmoji picture to name, top-5": (1.0, None),
    "60 unseen concepts among themselves, top-1": (1.7, None), "60 unseen concepts among themselves, top-5": (8.3, None),
    "letters 26": (3.8, None), "62 characters": (2.8, 90), "materials 15": (6.7, None), "all materials and patterns": (1.1, None),
    "two shapes, colours swapped": (50, 85), "left or right": (50, 80), "left or right, by colour": (50, None), "at which edge": (25, None),
    "counts one to six": (16.7, None),
}


def goal_of(test, figures):
    """The goal as a number, or None."""
    goal = GOALS[test][1]
    return figures["noto picture to name, top-1"] / 2 if goal == HALF_OF_COLOUR else goal


class Encoder:
    def __init__(self, size, weights, tokenizer):
        self.model = Clip(size)
        self.model.load_state_dict({k: v.half().float() for k, v in weights.items()})
        self.model.eval()
        self.tok = Tokenizer.from_file(tokenizer)

    @classmethod
    def of_folder(cls, folder):
        return cls(size_of(folder), load_file(os.path.join(folder, "model.safetensors")), os.path.join(folder, "tokenizer.json"))

    @torch.inference_mode()
    def text(self, texts):
        rows = [[BOS, *e.ids[: POSITIONS - 2], EOS] for e in self.tok.encode_batch(list(texts), add_special_tokens=False)]
        ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
        return torch.cat([self.model.text(part) for part in ids.split(512)])

    @torch.inference_mode()
    def image(self, x):
        return torch.cat([self.model.image(part) for part in x.split(256)])

    def framed(self, texts):
        """Mean over the sentence frames, as the program does."""
        rows = [frame.replace("{a}", "a {}").replace("{}", t) + "." for t in texts for frame in C.TEMPLATES[:80]]
        mean = self.text(rows).view(len(texts), 80, -1).mean(1)
        return mean / mean.norm(dim=1, keepdim=True)


def size_of(folder):
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    text, vision = config["text_config"], config["vision_config"]
    return Size(vision["hidden_size"], vision["num_attention_heads"], vision["num_hidden_layers"], text["num_hidden_layers"],
                config["projection_dim"], vision["patch_size"])


def top(scores, truth, k):
    best = scores.topk(k, dim=1).indices
    return 100 * (best == torch.as_tensor(truth)[:, None]).any(1).float().mean().item()


def preferred(image, right, wrong):
    """Pictures that are nearer to their right caption than to their wrong one."""
    return 100 * ((image * right).sum(1) > (image * wrong).sum(1)).float().mean().item()


class Tests:
    """All test pictures, made once."""

    def __init__(self):
        self.data = Data()
        with open(os.path.join(CACHE, "icons.json")) as f:
            meta = json.load(f)
        self.names = {k: meta["concepts"][k]["label"] for k in meta["tested"]}
        self.tested, self.hidden = meta["tested"], set(meta["hidden"])
        self.held = np.array([i for i, r in enumerate(meta["mono"]) if r["vendor"] == "game-icons" and not r["train"]])
        self.rows = meta["colour"]
        self.shapes = torch.from_numpy(bank(99, 24))

    def held_icons(self, n, rng):
        return self.data.mono[torch.from_numpy(rng.choice(self.held, n))].float()[:, None] / 255

    def vendor(self, vendor):
        """Pictures of the 500 test concepts on white (n, 3, 64, 64) and their numbers."""
        index = {r["concept"]: i for i, r in enumerate(self.rows) if r["vendor"] == vendor}
        kept = [k for k in self.tested if k in index]
        x = self.data.rgba([index[k] for k in kept])
        x = torch.nn.functional.interpolate(x, (58, 58), mode="bilinear", antialias=True, align_corners=False)
        x = torch.nn.functional.pad(x, (3, 3, 3, 3))
        return x[:, :3] + 1 - x[:, 3:], torch.tensor([self.tested.index(k) for k in kept])

    def pair_pictures(self, masks, first, second, rng):
        spot = np.stack([np.full(len(first), -0.45), np.zeros(len(first))], 1)
        x = solid(np.ones((len(first), 3)))
        for mask, colours, where in ((masks[0], first, spot), (masks[1], second, -spot)):
            paint = solid(np.stack([colour_of(C.COLOUR_NAMES[c], rng) for c in colours]))
            x = over(x, paint, place(mask, rng, 0.38, 0.46, turn=0.1, centre=where))
        return x

    def run(self, encoder):
        out, detail = {}, {}
        names = C.COLOUR_NAMES
        rng = np.random.default_rng(2024)
        # colours on unseen mono icons
        truth = np.repeat(np.arange(24), 40)
        grounds = np.where(rng.random((960, 1)) < 0.5, 1.0, rng.uniform(0.4, 0.6, (960, 1))) * np.ones(3)
        grounds[np.isin(truth, [names.index("white"), names.index("beige")])] = 0.4
        grounds[truth == names.index("gray")] = 1.0
        ink = np.stack([colour_of(names[c], rng, 0.03) for c in truth])
        x = over(solid(grounds), solid(ink), place(self.held_icons(960, rng), rng, 0.75, 1.0))
        image = encoder.image(x)
        plain = sum(encoder.text([f.format(c) for c in names]) for f in ("{}", "a {} object", "a {} shape"))
        out["colours 24"] = top(image @ plain.T, truth, 1)
        out["colours 24, mean of sentence frames"] = top(image @ encoder.framed([f"{c} object" for c in names]).T, truth, 1)
        # object colour against ground
        pair = np.stack([rng.permutation(24)[:2] for _ in range(400)])
        kinds = rng.integers(17, size=400)
        mask = place(self.shapes[kinds, rng.integers(24, size=400)][:, None], rng, 0.55, 0.9)
        a, b = (np.stack([colour_of(names[c], rng, 0.03) for c in pair[:, j]]) for j in (0, 1))
        image = encoder.image(over(solid(b), solid(a), mask))
        for label, words in (("named", [C.SHAPE_NAMES[k] for k in kinds]), ("object", ["object"] * 400)):
            right = encoder.text([f"a {names[p]} {w} on a {names[q]} background" for (p, q), w in zip(pair, words)])
            wrong = encoder.text([f"a {names[q]} {w} on a {names[p]} background" for (p, q), w in zip(pair, words)])
            out[f"ground binding, {label}"] = preferred(image, right, wrong)
        # looks on held-out photographs
        crops = torch.stack([photos.crop(p, rng, SIDE, 0.5) for p in photos.test_photos() for _ in range(6)])
        x = torch.cat([grade(crops, look, rng) for look in C.LOOK_NAMES])
        truth = np.repeat(np.arange(22), len(crops))
        wordings = [C.LOOKS[k][0] if k not in ("daylight",) else "in daylight" for k in C.LOOK_NAMES]
        said = [w if w.startswith("a ") else f"a photo {w}" for w in wordings]
        scores = encoder.image(x) @ encoder.text(said).T
        out["looks 22"], out["looks 22, top-2"] = top(scores, truth, 1), top(scores, truth, 2)
        right = (scores.argmax(1) == torch.as_tensor(truth)).float().view(22, -1).mean(1) * 100
        detail["looks"] = {k: round(v) for k, v in zip(C.LOOK_NAMES, right.tolist())}
        out["looks 22, mean of sentence frames"] = top(encoder.image(x) @ encoder.framed(said).T, truth, 1)
        flat = torch.cat([posterise(part, rng) for part in x.split(36)])
        out["looks 22, flattened pictures"] = top(encoder.image(flat) @ encoder.text(said).T, truth, 1)
        # plain shapes
        truth = np.repeat(np.arange(17), 24)
        mask = place(self.shapes.flatten(0, 1)[:, None], rng, 0.5, 0.9, turn=0.15, tilt=0.08)
        text = encoder.text([C.SHAPES[k][0] for k in C.SHAPE_NAMES])
        scores = encoder.image((1 - mask).expand(-1, 3, -1, -1)) @ text.T
        out["shapes 17, black on white"] = top(scores, truth, 1)
        right = (scores.argmax(1) == torch.as_tensor(truth)).float().view(17, -1).mean(1) * 100
        detail["shapes"] = {k: round(v) for k, v in zip(C.SHAPE_NAMES, right.tolist())}
        pair = np.stack([rng.permutation(24)[:2] for _ in truth])
        a, b = (np.stack([colour_of(names[c], rng) for c in pair[:, j]]) for j in (0, 1))
        out["shapes 17, coloured"] = top(encoder.image(over(solid(b), solid(a), mask)) @ text.T, truth, 1)
        # emoji of unseen vendors
        text = encoder.text([self.names[k] for k in self.tested])
        for vendor in ("noto", "openmoji"):
            x, number = self.vendor(vendor)
            scores = encoder.image(x) @ text.T
            seen = torch.tensor([self.tested[i] not in self.hidden for i in number.tolist()])
            for k in (1, 5):
                out[f"{vendor} picture to name, top-{k}"] = top(scores[seen], number[seen], k)
            if vendor == "openmoji":
                continue
            back = scores.T[number][seen]
            for k in (1, 5):
                out[f"noto name to picture, top-{k}"] = top(back, torch.arange(len(number))[seen], k)
            grey = luma(x).expand(-1, 3, -1, -1)
            scores_grey = encoder.image(grey) @ text.T
            drawn = torch.stack([torch.from_numpy(p).permute(2, 0, 1) for p in vectors.vectorized(x, "8,24")]).float() / 255
            out["noto vectorized, top-1"] = top((encoder.image(drawn) @ text.T)[seen], number[seen], 1)
            for k in (1, 5):
                out[f"noto in grey, top-{k}"] = top(scores_grey[seen], number[seen], k)
                among = scores[~seen][:, number[~seen]]
                out[f"60 unseen concepts among themselves, top-{k}"] = top(among, torch.arange(len(among)), k)
        # letters of unseen faces
        letters = torch.from_numpy(np.load(os.path.join(CACHE, "letters.npz"))["test"])[:, :52].flatten(0, 1)
        truth = np.tile(np.arange(52) % 26, len(letters) // 52)
        x = 1 - place(letters[:, None].float() / 255, rng, 0.7, 0.95, turn=0.05, tilt=0.05)
        text = encoder.text([f"the letter {chr(97 + i)}" for i in range(26)])
        out["letters 26"] = top(encoder.image(x.expand(-1, 3, -1, -1)) @ text.T, truth, 1)
        # materials on unseen icons
        truth = np.repeat(np.arange(len(C.MATERIAL_NAMES)), 24)
        skin = torch.cat([texture(k, 24, rng) for k in C.MATERIAL_NAMES])
        x = over(torch.ones_like(skin), skin, place(self.held_icons(len(truth), rng), rng, 0.8, 1.0))
        text = encoder.text(["an object " + C.MATERIALS[k][0] for k in C.MATERIAL_NAMES])
        out["materials 15"] = top(encoder.image(x) @ text.T, truth, 1)
        # two shapes
        pair = np.stack([rng.permutation(24)[:2] for _ in range(400)])
        both = np.stack([rng.permutation(17)[:2] for _ in range(400)])
        masks = [self.shapes[both[:, j], rng.integers(24, size=400)][:, None] for j in (0, 1)]
        image = encoder.image(self.pair_pictures(masks, pair[:, 0], pair[:, 1], rng))
        say = lambda p, q: encoder.text([f"a {names[c]} {C.SHAPE_NAMES[s]} and a {names[d]} {C.SHAPE_NAMES[t]}" for (s, t), c, d in zip(both, p, q)])
        right, wrong = say(pair[:, 0], pair[:, 1]), say(pair[:, 1], pair[:, 0])
        out["two shapes, colours swapped"] = preferred(image, right, wrong)
        image = encoder.image(self.pair_pictures(masks, pair[:, 0], pair[:, 0], rng))
        say = lambda j, k: encoder.text([f"a {C.SHAPE_NAMES[s[j]]} left of a {C.SHAPE_NAMES[s[k]]}" for s in both])
        out["left or right"] = preferred(image, say(0, 1), say(1, 0))
        self.arrangements(encoder, out)
        self.vocabulary(encoder, out)
        return {"figures": {k: round(out[k], 1) for k in GOALS}, "detail": detail}

    def arrangements(self, encoder, out):
        """Sides by colour alone, one thing at an edge, how many."""
        rng = np.random.default_rng(2025)
        names = C.COLOUR_NAMES
        pair, kinds = np.stack([rng.permutation(24)[:2] for _ in range(400)]), rng.integers(17, size=400)
        masks = [self.shapes[kinds, rng.integers(24, size=400)][:, None]] * 2
        image = encoder.image(self.pair_pictures(masks, pair[:, 0], pair[:, 1], rng))
        say = lambda j, k: encoder.text([f"a {names[p[j]]} {C.SHAPE_NAMES[s]} left of a {names[p[k]]} {C.SHAPE_NAMES[s]}" for p, s in zip(pair, kinds)])
        out["left or right, by colour"] = preferred(image, say(0, 1), say(1, 0))
        truth = np.repeat(np.arange(4), 60)
        centre = np.array([SPOTS[k][0] for k in SPOTS])[truth]
        mask = place(self.held_icons(240, rng), rng, 0.35, 0.45, turn=0.1, centre=centre)
        text = encoder.text([f"an object {words[0]}" for _, words in SPOTS.values()])
        out["at which edge"] = top(encoder.image((1 - mask).expand(-1, 3, -1, -1)) @ text.T, truth, 1)
        right, total = 0, 0
        for kind, name in enumerate(C.SHAPE_NAMES):
            number = np.repeat(np.arange(1, 7), 6)
            image = encoder.image(self.crowd(kind, number, rng))
            text = encoder.text([f"{NUMBERS[c]} {name if c == 1 else many(name)}" for c in range(1, 7)])
            right, total = right + (image @ text.T).argmax(1).eq(torch.from_numpy(number - 1)).sum().item(), total + len(number)
        out["counts one to six"] = 100 * right / total

    def crowd(self, kind, number, rng):
        """So many of a shape, black on white."""
        n = len(number)
        cells, ink = np.stack([rng.permutation(9) for _ in range(n)]), torch.zeros(n, 1, SIDE, SIDE)
        for turn in range(6):
            rows = np.flatnonzero(number > turn)
            centre = centres_of(cells[rows, turn])
            mask = self.shapes[np.full(len(rows), kind), rng.integers(24, size=len(rows))][:, None]
            ink[rows] = torch.maximum(ink[rows], place(mask, rng, 0.24, 0.28, centre=centre))
        return (1 - ink).expand(-1, 3, -1, -1)

    def vocabulary(self, encoder, out):
        """The whole tables: colour words, looks, styles, materials, characters."""
        rng = np.random.default_rng(2026)
        words = {**MORE, **C.COLOURS}
        levels = np.repeat(np.array(list(words.values())) / 255, 3, 0)
        light = levels @ np.array(LUMA) > 0.84
        ground = solid(np.where(light[:, None], 0.3, 1.0) * np.ones(3))
        x = over(ground, solid(levels), place(self.held_icons(len(levels), rng), rng, 0.8, 1.0))
        out["all colour words"] = top(encoder.image(x) @ encoder.text(list(words)).T, np.repeat(np.arange(len(words)), 3), 1)
        crops = torch.stack([photos.crop(p, rng, SIDE, 0.5) for p in photos.test_photos() for _ in range(3)])
        drawn = [k for k in ALL_LOOKS if k in styles.STYLES or k in ("sketch", "poster", "pixel")]
        for label, table in (("all looks", [k for k in ALL_LOOKS if k not in drawn]), ("art styles", drawn)):
            x = torch.cat([grade(crops, k, rng).expand(-1, 3, -1, -1) for k in table])
            said = [ALL_LOOKS[k][0] for k in table]
            text = encoder.text([w if w.startswith(("a ", "an ")) else f"a picture {w}" for w in said])
            out[label] = top(encoder.image(x) @ text.T, np.repeat(np.arange(len(table)), len(crops)), 1)
        truth = np.repeat(np.arange(len(ALL_MATERIALS)), 8)
        skin = torch.cat([texture(k, 8, rng) for k in ALL_MATERIALS])
        x = over(torch.ones_like(skin), skin, place(self.held_icons(len(truth), rng), rng, 0.8, 1.0))
        said = [w[0] if w[0].startswith(PLACED) else f"of {w[0]}" for w in ALL_MATERIALS.values()]
        out["all materials and patterns"] = top(encoder.image(x) @ encoder.text([f"an object {w}" for w in said]).T, truth, 1)
        faces = torch.from_numpy(np.load(os.path.join(CACHE, "letters.npz"))["test"])
        truth = np.tile(np.r_[np.arange(26), np.arange(26), np.arange(26, 36)], len(faces))
        mask = place(faces.flatten(0, 1)[:, None].float() / 255, rng, 0.7, 0.95, turn=0.05, tilt=0.05)
        text = encoder.text([f"the letter {chr(97 + i)}" for i in range(26)] + [f"the digit {i}" for i in range(10)])
        out["62 characters"] = top(encoder.image((1 - mask).expand(-1, 3, -1, -1)) @ text.T, truth, 1)


def curve():
    """[{step, samples, figures}] of the ends of the cycles; those that are there already are kept."""
    folder = ENCODER_PLAN.folder
    path = os.path.join(folder, "curve.json")
    rows = json.load(open(path)) if os.path.exists(path) else []
    for ends in ENCODER_PLAN.cycles:
        checkpoint = os.path.join(folder, f"step-{ends[-1]}.pt")
        if os.path.exists(checkpoint) and ends[-1] not in [r["step"] for r in rows]:
            saved = torch.load(checkpoint)
            result = Tests().run(Encoder(SHIPPED, saved["model"], tokens.PATH))
            rows.append({"step": saved["step"], "samples": saved["samples"], "figures": result["figures"]})
            print(rows[-1], flush=True)
            with open(path, "w") as f:
                json.dump(sorted(rows, key=lambda r: r["step"]), f, indent=1)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder", nargs="?")
    options.add_argument("--json")
    options.add_argument("--curve", action="store_true")
    chosen = options.parse_args()
    if chosen.curve:
        return curve()
    result = Tests().run(Encoder.of_folder(chosen.folder))
    for name, value in result["figures"].items():
        goal = goal_of(name, result["figures"])
        print(f"{name:48s} {value:6.1f}   chance {GOALS[name][0]:5.1f}   goal {'-' if goal is None else round(goal, 1)}")
    print(result["detail"])
    if chosen.json:
        with open(chosen.json, "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
