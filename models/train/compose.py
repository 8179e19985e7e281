"""The data engine: batches of generated pictures with captions.

Input: the caches of icons.py, fonts.py and the photographs. Output of `batch`: pictures (n, 3, 64, 64) in 0..1, captions,
and keys (samples of one key count as matches of each other). A batch is made of slots of one kind each. Deterministic:
everything follows from (seed, step, slot, rank).
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

import captions as C
import photos
from fetch import CACHE
from fonts import GLYPHS
from looks import blur, grade, height, mix, noise, rough, texture
from shapes import bank

SIDE = 64
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
)
BLIND = ("blind", "shapes", "letters")


def tensor(values):
    return torch.from_numpy(np.asarray(values, np.float32))


def place(picture, rng, low=0.55, high=0.95, turn=0.2, shift=1.0, tilt=0.12, centre=None, flip=0.0):
    """Draw square pictures (n, c, 64, 64) smaller, turned, tilted and moved; outside is 0."""
    n = len(picture)
    size = rng.uniform(low, high, n)
    angle = rng.uniform(-turn, turn, n)
    stretch = rng.uniform(0.9, 1.1, n)
    if centre is None:
        room = np.maximum(0, 1 - size) * shift
        centre = rng.uniform(-1, 1, (n, 2)) * room[:, None]
    mirror = np.where(rng.random(n) < flip, -1, 1)
    cos, sin = np.cos(angle), np.sin(angle)
    y, x = torch.meshgrid(*[(torch.arange(SIDE) + 0.5) / SIDE * 2 - 1] * 2, indexing="ij")
    v = lambda a: tensor(a).view(n, 1, 1)
    dx, dy = x - v(centre[:, 0]), y - v(centre[:, 1])
    gx = (dx * v(cos) + dy * v(sin)) / v(size * stretch) * v(mirror)
    gy = (dy * v(cos) - dx * v(sin)) / v(size / stretch)
    depth = 1 + v(rng.uniform(-tilt, tilt, n)) * x + v(rng.uniform(-tilt, tilt, n)) * y
    grid = torch.stack([gx / depth, gy / depth], -1)
    return F.grid_sample(picture, grid, align_corners=False)


def colour_of(name, rng, spread=0.04):
    base = np.array(C.COLOURS[name]) / 255
    return np.clip(base + rng.uniform(-spread, spread, 3), 0, 1)


def solid(colours):
    return tensor(colours).view(-1, 3, 1, 1).expand(-1, 3, SIDE, SIDE)


def pattern(name, first, second, rng):
    """(n, 3, 64, 64) of two colour arrays (n, 3)."""
    n = len(first)
    h, w = height(SIDE), height(SIDE).transpose(2, 3)
    a, b = solid(first), solid(second)
    r = lambda low, high: tensor(rng.uniform(low, high, n)).view(n, 1, 1, 1)
    if name == "gradient":
        angle = r(0, 6.28)
        t = ((h - 0.5) * torch.sin(angle) + (w - 0.5) * torch.cos(angle) + 0.5).clamp(0, 1)
    elif name == "stripes":
        angle, rate = r(0, 3.14), r(4, 10)
        t = ((((h * torch.sin(angle) + w * torch.cos(angle)) * rate) % 1) < 0.5).float()
    elif name == "checks":
        cells = r(2, 5)
        t = (((h * cells * 2).floor() + (w * cells * 2).floor()) % 2).float()
    elif name == "dots":
        cells = r(3, 7)
        t = ((((h * cells) % 1 - 0.5) ** 2 + ((w * cells) % 1 - 0.5) ** 2) < 0.09).float()
    else:
        return a.clone()
    return mix(a, b, t)


def over(ground, paint, mask):
    return ground * (1 - mask) + paint * mask


def posterise(x, rng):
    """Flatten to a few colours of the picture itself, chosen far from each other so that small things stay."""
    n, k = len(x), int(rng.integers(5, 14))
    flat = blur(x, 1).flatten(2)
    sample = flat[:, :, torch.from_numpy(rng.integers(0, SIDE * SIDE, 160))]
    chosen = [sample[:, :, :1]]
    nearest = ((sample - chosen[0]) ** 2).sum(1)
    for _ in range(k - 1):
        far = nearest.argmax(1).view(n, 1, 1).expand(-1, 3, 1)
        chosen.append(sample.gather(2, far))
        nearest = torch.minimum(nearest, ((sample - chosen[-1]) ** 2).sum(1))
    out, best = None, None
    for colour in chosen:
        distance = ((flat - colour) ** 2).sum(1, keepdim=True)
        if out is None:
            out, best = colour.expand_as(flat), distance
        else:
            out, best = torch.where(distance < best, colour, out), torch.minimum(best, distance)
    return out.view_as(x)


def median(x):
    stack = F.unfold(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3).view(len(x), 3, 9, SIDE * SIDE)
    return stack.median(2).values.view_as(x)


def some(rng, n, chance):
    return torch.from_numpy(np.flatnonzero(rng.random(n) < chance))


class Data:
    def __init__(self):
        with open(os.path.join(CACHE, "icons.json")) as f:
            meta = json.load(f)
        arrays = np.load(os.path.join(CACHE, "icons.npz"))
        self.colour = torch.from_numpy(arrays["colour"]).permute(0, 3, 1, 2)
        self.mono = torch.from_numpy(arrays["mono"])
        self.letters = torch.from_numpy(np.load(os.path.join(CACHE, "letters.npz"))["train"])
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
        h, w = height(SIDE), height(SIDE).transpose(2, 3)
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
        x = place(self.restyle(self.rgba(index), rng), rng, 0.5, 1.02, flip=0.3)
        named = [self.name(self.colour_rows[i], rng) for i in index]
        picture = self.ground(n, rng) * (1 - x[:, 3:]) + x[:, :3]
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
            mask = place(self.mono[torch.from_numpy(index)].float()[:, None] / 255, rng, 0.55, 1.0, flip=0.2)
            texts = [self.mono_rows[i]["caption"] for i in index]
            return self.one_ink(mask, rng), texts, texts
        picture, texts, keys = self.emoji(n, rng, plan)
        grey = (picture * torch.tensor([0.30, 0.59, 0.11]).view(1, 3, 1, 1)).sum(1, keepdim=True)
        tint = tensor(rng.uniform(0.8, 1, (1, 3, 1, 1)))
        return grey * tint, texts, keys

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
        upper = plan.random() < 0.6
        chars = rng.integers(26, size=n) + (0 if upper else 26) if plan.random() < 0.8 else rng.integers(52, 62, size=n)
        face = rng.integers(len(self.letters), size=n)
        mask = place(self.letters[face, chars][:, None].float() / 255, rng, 0.5, 1.05, turn=0.15)
        said = [GLYPHS[c].lower() for c in chars]
        frames = ("the digit {}", "the number {}", "{}") if chars[0] >= 52 else ("the letter {}", "letter {}", "{}", "the letter {}")
        texts = [frames[rng.integers(len(frames))].replace("{}", s) for s in said]
        return self.one_ink(mask, rng), texts, said

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
        names = C.ALL_LOOK_NAMES
        weights = np.array([2.0 if k == "daylight" else 1.0 if k in C.LOOKS else 0.5 for k in names])
        chosen = rng.choice(len(names), n, p=weights / weights.sum())
        base, words = self.bases(n, rng)
        x = torch.empty_like(base)
        for k, look in enumerate(names):
            pick = np.flatnonzero(chosen == k)
            if len(pick):
                x[pick] = grade(base[pick], look, rng)
        texts, keys = [], []
        for k, subject in zip(chosen, words):
            look = names[k]
            wording = C.ALL_LOOKS[look][rng.integers(len(C.ALL_LOOKS[look]))]
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

    def pairs(self, n, rng, plan):
        """Two things side by side; half of the batch swaps the colours or the places of the other half. Half of the swapped
        places are told apart by colour alone, because colours are seen long before shapes and teach where left is."""
        half = n // 2
        masks, things = self.things(2 * half, rng, 0.7)
        sides = plan.random() < 0.6
        alike = sides and plan.random() < 0.5
        left, right, words = masks[:half], masks[half:], (things[:half], things[half:])
        if alike:
            right, words = left, (words[0], words[0])
        tones = rng.integers(24, size=(half, 2))
        tones[:, 1] = np.where(tones[:, 1] == tones[:, 0], (tones[:, 1] + 5) % 24, tones[:, 1])
        paper = np.where(rng.random((n, 1)) < 0.6, 1.0, rng.uniform(0, 1, (n, 3)))
        x = solid(paper)
        texts, keys = [], []
        for part in (0, 1):
            spot = np.stack([np.full(half, -0.48), rng.uniform(-0.3, 0.3, half)], 1)
            first, second = (left, right) if not (sides and part) else (right, left)
            ink = tones if not (part and (alike or not sides)) else tones[:, ::-1]
            if sides and not alike:
                ink = np.full((half, 2), rng.integers(24))
            rows = slice(part * half, part * half + half)
            y = x[rows]
            for mask, place_at, column in ((first, spot, 0), (second, -spot, 1)):
                paint = solid(np.stack([colour_of(C.COLOUR_NAMES[t], rng) for t in ink[:, column]]))
                y = over(y, paint, place(mask, rng, 0.34, 0.46, centre=place_at))
            x = torch.cat([x[: part * half], y, x[part * half + half:]])
            for i in range(half):
                a, b = (words[0][i], words[1][i]) if not (sides and part) else (words[1][i], words[0][i])
                one, two = C.COLOUR_NAMES[ink[i, 0]], C.COLOUR_NAMES[ink[i, 1]]
                if alike:
                    a, b = f"{one} {a}", f"{two} {b}"
                if sides:
                    forward = rng.random() < 0.5
                    text = f"{C.with_article(a)} left of {C.with_article(b)}" if forward else f"{C.with_article(b)} right of {C.with_article(a)}"
                    keys.append(f"{a}<{b}")
                else:
                    text = f"{C.with_article(one)} {a} and {C.with_article(two)} {b}"
                    if rng.random() < 0.5:
                        text = f"{C.with_article(two)} {b} and {C.with_article(one)} {a}"
                    keys.append("+".join(sorted([f"{one} {a}", f"{two} {b}"])))
                texts.append(text)
        return x, texts, keys

    def materials(self, n, rng, plan):
        kinds = rng.integers(len(C.MATERIAL_NAMES), size=n)
        skin = torch.empty(n, 3, SIDE, SIDE)
        for k, name in enumerate(C.MATERIAL_NAMES):
            pick = np.flatnonzero(kinds == k)
            if len(pick):
                skin[pick] = texture(name, len(pick), SIDE, rng)
        names = [C.MATERIAL_NAMES[k] for k in kinds]
        said = [C.MATERIALS[k][rng.integers(2)] for k in names]
        if plan.random() < 0.35:
            heads = ("{}", "a texture of {}", "a surface of {}")
            texts = [s if s.startswith("made") else heads[rng.integers(3)].replace("{}", s) for s in said]
            return skin, texts, names
        mask, things = self.things(n, rng)
        mask = place(mask, rng, 0.6, 1.0)
        x = over(self.ground(n, rng), skin * (0.75 + 0.35 * mask), mask)
        texts = [f"{C.with_article(t)} {s}" if s.startswith(("made", "covered")) else f"{C.with_article(t)} of {s}" for t, s in zip(things, said)]
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

    def slot(self, n, mix, plan, rng):
        """(pictures, captions, keys) of one kind; all ranks share `plan`, each has its own `rng`."""
        kind = plan.choice(list(mix), p=np.array(list(mix.values())))
        make = {"shapes": self.shapes_batch, "letters": self.letters_batch, "looks": self.looks_batch}.get(kind) or getattr(self, kind)
        x, texts, keys = make(n, rng, plan)
        x = self.disturb(x.contiguous().clone(), rng, kind)
        return x, [C.wrap(t, rng, 0.25 if kind == "letters" else 0.45) for t in texts], keys

    def batch(self, n, mix, seed, step, rank):
        """(pictures, captions, keys) of one step on one rank; `mix` gives the share of each kind."""
        parts = [self.slot(SLOT, mix, np.random.default_rng([seed, step, slot]), np.random.default_rng([seed, step, slot, rank + 1]))
                 for slot in range(n // SLOT)]
        xs, texts, keys = zip(*parts)
        return torch.cat(xs), sum(texts, []), sum(map(list, keys), [])
