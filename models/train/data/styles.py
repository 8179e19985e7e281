"""Art styles of whole pictures: paint, ink, print, thread, stone and screens.

Input: pictures (n, 3, s, s) in 0..1 and the name of a style; output: the drawn pictures. A row of the table is the wordings
and the steps, each a function with its numbers; a pair of numbers is a range. All randomness comes from the numpy generator
handed in.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

from data.gradings import axes, bloom, fade, flakes, gain, gamma, grain, level, lines, one, pick, sample, sat, sky, soften, tone, wobble
from data.looks import blur, edges, luma, mix, noise, rand, rough, saturate
from data.looks import texture as metal
from data.surfaces import cells, dust, frac, line, plane, ramp, step, tones


def flat(x, rng, levels, radius=1):
    n = int(rng.integers(levels[0], levels[1] + 1))
    return (blur(x, radius).clamp(0, 1) * n).round() / n


def even(x):
    """Brightness with its mean in the middle, so that dark pictures print as well."""
    t = level(x)
    return t.clamp(0, 1) ** (-0.69 / t.mean((2, 3), True).clamp(0.1, 0.85).log())


def poster(x, rng, colours, radius=1):
    """Brightness cut into as many steps as there are colours."""
    paints = tones(colours, len(x), rng)
    k = len(paints) - 1
    return ramp((blur(even(x), radius) * (k + 1) - 0.5).round().clamp(0, k) / k, paints)


def ink(x, rng, force, colour="101010", thick=0):
    """Dark lines along the edges."""
    e = edges(blur(x, 1)) * pick(rng, len(x), force)
    e = F.max_pool2d(e, 2 * thick + 1, 1, thick) if thick else e
    return mix(x, one(colour), step(e, 0.5, 0.5))


def sheet(x, rng, amount, bumps=32):
    """The tooth of the paper or canvas."""
    return x * (1 + (noise(rng, len(x), x.shape[-1], bumps) - 0.5) * pick(rng, len(x), amount))


def daub(x, rng, radius):
    """Mostly the calmest of four neighbouring squares (Kuwahara): flat dabs with crisp rims."""
    side, k = x.shape[-1], radius + 1
    y = F.pad(torch.cat([x, luma(x) ** 2], 1), (radius,) * 4, mode="replicate")
    mean = F.avg_pool2d(y, k, 1)
    spread = mean[:, 3:] - luma(mean[:, :3]) ** 2
    spread = spread.clamp_min(0) + 3e-4
    weight = 1e-9 / (spread * spread * spread)
    paint = torch.cat([mean[:, :3] * weight, weight], 1)
    y = sum(paint[:, :, i:i + side, j:j + side] for i in (0, radius) for j in (0, radius))
    return y[:, :3] / y[:, 3:]


def smear(x, rng, bumps, length, turns, grit=0.25, hair=1):
    """Brush strokes along a winding field."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    angle = noise(rng, n, side, bumps) * turns + rand(rng, n, 0, 6)
    # noise smeared along with the picture shows the hairs of the brush
    y = torch.cat([x, dust(n, side, rng, hair)], 1)
    y = sum(sample(y, h + t * length * angle.sin(), w + t * length * angle.cos()) for t in np.linspace(-1, 1, 7).tolist()) / 7
    return (y[:, :3] + (y[:, 3:] - 0.5) * grit * 3)


def relief(x, rng, force, own=1.0):
    """Lit from the top left as if raised."""
    t = luma(x)
    return mix(torch.full_like(x, 0.5), x, own) + (t - t.roll((1, 1), (2, 3))) * -pick(rng, len(x), force)


