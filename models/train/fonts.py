"""Draw letters and digits of the font packages.

Input: the @fontsource archives of fetch.py (latin, weights 400 and 700).
Output: .cache/letters.npz: train and test (faces, 62, 64, 64) u8 masks in the order of GLYPHS. Deterministic.
"""
import io
import os
import string
import tarfile

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fetch import CACHE, FONTS_TEST, FONTS_TRAIN, font_archive

GLYPHS = string.ascii_uppercase + string.ascii_lowercase + string.digits
SIDE = 64


def glyph(font, char):
    """One character, scaled to fill 52 of 64 pixels, centred."""
    big = Image.new("L", (192, 192))
    left, top, right, bottom = font.getbbox(char)
    ImageDraw.Draw(big).text((96 - (left + right) / 2, 96 - (top + bottom) / 2), char, font=font, fill=255)
    box = big.getbbox()
    cut = big.crop(box)
    scale = 52 / max(cut.size)
    cut = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.LANCZOS)
    out = Image.new("L", (SIDE, SIDE))
    out.paste(cut, ((SIDE - cut.width) // 2, (SIDE - cut.height) // 2))
    return np.asarray(out)


def faces(families):
    for family in families:
        with tarfile.open(font_archive(family)) as tar:
            names = set(tar.getnames())
            for weight in (400, 700):
                member = f"package/files/{family}-latin-{weight}-normal.woff"
                if member in names:
                    font = ImageFont.truetype(io.BytesIO(tar.extractfile(member).read()), 110)
                    yield np.stack([glyph(font, c) for c in GLYPHS])


def main():
    train, test = np.stack(list(faces(FONTS_TRAIN))), np.stack(list(faces(FONTS_TEST)))
    np.savez(os.path.join(CACHE, "letters.npz"), train=train, test=test)
    print("faces", len(train), len(test))


if __name__ == "__main__":
    main()
