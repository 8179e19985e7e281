"""Render the icon packages to small pictures with their names.

Input: the npm archives of fetch.py.
Output: .cache/icons.npz: colour (N, 64, 64, 4) u8 straight alpha, mono (M, 64, 64) u8 masks; .cache/icons.json: names,
vendor and concept of each, and the test concepts. Deterministic: no random numbers beyond one fixed seed.
"""
import io
import json
import os
import random
import re
from multiprocessing import Pool

import numpy as np
import resvg_py
from PIL import Image

from data.fetch import CACHE, ICONS, icon_archive, read_json, text_archive

SIDE = 64
HELD_OUT_CONCEPTS = 60
TEST_CONCEPTS = 500
HELD_OUT_GAME_ICONS = 500
GENDERED = re.compile(r"\b(man|woman|men|women|boy|girl|person|people|skin|family|couple)\b")
VARIANT = re.compile(
    r"(-outline|-rounded|-sharp|-off|-fill|-variant|-box|-circle|-alert|-remove|-plus|-minus|-check|-cog|-lock|-edit)+"
    r"(-|$)|^(account|alpha|numeric|format|file|table|view|arrow-.*-(box|circle)|language|microsoft|google)-"
)


def squeeze(name):
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("&", "and"))


def concepts():
    """Emoji as {squeezed label: entry}, without flags and bare components."""
    data = read_json(text_archive("emojibase-data"), "package/en/data.json")
    return {squeeze(e["label"]): e for e in data if e.get("group") not in (None, 2, 9)}


def test_concepts(table, noto):
    """500 names of the test vendor; 60 of them are never trained on from any vendor."""
    fit = [
        k for k, e in sorted(table.items())
        if k in noto and not GENDERED.search(e["label"]) and "button" not in e["label"] and "o’clock" not in e["label"]
        and "-thirty" not in e["label"] and e["group"] != 1 or k in noto and e["group"] == 1 and not GENDERED.search(e["label"])
    ]
    rng = random.Random(7)
    chosen = rng.sample(fit, TEST_CONCEPTS)
    return chosen, chosen[:HELD_OUT_CONCEPTS]


def svg(data, name):
    icon = data["icons"][name]
    w, h = icon.get("width", data.get("width", 16)), icon.get("height", data.get("height", 16))
    left, top = icon.get("left", 0), icon.get("top", 0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" color="black" '
        f'viewBox="{left} {top} {w} {h}" width="{SIDE}" height="{SIDE}">{icon["body"]}</svg>'
    )


def render(text):
    """One icon as (64, 64, 4) u8, or None when it is blank or broken."""
    try:
        png = resvg_py.svg_to_bytes(svg_string=text, width=SIDE, height=SIDE)
        pixels = np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGBA").resize((SIDE, SIDE), Image.LANCZOS))
    except Exception as error:  # a broken icon is left out, not fatal
        print("skip", str(error)[:80])
        return None
    return pixels if pixels[..., 3].mean() > 3 else None


def spoken(name):
    return re.sub(r"\s+", " ", name.replace("-", " ").replace("_", " ")).strip()


def select(prefix, use, table):
    """Names to draw as (icon, caption, concept or None)."""
    data = read_json(icon_archive(prefix), "package/icons.json")
    rows = []
    for name in sorted(data["icons"]):
        if data["icons"][name].get("hidden"):
            continue
        if use == "mono":
            if not VARIANT.search(name) and not re.fullmatch(r"[\d-]+|.*-\d+", name):
                rows.append((name, spoken(name), None))
            continue
        entry = table.get(squeeze(name))
        if entry:
            rows.append((name, entry["label"].lower().replace("’", "'"), squeeze(name)))
        elif prefix in ("flat-color-icons", "streamline-emojis") and not re.search(r"\d", name):
            rows.append((name, spoken(name), None))
    return data, rows


def main():
    table = concepts()
    noto = {squeeze(n) for n in read_json(icon_archive("noto"), "package/icons.json")["icons"]}
    tested, hidden = test_concepts(table, noto)
    rng = random.Random(11)
    colour, mono, colour_rows, mono_rows = [], [], [], []
    with Pool(2) as pool:
        for prefix, _, _, _, use in ICONS:
            data, rows = select(prefix, use, table)
            pictures = pool.map(render, [svg(data, r[0]) for r in rows], chunksize=32)
            kept = [(r, p) for r, p in zip(rows, pictures) if p is not None]
            held = set(rng.sample(range(len(kept)), HELD_OUT_GAME_ICONS)) if prefix == "game-icons" else set()
            for i, ((_, caption, concept), picture) in enumerate(kept):
                row = {"vendor": prefix, "caption": caption, "concept": concept}
                row["train"] = use != "test" and concept not in hidden and i not in held
                if use == "mono":
                    mono.append(picture[..., 3])
                    mono_rows.append(row)
                else:
                    colour.append(picture)
                    colour_rows.append(row)
            print(prefix, len(rows), len(kept), flush=True)
    entries = {k: {"label": e["label"].lower().replace("’", "'"), "tags": e.get("tags", []), "group": e["group"]}
               for k, e in table.items()}
    np.savez(os.path.join(CACHE, "icons.npz"), colour=np.stack(colour), mono=np.stack(mono))
    with open(os.path.join(CACHE, "icons.json"), "w") as f:
        json.dump({"colour": colour_rows, "mono": mono_rows, "concepts": entries, "tested": tested, "hidden": hidden}, f)


if __name__ == "__main__":
    main()
