"""Masks of the 17 plain shapes.

Output: float masks (64, 64), white on black, slightly varied in proportion. Deterministic for a given generator.
"""
import math

import numpy as np
from PIL import Image, ImageDraw

from data.captions import SHAPE_NAMES

BIG, SIDE = 256, 64


def ngon(n, r=112, turn=-math.pi / 2, inner=None):
    count = n * 2 if inner else n
    return [(128 + (r if i % 2 == 0 or not inner else r * inner) * math.cos(turn + 2 * math.pi * i / count),
             128 + (r if i % 2 == 0 or not inner else r * inner) * math.sin(turn + 2 * math.pi * i / count)) for i in range(count)]


def draw(name, rng):
    """One mask with proportions drawn from `rng`."""
    image = Image.new("L", (BIG, BIG))
    pen = ImageDraw.Draw(image)
    u = rng.uniform
    if name == "circle":
        pen.ellipse((18, 18, 238, 238), fill=255)
    elif name == "square":
        pen.rectangle((28, 28, 228, 228), fill=255)
    elif name == "triangle":
        pen.polygon([(128 + u(-30, 30), 20), (236, 226), (20, 226)], fill=255)
    elif name == "star":
        pen.polygon(ngon(5, inner=u(0.36, 0.52)), fill=255)
    elif name == "heart":
        t = np.linspace(0, 2 * math.pi, 90)
        x = 16 * np.sin(t) ** 3
        y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        pen.polygon([(128 + 6.8 * a, 118 - 6.8 * b) for a, b in zip(x, y)], fill=255)
    elif name == "ring":
        hole = u(45, 85)
        pen.ellipse((16, 16, 240, 240), fill=255)
        pen.ellipse((128 - hole, 128 - hole, 128 + hole, 128 + hole), fill=0)
    elif name == "cross":
        arm = u(22, 42)
        pen.rectangle((128 - arm, 18, 128 + arm, 238), fill=255)
        pen.rectangle((18, 128 - arm, 238, 128 + arm), fill=255)
    elif name == "diamond":
        wide = u(70, 105)
        pen.polygon([(128, 12), (128 + wide, 128), (128, 244), (128 - wide, 128)], fill=255)
    elif name == "hexagon":
        pen.polygon(ngon(6, turn=0 if u(0, 1) < 0.5 else math.pi / 6), fill=255)
    elif name == "pentagon":
        pen.polygon(ngon(5), fill=255)
    elif name == "crescent":
        shift = u(40, 75)
        pen.ellipse((24, 20, 232, 236), fill=255)
        pen.ellipse((24 + shift, 28, 240 + shift, 228), fill=0)
    elif name == "arrow":
        arm, neck = u(18, 36), u(120, 150)
        pen.polygon([(14, 128 - arm), (neck, 128 - arm), (neck, 44), (242, 128), (neck, 212), (neck, 128 + arm), (14, 128 + arm)], fill=255)
    elif name == "oval":
        tall = u(45, 75)
        pen.ellipse((14, 128 - tall, 242, 128 + tall), fill=255)
    elif name == "rectangle":
        tall = u(34, 66)
        pen.rectangle((14, 128 - tall, 242, 128 + tall), fill=255)
    elif name == "semicircle":
        pen.pieslice((14, 62, 242, 290), 180, 360, fill=255)
    elif name == "drop":
        pen.ellipse((58, 98, 198, 238), fill=255)
        pen.polygon([(128, 10), (64, 142), (192, 142)], fill=255)
    else:
        t = np.linspace(0.3, u(5, 6.5) * math.pi, 220)
        r = 108 * t / t[-1]
        points = [(128 + a * math.cos(b), 128 + a * math.sin(b)) for a, b in zip(r, t)]
        pen.line(points, fill=255, width=int(u(14, 22)), joint="curve")
    if name in ("crescent", "arrow", "semicircle", "drop") and u(0, 1) < 0.5:
        image = image.rotate(int(rng.integers(4)) * 90)
    elif name in ("oval", "rectangle") and u(0, 1) < 0.5:
        image = image.rotate(90)
    return np.asarray(image.resize((SIDE, SIDE), Image.LANCZOS), np.float32) / 255


def bank(seed, variants):
    """(17, variants, 64, 64) masks."""
    rng = np.random.default_rng(seed)
    return np.stack([np.stack([draw(name, rng) for _ in range(variants)]) for name in SHAPE_NAMES])
