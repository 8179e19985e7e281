"""Captioned arrangements of several things: where they lie, how large and how many they are, which colour belongs to which.

Every function gets the data engine, a number of samples, the sample's generator and the generator that all processes share,
and returns pictures (n, 3, 64, 64), captions and keys. Half of the samples are always the other half's hard negatives.
"""
import numpy as np
import torch

from data import captions as C
from data.drawing import colour_of, over, place, solid

SPOTS = {
    "left": ((-0.5, 0.0), ("on the left", "on the left side", "at the left")),
    "right": ((0.5, 0.0), ("on the right", "on the right side", "at the right")),
    "top": ((0.0, -0.5), ("at the top", "on top", "in the upper half")),
    "bottom": ((0.0, 0.5), ("at the bottom", "on the bottom", "in the lower half")),
}
OTHER = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


def papers(n, rng):
    return np.where(rng.random((n, 1)) < 0.6, 1.0, rng.uniform(0, 1, (n, 3)))


def paints(names, rng):
    return solid(np.stack([colour_of(name, rng) for name in names]))


def inks(n, rng):
    return [C.COLOUR_NAMES[i] for i in rng.integers(24, size=n)]


def dark_inks(n, rng):
    """Colours that show on white and on most papers."""
    shown = [name for name in C.COLOUR_NAMES if name not in ("white", "beige", "yellow")]
    return [shown[i] for i in rng.integers(len(shown), size=n)]


def placed(data, n, rng, plan):
    """One thing at an edge; the other half of the batch shows it at the edge across. Or one thing, large and small."""
    half = n // 2
    mask, things = data.things(half, rng, 0.6)
    mask, things = mask.repeat(2, 1, 1, 1), things * 2
    ink = dark_inks(half, rng) * 2
    x = solid(np.ones((2 * half, 3)) if plan.random() < 0.5 else papers(2 * half, rng))
    said = [("something", "an object", C.with_article(t), C.with_article(t), f"{C.with_article(i)} {t}")[rng.integers(5)] for t, i in zip(things, ink)]
    if plan.random() < 0.25:
        large = np.repeat([True, False], half)
        size = np.where(large, 0.92, 0.3)
        centre = rng.uniform(-1, 1, (2 * half, 2)) * (1 - size)[:, None]
        mask = place(mask, rng, size * 0.9, size, centre=centre)
        words = [(("big", "large", "huge") if big else ("small", "little", "tiny"))[rng.integers(3)] for big in large]
        texts = [f"a {w} {C.bare(s)}" for w, s in zip(words, said)]
        return over(x, paints(ink, rng), mask), texts, [f"{C.bare(s)}|{big}" for s, big in zip(said, large)]
    spots = [("left", "right")[rng.integers(2)] if rng.random() < 0.7 else ("top", "bottom")[rng.integers(2)] for _ in range(half)]
    spots += [OTHER[s] for s in spots]
    centre = np.array([SPOTS[s][0] for s in spots]) + rng.uniform(-0.08, 0.08, (2 * half, 2))
    across = np.array([s in ("left", "right") for s in spots])
    centre[:, 1] += across * rng.uniform(-0.4, 0.4, 2 * half)
    centre[:, 0] += ~across * rng.uniform(-0.4, 0.4, 2 * half)
    mask = place(mask, rng, 0.3, 0.48, centre=centre)
    texts = [f"{t} {SPOTS[s][1][rng.integers(3)]}" for t, s in zip(said, spots)]
    return over(x, paints(ink, rng), mask), texts, [f"{t}|{s}" for t, s in zip(said, spots)]


def many(word):
    """Plural of an English noun group."""
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    return word[:-1] + "ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else word + "s"


