"""The data engine: batches of generated pictures with captions.

Input: the caches of icons.py, fonts.py and the photographs. Output of `batch`: pictures (n, 3, 64, 64) in 0..1, captions,
keys (samples of one key count as matches of each other) and rivals (n): each sample's hard negative, -1 where it has none. A batch
is made of slots of one kind each. Deterministic: everything follows from (seed, step, slot, rank).
"""
import json
import os
import re

import numpy as np
import torch
import torch.nn.functional as F

from data import arrangements, captions as C, gradings, looks, photos, styles, surfaces
from data.colours import MORE
from data.drawing import SIDE, colour_of, median, over, pattern, place, posterise, solid, some, tensor
from data.fetch import CACHE
from data.fonts import GLYPHS
from data.looks import LUMA, blur, height, luma, mix, noise, rough
from data.shapes import bank

# A rank's share of a batch is made of slots of one kind each: hard negatives inside a slot, easy ones across. Mixed batches
# teach every kind at every step. Steps are led by colour or by shape; the second sort is where colour tells nothing.
SLOT = 32
# One mix a training cycle.
MIXES = (
    {
        "colour": {"emoji": 0.38, "colours": 0.27, "looks": 0.26, "materials": 0.05, "blind": 0.04},
        "shape": {"shapes": 0.58, "blind": 0.17, "colours": 0.10, "letters": 0.09, "pairs": 0.06},
    },
    {
        "colour": {"emoji": 0.42, "colours": 0.14, "inks": 0.10, "looks": 0.20, "materials": 0.03, "blind": 0.05, "pairs": 0.06},
        "shape": {"shapes": 0.13, "painted": 0.24, "blind": 0.24, "colours": 0.03, "letters": 0.18, "pairs": 0.18},
    },
    {
        "colour": {"emoji": 0.42, "colours": 0.10, "inks": 0.08, "looks": 0.17, "materials": 0.03, "blind": 0.08, "pairs": 0.12},
        "shape": {"shapes": 0.08, "painted": 0.20, "blind": 0.26, "letters": 0.22, "pairs": 0.24},
    },
    {
        "colour": {"emoji": 0.45, "colours": 0.08, "inks": 0.06, "looks": 0.18, "materials": 0.03, "blind": 0.08, "pairs": 0.12},
        "shape": {"shapes": 0.07, "painted": 0.16, "blind": 0.28, "letters": 0.24, "pairs": 0.25},
    },
    {
        "colour": {"emoji": 0.40, "colours": 0.06, "inks": 0.05, "looks": 0.15, "materials": 0.02, "blind": 0.08, "pairs": 0.24},
        "shape": {"shapes": 0.05, "painted": 0.12, "blind": 0.25, "letters": 0.34, "pairs": 0.24},
    },
    {
        "colour": {"emoji": 0.40, "colours": 0.06, "inks": 0.05, "looks": 0.17, "materials": 0.03, "blind": 0.09, "pairs": 0.20},
        "shape": {"shapes": 0.04, "painted": 0.09, "blind": 0.30, "letters": 0.37, "pairs": 0.20},
    },
    {
        "colour": {"emoji": 0.36, "colours": 0.05, "shades": 0.05, "inks": 0.03, "looks": 0.22, "materials": 0.06, "blind": 0.05, "pairs": 0.07,
                   "placed": 0.06, "counts": 0.05},
        "shape": {"shapes": 0.03, "painted": 0.06, "blind": 0.20, "letters": 0.36, "pairs": 0.12, "placed": 0.16, "counts": 0.07},
    },
    {
        "colour": {"emoji": 0.36, "colours": 0.04, "shades": 0.04, "inks": 0.02, "looks": 0.20, "materials": 0.05, "blind": 0.05, "pairs": 0.18,
                   "placed": 0.03, "counts": 0.03},
        "shape": {"shapes": 0.02, "painted": 0.04, "blind": 0.20, "letters": 0.34, "pairs": 0.30, "placed": 0.05, "counts": 0.05},
    },
    {
        "colour": {"emoji": 0.24, "colours": 0.03, "shades": 0.02, "inks": 0.02, "looks": 0.16, "materials": 0.03, "pairs": 0.42, "placed": 0.05,
                   "counts": 0.03},
        "shape": {"blind": 0.08, "letters": 0.42, "pairs": 0.45, "placed": 0.05},
    },
    {
        "colour": {"emoji": 0.34, "colours": 0.04, "shades": 0.04, "inks": 0.02, "looks": 0.22, "materials": 0.05, "blind": 0.04, "pairs": 0.20,
                   "placed": 0.03, "counts": 0.02},
        "shape": {"shapes": 0.02, "painted": 0.04, "blind": 0.18, "letters": 0.42, "pairs": 0.30, "counts": 0.04},
    },
)
BLIND = ("blind", "shapes", "letters")
ALL_LOOKS = {**C.ALL_LOOKS, **gradings.LOOKS, **styles.STYLES}
ALL_LOOK_NAMES = list(ALL_LOOKS)
LOOK_WEIGHTS = np.array([2.0 if k == "daylight" else 1.0 if k in C.LOOKS else 0.35 for k in ALL_LOOK_NAMES])
ALL_MATERIALS = {**C.MATERIALS, **surfaces.SURFACES}
ALL_MATERIAL_NAMES = list(ALL_MATERIALS)
CASES = {True: "the capital letter {}", False: "the small letter {}"}
FACES = {
    "serif": ("in a serif typeface", "in a serif font"), "sans-serif": ("in a sans serif typeface", "in a sans serif font"),
    "handwriting": ("in handwriting", "in a script font", "in a handwritten font"),
    "monospace": ("in a typewriter font", "in a monospaced font"), "display": ("in a decorative font", "in a display typeface"),
}
PLACED = ("made ", "covered ", "carved ", "with ", "in ", "woven ", "built ", "knitted ")
# Letters that are easily taken for one another are shown more often.
LETTER_WEIGHTS = np.array([4.0 if g in "0139FGIKbfkr" else 2.0 if g in "BEPRadegilpqty6" else 1.0 for g in GLYPHS])
SIDED = re.compile(r"\b(left|right|clockwise|counterclockwise|anticlockwise|forward|backward|next|previous|east|west|northeast|northwest|southeast|southwest|start|end|undo|redo)\b")
GREY_SHARE = 0.25
VECTOR_SHARE = 0.12  # of the slots show pictures that went through the program
LIGHT_SHADE = 215  # luma from which a thing in this shade would not show on white


