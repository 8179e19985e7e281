"""More light, weather, season, film and lens: gradings of whole pictures next to those of looks.py.

Input: pictures (n, 3, s, s) in 0..1 and the name of a look; output: the graded pictures. A row of the table is the wordings
and the steps, each a function with its numbers; a pair of numbers is a range. All randomness comes from the numpy generator
handed in.
"""
import numpy as np
import torch
import torch.nn.functional as F

from data.looks import blur, edges, height, lit, luma, mix, noise, rand, rgb, rough, saturate, spots, trails
from data.surfaces import cells, dust, frac, plane, ramp, step, tones


def pick(rng, n, value):
    return rand(rng, n, *value) if isinstance(value, tuple) else value


def one(colour):
    return rgb(*(int(colour[i:i + 2], 16) / 255 for i in (0, 2, 4)))


def axes(x):
    """-1..1 down and right."""
    h = height(x.shape[-1]) * 2 - 1
    return h, h.transpose(2, 3)


def some(rng, n, chance):
    return (rand(rng, n, 0, 1) < chance).float()


def sample(x, down, right):
    """Pictures read at other places, -1..1 each (n, 1, s, s)."""
    return F.grid_sample(x, torch.cat(torch.broadcast_tensors(right, down), 1).permute(0, 2, 3, 1).expand(len(x), -1, -1, -1), padding_mode="reflection", align_corners=False)


# steps on the colours ----------------------------------------------------------------------------------------------------

def lamp(x, rng, colour):
    return lit(x, rng, one(colour))


def sat(x, rng, amount):
    return saturate(x, pick(rng, len(x), amount))


def gain(x, rng, amount, colour="ffffff"):
    return x * pick(rng, len(x), amount) * one(colour)


def contrast(x, rng, amount, middle=0.5):
    return (x - middle) * pick(rng, len(x), amount) + middle


def fade(x, rng, amount, colour):
    """Towards one colour."""
    return mix(x, one(colour), pick(rng, len(x), amount))


def gamma(x, rng, power):
    """Half tones lifted below 1, sunk above."""
    return x.clamp(0, 1) ** pick(rng, len(x), power)


def level(x):
    """Brightness stretched to 0..1, so that a map of colours shows the picture whatever its exposure."""
    t = luma(x)
    low, high = t.amin((2, 3), True), t.amax((2, 3), True)
    return (t - low) / (high - low).clamp_min(0.05)


def tone(x, rng, colours, amount=1.0):
    """Brightness painted with a row of colours."""
    return mix(x, ramp(level(x), tones(colours, len(x), rng)), pick(rng, len(x), amount))


def split(x, rng, shadow, light, amount):
    t = luma(x)
    return mix(x, (x + mix(one(shadow), one(light), t.clamp(0, 1)) - 0.5), pick(rng, len(x), amount))


def solar(x, rng):
    return 1 - (2 * x - rand(rng, len(x), 0.9, 1.1)).abs()


def aerochrome(x, rng):
    """Leaves shine in the infrared, sky and water do not."""
    green = (x[:, 1:2] - x[:, 2:]).clamp(0, 1)
    near = (luma(x) * 0.75 + green * 2 + (x[:, :1] - x[:, 2:]).clamp(0, 1)).clamp(0, 1)
    return torch.cat([near, x[:, 1:2] * 0.45 + 0.15 * near, x[:, 2:] * 0.75 + 0.25 * near], 1)


# steps on the light ------------------------------------------------------------------------------------------------------

def vignette(x, rng, amount, start=0.55, colour="000000"):
    h, w = axes(x)
    far = ((h - rand(rng, len(x), -0.08, 0.08)) ** 2 + (w - rand(rng, len(x), -0.08, 0.08)) ** 2).sqrt()
    return mix(x, one(colour), step(far, start + 0.35, 0.7) * pick(rng, len(x), amount))


def cone(x, rng, dark, size):
    """A round of light, the rest dark."""
    h, w = axes(x)
    far = ((h - rand(rng, len(x), -0.3, 0.3)) ** 2 + (w - rand(rng, len(x), -0.3, 0.3)) ** 2).sqrt()
    inside = step(-far, -pick(rng, len(x), size), 0.12)
    return mix(x * dark, x * 1.25 + 0.05, inside)