def centres_of(cells):
    """Where the cells 0 to 8 of a grid of three by three lie, -1..1 right and down."""
    return (np.stack([cells % 3, cells // 3], 1) - 1) * 0.64


def counts(data, n, rng, plan):
    """One to six of a thing; a batch shows few things, each in several numbers."""
    sorts = max(1, n // 4)
    mask, things = data.things(sorts, rng, 0.7)
    which = np.arange(n) % sorts
    number = np.concatenate([rng.permutation(6)[:, None] for _ in range(sorts)], 1)[: -(-n // sorts)].reshape(-1)[:n] + 1
    ink = dark_inks(sorts, rng)
    x, paint = solid(papers(n, rng)).clone(), paints([ink[k] for k in which], rng)
    size = rng.uniform(0.22, 0.31, n)
    cells = np.stack([rng.permutation(9)[:6] for _ in range(n)])
    for turn in range(6):
        rows = np.flatnonzero(number > turn)
        centre = centres_of(cells[rows, turn]) + rng.uniform(-0.05, 0.05, (len(rows), 2))
        drawn = place(mask[which[rows]], rng, size[rows] * 0.95, size[rows], centre=centre)
        x[rows] = over(x[rows], paint[rows], drawn)
    words = [things[k] if rng.random() < 0.75 else ("object", "thing", "shape")[rng.integers(3)] for k in which]
    said = [NUMBERS[c] if rng.random() < 0.7 else str(c) for c in number]
    texts = [f"{s} {w if c == 1 else many(w)}" for s, c, w in zip(said, number, words)]
    return x, texts, [f"{c}|{w}" for c, w in zip(number, words)]


def pairs(data, n, rng, plan):
    """Two things side by side; half of the batch swaps the colours or the places of the other half. Half of the swapped
    places are told apart by colour alone, because colours are seen long before shapes and teach where left is."""
    half = n // 2
    masks, things = data.things(2 * half, rng, 0.85)
    sides = plan.random() < 0.8
    alike = sides and plan.random() < 0.5
    left, right, words = masks[:half], masks[half:], (things[:half], things[half:])
    if alike:
        right, words = left, (words[0], words[0])
    tones = rng.integers(24, size=(half, 2))
    tones[:, 1] = np.where(tones[:, 1] == tones[:, 0], (tones[:, 1] + 5) % 24, tones[:, 1])
    if sides and not alike:
        tones[:, 0] = tones[:, 1] = rng.integers(24)
    drawn, texts, keys = [], [], []
    for swapped in (False, True):
        spot = np.stack([np.full(half, -0.48), rng.uniform(-0.3, 0.3, half)], 1)
        moved = swapped and sides and not alike
        ink = tones[:, ::-1] if swapped and not moved else tones
        y = solid(papers(half, rng))
        for mask, centre, column in ((right if moved else left, spot, 0), (left if moved else right, -spot, 1)):
            y = over(y, paints([C.COLOUR_NAMES[t] for t in ink[:, column]], rng), place(mask, rng, 0.34, 0.46, centre=centre))
        drawn.append(y)
        for i in range(half):
            a, b = (words[1][i], words[0][i]) if moved else (words[0][i], words[1][i])
            one, two = C.COLOUR_NAMES[ink[i, 0]], C.COLOUR_NAMES[ink[i, 1]]
            if alike:
                a, b = f"{one} {a}", f"{two} {b}"
            texts.append(beside(a, b, rng) if sides else joined(f"{one} {a}", f"{two} {b}", rng))
            keys.append(f"{a}<{b}" if sides else "+".join(sorted([f"{one} {a}", f"{two} {b}"])))
    return torch.cat(drawn), texts, keys


def beside(a, b, rng):
    """'left' next to its noun is learnt like a colour next to its noun; the order of a sentence comes after that. Half of the
    captions name one thing alone: its side is then all that tells the picture from its mirror."""
    a, b = C.with_article(a), C.with_article(b)
    if rng.random() < 0.5:
        return (f"{a} on the left", f"{b} on the right", f"{a} on the left side", f"{b} on the right side")[rng.integers(4)]
    forms = (f"{a} left of {b}", f"{b} right of {a}", f"{a} on the left and {b} on the right", f"{b} on the right and {a} on the left",
             f"{a} to the left of {b}", f"{a} left of {b}")
    return forms[rng.integers(6)]


def joined(a, b, rng):
    a, b = C.with_article(a), C.with_article(b)
    return f"{a} and {b}" if rng.random() < 0.5 else f"{b} and {a}"


KINDS = {"placed": placed, "counts": counts, "pairs": pairs}
