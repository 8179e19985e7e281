"""Gradings of whole pictures: light, weather, season, print and lens.

Input: pictures (n, 3, s, s) in 0..1 and the name of a look; output: the graded pictures. All randomness comes from the
numpy generator handed in.
"""
import numpy as np
import torch
import torch.nn.functional as F

LUMA = (0.30, 0.59, 0.11)


def rand(rng, n, low, high):
    return torch.from_numpy(rng.uniform(low, high, (n, 1, 1, 1)).astype(np.float32))


def rgb(*values):
    return torch.tensor(values).view(1, 3, 1, 1)


def luma(x):
    return (x * rgb(*LUMA)).sum(1, keepdim=True)


def mix(a, b, t):
    return a + (b - a) * t


def noise(rng, n, side, cells, channels=1):
    """Smooth noise in 0..1 with about `cells` bumps a side; `cells` may be (rows, columns)."""
    rows, columns = (cells, cells) if isinstance(cells, int) else cells
    grid = torch.from_numpy(rng.random((n, channels, rows + 1, columns + 1), np.float32))
    return F.interpolate(grid, (side, side), mode="bicubic", align_corners=True).clamp(0, 1)


def rough(rng, n, side, cells):
    """Noise of three octaves in 0..1."""
    return (noise(rng, n, side, cells) * 0.55 + noise(rng, n, side, cells * 2) * 0.3 + noise(rng, n, side, min(cells * 4, side)) * 0.15)


def height(side):
    """0 at the top, 1 at the bottom."""
    return torch.linspace(0, 1, side).view(1, 1, side, 1)


def blur(x, radius):
    """Two passes of a box of side 2 radius + 1."""
    side, k = x.shape[-1], 2 * radius + 1
    for _ in range(2):
        y = F.pad(x, (radius,) * 4, mode="replicate")
        y = sum(y[:, :, i:i + side] for i in range(k))
        x = sum(y[..., i:i + side] for i in range(k)) / (k * k)
    return x