def bloom(x, rng, amount, radius):
    soft = blur(x, radius)
    return 1 - (1 - x) * (1 - soft.clamp(0, 1) * pick(rng, len(x), amount))


def blob(x, rng, colour, size, amount, place=(-1.0, 1.0), spread=(-1.0, 1.0)):
    """A soft patch of coloured light, added."""
    h, w = axes(x)
    y, z = rand(rng, len(x), *place), rand(rng, len(x), *spread)
    far = ((h - y) ** 2 + (w - z) ** 2) / pick(rng, len(x), size) ** 2
    return x + (-far).exp() * one(colour) * pick(rng, len(x), amount)


def leak(x, rng):
    """Red and yellow light from one side of the film."""
    h, w = axes(x)
    side = torch.where(rand(rng, len(x), 0, 1) < 0.75, w * (some(rng, len(x), 0.5) * 2 - 1), h)
    t = step(side + 0.5 * noise(rng, len(x), x.shape[-1], 2), rand(rng, len(x), 0.55, 0.95), 1.1)
    light = mix(one("ff2800"), one("ffd060"), step(t, 0.7, 0.6))
    return 1 - (1 - x.clamp(0, 1)) * (1 - t * light)


def flare(x, rng):
    """A sun with rays and ghosts on the line through the middle."""
    n, (h, w) = len(x), axes(x)
    y, z = rand(rng, n, -0.8, -0.3), rand(rng, n, 0.35, 0.8) * (some(rng, n, 0.5) * 2 - 1)
    dy, dx = h - y, w - z
    far = (dy ** 2 + dx ** 2).sqrt()
    rays = (torch.cos(torch.atan2(dy, dx) * 4 + rand(rng, n, 0, 3)) * 0.5 + 0.5).pow(8) * (1 - far).clamp(0, 1)
    x = x + (0.055 / (far ** 2 + 0.03) * 0.8 + rays * 0.8).clamp(0, 1.2) * one("fff0d0")
    for at, size, colour in ((0.4, 0.10, "60ff90"), (-0.25, 0.16, "ffa040"), (-0.6, 0.09, "60a0ff"), (-0.95, 0.26, "c060ff")):
        x = x + step(-((h - y * at) ** 2 + (w - z * at) ** 2).sqrt(), -size, 0.06) * one(colour) * 0.4
    return x


def beams(x, rng, colour, amount, count):
    """Rays fanning out from a place above the picture."""
    n, (h, w) = len(x), axes(x)
    angle = torch.atan2(h + rand(rng, n, 1.3, 1.8), w - rand(rng, n, -0.7, 0.7))
    t = (torch.sin(angle * pick(rng, n, count) + rand(rng, n, 0, 6)) * 0.5 + 0.5).pow(2) * (1 - 0.35 * (h + 1))
    return mix(x * 0.8, one(colour), t * pick(rng, n, amount))


def blinds(x, rng, dark, count, turn=0.25):
    """Stripes of shadow."""
    v, _ = plane(len(x), x.shape[-1], rng, *count, turn)
    return x * mix(torch.tensor(dark), torch.tensor(1.2), step(torch.sin(v * 6.28), 0, 0.5))


def dapple(x, rng):
    """Sun through leaves."""
    t = step(noise(rng, len(x), x.shape[-1], 11), rand(rng, len(x), 0.5, 0.6), 0.35)
    return mix(x * one("587048") * 0.8, x * one("ffffd0") * 1.35 + 0.12, t)


def discs(x, rng, colours, rate, size, amount, share=0.5):
    """Soft discs of coloured light."""
    n = len(x)
    near, _, _, _, mark = cells(*plane(n, x.shape[-1], rng, *rate, 3.1), rng, 0.8)
    light = ramp(mark * 97 % 1, tones(colours, n, rng))
    return 1 - (1 - x.clamp(0, 1)) * (1 - step(-near, -size, 0.1) * (mark < share) * light * pick(rng, n, amount))