def grade(x, look, rng):
    table = styles.draw if look in styles.STYLES else gradings.grade if look in gradings.LOOKS else looks.grade
    return table(x, look, rng)


def texture(name, n, rng):
    return (looks.texture if name in C.MATERIALS else surfaces.texture)(name, n, SIDE, rng)


def flips(texts, chance):
    """Chance of a mirrored picture: none for things whose name tells a side."""
    return np.where([bool(SIDED.search(t)) for t in texts], 0.0, chance)


def rivals_of(kind, keys):
    """An arrangement's hard negative is its counterpart in the other half of the slot."""
    n = len(keys)
    if kind not in arrangements.KINDS:
        return torch.full((n,), -1)
    other = (torch.arange(n) + n // 2) % n
    return torch.where(torch.tensor([keys[i] == keys[j] for i, j in enumerate(other)]), -1, other)


class Vectors:
    """Slots of pictures that vectors.py has sent through the program; none where that has not been run."""

    def __init__(self):
        path = os.path.join(CACHE, "vectors.npz")
        self.kinds = {}
        if os.path.exists(path):
            arrays = np.load(path)
            self.pictures, self.words = torch.from_numpy(arrays["pictures"]), json.loads(str(arrays["words"]))
            for i, words in enumerate(self.words):
                self.kinds.setdefault(words["kind"], []).append(i)

    def slot(self, kind, rng):
        i = self.kinds[kind][rng.integers(len(self.kinds[kind]))]
        return self.pictures[i].float() / 255, self.words[i]["texts"], self.words[i]["keys"]


class Data:
    def __init__(self):
        with open(os.path.join(CACHE, "icons.json")) as f:
            meta = json.load(f)
        arrays = np.load(os.path.join(CACHE, "icons.npz"))
        self.colour = torch.from_numpy(arrays["colour"]).permute(0, 3, 1, 2)
        self.mono = torch.from_numpy(arrays["mono"])
        letters = np.load(os.path.join(CACHE, "letters.npz"))
        self.letters, self.faces = torch.from_numpy(letters["train"]), json.loads(str(letters["faces"]))
        self.vectors = Vectors()
        self.colour_rows, self.mono_rows, self.concepts = meta["colour"], meta["mono"], meta["concepts"]
        self.icons = np.array([i for i, r in enumerate(self.colour_rows) if r["train"]])
        self.glyphs = np.array([i for i, r in enumerate(self.mono_rows) if r["train"]])
        group = lambda r: self.concepts[r["concept"]]["group"] if r["concept"] else -1
        self.groups = {}
        for i in self.icons:
            self.groups.setdefault(group(self.colour_rows[i]), []).append(i)
        self.scenery = np.array(self.groups[3] + self.groups[5])
        uses = {}
        for entry in self.concepts.values():
            for tag in entry["tags"]:
                uses[tag] = uses.get(tag, 0) + 1
        self.tags = {k: [t for t in e["tags"] if uses[t] <= 3] for k, e in self.concepts.items()}
        self.photos = photos.train_photos()
        self.shapes = torch.from_numpy(bank(17, 40))

    # pieces ---------------------------------------------------------------------------------------------------------

    def rgba(self, index):
        """Colour icons, premultiplied, (n, 4, 64, 64)."""
        x = self.colour[torch.from_numpy(np.asarray(index))].float() / 255
        return torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], 1)

    def name(self, row, rng):
        """Caption and key of an icon: its name, sometimes one of its rare tags."""
        if row["concept"]:
            tags = self.tags[row["concept"]]
            if tags and rng.random() < 0.25:
                return tags[rng.integers(len(tags))], row["concept"]
            return row["caption"], row["concept"]
        return row["caption"], row["caption"]

    def restyle(self, x, rng):
        """Unlike any one vendor: dark outlines, shifted palettes, flat fills."""
        n = len(x)
        lined = some(rng, n, 0.22)
        if len(lined):
            wide = int(rng.choice([3, 5]))
            alpha = x[lined, 3:]
            ring = F.max_pool2d(alpha, wide, 1, wide // 2)
            inner = x[lined, :3] + (ring - alpha) * float(rng.choice([0.0, 0.0, 1.0]))
            x[lined] = torch.cat([inner, ring], 1)
        dyed = some(rng, n, 0.4)
        if len(dyed):
            m = len(dyed)
            matrix = tensor(np.eye(3) + rng.normal(0, 0.09, (m, 3, 3)))
            level = tensor(rng.uniform(0.75, 1.15, m)).view(m, 1, 1)
            x[dyed, :3] = (torch.einsum("nij,njhw->nihw", matrix, x[dyed, :3]) * level[..., None]).clamp(0, 1)
        return torch.cat([torch.minimum(x[:, :3], x[:, 3:]), x[:, 3:]], 1)

    def ground(self, n, rng):
        """Mixed grounds; many plain white ones, as icons and vector pictures have."""
        first, second = rng.random((n, 3)), rng.random((n, 3))
        first[rng.random(n) < 0.45] = 1.0
        out = solid(first).clone()
        for name in ("gradient", "stripes", "dots"):
            pick = some(rng, n, 0.07)
            if len(pick):
                out[pick] = pattern(name, first[pick.numpy()], second[pick.numpy()], rng)
        pick = some(rng, n, 0.12)
        if len(pick):
            out[pick] = blur(self.landscapes(len(pick), rng, bare=True), 2)
        return out

    def landscapes(self, n, rng, bare=False):
        """Sky, hills or skyline, water, drawn things: (n, 3, 64, 64)."""
        h = height(SIDE)
        r = lambda low, high: tensor(rng.uniform(low, high, n)).view(n, 1, 1, 1)
        c = lambda colour, spread=0.08: tensor(np.array(colour) + rng.uniform(-spread, spread, (n, 3))).view(n, 3, 1, 1)
        x = mix(c((0.35, 0.60, 0.92)), c((0.80, 0.90, 0.97)), (h * 1.6).clamp(0, 1))
        x = mix(x, torch.ones(1, 3, 1, 1), ((rough(rng, n, SIDE, 4) - r(0.45, 0.75)) * 5).clamp(0, 0.9))
        palette = [(0.45, 0.55, 0.62), (0.36, 0.55, 0.30), (0.25, 0.48, 0.18), (0.48, 0.62, 0.25), (0.55, 0.45, 0.33), (0.50, 0.50, 0.50)]
        horizon = r(0.3, 0.6)
        for layer in range(int(rng.integers(2, 5))):
            line = noise(rng, n, SIDE, (1, int(rng.choice([2, 4, 7]))))[:, :, :1]
            if rng.random() < 0.3:
                line = (line * 6).round() / 6
            edge = horizon + layer * r(0.08, 0.2) - 0.25 * line
            tone = c(palette[rng.integers(len(palette))])
            tone = tone * (0.8 + 0.4 * noise(rng, n, SIDE, int(rng.choice([3, 8, 20]))))
            x = mix(x, tone, ((h - edge) * SIDE).clamp(0, 1))
        if rng.random() < 0.3:
            sea = mix(c((0.20, 0.45, 0.65)), c((0.45, 0.68, 0.80)), noise(rng, n, SIDE, (16, 3)))
            x = mix(x, sea, ((h - r(0.65, 0.85)) * SIDE).clamp(0, 1))
        for _ in range(0 if bare else int(rng.integers(0, 4))):
            spot = np.stack([rng.uniform(-0.8, 0.8, n), rng.uniform(-0.1, 0.7, n)], 1)
            thing = place(self.rgba(rng.choice(self.scenery, n)), rng, 0.18, 0.5, centre=spot, flip=0.5)
            x = x * (1 - thing[:, 3:]) + thing[:, :3]
        return x.clamp(0, 1)

    def bases(self, n, rng):
        """Ungraded pictures with words for what they show: photographs, landscapes, icon scenes."""
        x = torch.empty(n, 3, SIDE, SIDE)
        words = [""] * n
        sort = rng.random(n)
        for i in np.flatnonzero(sort < 0.42):
            photo, names = self.photos[rng.integers(len(self.photos))]
            x[i] = photos.crop(photo, rng, SIDE)
            if rng.random() < 0.5:
                x[i] = x[i].flip(-1)
            words[i] = names[rng.integers(len(names))]
        land = np.flatnonzero((sort >= 0.42) & (sort < 0.72))
        if len(land):
            x[land] = self.landscapes(len(land), rng)
            for i in land:
                words[i] = ("a landscape", "hills", "a view", "scenery")[rng.integers(4)]
        drawn = np.flatnonzero(sort >= 0.72)
        if len(drawn):
            pick = rng.choice(self.icons, len(drawn))
            thing = place(self.restyle(self.rgba(pick), rng), rng, 0.6, 1.0, flip=0.3)
            shaded = 0.75 + 0.4 * noise(rng, len(drawn), SIDE, 3)
            x[drawn] = ((self.ground(len(drawn), rng) * (1 - thing[:, 3:]) + thing[:, :3]) * shaded).clamp(0, 1)
            for i, j in zip(drawn, pick):
                words[i] = C.with_article(self.colour_rows[j]["caption"])
        # photographs differ in exposure and tint: grade around neutral, so that a look is more than a mean colour
        tint = tensor(rng.uniform(0.9, 1.1, (n, 3, 1, 1)))
        gamma = tensor(rng.uniform(0.75, 1.3, (n, 1, 1, 1)))
        return (x.clamp(1e-3, 1) ** gamma * tint).clamp(0, 1), words

    # kinds ----------------------------------------------------------------------------------------------------------

    def emoji(self, n, rng, plan):
        group = None if plan.random() < 0.5 else [3, 4, 5, 6, 7, 8, 0][plan.integers(7)]
        pool = self.icons if group is None else np.array(self.groups[group])
        index = rng.choice(pool, n)
        named = [self.name(self.colour_rows[i], rng) for i in index]
        x = place(self.restyle(self.rgba(index), rng), rng, 0.5, 1.02, flip=flips([a for a, _ in named], 0.3))
        picture = self.ground(n, rng) * (1 - x[:, 3:]) + x[:, :3]
        grey = some(rng, n, GREY_SHARE)  # the same names without their colours, so that shapes are learnt as well as palettes
        picture[grey] = luma(picture[grey]).expand(-1, 3, -1, -1)
        return picture, [a for a, _ in named], [b for _, b in named]

    def one_ink(self, mask, rng):
        """A mask as one ink on one paper, most often dark on light; no colour tells the samples apart."""
        n = len(mask)
        ink, paper = rng.uniform(0, 0.35, (n, 1)), rng.uniform(0.7, 1, (n, 1))
        turned = rng.random((n, 1)) < 0.4
        ink, paper = np.where(turned, paper, ink), np.where(turned, ink, paper)
        tint = rng.uniform(0.75, 1.0, (1, 3))  # of the whole batch
        return over(solid(paper * tint), solid(ink * tint), mask)

    def blind(self, n, rng, plan):
        if plan.random() < 0.55:
            index = rng.choice(self.glyphs, n)
            texts = [self.mono_rows[i]["caption"] for i in index]
            mask = place(self.mono[torch.from_numpy(index)].float()[:, None] / 255, rng, 0.55, 1.0, flip=flips(texts, 0.2))
            return self.one_ink(mask, rng), texts, texts
        picture, texts, keys = self.emoji(n, rng, plan)
        tint = tensor(rng.uniform(0.8, 1, (1, 3, 1, 1)))
        return luma(picture) * tint, texts, keys

    def shape_masks(self, kinds, rng, **options):
        variant = rng.integers(self.shapes.shape[1], size=len(kinds))
        return place(self.shapes[kinds, variant][:, None], rng, turn=0.25, **options)

    def inks(self, n, rng, plan):
        """Things in one ink, called by the colour alone, on white or another colour."""
        ink, ground = rng.integers(24, size=n), (rng.integers(1, 24, size=n) + rng.integers(24, size=n)) % 24
        ground = np.where(ground == ink, (ground + 7) % 24, ground)
        names = C.COLOUR_NAMES
        paper = np.stack([colour_of(names[i], rng) for i in ground])
        paper[(rng.random(n) < 0.5) & ~np.isin(ink, [names.index("white"), names.index("beige")])] = 1.0
        mask, _ = self.things(n, rng)
        shade = 0.9 + 0.2 * noise(rng, n, SIDE, 2)
        paint = (solid(np.stack([colour_of(names[i], rng) for i in ink])) * shade).clamp(0, 1)
        frames = ("{}", "{a} object", "{a} shape", "{a} thing", "the color {}")
        texts = [frames[rng.integers(5)].replace("{a}", C.with_article(names[i])).replace("{}", names[i]) for i in ink]
        return over(solid(paper), paint, place(mask, rng, 0.5, 1.0)), texts, [names[i] for i in ink]

    def shades(self, n, rng, plan):
        """Things or whole fields in one of all the colour words."""
        names = list(MORE) + C.COLOUR_NAMES
        said = [names[i] for i in rng.integers(len(names), size=n)]
        levels = np.array([MORE.get(name) or C.COLOURS[name] for name in said]) / 255
        paint = (solid(np.clip(levels + rng.uniform(-0.015, 0.015, (n, 3)), 0, 1)) * (0.96 + 0.08 * noise(rng, n, SIDE, 2))).clamp(0, 1)
        frames = ("{}", "the color {}", "{} color")
        if plan.random() < 0.3:
            return paint, [frames[rng.integers(3)].replace("{}", s) for s in said], said
        mask, things = self.things(n, rng)
        light = levels @ np.array(LUMA) * 255 > LIGHT_SHADE
        paper = solid(np.where(light[:, None], rng.uniform(0.2, 0.5, (n, 1)), 1.0) * np.ones(3))
        texts = [frames[rng.integers(3)].replace("{}", s) if rng.random() < 0.6 else f"{C.with_article(s)} {t}" for s, t in zip(said, things)]
        return over(paper, paint, place(mask, rng, 0.5, 1.0)), texts, said

    def painted(self, n, rng, plan):
        """Plain shapes in any two colours, called by the shape alone: colour tells nothing."""
        mask, texts, names = self.said_shapes(n, rng)
        pair = np.stack([rng.permutation(24)[:2] for _ in range(n)])
        paper, ink = (solid(np.stack([colour_of(C.COLOUR_NAMES[i], rng) for i in pair[:, j]])) for j in (0, 1))
        return over(paper, ink, mask), texts, names

    def shapes_batch(self, n, rng, plan):
        mask, texts, names = self.said_shapes(n, rng)
        return self.one_ink(mask, rng), texts, names

    def said_shapes(self, n, rng):
        """Masks, captions and names of plain shapes, some hollow."""
        kinds = rng.integers(len(C.SHAPE_NAMES), size=n)
        mask = self.shape_masks(kinds, rng, low=0.55, high=0.95)
        hollow = some(rng, n, 0.1)
        if len(hollow):
            inner = -F.max_pool2d(-mask[hollow], 7, 1, 3)
            mask[hollow] = (mask[hollow] - inner).clamp(0, 1)
        names = [C.SHAPE_NAMES[k] for k in kinds]
        for i in hollow.tolist():  # a hollow circle is a ring
            names[i] = "ring" if names[i] == "circle" else names[i]
        return mask, [C.SHAPES[k][rng.integers(len(C.SHAPES[k]))] for k in names], names

    def letters_batch(self, n, rng, plan):
        """Capital letters and digits, or small letters and digits; now and then the case or the kind of the face is named."""
        upper = plan.random() < 0.5
        allowed = np.r_[0 if upper else 26:26 if upper else 52, 52:62]
        chars = rng.choice(allowed, n, p=LETTER_WEIGHTS[allowed] / LETTER_WEIGHTS[allowed].sum())
        face = rng.integers(len(self.letters), size=n)
        mask = place(self.letters[face, chars][:, None].float() / 255, rng, 0.5, 1.05, turn=0.15)
        said = [GLYPHS[c].lower() for c in chars]
        texts = []
        for c, s, f in zip(chars, said, face):
            frames = ("the digit {}", "the number {}", "{}") if c >= 52 else ("the letter {}", "letter {}", "{}", "the letter {}", CASES[upper])
            text = frames[rng.integers(len(frames))].replace("{}", s)
            texts.append(f"{text} {self.face_words(f, rng)}" if rng.random() < 0.15 else text)
        return self.one_ink(mask, rng), texts, said

    def face_words(self, face, rng):
        words = FACES[self.faces[face]["category"]]
        word = words[rng.integers(len(words))]
        return word.replace("in a ", "in a bold ").replace("in handwriting", "in bold handwriting") if self.faces[face]["weight"] > 400 else word

    def things(self, n, rng, share=0.45):
        """Masks for colouring: plain shapes and mono icons, with names."""
        kinds = rng.integers(len(C.SHAPE_NAMES), size=n)
        plain = self.shapes[kinds, rng.integers(self.shapes.shape[1], size=n)]
        index = rng.choice(self.glyphs, n)
        icon = self.mono[torch.from_numpy(index)].float() / 255
        use = rng.random(n) < share
        mask = torch.where(torch.from_numpy(use).view(n, 1, 1), plain, icon)[:, None]
        return mask, [C.SHAPE_NAMES[k] if u else self.mono_rows[i]["caption"] for k, i, u in zip(kinds, index, use)]

    def colours(self, n, rng, plan):
        form = plan.choice(["object", "both", "both", "both", "ground", "field", "pattern"])
        first, second = rng.integers(24, size=n), (rng.integers(1, 24, size=n) + rng.integers(24, size=n)) % 24
        if form == "both":  # half of the batch are the other half's colours swapped
            half = n // 2
            first[half:2 * half], second[half:2 * half] = second[:half].copy(), first[:half].copy()
        second = np.where(second == first, (second + 7) % 24, second)
        names = C.COLOUR_NAMES
        a = np.stack([colour_of(names[i], rng) for i in first])
        b = np.stack([colour_of(names[i], rng) for i in second])
        if form == "pattern":
            texts, keys, x = [], [], torch.empty(n, 3, SIDE, SIDE)
            kinds = list(C.PATTERNS)
            chosen = rng.integers(len(kinds), size=n)
            for k, kind in enumerate(kinds):
                pick = np.flatnonzero(chosen == k)
                if len(pick):
                    x[pick] = pattern(kind, a[pick], b[pick], rng)
            for i in range(n):
                kind, one, two = kinds[chosen[i]], names[first[i]], names[second[i]]
                if kind == "plain":
                    texts.append(("{}", "a plain {} picture", "all {}")[rng.integers(3)].replace("{}", one))
                    keys.append(one)
                else:
                    word = {"stripes": "stripes", "checks": "checks", "dots": "dots", "gradient": "gradient"}[kind]
                    flip = rng.random() < 0.5
                    texts.append(f"{two if flip else one} and {one if flip else two} {word}")
                    keys.append(f"{min(one, two)}|{max(one, two)}|{kind}")
            return x, texts, keys
        mask, things = self.things(n, rng)
        if form == "both" and plan.random() < 0.5:
            mask, things = mask[:half].repeat(2 + n % 2, 1, 1, 1)[:n], (things[:half] * 3)[:n]
        mask = place(mask, rng, 0.5, 0.95)
        shade = 0.9 + 0.2 * noise(rng, n, SIDE, 2)
        x = over(solid(b), (solid(a) * shade).clamp(0, 1), mask)
        one, two = [names[i] for i in first], [names[i] for i in second]
        what = [t if rng.random() < 0.7 else ("object", "thing", "shape")[rng.integers(3)] for t in things]
        if form == "field":
            x = solid(a) * (0.94 + 0.12 * noise(rng, n, SIDE, 3))
            frames = ("{}", "the color {}", "{} color", "everything {}", "a {} background")
            return x, [frames[rng.integers(5)].replace("{}", o) for o in one], one
        if form == "object":
            texts = [f"{C.with_article(o)} {w}" for o, w in zip(one, what)]
            return x, texts, [f"{o}|{w}" for o, w in zip(one, what)]
        if form == "ground":
            texts = [(f"{C.with_article(t)} background", f"an object on {C.with_article(t)} background", f"{t} ground")[rng.integers(3)] for t in two]
            return x, texts, two
        joint = (" on {} background", " on {}", " in front of {} background", " with {} background")
        texts = [f"{C.with_article(o)} {w}" + joint[rng.integers(4)].replace("{}", C.with_article(t) if rng.random() < 0.9 else t)
                 for o, w, t in zip(one, what, two)]
        return x, texts, [f"{o}|{w}|{t}" for o, w, t in zip(one, what, two)]

    def looks_batch(self, n, rng, plan):
        said = plan.random() < 0.4  # the subject is named as well
        names = ALL_LOOK_NAMES
        chosen = rng.choice(len(names), n, p=LOOK_WEIGHTS / LOOK_WEIGHTS.sum())
        base, words = self.bases(n, rng)
        x = torch.empty_like(base)
        for k, look in enumerate(names):
            pick = np.flatnonzero(chosen == k)
            if len(pick):
                x[pick] = grade(base[pick], look, rng)
        texts, keys = [], []
        for k, subject in zip(chosen, words):
            look = names[k]
            wording = ALL_LOOKS[look][rng.integers(len(ALL_LOOKS[look]))]
            starts = wording.startswith(("a ", "an "))
            if said:
                plain = look == "daylight" and rng.random() < 0.6
                texts.append(subject if plain else f"{subject}, {wording}" if starts else f"{subject} {wording}")
                keys.append(f"{look}|{subject}")
            else:
                head = ("", "a photo ", "a picture ", "a scene ")[rng.integers(4)]
                texts.append(wording if starts else head + wording)
                keys.append(look)
        return x, texts, keys

    def materials(self, n, rng, plan):
        kinds = rng.integers(len(ALL_MATERIAL_NAMES), size=n)
        skin = torch.empty(n, 3, SIDE, SIDE)
        for k in np.unique(kinds):
            pick = np.flatnonzero(kinds == k)
            skin[pick] = texture(ALL_MATERIAL_NAMES[k], len(pick), rng)
        names = [ALL_MATERIAL_NAMES[k] for k in kinds]
        said = [ALL_MATERIALS[k][rng.integers(len(ALL_MATERIALS[k]))] for k in names]
        if plan.random() < 0.35:
            heads = ("{}", "a texture of {}", "a surface of {}")
            texts = [s if s.startswith(PLACED) else heads[rng.integers(3)].replace("{}", s) for s in said]
            return skin, texts, names
        mask, things = self.things(n, rng)
        mask = place(mask, rng, 0.6, 1.0)
        x = over(self.ground(n, rng), skin * (0.75 + 0.35 * mask), mask)
        texts = [f"{C.with_article(t)} {s}" if s.startswith(PLACED) else f"{C.with_article(t)} of {s}" for t, s in zip(things, said)]
        return x, texts, [f"{m}|{t}" for m, t in zip(names, things)]

    # batches --------------------------------------------------------------------------------------------------------

    def disturb(self, x, rng, kind):
        """What happens to every picture: flat palettes, median, white surroundings in perspective, blur, noise."""
        n = len(x)
        flat = some(rng, n, 0.3)
        if len(flat):
            x[flat] = posterise(x[flat], rng)
        calm = some(rng, n, 0.03)
        if len(calm):
            x[calm] = median(x[calm])
        cut = some(rng, n, 0.3)
        if len(cut):
            moved = place(torch.cat([x[cut], torch.ones(len(cut), 1, SIDE, SIDE)], 1), rng, 0.7, 1.35, turn=0.08, tilt=0.25)
            x[cut] = moved[:, :3] + (1 - moved[:, 3:])
        soft = some(rng, n, 0.1 if kind in BLIND else 0.05)
        if len(soft):
            x[soft] = blur(x[soft], 1)
        noisy = some(rng, n, 0.15)
        if len(noisy):
            grain = rng.standard_normal((len(noisy), 3, SIDE, SIDE), np.float32) * rng.uniform(0.01, 0.05)
            x[noisy] = x[noisy] + torch.from_numpy(grain)
        return x.clamp(0, 1)

    def slot_of(self, kind, n, plan, rng):
        if kind in arrangements.KINDS:
            return arrangements.KINDS[kind](self, n, rng, plan)
        make = {"shapes": self.shapes_batch, "letters": self.letters_batch, "looks": self.looks_batch}.get(kind) or getattr(self, kind)
        return make(n, rng, plan)

    def slot(self, n, mix, plan, rng):
        """(pictures, captions, keys, rivals) of one kind; all ranks share `plan`, each has its own `rng`."""
        kind = plan.choice(list(mix), p=np.array(list(mix.values())))
        if plan.random() < VECTOR_SHARE and kind in self.vectors.kinds:
            x, texts, keys = self.vectors.slot(kind, rng)
        else:
            x, texts, keys = self.slot_of(kind, n, plan, rng)
        x = self.disturb(x.contiguous().clone(), rng, kind)
        return x, [C.wrap(t, rng, 0.25 if kind == "letters" else 0.45) for t in texts], keys, rivals_of(kind, keys)

    def batch(self, n, mix, seed, step, rank):
        """(pictures, captions, keys, rivals) of one step on one rank; `mix` gives the share of each kind."""
        parts = [self.slot(SLOT, mix, np.random.default_rng([seed, step, slot]), np.random.default_rng([seed, step, slot, rank + 1]))
                 for slot in range(n // SLOT)]
        xs, texts, keys, rivals = zip(*parts)
        rivals = torch.cat([torch.where(r < 0, -1, r + i * SLOT) for i, r in enumerate(rivals)])
        return torch.cat(xs), sum(texts, []), sum(map(list, keys), []), rivals