def spots(rng, n, side, share, size):
    """Random round dots as a mask."""
    seeds = (torch.from_numpy(rng.random((n, 1, side, side), np.float32)) < share).float()
    return seeds if size <= 1 else F.max_pool2d(seeds, size, 1, size // 2)[:, :, :side, :side]


def saturate(x, factor):
    return mix(luma(x), x, factor)


def edges(x):
    level = F.pad(luma(x), (1, 1, 1, 1), mode="replicate")
    dx, dy = level[:, :, 1:-1, 2:] - level[:, :, 1:-1, :-2], level[:, :, 2:, 1:-1] - level[:, :, :-2, 1:-1]
    return (dx.abs() + dy.abs()).clamp(0, 1)


def disc(rng, n, side, low, high, top=0.35):
    """A filled circle in the upper part (sun, moon)."""
    y, x = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    cx, cy, r = rand(rng, n, 0.1, 0.9), rand(rng, n, 0.05, top), rand(rng, n, low, high)
    return (((r - ((x - cx) ** 2 + (y - cy) ** 2).sqrt()) * side) + 0.5).clamp(0, 1)


def lit(x, rng, colour, low=0.75, high=1.0):
    """Coloured lamp light."""
    return mix(x, luma(x).pow(0.9) * colour * 1.15 + 0.03 * colour, rand(rng, len(x), low, high))


def night(x, rng):
    n, side = len(x), x.shape[-1]
    y = mix(saturate(x, 0.35), 1 - (1 - x) ** 0.8, 0.2)
    y = y.pow(1.25) * rand(rng, n, 0.22, 0.42) * rgb(0.55, 0.75, 1.5) + rgb(0.01, 0.015, 0.05)
    some = (rand(rng, n, 0, 1) < 0.35).float()
    moon = disc(rng, n, side, 0.04, 0.11) * some
    stars = spots(rng, n, side, 0.004, 1) * (height(side) < 0.5) * (rand(rng, n, 0, 1) < 0.4)
    lamps = blur(spots(rng, n, side, 0.0012, 3), 1) * (rand(rng, n, 0, 1) < 0.3)
    y = mix(y, rgb(0.95, 0.95, 0.85), torch.maximum(moon, stars.float() * 0.8))
    return mix(y, rgb(1.0, 0.85, 0.45), lamps.clamp(0, 1))


def sunset(x, rng):
    n, side = len(x), x.shape[-1]
    h, level = height(side), luma(x)
    sky = mix(rgb(0.45, 0.22, 0.50), rgb(1.0, 0.50, 0.12), (h * rand(rng, n, 1.2, 2.2)).clamp(0, 1))
    y = mix(saturate(x, 0.6), sky, rand(rng, n, 0.35, 0.6) * (0.4 + 0.6 * level))
    y = y * mix(rgb(0.62, 0.42, 0.55), rgb(1.15, 0.85, 0.6), level)
    sun = disc(rng, n, side, 0.05, 0.13, 0.6) * (rand(rng, n, 0, 1) < 0.4)
    return mix(y, rgb(1.0, 0.80, 0.35), sun)


def autumn(x, rng):
    n, side = len(x), x.shape[-1]
    green = (x[:, 1:2] - torch.minimum(x[:, :1], x[:, 2:])).clamp(0, 1) * 3
    y = mix(x, luma(x) * rgb(1.5, 0.75, 0.2), green.clamp(0, 0.9))
    y = mix(y, luma(x) * rgb(1.25, 0.82, 0.42), rand(rng, n, 0.25, 0.55))
    tone = noise(rng, n, side, 12)
    leaf = mix(rgb(0.75, 0.16, 0.06), rgb(0.95, 0.65, 0.1), tone)
    return mix(y, leaf, spots(rng, n, side, 0.012, 3) * rand(rng, n, 0.5, 1))


def spring(x, rng):
    n, side = len(x), x.shape[-1]
    y = mix(x, luma(x).pow(0.7) * rgb(0.75, 1.08, 0.55) + 0.1, rand(rng, n, 0.4, 0.65))
    petal = mix(rgb(1.0, 0.72, 0.83), rgb(1.0, 0.95, 0.98), noise(rng, n, side, 10))
    return mix(y, petal, spots(rng, n, side, 0.012, 3) * rand(rng, n, 0.6, 1))


def snow(x, rng):
    n, side = len(x), x.shape[-1]
    y = mix(saturate(x, 0.35) * rgb(0.92, 0.98, 1.06), rgb(0.95, 0.97, 1.0), rand(rng, n, 0.2, 0.5))
    cover = ((height(side) + rough(rng, n, side, 6) - rand(rng, n, 0.9, 1.25)) * 6).clamp(0, 1)
    y = mix(y, rgb(0.95, 0.97, 1.0) - 0.1 * noise(rng, n, side, 8), cover)
    flakes = torch.maximum(spots(rng, n, side, 0.015, 1), spots(rng, n, side, 0.006, 2))
    return mix(y, rgb(1.0, 1.0, 1.0), flakes * rand(rng, n, 0.5, 1))


def fog(x, rng):
    n, side = len(x), x.shape[-1]
    haze = rand(rng, n, 0.72, 0.9) * rgb(0.98, 0.99, 1.0)
    depth = (rand(rng, n, 0.55, 0.85) - 0.35 * height(side) + 0.2 * noise(rng, n, side, 3)).clamp(0.3, 0.95)
    return mix(saturate(x, 0.5), haze, depth)


def trails(mask, shifts):
    """A mask together with itself moved down and right by each of the shifts."""
    out = mask
    for shift in shifts:
        out = torch.maximum(out, torch.roll(mask, shift, (2, 3)))
    return out


def streaks(rng, n, side, share, length):
    """Slanted rain."""
    drops, slant = spots(rng, n, side, share, 1), int(rng.integers(0, 2))
    return trails(drops, [(i, i * slant // 2) for i in range(1, length)])


def rain(x, rng):
    n, side = len(x), x.shape[-1]
    y = saturate(x, 0.35) * rgb(0.55, 0.62, 0.72) * rand(rng, n, 0.75, 1.1) + 0.06
    return mix(y, rgb(0.80, 0.86, 0.94), streaks(rng, n, side, 0.012, 8) * rand(rng, n, 0.4, 0.8))


def underwater(x, rng):
    n, side = len(x), x.shape[-1]
    y = luma(x) * rgb(0.12, 0.68, 0.85) + saturate(x, 0.4) * rgb(0.08, 0.22, 0.25)
    y = y * (1.15 - 0.7 * height(side)) + rgb(0.0, 0.10, 0.18)
    wave = (torch.sin(noise(rng, n, side, 5) * 25) * 0.5 + 0.5).pow(6) * (1 - height(side))
    y = y + wave * rand(rng, n, 0, 0.3) * rgb(0.5, 1.0, 1.0)
    return mix(y, rgb(0.75, 0.95, 1.0), spots(rng, n, side, 0.003, 3) * 0.5)


def neon(x, rng):
    n, side = len(x), x.shape[-1]
    hue = noise(rng, n, side, 2)
    glow = mix(rgb(1.0, 0.08, 0.75), rgb(0.05, 0.95, 1.0), ((hue - 0.5) * 3 + 0.5).clamp(0, 1))
    e = edges(x)
    line = (e * 2.5).clamp(0, 1) + blur(e, 2) * 1.5
    return luma(x) * glow * rand(rng, n, 0.25, 0.5) + rgb(0.03, 0.01, 0.08) + line.clamp(0, 1) * glow


def pixel(x, rng):
    side, cell = x.shape[-1], int(rng.choice([4, 6, 8]))
    small = F.interpolate(x, (side // cell, side // cell), mode="area")
    return (F.interpolate(small, (side, side), mode="nearest") * 7).round() / 7


def sketch(x, rng):
    tone = rand(rng, len(x), 1.5, 4)
    return (1 - edges(x) * tone).clamp(0.1, 1) * 0.9 + 0.1 * luma(x)


def storm(x, rng):
    n, side = len(x), x.shape[-1]
    cloud = rough(rng, n, side, 4) * 0.35 + 0.12
    y = saturate(x, 0.4) * rgb(0.42, 0.45, 0.52)
    y = mix(y, cloud * rgb(0.95, 1.0, 1.15), ((0.6 - height(side)) * 2).clamp(0, 0.85))
    return y + 0.06


def fire(x, rng):
    n, side = len(x), x.shape[-1]
    flame = ((height(side) * 1.5 + rough(rng, n, side, 6) - rand(rng, n, 0.9, 1.2)) * 3).clamp(0, 1)
    colour = mix(rgb(0.9, 0.2, 0.0), rgb(1.0, 0.9, 0.3), flame)
    return mix(luma(x) * rgb(1.0, 0.45, 0.15), colour, flame)


def candle(x, rng):
    side = x.shape[-1]
    y, z = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    far = ((y - rand(rng, len(x), 0.3, 0.7)) ** 2 + (z - rand(rng, len(x), 0.3, 0.7)) ** 2).sqrt()
    return saturate(x, 0.6) * rgb(1.15, 0.72, 0.32) * (1.1 - 1.7 * far).clamp(0.06, 1)


def vintage(x, rng):
    y = mix(saturate(x, 0.45), luma(x) * rgb(1.0, 0.86, 0.62), 0.35) * 0.62 + rgb(0.24, 0.20, 0.17)
    side = x.shape[-1]
    r = torch.linspace(-1, 1, side)
    return y * (1.05 - rand(rng, len(x), 0.1, 0.3) * (r.view(1, 1, -1, 1) ** 2 + r.view(1, 1, 1, -1) ** 2) / 2)


def poster(x, rng):
    levels = int(rng.integers(2, 5))
    return (blur(saturate(x, 1.3), 1).clamp(0, 1) * levels).round() / levels


def grade(x, look, rng):
    """One look over a batch."""
    n = len(x)
    light = {"red light": (1.0, 0.08, 0.06), "green light": (0.10, 1.0, 0.15), "blue light": (0.08, 0.20, 1.0),
             "purple light": (0.6, 0.10, 1.0), "pink light": (1.0, 0.45, 0.72)}
    drawn = {"night": night, "sunset": sunset, "autumn": autumn, "spring": spring, "snow": snow, "fog": fog, "rain": rain,
             "underwater": underwater, "neon": neon, "pixel": pixel, "sketch": sketch, "storm": storm, "fire": fire,
             "candle": candle, "vintage": vintage, "poster": poster}
    if look in light:
        y = lit(x, rng, rgb(*light[look]))
    elif look in drawn:
        y = drawn[look](x, rng)
    elif look == "daylight":
        y = x * rand(rng, n, 0.92, 1.08)
    elif look == "sepia":
        y = mix(x, luma(x) * rgb(1.08, 0.82, 0.55) + rgb(0.06, 0.03, 0.0), rand(rng, n, 0.85, 1))
    elif look == "black and white":
        y = ((luma(x) - 0.5) * rand(rng, n, 0.9, 1.4) + 0.5).expand(-1, 3, -1, -1)
    elif look == "negative":
        y = 1 - x
    elif look == "bright":
        y = x * rand(rng, n, 1.2, 1.6) + rand(rng, n, 0.18, 0.35)
    elif look == "dark":
        y = x * rand(rng, n, 0.14, 0.32)
    elif look == "cold":
        y = mix(luma(x), x, 0.6) * rgb(0.70, 0.95, 1.28) * rand(rng, n, 0.9, 1.1)
    elif look == "warm":
        y = mix(x, luma(x).pow(0.85) * rgb(1.35, 1.0, 0.45), rand(rng, n, 0.4, 0.7)) * 1.05
    elif look == "vivid":
        y = (saturate(x, rand(rng, n, 2.0, 3.0)) - 0.5) * 1.15 + 0.5
    elif look == "blur":
        y = blur(x, int(rng.integers(3, 7)))
    elif look == "summer":
        y = (saturate(x, 1.4) * rgb(1.15, 1.1, 0.85) + 0.05) + disc(rng, n, x.shape[-1], 0.05, 0.12, 0.2) * rgb(0.6, 0.55, 0.2)
    elif look == "desert":
        y = mix(x, luma(x).pow(0.7) * rgb(0.95, 0.75, 0.48) + 0.08, rand(rng, n, 0.6, 0.85))
    else:  # pastel
        y = mix(saturate(x, 0.9), rgb(1.0, 0.94, 0.96), rand(rng, n, 0.45, 0.65))
    return y.clamp(0, 1)


def texture(name, n, side, rng):
    """A surface as (n, 3, side, side)."""
    f, g = rough(rng, n, side, 5), noise(rng, n, side, min(32, side // 2))
    h, w = height(side), height(side).transpose(2, 3)
    metal = {"gold": ((0.35, 0.20, 0.02), (0.90, 0.65, 0.12), (1.0, 0.95, 0.6)), "silver": ((0.25, 0.26, 0.28), (0.65, 0.67, 0.7), (0.98, 0.98, 1.0)),
             "copper": ((0.25, 0.10, 0.04), (0.75, 0.38, 0.18), (1.0, 0.75, 0.55))}
    if name in metal:
        low, mid, high = (rgb(*c) for c in metal[name])
        t = torch.sin((h * rand(rng, n, -1, 1) + w * rand(rng, n, -1, 1)) * rand(rng, n, 4, 14) + f * 4) * 0.5 + 0.5
        return mix(mix(low, mid, (t * 2).clamp(0, 1)), high, (t * 2 - 1).clamp(0, 1))
    if name == "wood":
        grain = torch.sin((w + 0.12 * noise(rng, n, side, (3, 2))) * rand(rng, n, 25, 70)) * 0.5 + 0.5
        return mix(rgb(0.40, 0.22, 0.09), rgb(0.75, 0.50, 0.26), grain * 0.7 + 0.3 * noise(rng, n, side, (2, 24)))
    if name == "stone":
        return (0.3 + 0.35 * f + 0.2 * g) * rgb(1.0, 0.98, 0.95)
    if name == "ice":
        crack = 1 - ((noise(rng, n, side, 4) - 0.5).abs() * 14).clamp(0, 1)
        return mix(mix(rgb(0.55, 0.80, 0.95), rgb(0.90, 0.98, 1.0), f), rgb(1.0, 1.0, 1.0), crack * 0.8)
    if name == "fire":
        t = (noise(rng, n, side, (4, 8)) * 0.7 + 0.6 * h + 0.2 * g - 0.25).clamp(0, 1)
        return mix(mix(rgb(0.45, 0.02, 0.0), rgb(1.0, 0.45, 0.0), (2 * t).clamp(0, 1)), rgb(1.0, 0.95, 0.4), (2 * t - 1).clamp(0, 1))
    if name == "grass":
        return mix(rgb(0.07, 0.25, 0.04), rgb(0.50, 0.80, 0.20), noise(rng, n, side, (8, 32)) * 0.8 + 0.2 * f)
    if name == "brick":
        rows = int(rng.integers(5, 10))
        r = h * rows
        c = w * rows / 2 + (r.floor() % 2) * 0.5
        mortar = ((r % 1 < 0.14) | (c % 1 < 0.08)).float()
        return mix(mix(rgb(0.50, 0.17, 0.10), rgb(0.78, 0.36, 0.24), f * 0.6 + g * 0.4), rgb(0.78, 0.74, 0.68), mortar)
    if name == "marble":
        vein = (torch.sin((h + w + 1.5 * f) * rand(rng, n, 8, 16)) * 0.5 + 0.5).pow(5)
        return mix(rgb(0.96, 0.95, 0.94), rgb(0.45, 0.45, 0.50), vein * 0.7)
    if name == "water":
        ripple = torch.sin(h * rand(rng, n, 30, 60) + noise(rng, n, side, (6, 3)) * 8) * 0.5 + 0.5
        return mix(rgb(0.04, 0.25, 0.50), rgb(0.45, 0.78, 0.92), ripple * 0.6 + 0.3 * f)
    if name == "clouds":
        return mix(rgb(0.35, 0.62, 0.92), rgb(1.0, 1.0, 1.0), ((f - 0.4) * 4).clamp(0, 1))
    if name == "rust":
        return mix(rgb(0.30, 0.13, 0.06), rgb(0.82, 0.42, 0.14), f * 0.6 + g * 0.4)
    if name == "leather":
        return mix(rgb(0.25, 0.12, 0.06), rgb(0.55, 0.31, 0.17), g * 0.6 + f * 0.4)
    tube = (1 - ((noise(rng, n, side, 4) - 0.5).abs() * 12)).clamp(0, 1)
    glow = mix(rgb(1.0, 0.05, 0.8), rgb(0.0, 1.0, 1.0), noise(rng, n, side, 2))
    return rgb(0.04, 0.02, 0.10) + (tube + blur(tube, 3)) * glow