def hues(x, rng, colours, amount):
    """Lamps of several colours across the picture."""
    n, (h, w) = len(x), axes(x)
    angle = rand(rng, n, -0.5, 0.5) + (some(rng, n, 0.5) * 3.1416)
    light = ramp((0.5 + 0.5 * (w * angle.cos() + h * angle.sin())).clamp(0, 1), tones(colours, n, rng))
    return mix(x, level(x).pow(0.8) * light * 1.15 + 0.1 * light, pick(rng, n, amount))


# steps in the air --------------------------------------------------------------------------------------------------------

def haze(x, rng, colour, top, bottom, bumps=3, wild=0.3):
    n, h = len(x), height(x.shape[-1])
    t = mix(pick(rng, n, top), pick(rng, n, bottom), h) + wild * (rough(rng, n, x.shape[-1], bumps) - 0.5)
    return mix(x, one(colour), t.clamp(0, 1))


def billows(x, rng, dark, light, low, high):
    """Clouds with bodies, thick where t is high."""
    n, side = len(x), x.shape[-1]
    t, h = rough(rng, n, side, 4), height(side)
    body = mix(one(dark), one(light), step(t, 0.5, 0.55))
    return mix(x, body, step(t + mix(low, high, h) - 0.5, 0.5, 0.3))


def flakes(x, rng, colour, share, size, amount):
    return mix(x, one(colour), spots(rng, len(x), x.shape[-1], share, size) * pick(rng, len(x), amount))