def mosaic(x, rng, rate, jitter, gap, grout, own=0.15, form="cells", turn=0.3, shift=0.0):
    """Each cell takes the colour at its seed; form gives its shape and light."""
    n = len(x)
    low, high = rate
    size, angle = rand(rng, n, low, high), rand(rng, n, -turn, turn)
    h, w = axes(x)
    cos, sin = angle.cos() * size / 2, angle.sin() * size / 2
    v, u = h * cos - w * sin + 20, w * cos + h * sin + 20
    near, after, down, right, mark = cells(v / 0.87 if shift else v, u, rng, jitter, shift)
    down = down * 0.87 if shift else down
    turned = lambda a, b: ((a * cos + b * sin) / (size / 2) ** 2, (b * cos - a * sin) / (size / 2) ** 2)
    y, z = turned(down, right)
    paint = sample(blur(x, 1), (h + y).clamp(-1, 1), (w + z).clamp(-1, 1)) * (1 + own * 2 * (mark - 0.5))
    square = torch.maximum(down.abs(), right.abs())
    if form == "dots":
        return mix(one(grout), paint, step(-near, -gap, 0.15))
    if form == "beads":
        ring = step(-(near - 0.3).abs(), -0.22, 0.1)
        return mix(one(grout), paint * (1.1 - 0.5 * step(down + right, 0.1, 0.6) * ring), ring)
    if form == "studs":
        light = 0.16 * step(-near, -0.3, 0.08) + 0.3 * (step(-((down - 0.06) ** 2 + (right - 0.06) ** 2).sqrt(), -0.3, 0.06) - step(-near, -0.3, 0.06))
        return (paint + light) * (1 - 0.35 * step(square, 0.46, 0.04))
    if form == "cubes":
        way = torch.atan2(-down, -right) / 2.0944 + 0.25
        face = torch.floor(way % 3)
        return paint * torch.where(face == 0, 0.85, torch.where(face == 1, 0.5, 1.25)) + torch.where(face == 2, 0.1, 0.0)
    if form == "cross":
        cross = torch.maximum(step(-(down - right).abs(), -0.19, 0.15), step(-(down + right).abs(), -0.19, 0.15)) * (square < 0.42)
        return mix(one(grout), paint * (0.85 + 0.25 * step(right - down, 0, 0.3)), cross)
    if form == "quilt":
        patch = 0.75 + 0.35 * torch.where(mark < 0.33, line(v * 5, 0.25), torch.where(mark < 0.66, line(u * 5, 0.25), line((u + v) * 4, 0.25)))
        stitch = (square > 0.36) & (square < 0.42) & (frac((u + v) * 6) < 0.5)
        return mix(paint * patch, torch.ones(1), stitch.float() * 0.8) * (1 - 0.5 * step(square, 0.47, 0.04))
    return mix(one(grout), paint * (0.9 + 0.2 * step(down + right, 0, 0.8)), step(after - near, gap, 0.08))


def polygons(x, rng, rate):
    """Flat triangles."""
    n, (h, w) = len(x), axes(x)
    size = rand(rng, n, *rate)
    bend = (noise(rng, n, x.shape[-1], 5, 2) - 0.5) * 0.25
    v, u = (h + bend[:, :1]) * size / 2 + 20, (w + bend[:, 1:]) * size / 2 + 20
    a, b = u.floor(), v.floor()
    lower = (frac(u) + frac(v) > 1).float()
    y, z = (b + 0.33 + 0.33 * lower - v) * 2 / size, (a + 0.33 + 0.33 * lower - u) * 2 / size
    return sample(blur(x, 1), (h + y).clamp(-1, 1), (w + z).clamp(-1, 1)) * (1.0 + 0.22 * torch.sin(a * 12.9 + b * 78.2 + lower * 2.6))


def cubist(x, rng):
    """Shards, each seen from a place of its own."""
    n, (h, w) = len(x), axes(x)
    near, after, down, right, mark = cells(*plane(n, x.shape[-1], rng, 3, 4.5, 3.1), rng)
    shift = lambda k: (frac(mark * k) - 0.5) * 0.6
    y = sample(x, h + shift(31), w + shift(57))
    shade = 0.85 + 0.5 * frac(mark * 91) + 0.35 * (down * (mark * 40).sin() + right * (mark * 40).cos()) - 0.2
    return mix(y * shade, one("201810"), step(near - after, -0.05, 0.05))


