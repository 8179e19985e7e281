"""The photographs: public-domain pictures inside scikit-image, and the held-out ones.

Input: the installed scikit-image (and, for the test only, scikit-learn) packages.
Output: (3, h, w) float tensors, short side 128, with the words for what they show. Deterministic.
"""
import os

import numpy as np
import skimage
import torch
import torch.nn.functional as F
from PIL import Image

# Only pictures whose documentation states a free licence. file, words, duotone for grey pictures (dark, light) or None, licence line of the package.
TRAIN = [
    ("astronaut.png", ["an astronaut", "a woman", "a portrait of a woman", "a smiling person"], None, "public domain (NASA)"),
    ("coffee.png", ["a cup of coffee", "an espresso on a table", "a coffee cup"], None, "CC0 (Rachel Michetti)"),
    ("rocket.jpg", ["a rocket", "a rocket on a launch pad", "a rocket launch"], None, "public domain (SpaceX)"),
    ("hubble_deep_field.jpg", ["galaxies", "outer space", "stars in space"], None, "public domain (NASA)"),
    ("camera.png", ["a man with a camera", "a photographer"], ((0.16, 0.14, 0.13), (0.72, 0.84, 0.95)), "CC0 (Lav Varshney)"),
    ("coins.png", ["coins", "old coins"], ((0.20, 0.14, 0.08), (0.86, 0.76, 0.55)), "no known copyright restrictions (Brooklyn Museum)"),
    ("brick.png", ["a brick wall", "bricks"], ((0.30, 0.12, 0.08), (0.85, 0.60, 0.48)), "CC0"),
    ("grass.png", ["grass", "a lawn"], ((0.05, 0.15, 0.03), (0.60, 0.80, 0.35)), "CC0"),
    ("gravel.png", ["gravel", "stones", "pebbles"], ((0.20, 0.17, 0.15), (0.85, 0.82, 0.78)), "CC0"),
]
TEST = ["chelsea.png", "china.jpg", "flower.jpg"]
SHORT = 128


def load(path, tone=None):
    pixels = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
    x = torch.from_numpy(pixels).permute(2, 0, 1)
    if tone is not None:
        level = x.mean(0, keepdim=True)
        dark, light = (torch.tensor(c).view(3, 1, 1) for c in tone)
        x = dark + (light - dark) * level
    scale = SHORT / min(x.shape[1:])
    size = [round(s * scale) for s in x.shape[1:]]
    return F.interpolate(x[None], size, mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)


def train_photos():
    folder = os.path.join(os.path.dirname(skimage.__file__), "data")
    return [(load(os.path.join(folder, name), tone), words) for name, words, tone, _ in TRAIN]


def test_photos():
    import sklearn.datasets
    first = os.path.join(os.path.dirname(skimage.__file__), "data")
    second = os.path.join(os.path.dirname(sklearn.datasets.__file__), "images")
    return [load(os.path.join(first if n == "chelsea.png" else second, n)) for n in TEST]


def crop(photo, rng, side, least=0.35):
    """A random square window of at least `least` of the short side, scaled to `side`."""
    _, h, w = photo.shape
    window = int(min(h, w) * rng.uniform(least, 1))
    top, left = rng.integers(h - window + 1), rng.integers(w - window + 1)
    cut = photo[None, :, top:top + window, left:left + window]
    return F.interpolate(cut, (side, side), mode="bilinear", antialias=True, align_corners=False)[0]