def gusts(x, rng, colour, share, length, amount):
    """Flat, slanted streaks."""
    drops, way = spots(rng, len(x), x.shape[-1], share, 1), int(rng.choice([-1, 1]))
    blown = trails(drops, [(i // 2, i * way) for i in range(1, length)])
    return mix(x, one(colour), blown * pick(rng, len(x), amount))


def sky(x, rng, amount, *colours):
    """The upper part painted from the top down, the rest shining through where it is bright below."""
    n, h = len(x), height(x.shape[-1])
    paint = ramp((h * 1.6).clamp(0, 1), tones(" ".join(colours), n, rng))
    return mix(x, paint, pick(rng, n, amount) * (1 - 0.75 * step(h, rand(rng, n, 0.5, 0.7), 0.3)))


def stars(x, rng, share, low=0.8):
    """Single stars, most of them high up."""
    s = spots(rng, len(x), x.shape[-1], share, 1) * rand(rng, len(x), 0.7, 1)
    return torch.maximum(x, s * (height(x.shape[-1]) < low))


def milky(x, rng):
    v, _ = plane(len(x), x.shape[-1], rng, 1, 1, 0.9)
    band = (-((frac(v) - 0.5) * 5) ** 2).exp() * (0.4 + rough(rng, len(x), x.shape[-1], 5)) * (1.1 - height(x.shape[-1]))
    return x + band * mix(one("403070"), one("c0b0d0"), band.clamp(0, 1)) * 0.9


def curtains(x, rng):
    """Northern lights."""
    n, (h, w) = len(x), axes(x)
    for colour, at in (("30ff90", -0.1), ("40ffc0", -0.35), ("b040ff", -0.55)):
        foot = rand(rng, n, -0.15, 0.15) + at + 0.3 * torch.sin(w * rand(rng, n, 1.5, 4) + rand(rng, n, 0, 6))
        up = foot - h
        rays = 0.55 + 0.45 * noise(rng, n, x.shape[-1], (1, 20))
        x = x + step(up, 0, 0.1) * (-up.clamp_min(0) * 3).exp() * rays * one(colour) * rand(rng, n, 0.6, 0.9)
    return x


def bolt(x, rng):
    """A forked stroke from the top."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    stem = place = rand(rng, n, -0.5, 0.5)
    for start, reach in ((-1, rand(rng, n, 0.3, 1)), (-0.4, rand(rng, n, 0, 0.5)), (0.0, rand(rng, n, 0.2, 0.8))):
        # corners, unlike smooth noise; branches set out from the stem
        jag = (dust(n, side, rng, 9)[..., :1] - 0.5) * 0.5 * (h - start).clamp(0, 0.5) * 2 + (h - start) * rand(rng, n, -0.8, 0.8)
        stem = place + jag if start == -1 else stem
        far = (w - (stem if start == -1 else stem + jag)).abs()
        x = x + (step(-far, -0.035, 0.05) + 0.5 * (-far * 7).exp()) * step(reach - h, 0, 0.15) * step(h - start, 0, 0.15) * one("e0d8ff")
    return x


def bow(x, rng):
    """A rainbow over the picture."""
    n, (h, w) = len(x), axes(x)
    far = ((h - rand(rng, n, 0.5, 0.9)) ** 2 + (w - rand(rng, n, -0.5, 0.5)) ** 2).sqrt()
    t = (rand(rng, n, 1.05, 1.3) - far) / rand(rng, n, 0.3, 0.45)
    colour = ramp(t.clamp(0, 1), [one(c) for c in ("ff1818", "ff9010", "fff020", "20d040", "2060ff", "8020d0")])
    return mix(x, colour, ((t > 0) & (t < 1)).float() * rand(rng, n, 0.6, 0.85))


def moon(x, rng, colour, size, rings, dark=False):
    """A disc high up with a ring of light; dark is an eclipse."""
    n, (h, w) = len(x), axes(x)
    far = ((h - rand(rng, n, -0.65, -0.3)) ** 2 + (w - rand(rng, n, -0.55, 0.55)) ** 2).sqrt()
    r = rand(rng, n, *size)
    disc, glow = step(-far, -r, 0.05), (-(far - r).clamp_min(0) * rings).exp()
    return mix(x + glow * one(colour) * 0.8, one("000000" if dark else colour), disc)


def bursts(x, rng):
    """Fireworks: rings of rays of one colour each."""
    n, (h, w) = len(x), axes(x)
    for _ in range(3):
        y, z = h - rand(rng, n, -0.8, 0), w - rand(rng, n, -0.8, 0.8)
        far, angle = (y * y + z * z).sqrt(), torch.atan2(y, z)
        rays = (torch.cos(angle * rand(rng, n, 7, 13).round()) * 0.5 + 0.5).pow(4) * step(-far, -rand(rng, n, 0.35, 0.65), 0.1)
        x = x + (rays * (0.4 + far) + (-far * 14).exp()) * tones("?", n, rng)[0] * 1.7
    return x


# steps of film, screen and lens -------------------------------------------------------------------------------------------

def grain(x, rng, amount, colour=False):
    return x + (dust(len(x), x.shape[-1], rng, 1, 3 if colour else 1) - 0.5) * pick(rng, len(x), amount)


def lines(x, rng, depth, every=3):
    t = (torch.arange(x.shape[-1]) % every == 0).float().view(1, 1, -1, 1)
    return x * (1 - t * pick(rng, len(x), depth))


def scratches(x, rng, share):
    t = (torch.from_numpy(rng.random((len(x), 1, 1, x.shape[-1]), np.float32)) < share).float()
    return mix(x, one("f8f8f8"), t * step(noise(rng, len(x), x.shape[-1], (3, 1)), 0.4, 0.3) * 0.8)


def frame(x, rng, colour, edge, foot):
    """The picture smaller inside a border."""
    n, (h, w) = len(x), axes(x)
    edge = pick(rng, n, edge)
    middle, tall, wide = (edge - foot) / 2, 1 - (edge + foot) / 2, 1 - edge
    inner = sample(x, ((h - middle) / tall).clamp(-1, 1), (w / wide).clamp(-1, 1))
    inside = (((h - middle).abs() < tall) & (w.abs() < wide)).float()
    return mix(one(colour).expand_as(x), inner, inside)


def tube(x, rng):
    """The rounded glass of a television."""
    h, w = axes(x)
    out = (h.abs() ** 5 + w.abs() ** 5)
    return mix(sample(x, h * (1 + 0.12 * w * w), w * (1 + 0.12 * h * h)), one("0c0a08"), step(out, 0.85, 0.1))


def tape(x, rng):
    """Rows of a worn tape: torn sideways, colours bled apart."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    tear = (noise(rng, n, side, (24, 1))[..., :1] - 0.5).pow(3) * 2.5
    y = sample(x, h, w + tear)
    shift = int(rng.integers(2, 4))
    y = torch.cat([y[:, :1].roll(shift, 3), y[:, 1:2], y[:, 2:].roll(-shift, 3)], 1)
    band = step(-(h - rand(rng, n, 0.2, 0.9)).abs(), -0.08, 0.05)
    return mix(y, dust(n, side, rng).expand_as(y), band * 0.8)


def shake(x, rng, length, radial=False):
    """Smear along a line, or away from the middle."""
    n, (h, w) = len(x), axes(x)
    angle, reach = rand(rng, n, -0.3, 0.3), pick(rng, n, length)
    down, right = (h, w) if radial else (angle.sin(), angle.cos())
    return sum(sample(x, h - reach * t * down, w - reach * t * right) for t in np.linspace(0 if radial else -1, 1, 9).tolist()) / 9


def fisheye(x, rng):
    h, w = axes(x)
    far = (h * h + w * w).sqrt()
    bend = (0.45 + 0.75 * far ** 2) * rand(rng, len(x), 0.9, 1.1)
    return mix(sample(x, (h * bend).clamp(-1, 1), (w * bend).clamp(-1, 1)), one("000000"), step(far, 0.97, 0.06))


def wobble(x, rng, amount, bumps):
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    shift = (noise(rng, n, side, bumps, 2) - 0.5) * 2 * pick(rng, n, amount)
    return sample(x, h + shift[:, :1], w + shift[:, 1:])


def mirrored(x, rng):
    """Upside down in rippling water from the middle down."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    wave = torch.sin(h * rand(rng, n, 25, 40) + noise(rng, n, side, 3) * 6) * 0.06
    top, low = sample(x, h * 2 + 1, w), sample(x, 1 - h * 2, w + wave)
    return torch.where(h < 0, top, low * one("7898b0") + 0.06 + wave)


def drops(x, rng):
    """Seen through drops on a pane: blurred, and upside down in each drop."""
    n, (h, w) = len(x), axes(x)
    near, _, down, right, mark = cells(*plane(n, x.shape[-1], rng, 4, 6, 0.2), rng, 0.9)
    inside = step(-near, -0.2 - 0.2 * mark, 0.1) * (mark < 0.75)
    ground = blur(saturate(x, 0.6), 3) * one("c8d0d8")
    lens = sample(x, h * 0.3 + down * 1.5, w * 0.3 + right * 1.5) * (1.15 + 1.2 * down) + 0.12
    return mix(ground, lens, inside)


def frost(x, rng):
    """Needles of ice growing in from the rim."""
    n, side, (h, w) = len(x), x.shape[-1], axes(x)
    _, after, down, right, mark = cells(*plane(n, side, rng, 5, 8, 3.1), rng)
    needle = (torch.sin((down * (mark * 40).sin() + right * (mark * 40).cos()) * 40) * 0.5 + 0.5)
    rim = step(torch.maximum(h.abs(), w.abs()) + 0.8 * (rough(rng, n, side, 4) - 0.5), rand(rng, n, 0.5, 0.7), 0.5)
    return mix(blur(x, 1) * one("c8e0f8"), mix(one("b8d8f4"), one("ffffff"), needle), rim * (0.55 + 0.45 * needle))


def twice(x, rng):
    """A second exposure of the same picture, turned over and enlarged."""
    h, w = axes(x)
    other = sample(x, w * 0.6 + rand(rng, len(x), -0.3, 0.3), -h * 0.6 + rand(rng, len(x), -0.3, 0.3))
    return 1 - (1 - x * 0.75) * (1 - other * 0.75)


def soften(x, rng, radius):
    return blur(x, radius)


def panes(x, rng):
    """Light falling through a window with crossed bars."""
    n, (h, w) = len(x), axes(x)
    v, u = h - rand(rng, n, -0.2, 0.2), w - rand(rng, n, -0.25, 0.25) + h * rand(rng, n, 0.2, 0.5)
    inside = (v.abs() < 0.65) & (u.abs() < 0.55) & (v.abs() > 0.05) & (u.abs() > 0.045)
    return mix(x * one("404868"), x * one("ffe8b0") * 1.25 + 0.15, blur(inside.float(), 1))


def outlines(x, rng, colour, amount):
    return x + (edges(x) * pick(rng, len(x), amount)).clamp(0, 1) * one(colour)


TABLE = {  # name: wordings, steps
    "yellow light": ("in yellow light|tinted yellow|lit by a yellow lamp", (lamp, "ffe810")),
    "orange light": ("in orange light|tinted orange|lit by an orange lamp", (lamp, "ff7808")),
    "cyan light": ("in cyan light|tinted cyan|lit by a turquoise lamp", (lamp, "10f0f0")),
    "magenta light": ("in magenta light|tinted magenta|lit by a magenta lamp", (lamp, "ff10b0")),
    "police lights": ("in red and blue light|lit by police lights|half red and half blue", (hues, "ff1010 ff1010 2030ff 2030ff", (0.75, 0.95))),
    "rainbow light": ("in rainbow light|lit in all colors of the rainbow|through a prism", (hues, "ff2020 ffe020 20e040 20c0ff 4030ff e020e0", (0.6, 0.85))),
    "disco": ("in disco light|under a disco ball|in a nightclub", (gain, (0.5, 0.65), "b070d0"), (discs, "ff2060 ffe020 20ff60 20a0ff ff40ff", (5, 8), 0.3, (0.8, 1.0), 0.55)),
    "teal and orange": ("in teal and orange|graded in teal and orange|a blockbuster movie look", (tone, "001820 105860 d08048 ffd8a0", (0.6, 0.8)), (contrast, 1.1)),
    "bleach bypass": ("with bleach bypass|a gritty silvery film look|in harsh desaturated tones", (sat, (0.25, 0.4)), (contrast, (1.7, 2.1)), (grain, 0.12), (gain, 1.05, "f4faf0")),
    "muted": ("in muted colors|desaturated|in dull drab colors", (sat, (0.25, 0.4)), (gamma, (0.9, 1.2)), (contrast, 0.8)),
    "low contrast": ("in low contrast|flat and faded|with weak contrast", (contrast, (0.3, 0.42), 0.55)),
    "high contrast": ("in high contrast|with strong contrast|in hard contrast", (contrast, (2.4, 3.4), 0.48)),
    "polaroid": ("as a polaroid|a polaroid picture|an instant photo with a white frame", (sat, 0.7), (fade, (0.15, 0.25), "e0d0a0"), (frame, "f4f2ec", (0.12, 0.18), 0.4)),
    "cross processed": ("cross processed|in green and yellow film colors|a cross-processed slide", (contrast, 1.4), (split, "102868", "e8e860", (0.8, 1.0)), (sat, 1.4)),
    "film noir": ("in film noir|a film noir still|a dark detective movie", (sat, 0.0), (contrast, (1.3, 1.7), 0.55), (blinds, 0.12, (4, 6)), (vignette, 0.85)),
    "silent film": ("as a silent movie|an old scratched film|a scratched silent film", (sat, 0.0), (contrast, 1.3), (gain, 0.95, "f4f0e0"), (grain, 0.25), (scratches, 0.07), (flakes, "101010", 0.004, 2, 0.8), (vignette, 0.9, 0.6)),
    "infrared": ("in infrared|an infrared photo|pink infrared film", (gain, (0.9, 1.15)), (aerochrome,), (sat, 1.5)),
    "thermal": ("as a thermal image|seen by a heat camera|a thermal camera picture", (tone, "000018 3000a0 c00080 ff5000 ffd000 ffffe0"), (bloom, 0.15, 1)),
    "night vision": ("in night vision|seen through night vision goggles|a green night vision picture", (tone, "001000 008020 60ff70 e0ffd0"), (grain, 0.25), (lines, 0.35, 2), (vignette, 1.0, 0.5)),
    "cyanotype": ("as a cyanotype|a cyanotype print|a prussian blue print", (tone, "04184c 1c4c94 90b8dc f0f4f4"), (grain, 0.08)),
    "daguerreotype": ("as a daguerreotype|a nineteenth century portrait plate|an antique oval photograph", (tone, "1c1812 6c6050 c8bca0 ece4cc"), (flakes, "e8dcc0", 0.006, 2, 0.6), (vignette, 1.0, 0.45, "282018")),
    "x-ray": ("as an x-ray|an x-ray picture|seen through x-rays", (tone, "f0faff 90b8d0 385c80 0c1c38 000008"), (outlines, "c0e8ff", 0.8), (bloom, 0.3, 1)),
    "solarized": ("solarized|a solarized photo|with the bright parts reversed", (solar,)),
    "film grain": ("with film grain|a grainy photo|very grainy", (grain, (0.3, 0.5))),
    "color noise": ("with color noise|a noisy picture|full of colored speckles", (grain, (0.6, 0.9), True)),
    "light leak": ("with a light leak|red and yellow light leaking in|a light-struck film", (fade, 0.12, "c0a080"), (leak,)),
    "lens flare": ("with a lens flare|against the sun with lens flare|a sun flare in the lens", (gain, 0.8), (flare,)),
    "vignette": ("with a vignette|with dark corners|darkened towards the edges", (vignette, (0.9, 1.0), 0.4)),
    "soft focus": ("in soft focus|in a dreamy glow|soft and glowing", (bloom, (0.7, 0.9), 3), (fade, 0.1, "ffd8e8")),
    "bokeh": ("with bokeh|with soft round lights|blurred lights in the background", (gain, 0.65), (soften, 2), (discs, "ffe0a0 ff9050 ffd0e0 a0d0ff fff4d0", (3.5, 5), 0.42, (0.6, 0.85), 0.6)),
    "motion blur": ("with motion blur|moving fast|smeared by motion", (shake, (0.25, 0.45))),
    "zoom blur": ("with zoom blur|rushing towards the center|a radial zoom burst", (shake, (0.5, 0.7), True)),
    "fisheye": ("through a fisheye lens|a fisheye picture|in a round wide-angle lens", (fisheye,)),
    "double exposure": ("as a double exposure|two pictures over each other|a double exposed photo", (twice,)),
    "old tv": ("on an old television|a black and white tv screen|on a flickering tube screen", (tone, "081018 607888 d8ecf0", 0.9), (grain, 0.3), (lines, 0.5), (tube,)),
    "vhs": ("on a vhs tape|a worn video tape|a distorted video recording", (fade, 0.1, "402050"), (sat, 1.4), (tape,), (lines, 0.2, 2)),
    "overcast": ("under an overcast sky|on a gray day|under gray clouds", (sat, 0.45), (gain, 0.85, "e8f0f8"), (contrast, 0.75), (billows, "808890", "d8dce0", 0.65, -0.4)),
    "blizzard": ("in a blizzard|in a snowstorm|in heavy driving snow", (sat, 0.3), (haze, "dce4ec", (0.45, 0.6), (0.35, 0.6)), (gusts, "ffffff", 0.035, 5, (0.7, 0.95)), (flakes, "ffffff", 0.01, 2, 1.0)),
    "frost": ("covered in frost|through a frozen window|frosted with ice crystals", (sat, 0.6), (frost,)),
    "wet window": ("through a wet window|raindrops on the glass|seen through drops of water", (drops,)),
    "smoke": ("in smoke|surrounded by smoke|in thick black smoke", (sat, 0.6), (gain, 0.8), (billows, "141414", "888480", 0.4, 0.75)),
    "smog": ("in smog|in dirty yellow smog|in polluted brown air", (sat, 0.5), (haze, "c09848", (0.65, 0.8), (0.35, 0.55))),
    "green mist": ("in green mist|in toxic green fog|in poison gas", (sat, 0.4), (haze, "70c838", (0.3, 0.5), (0.6, 0.85), 4, 0.6)),
    "heat haze": ("in heat haze|shimmering in the heat|in scorching heat", (wobble, (0.08, 0.14), (12, 5)), (fade, (0.2, 0.3), "ffc070"), (bloom, 0.35, 2)),
    "aurora": ("under the aurora|under northern lights|with green polar lights", (sat, 0.4), (gain, (0.25, 0.38), "8098e0"), (stars, 0.004, 0.5), (curtains,)),
    "lightning": ("with lightning|struck by lightning|under a lightning bolt", (sat, 0.4), (gain, (0.3, 0.4), "9090d8"), (billows, "181828", "50486c", 0.4, -0.6), (bolt,)),
    "rainbow": ("under a rainbow|with a rainbow in the sky|a rainbow arching over", (gain, 0.85), (bow,)),
    "blue hour": ("in the blue hour|in blue twilight|in the last blue evening light", (gain, (0.4, 0.55), "7088d8"), (sky, (0.5, 0.65), "101c60", "3858b0", "d890a0"), (discs, "ffd070 ffb040", (9, 12), 0.15, 1.0, 0.09)),
    "starry sky": ("under a starry sky|under the milky way|with countless stars", (sat, 0.3), (gain, (0.3, 0.4), "7080d0"), (sky, 0.45, "04061c", "0c1440", "28306c"), (milky,), (stars, 0.022, 0.85)),
    "full moon": ("under a full moon|with a big moon and its halo|under a huge glowing moon", (sat, 0.25), (gain, (0.28, 0.4), "90a0c8"), (moon, "e8ecdc", (0.22, 0.35), 4)),
    "eclipse": ("in a solar eclipse|under a black sun|under an eclipsed sun", (gain, (0.3, 0.42), "e09060"), (moon, "ffe8b0", (0.22, 0.34), 6, True)),
    "fireworks": ("with fireworks|under fireworks|fireworks in the night sky", (gain, (0.22, 0.35), "8080c0"), (bursts,)),
    "sunbeams": ("in sunbeams|with rays of sunlight|with beams of light from above", (beams, "fff0b0", (0.7, 0.9), (9, 14))),
    "dappled light": ("in dappled light|in the shade of leaves|sunlight through leaves", (dapple,)),
    "blinds": ("in the light of window blinds|striped with shadows|with shadows of blinds", (gain, 1.05, "fff0d0"), (blinds, 0.3, (4, 7))),
    "window light": ("in window light|with a window of light falling in|moonlit through a window", (panes,)),
    "backlight": ("against the light|backlit|as a dark outline against the evening light", (tone, "0c0402 140804 301408 c86818 ffc850"), (blob, "ff9030", 0.7, (0.4, 0.7), (-0.6, 0.0))),
    "spotlight": ("in a spotlight|lit by a single spotlight|on a dark stage", (cone, 0.08, (0.45, 0.65))),
    "glow from below": ("lit from below|in an eerie glow from below|with red light from below", (sat, 0.5), (gain, 0.4, "8070a0"), (blob, "ff3810", 0.9, (0.9, 1.2), (0.9, 1.2), (-0.4, 0.4))),
    "reflection": ("reflected in water|mirrored in a lake|with its mirror image in the water", (mirrored,)),
    "hologram": ("as a hologram|a holographic projection|a flickering hologram", (tone, "000810 004860 20b0d0 a0ffff"), (outlines, "60ffff", 0.9), (lines, 0.55), (vignette, 0.7)),
    "golden dust": ("in golden dust|full of golden sparks|with glittering gold specks", (sat, 0.6), (gain, 0.75, "ffd898"), (flakes, "ffe890", 0.02, 1, 1.0), (discs, "ffd860 fff0b0", (7, 10), 0.16, 0.9, 0.4)),
}
LOOKS = {name: row[0].split("|") for name, row in TABLE.items()}


def grade(x, name, rng):
    """One look over a batch."""
    for act, *numbers in TABLE[name][1:]:
        x = act(x, rng, *numbers)
    return x.clamp(0, 1)