def halftone(x, rng, rate, angle, colour, paper="fcfcf4"):
    """Dots as large as the picture is dark; colour None prints cyan, magenta and yellow."""
    n = len(x)
    size = rand(rng, n, *rate) / 2
    h, w = axes(x)
    soft, out = blur(x, 1), one(paper).expand_as(x)
    for i, part in enumerate(("00a8e8", "e8108c", "fce000") if colour is None else (colour,)):
        a = angle + i * 0.5
        v, u = (h * math.cos(a) - w * math.sin(a)) * size, (w * math.cos(a) + h * math.sin(a)) * size
        far = ((frac(v) - 0.5) ** 2 + (frac(u) - 0.5) ** 2).sqrt()
        dark = 1 - (soft[:, i:i + 1] ** 0.6 if colour is None else even(soft))
        out = out * mix(torch.ones(1), one(part), step(dark.clamp(0, 1).sqrt() * 0.72 - far, 0, 0.15))
    return out


def hatch(x, rng, rate, layers, pen="101010", paper="f4f0e4", bend=0.0, keep=0.0):
    """Lines that grow with the dark, crossed where it is darker still."""
    n, (h, w) = len(x), axes(x)
    t, size, start = blur(even(x), 1), rand(rng, n, *rate), rand(rng, n, 0.5, 1.1)
    wave = bend * (t + torch.sin(h * 3 + w * 4) * 0.4)
    mark = torch.zeros_like(t)
    for i in range(layers):
        angle = start + (0, 1.57, 0.78)[i]
        stripe = frac((h * angle.cos() + w * angle.sin()) * size / 2 + wave)
        wide = ((0.85 - 0.25 * i - t) / 0.9).clamp(0, 0.75)
        mark = torch.maximum(mark, step(wide - (stripe - 0.5).abs() * 2, 0, 0.25))
    return mix(mix(one(paper).expand_as(x), x, keep), one(pen), mark)


def carved(x, rng, colours, rate, turn):
    """Two tones cut with a gouge: the half tones become wedges."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    angle = rand(rng, n, -turn, turn)
    wave = (h * angle.cos() + w * angle.sin()) * rand(rng, n, *rate) / 2 + noise(rng, n, side, 3) * 2
    t = blur(even(x), 1) + 0.42 * ((frac(wave) - 0.5).abs() * 2 - 0.5) + 0.12 * (noise(rng, n, side, 20) - 0.5)
    return ramp(step(t, 0.5, 0.12), tones(colours, n, rng))


def lined(x, rng, colours, force, grit=0.5):
    """Chalk or pen on one ground: edges and a little tone."""
    n, side = len(x), x.shape[-1]
    t = (edges(x) * pick(rng, n, force)).clamp(0, 1) * (1 - grit * dust(n, side, rng)) + 0.12 * level(x)
    return ramp(t.clamp(0, 1), tones(colours, n, rng))


def waxy(x, rng, paper, cover, force, rows=26):
    """Strokes that leave the paper open in places."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    angle = rand(rng, n, 0.5, 1.1)
    stripe = torch.sin((h * angle.cos() + w * angle.sin()) * rows + noise(rng, n, side, 5) * 5) * 0.5 + 0.5
    t = stripe * 0.6 + dust(n, side, rng) * 0.4 + (0.5 - blur(level(x), 1)) * 0.7
    return mix(one(paper), saturate(x, force) * (0.8 + 0.3 * stripe), step(t, pick(rng, n, cover), 0.35))


def tooth(x, rng, paper, amount):
    """Dry pigment caught by grains of the paper."""
    t = dust(len(x), x.shape[-1], rng) * 0.6 + 0.4 * noise(rng, len(x), x.shape[-1], 24)
    return mix(x, one(paper), step(t, 1 - pick(rng, len(x), amount), 0.25))


