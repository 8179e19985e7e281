"""Drawing with masks: place, paint, pattern, flatten.

Input: pictures (n, c, 64, 64) in 0..1; output: the same. All randomness comes from the numpy generator handed in.
"""
import numpy as np
import torch
import torch.nn.functional as F

from data import captions as C
from data.looks import blur, height, mix

SIDE = 64


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
