"""Colour words beyond the 24 basic ones.

Input: the CSS names of the color-name package. Output: MORE, {name: (red, green, blue)} in 0-255. Names that say nearly
what a basic name says are left out, because nobody could tell which of the two is meant. Deterministic.
"""
import re
import tarfile

from data.captions import COLOURS
from data.fetch import text_archive

# The words that CSS writes without spaces.
PARTS = (
    "alice almond antique aqua aquamarine azure beige bisque black blanched blue brick brown burly cadet chartreuse chiffon chocolate coral corn cornflower "
    "cream crimson cyan dark deep dim dodger drab fire floral flower forest fuchsia gainsboro ghost gold golden goldenrod gray green honeydew hot "
    "indian indigo ivory khaki lace lavender lawn lemon light lime linen magenta maroon medium midnight mint misty moccasin navajo navy old olive "
    "orange orchid pale papaya peach peru pink plum powder puff purple rebecca red rose rosy royal saddle salmon sandy sea seashell shell sienna silk "
    "silver sky slate smoke snow spring steel tan teal thistle tomato turquoise violet wheat whip white wood yellow"
).split()
# Names that artists and printers use.
COMMON = {
    "burgundy": (128, 0, 32), "mustard": (225, 173, 1), "mint green": (152, 255, 152), "peach": (255, 203, 164), "apricot": (251, 170, 110),
    "cream": (255, 253, 208), "charcoal": (54, 69, 79), "rust": (183, 65, 14), "amber": (255, 191, 0), "jade": (0, 168, 107),
    "emerald": (80, 200, 120), "ruby": (224, 17, 95), "sapphire": (15, 82, 186), "amethyst": (153, 102, 204), "lilac": (200, 162, 200),
    "mauve": (224, 176, 255), "ochre": (204, 119, 34), "terracotta": (204, 78, 56), "copper": (184, 115, 51), "bronze": (205, 127, 50),
    "cherry red": (196, 2, 51), "wine red": (114, 47, 55), "blood red": (138, 3, 3), "scarlet": (255, 36, 0), "vermilion": (227, 66, 52),
    "carmine": (150, 0, 24), "rose": (255, 0, 127), "raspberry": (227, 11, 92), "strawberry": (252, 90, 141), "bubblegum pink": (255, 145, 164),
    "tangerine": (242, 133, 0), "pumpkin": (255, 117, 24), "caramel": (196, 142, 72), "cinnamon": (170, 90, 40), "coffee": (111, 78, 55),
    "mahogany": (192, 64, 0), "umber": (99, 81, 71), "sand": (194, 178, 128), "canary yellow": (255, 239, 0), "butter yellow": (255, 247, 150),
    "moss green": (138, 154, 91), "sage": (178, 172, 136), "pistachio": (147, 197, 114), "apple green": (141, 182, 0), "avocado": (86, 130, 3),
    "pine green": (1, 121, 111), "bottle green": (0, 106, 78), "cerulean": (0, 123, 167), "cobalt blue": (0, 71, 171), "ultramarine": (63, 0, 255),
    "baby blue": (137, 207, 240), "ice blue": (214, 236, 250), "petrol": (0, 95, 106), "denim blue": (21, 96, 189), "periwinkle": (204, 204, 255),
    "eggplant": (97, 64, 81), "grape": (111, 45, 168), "ash gray": (178, 190, 181), "jet black": (28, 28, 30), "off white": (250, 249, 240),
}
NEAR = 14  # levels


def spaced(name):
    """'lightskyblue' as 'light sky blue'; None when a part is unknown."""
    for part in PARTS:
        if name == part:
            return part
        rest = spaced(name[len(part):]) if name.startswith(part) else None
        if rest:
            return f"{part} {rest}"
    return None


def css():
    """The package's {name: levels}."""
    with tarfile.open(text_archive("color-name")) as tar:
        text = tar.extractfile("package/index.js").read().decode()
    return {n: tuple(map(int, v.split(","))) for n, v in re.findall(r"(\w+): \[([\d, ]+)\]", text)}


def near(one, two):
    return max(abs(a - b) for a, b in zip(one, two)) < NEAR


def more():
    chosen = dict(COMMON)
    for name, levels in sorted(css().items()):
        name = spaced(name)
        taken = name is None or name in COLOURS or name in chosen
        if not taken and not any(near(levels, other) for other in (*COLOURS.values(), *chosen.values())):
            chosen[name] = levels
    return chosen


MORE = more()