def washed(x, rng, paper, low, rim):
    """Thin paint with pools and bare patches towards the rim."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    pool = rough(rng, n, side, 5)
    bare = step(torch.maximum(h.abs(), w.abs()) + 0.9 * (pool - 0.5), pick(rng, n, rim), 0.12)
    edge = (1 - ((pool - 0.5).abs() * 18)).clamp(0, 1) * 0.12
    return mix(mix(x, one(paper), low + 0.5 * (pool - 0.4)) - edge, one(paper), bare)


def dither(x, rng, colours, cell):
    """Ordered dots between a few colours, in pixels of the cell's size."""
    n, side = len(x), x.shape[-1]
    paints = tones(colours, n, rng)
    k = len(paints) - 1
    bayer = torch.tensor([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16.0 + 1 / 32
    small = F.avg_pool2d(even(x), cell)
    tall = small.shape[-1]
    t = (small * k + bayer.repeat(-(-tall // 4), -(-tall // 4))[:tall, :tall]).floor().clamp(0, k) / k
    return ramp(F.interpolate(t, (side, side), mode="nearest"), paints)


def fourfold(x, rng):
    """The picture four times, each in its own loud inks."""
    n, side = len(x), x.shape[-1]
    t = (F.interpolate(even(x), (side // 2, side // 2), mode="area") * 3 - 0.3).round().clamp(0, 2) / 2
    loud = ("1c1060 f02090 f8f020", "301020 20b8d0 f87820", "102870 f8d010 f04080", "183018 f03828 60e0d0", "400850 60d838 f890c0")
    chosen = rng.permutation(len(loud))[:4]
    tile = [ramp(t, tones(loud[i], n, rng)) for i in chosen]
    return F.interpolate(torch.cat([torch.cat(tile[:2], 3), torch.cat(tile[2:], 3)], 2), (side, side))


def plates(x, rng, inks, reach):
    """Two inks printed a little apart on cream paper."""
    n = len(x)
    out = one("f8f4e8").expand_as(x)
    for i, colour in enumerate(tones(inks, n, rng)):
        dark = 1 - level(x) if i else 1 - (x[:, :1] * 0.8 + 0.2 * level(x))
        dark = (dark.clamp(0, 1) * 3).round() / 3
        dark = dark.roll(tuple(int(a) for a in rng.integers(-reach, reach + 1, 2)), (2, 3))
        out = out * mix(torch.ones(1), colour, dark * (dust(n, x.shape[-1], rng) < 0.85 + 0.15 * dark))
    return out


def apart(x, rng, reach):
    """Red to one side, cyan to the other."""
    k = int(rng.integers(*reach))
    t = luma(x)
    return torch.cat([t.roll(-k, 3), t.roll(k, 3), t.roll(k, 3)], 1) * 0.85 + 0.15 * x


def glitch(x, rng):
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    rows = F.interpolate(torch.from_numpy(rng.normal(0, 0.25, (n, 1, 12, 1)).astype(np.float32)), (side, 1))
    y = sample(x, h, w + rows * (rows.abs() > 0.15))
    k = int(rng.integers(3, 6))
    y = torch.cat([y[:, :1].roll(k, 3), y[:, 1:2], y[:, 2:].roll(-k, 3)], 1)
    block = F.interpolate(torch.from_numpy(rng.random((n, 3, 16, 6), np.float32)), (side, side))
    return torch.where(block[:, :1] > 0.93, block, y)


def mirrors(x, rng):
    """Kaleidoscope: one wedge turned around."""
    n, (h, w) = len(x), axes(x)
    far, fold = (h * h + w * w).sqrt(), 3.1416 / rand(rng, n, 3, 5).round()
    angle = ((torch.atan2(h, w) % (2 * fold)) - fold).abs() + rand(rng, n, 0, 6)
    return saturate(sample(x, far * angle.sin() + rand(rng, n, -0.3, 0.3), far * angle.cos() + rand(rng, n, -0.3, 0.3)), 1.5)


def acid(x, rng):
    """Hues running round several times, in waves."""
    n, side = len(x), x.shape[-1]
    t = blur(level(x), 1) * rand(rng, n, 1.2, 2) + torch.sin(noise(rng, n, side, 3) * 12) * 0.3 + rand(rng, n, 0, 1)
    return torch.cat([torch.cos((t + k) * 6.28) for k in (0, 0.33, 0.67)], 1) * 0.5 + 0.5


def layers(x, rng):
    """Sheets of coloured paper, each casting a shadow on the one below."""
    n = len(x)
    t, paints = (blur(even(x), 2) * 5 - 0.5).round().clamp(0, 4), tones("181c38 38487c 6c80b0 ? f4ecd8", n, rng)
    out = paints[0].expand_as(x)
    for i in range(1, 5):
        top = (t >= i).float()
        shadow = blur(top.roll((2, 2), (2, 3)), 1)
        out = mix(out * (1 - 0.55 * shadow), paints[i], top)
    return out


def benday(x, rng):
    """Flat inks, the half tones in dots."""
    y = flat(x, rng, (3, 4))
    return y * mix(torch.ones(1), halftone(x, rng, (18, 22), 0.78, "707070", "ffffff"), 0.7)


def duo(x, rng):
    """Any two colours, the first made dark and the second light."""
    dark, light = tones("? ?", len(x), rng)
    return ramp(level(x), [dark * 0.45, light * 0.6 + 0.4])


def gilded(x, rng):
    """The brighter part becomes gold."""
    return mix(x, metal("gold", len(x), x.shape[-1], rng) * 0.6 + one("604810"), step(blur(even(x), 1), 0.5, 0.25))


def inverse(x, rng):
    return 1 - x


def contours(x, rng):
    """Lines of equal height on a coloured map."""
    t = (blur(level(x), 2) + 0.15 * rough(rng, len(x), x.shape[-1], 3)) * rand(rng, len(x), 7, 10)
    ground = ramp((t.floor() / 8).clamp(0, 1), tones("6cb070 a8d088 f0e8a8 d8b070 a87850 f8f8f8", len(x), rng))
    return mix(ground, one("503018"), step(-(frac(t + 0.5) - 0.5).abs(), -0.05, 0.12))


def stitched(x, rng, kind):
    """Thread: slanted satin stitches, knitted loops or the ribs of a loom."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    if kind == "satin":
        near, after, down, right, mark = cells(*plane(n, side, rng, 6, 8, 0.3), rng)
        angle = mark * 3.14
        t = torch.sin((h * angle.sin() + w * angle.cos()) * 70) * 0.5 + 0.5
        return flat(x, rng, (4, 6)) * (0.6 + 0.55 * t) - 0.25 * step(near - after, -0.05, 0.05)
    if kind == "knit":
        k = rand(rng, n, 4.5, 6.5)
        u, v = w * k, h * k * 1.2
        row = v - (frac(u) - 0.5).abs() * 1.4
        stitch = torch.sin(frac(row) * 3.14)
        x = sample(blur(x, 1), row.floor() / k / 1.2 + 0.1, (u.floor() + 0.5) / k)
        return x * (0.35 + 0.75 * stitch) * (0.6 + 0.4 * step((frac(u) - 0.5).abs(), 0.05, 0.1)) * step(-(frac(u) - 0.5).abs(), -0.46, 0.1)
    rib = torch.sin(w * 50 + 3.14 * ((h * 16).floor() % 2)) * 0.5 + 0.5
    return F.interpolate(F.avg_pool2d(x, (2, 1)), (side, side)) * (0.45 + 0.75 * rib) * (0.9 + 0.2 * dust(n, side, rng))


def cracked(x, rng, rate, colour, amount):
    near, after, _, _, _ = cells(*plane(len(x), x.shape[-1], rng, *rate, 3.1), rng)
    crack = step(near - after, -0.05, 0.05) * step(noise(rng, len(x), x.shape[-1], 4), 0.4, 0.3)
    return mix(x, one(colour), crack * amount)


def tiled(x, rng, count, colour):
    k = rand(rng, len(x), *count).round()
    h, w = (axes(x)[0] + 1) / 2, (axes(x)[1] + 1) / 2
    return mix(x, one(colour), torch.maximum(line(h * k, 0.03), line(w * k, 0.03)))


def walled(x, rng):
    """Sprayed on a wall of bricks, with runs of paint."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    v, u = (h + 1) * 4, (w + 1) * 2.5
    joint = torch.maximum(line(v, 0.1), line(u + v.floor() % 2 * 0.5, 0.05))
    runs = step(noise(rng, n, side, (1, 30))[:, :, :1], 0.75, 0.1) * step(noise(rng, n, side, (2, 10)), 0.45, 0.3)
    y = mix(x, F.max_pool2d(x, (9, 1), 1, (4, 0)), runs)
    return y * (1 - 0.45 * joint) * (0.9 + 0.2 * noise(rng, n, side, 24)) + 0.04


def horizon(x, rng):
    """A setting sun of stripes above a glowing grid."""
    n, (h, w) = len(x), axes(x)
    line_at = rand(rng, n, 0.25, 0.45)
    deep = (h - line_at).clamp_min(0.02)
    grid = torch.maximum(line(0.35 / deep, 0.07 + 0.02 / deep.sqrt()), line(w * 0.55 / (deep + 0.12), 0.06))
    far = ((h + 0.25) ** 2 + (w - rand(rng, n, -0.4, 0.4)) ** 2).sqrt()
    sun = step(-far, -0.42, 0.04) * (1 - line(h * 5, 0.17) * (h > -0.3))
    y = mix(x, ramp(((h + 0.65) / 0.8).clamp(0, 1), [one("ffe850"), one("ff2890")]), sun * 0.9)
    return torch.where(h > line_at, mix(one("180830"), one("ff40e0"), grid) + 0.25 * x, y)


TABLE = {  # name: wordings, steps
    "pointillism": ("in the style of pointillism|a pointillist painting|painted in small dots", (sat, 1.6), (mosaic, (24, 28), 0.6, 0.5, "f0e4c8", 0.35, "dots")),
    "watercolor": ("in watercolor|a watercolor painting|an aquarelle", (sat, 1.4), (gamma, 0.8), (daub, 4), (wobble, 0.04, 16), (washed, "fcfaf4", 0.3, (0.8, 1.0)), (sheet, 0.12)),
    "oil painting": ("as an oil painting|an oil painting on canvas|in thick oil paint", (sat, 1.3), (daub, 4), (smear, 5, 0.08, 7, 0.16, 2), (relief, 2.2)),
    "mosaic": ("as a mosaic|a mosaic of small stones|a roman mosaic", (mosaic, (15, 19), 0.35, 0.12, "e0d8c8", 0.25)),
    "stained glass": ("as stained glass|a stained glass window|in leaded colored glass", (sat, 2.2), (gain, 1.25), (mosaic, (7, 9), 1.0, 0.16, "080808", 0.3)),
    "woodcut": ("as a woodcut|a woodcut print|a medieval woodblock print", (carved, "140c08 e8d8b4", (14, 20), 0.4)),
    "linocut": ("as a linocut|a linocut print in one color|a lino print", (carved, "b01818 f8f4ec", (8, 11), 1.5), (sheet, 0.15)),
    "charcoal": ("in charcoal|a charcoal drawing|drawn with charcoal", (sat, 0.0), (gamma, 0.7), (tone, "101010 484644 a8a49e ece8e0"), (smear, 2, 0.05, 2, 0.18), (tooth, "f0ece4", 0.15), (ink, (3, 4), "181818")),
    "chalk pastel": ("in chalk pastels|a chalk pastel drawing|drawn with soft pastel chalks", (sat, 1.5), (fade, 0.25, "ffe8e0"), (smear, 2, 0.06, 2, 0.2), (tooth, "4c4038", 0.24)),
    "chalkboard": ("on a chalkboard|a chalk drawing on a blackboard|white chalk lines on a green board", (lined, "1c3c30 58786c f4f8f0", (3, 4))),
    "ink wash": ("in ink wash|an ink wash painting|a brush painting in black ink", (poster, "141414 54545c a8a8ac f4f2ea f4f2ea"), (soften, 1), (wobble, 0.06, 12), (washed, "f4f2ea", 0.12, (1.0, 1.2))),
    "crosshatching": ("in crosshatching|a crosshatched pen drawing|drawn with crossed ink lines", (hatch, (16, 22), 3)),
    "blueprint": ("as a blueprint|a blueprint drawing|a technical drawing on blue paper", (lined, "104090 3068b8 f0f8ff", (3, 4), 0.1), (tiled, (7, 9), "5080c0")),
    "pop art": ("as pop art|a pop art print|four loud colored copies", (fourfold,)),
    "halftone": ("in halftone|printed in halftone dots|a color halftone print", (sat, 1.3), (halftone, (17, 22), 0.3, None)),
    "comic book": ("as a comic book|a comic book panel|drawn as a comic", (sat, 1.8), (gamma, 0.65), (benday,), (ink, (3, 4), "080808", 1)),
    "cubism": ("in the style of cubism|a cubist painting|broken into cubist shards", (sat, 0.7), (gain, 1.1, "f0d8b0"), (cubist,)),
    "ukiyo-e": ("in the style of ukiyo-e|a japanese woodblock print|as a ukiyo-e print", (poster, "1c2c50 3c6488 90b0a8 e8d0a0 f4e8cc", 1), (ink, (4, 5), "182038"), (sky, 0.35, "284878", "e8dcb8", "f0d8b0")),
    "impressionism": ("in the style of impressionism|an impressionist painting|painted in short bright strokes", (sat, 1.5), (gamma, 0.75), (fade, 0.15, "fff0d8"), (mosaic, (17, 20), 1.0, -0.1, "f0e4c8", 0.4), (smear, 3, 0.03, 4, 0.05)),
    "expressionism": ("in the style of expressionism|an expressionist painting|in wild distorted colors", (wobble, 0.22, 3), (sat, 3), (tone, "101850 c01828 f88010 f8e840", 0.6), (smear, 4, 0.1, 8, 0.3), (ink, (2, 3), "0c0818", 1)),
    "swirls": ("in swirling brush strokes|a painting of swirls|in whirling curls of paint", (tone, "081048 2050a0 70a8c8 f0e080", 0.55), (sat, 1.4), (smear, 3, 0.22, 22, 0.5, 2)),
    "low poly": ("in low poly|a low poly rendering|made of flat triangles", (sat, 1.3), (polygons, (8, 11))),
    "isometric": ("in isometric blocks|a picture of isometric cubes|built of voxels", (sat, 1.3), (mosaic, (11, 14), 0.0, 0.0, "000000", 0.05, "cubes", 0.0, 0.5)),
    "toy bricks": ("in toy bricks|built of plastic toy bricks|a picture of studded bricks", (sat, 1.6), (mosaic, (11, 14), 0.0, 0.0, "000000", 0.04, "studs", 0.0)),
    "beads": ("in fuse beads|a picture of plastic beads|made of melted beads", (sat, 1.5), (mosaic, (14, 17), 0.0, 0.0, "f8f8f4", 0.05, "beads", 0.0)),
    "vaporwave": ("in vaporwave style|a vaporwave picture|in pink and turquoise dream colors", (tone, "301060 9040c0 ff70c8 70f0f0 f0fff8"), (lines, 0.25, 3), (bloom, 0.3, 2)),
    "synthwave": ("in synthwave style|a synthwave picture|with a striped sun and a glowing grid", (tone, "100428 5c1080 e02890 ff9060"), (horizon,), (bloom, 0.2, 1)),
    "graffiti": ("as graffiti|sprayed on a brick wall|street art on a wall", (sat, 2.2), (gamma, 0.75), (flat, (2, 3)), (ink, (3, 4), "101018", 1), (walled,)),
    "embroidery": ("as embroidery|an embroidered picture|stitched with colored thread", (sat, 1.4), (stitched, "satin")),
    "cross-stitch": ("in cross-stitch|a cross-stitch picture|sewn in little crosses", (sat, 1.5), (mosaic, (11, 13), 0.0, 0.0, "f4ecdc", 0.05, "cross", 0.0)),
    "knitting": ("as knitting|a knitted picture|knitted of yarn", (sat, 1.2), (gain, 1.15), (stitched, "knit")),
    "quilt": ("as a quilt|a patchwork quilt|sewn from patches of cloth", (sat, 1.4), (mosaic, (6, 8), 0.0, 0.0, "000000", 0.2, "quilt", 0.0)),
    "tapestry": ("as a tapestry|a woven tapestry|woven on a loom", (sat, 0.75), (tone, "201418 703028 a08040 e0c890", 0.35), (stitched, "loom")),
    "paper cut": ("as a paper cut-out|layers of cut paper|a papercut picture", (layers,), (sheet, 0.08)),
    "silhouette": ("as a silhouette|a black silhouette on a bright ground|a shadow play", (poster, "060608 ?", 1)),
    "engraving": ("as an engraving|a banknote engraving|engraved in fine wavy lines", (hatch, (20, 24), 1, "143828", "e0ecd8", 1.2)),
    "scratchboard": ("as scratchboard|scratched white out of black|a scratchboard drawing", (inverse,), (hatch, (16, 20), 2, "f8f8f4", "060606", 0.5)),
    "risograph": ("as a risograph|a risograph print|printed in pink and blue", (plates, "ff4870 1058c8", 2)),
    "duotone": ("in duotone|a duotone picture|in only two strong colors", (duo,)),
    "crayon": ("in crayon|a wax crayon drawing|drawn with crayons", (waxy, "fcfaf4", 0.5, 2.2)),
    "colored pencil": ("in colored pencil|a colored pencil drawing|drawn with colored pencils", (fade, 0.35, "ffffff"), (waxy, "fcfcfa", 0.38, 1.4, 60), (ink, (2, 3), "584840")),
    "child's drawing": ("as a child's drawing|a child's picture|drawn by a little child", (wobble, 0.14, 5), (gamma, 0.5), (sat, 2.6), (flat, (2, 2), 2), (waxy, "ffffff", 0.28, 1.5, 24), (soften, 1), (ink, (4, 5), "202020")),
    "fresco": ("as a fresco|a faded fresco on plaster|an ancient wall painting", (sat, 0.6), (daub, 3), (fade, 0.35, "e0c8a0"), (flakes, "e8dcc8", 0.004, 4, 0.9), (soften, 1), (cracked, (3, 5), "504030", 0.9), (sheet, 0.3)),
    "sand art": ("as sand art|drawn in the sand|a picture of colored sand", (poster, "704818 a87840 d8b078 f4deb0", 1), (relief, 1.2), (grain, 0.35)),
    "glitch art": ("as glitch art|a glitched picture|broken by digital errors", (sat, 1.4), (glitch,)),
    "anaglyph": ("as a 3d anaglyph|a red and cyan 3d picture|for red and blue 3d glasses", (apart, (2, 5))),
    "dithering": ("in 1-bit dithering|a dithered black and white picture|in black and white dots only", (dither, "000000 ffffff", 1)),
    "handheld": ("on a handheld game screen|a picture in four shades of green|an old green pocket game", (dither, "0c380c 306430 88a810 9cc010", 2)),
    "newspaper": ("in a newspaper|a newspaper picture|printed on cheap newsprint", (halftone, (22, 27), 0.78, "1c1a18", "dcd4bc")),
    "delft": ("on delft tiles|a blue and white tile painting|painted on blue and white porcelain", (poster, "14307c 4468b4 a8c0e4 f4f8fc f4f8fc", 1), (tiled, (2, 3), "a0a8b0"), (bloom, 0.15, 1)),
    "batik": ("as batik|a batik cloth|dyed with wax resist", (poster, "1c1840 8c3818 d08c30 f0dcb0", 2), (cracked, (7, 10), "281c30", 0.9), (ink, (2, 3), "f8ecd0")),
    "kaleidoscope": ("in a kaleidoscope|a kaleidoscope picture|mirrored around the center", (mirrors,)),
    "psychedelic": ("in psychedelic colors|a psychedelic picture|a swirling rainbow acid trip", (acid,)),
    "bas-relief": ("as a bas-relief|a relief carved in plaster|embossed in gray", (sat, 0.0), (relief, (3.5, 5), 0.0), (gain, 1.2, "f0ece4")),
    "contour map": ("as a contour map|a topographic map|in lines of equal height", (contours,)),
    "gold leaf": ("on gold leaf|a gilded icon painting|painted on a golden ground", (gilded,), (ink, (3, 4), "301404")),
}
STYLES = {name: row[0].split("|") for name, row in TABLE.items()}


def draw(x, name, rng):
    """One style over a batch."""
    for act, *numbers in TABLE[name][1:]:
        x = act(x.clamp(0, 1), rng, *numbers)
    return x.clamp(0, 1)
