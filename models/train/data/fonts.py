"""Draw letters and digits of the font packages.

Input: the @fontsource archives of fetch.py (latin, weights 400 and 700).
Output: .cache/letters.npz: train and test (faces, 62, 64, 64) u8 masks in the order of GLYPHS, and what
the train faces are. Deterministic.
"""
import io
import json
import os
import string
import tarfile

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data.fetch import CACHE, FONTS_TEST, FONTS_TRAIN, font_archive

GLYPHS = string.ascii_uppercase + string.ascii_lowercase + string.digits
SIDE = 64


def glyph(font, char):
    """One character, scaled to fill 52 of 64 pixels, centred; None when the face draws nothing."""
    big = Image.new("L", (192, 192))
    left, top, right, bottom = font.getbbox(char)
    ImageDraw.Draw(big).text((96 - (left + right) / 2, 96 - (top + bottom) / 2), char, font=font, fill=255)
    box = big.getbbox()
    if box is None:
        return None
    cut = big.crop(box)
    scale = 52 / max(cut.size)
    cut = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.LANCZOS)
    out = Image.new("L", (SIDE, SIDE))
    out.paste(cut, ((SIDE - cut.width) // 2, (SIDE - cut.height) // 2))
    return np.asarray(out)


def faces(families):
    """(pictures, {family, weight, category}) of each face; a face without one of the characters is left out."""
    for family in families:
        with tarfile.open(font_archive(family)) as tar:
            names = set(tar.getnames())
            category = json.load(tar.extractfile("package/metadata.json"))["category"]
            for weight in (400, 700):
                member = f"package/files/{family}-latin-{weight}-normal.woff"
                if member in names:
                    font = ImageFont.truetype(io.BytesIO(tar.extractfile(member).read()), 110)
                    pictures = [glyph(font, c) for c in GLYPHS]
                    if all(p is not None for p in pictures):
                        yield np.stack(pictures), {"family": family, "weight": weight, "category": category}


def main():
    (train, told), (test, _) = (zip(*faces(families)) for families in (FONTS_TRAIN, FONTS_TEST))
    np.savez(os.path.join(CACHE, "letters.npz"), train=np.stack(train), test=np.stack(test), faces=json.dumps(told))
    print("faces", len(train), len(test), "families", len({t["family"] for t in told}))


if __name__ == "__main__":
    main()
