"""The words of the training captions: colours, shapes, looks, materials, sentence frames.

Pure tables and small string functions; every choice is made by the random generator that the caller hands in.
"""

# 24 named colours, sRGB 0-255.
COLOURS = {
    "red": (222, 32, 32), "orange": (255, 138, 0), "yellow": (255, 225, 25), "lime": (166, 226, 46),
    "green": (46, 158, 58), "dark green": (16, 78, 40), "teal": (15, 128, 128), "turquoise": (64, 224, 208),
    "sky blue": (124, 196, 245), "blue": (31, 79, 224), "navy": (18, 28, 92), "purple": (123, 47, 190),
    "lavender": (196, 176, 240), "magenta": (240, 32, 208), "pink": (255, 176, 200), "maroon": (122, 16, 36),
    "brown": (122, 74, 32), "beige": (236, 220, 184), "gold": (212, 160, 23), "olive": (125, 125, 32),
    "salmon": (250, 128, 114), "white": (252, 252, 252), "gray": (128, 128, 128), "black": (10, 10, 10),
}
COLOUR_NAMES = list(COLOURS)

# 17 plain shapes; compose.py draws each.
SHAPES = {
    "circle": ["a circle", "a disc", "a round dot"], "square": ["a square"], "triangle": ["a triangle"],
    "star": ["a star", "a five-pointed star"], "heart": ["a heart", "a heart shape"], "ring": ["a ring", "a hollow circle"],
    "cross": ["a cross", "a plus sign"], "diamond": ["a diamond", "a rhombus"], "hexagon": ["a hexagon"],
    "pentagon": ["a pentagon"], "crescent": ["a crescent", "a crescent moon shape"], "arrow": ["an arrow"],
    "oval": ["an oval", "an ellipse"], "rectangle": ["a rectangle", "a bar"], "semicircle": ["a semicircle", "a half circle"],
    "drop": ["a drop", "a teardrop shape"], "spiral": ["a spiral"],
}
SHAPE_NAMES = list(SHAPES)

# Looks of a whole picture. The first wording is the one the tests use.
LOOKS = {
    "daylight": ["in daylight", "a photo", "a picture", "a daylight photo", "an ordinary photo", "in plain daylight", "natural light"],
    "night": ["at night", "by moonlight", "in the moonlight", "at midnight", "a night scene", "under a dark night sky"],
    "sunset": ["at sunset", "at dusk", "in the evening sun", "under a sunset sky", "at sunrise", "at dawn"],
    "sepia": ["in sepia", "a sepia photograph", "in sepia tones"],
    "black and white": ["in black and white", "a black and white photo", "monochrome", "a grayscale picture"],
    "snow": ["in the snow", "snowy", "covered in snow", "on a snowy winter day", "in winter"],
    "fog": ["in fog", "foggy", "in thick mist", "misty", "hazy"],
    "rain": ["in the rain", "rainy", "in heavy rain", "on a rainy day", "stormy rain"],
    "autumn": ["in autumn", "autumn colors", "in the fall", "autumn leaves everywhere"],
    "spring": ["in spring", "fresh spring green", "in springtime with blossoms"],
    "underwater": ["underwater", "under the sea", "at the bottom of the ocean"],
    "neon": ["in neon light", "neon colors", "lit by neon lights", "cyberpunk neon"],
    "negative": ["as a photo negative", "inverted colors", "a negative image"],
    "bright": ["very bright", "overexposed", "in glaring light", "washed out by bright light"],
    "dark": ["very dark", "underexposed", "in darkness", "dim and dark"],
    "red light": ["in red light", "tinted red", "lit by a red lamp"],
    "pixel": ["as pixel art", "pixelated", "in big pixels", "8-bit pixels"],
    "cold": ["in cold light", "cold blue tones", "icy cold colors"],
    "vivid": ["in vivid colors", "very colorful", "highly saturated", "vibrant colors"],
    "blur": ["blurred", "blurry", "out of focus"],
    "vintage": ["a vintage photo", "faded colors", "an old faded photograph", "retro film look"],
    "warm": ["in warm golden light", "golden hour", "warm light", "in golden light"],
}
LOOK_NAMES = list(LOOKS)
MORE_LOOKS = {
    "green light": ["in green light", "tinted green", "lit by a green lamp"],
    "blue light": ["in blue light", "tinted blue", "lit by a blue lamp"],
    "purple light": ["in purple light", "tinted purple", "in violet light"],
    "pink light": ["in pink light", "tinted pink", "rosy light"],
    "sketch": ["a pencil sketch", "a pencil drawing", "line art", "an outline drawing"],
    "poster": ["a flat poster", "in flat colors", "a vector illustration", "a poster with few colors"],
    "storm": ["under a stormy sky", "a thunderstorm", "dark storm clouds"],
    "fire": ["on fire", "burning", "in flames", "lit by fire"],
    "summer": ["in summer", "on a sunny day", "in bright summer sun"],
    "desert": ["in the desert", "dusty and sandy", "in a sandstorm"],
    "pastel": ["in pastel colors", "soft pastel tones"],
    "candle": ["by candlelight", "lit by a candle", "by lamplight in the dark"],
}
ALL_LOOKS = {**LOOKS, **MORE_LOOKS}
ALL_LOOK_NAMES = list(ALL_LOOKS)

MATERIALS = {
    "gold": ["made of gold", "golden metal"], "silver": ["made of silver", "chrome metal"], "wood": ["made of wood", "wooden"],
    "stone": ["made of stone", "carved in stone"], "ice": ["made of ice", "frozen ice"], "fire": ["made of fire", "flames"],
    "grass": ["made of grass", "grassy"], "brick": ["made of bricks", "brick wall"], "marble": ["made of marble", "marble"],
    "water": ["made of water", "water ripples"], "clouds": ["made of clouds", "fluffy clouds"], "rust": ["rusty metal", "covered in rust"],
    "leather": ["made of leather", "brown leather"], "copper": ["made of copper", "bronze"], "neon glass": ["made of glowing neon", "neon tubes"],
}
MATERIAL_NAMES = list(MATERIALS)
PATTERNS = {
    "stripes": ["stripes", "a striped pattern"], "checks": ["a checkerboard", "a checkered pattern"],
    "dots": ["polka dots", "a dotted pattern"], "gradient": ["a gradient", "a smooth gradient"], "plain": ["plain", "a plain color"],
}

# The frames the program averages over (CLIP's ImageNet sentence templates).
TEMPLATES = [
    t.strip() for t in """a bad photo of {a}|a photo of many {}|a sculpture of {a}|a photo of the hard to see {}|
a low resolution photo of the {}|a rendering of {a}|graffiti of {a}|a bad photo of the {}|a cropped photo of the {}|a tattoo of {a}|
the embroidered {}|a photo of a hard to see {}|a bright photo of {a}|a photo of a clean {}|a photo of a dirty {}|a dark photo of the {}|
a drawing of {a}|a photo of my {}|the plastic {}|a photo of the cool {}|a close-up photo of {a}|a black and white photo of the {}|
a painting of the {}|a painting of {a}|a pixelated photo of the {}|a sculpture of the {}|a bright photo of the {}|
a cropped photo of {a}|a plastic {}|a photo of the dirty {}|a jpeg corrupted photo of {a}|a blurry photo of the {}|a photo of the {}|
a good photo of the {}|a rendering of the {}|a {} in a video game|a photo of one {}|a doodle of {a}|a close-up photo of the {}|
a photo of {a}|the origami {}|the {} in a video game|a sketch of {a}|a doodle of the {}|a origami {}|a low resolution photo of {a}|
the toy {}|a rendition of the {}|a photo of the clean {}|a photo of a large {}|a rendition of {a}|a photo of a nice {}|
a photo of a weird {}|a blurry photo of {a}|a cartoon {}|art of {a}|a sketch of the {}|a embroidered {}|a pixelated photo of {a}|
itap of the {}|a jpeg corrupted photo of the {}|a good photo of {a}|a plushie {}|a photo of the nice {}|a photo of the small {}|
a photo of the weird {}|the cartoon {}|art of the {}|a drawing of the {}|a photo of the large {}|a black and white photo of {a}|
the plushie {}|a dark photo of {a}|itap of {a}|graffiti of the {}|a toy {}|itap of my {}|a photo of a cool {}|a photo of a small {}|
a tattoo of the {}|a picture of {a}|an icon of {a}|an image of {a}|a clip art of {a}|a vector drawing of {a}|an emoji of {a}""".split("|")
]


def bare(text):
    """Without a leading article."""
    for article in ("a ", "an ", "the "):
        if text.startswith(article):
            return text[len(article):]
    return text


def with_article(text):
    if text.startswith(("a ", "an ", "the ", "two ", "many ", "some ")):
        return text
    return ("an " if text[:1] in "aeiou" else "a ") + text


def wrap(text, rng, chance=0.45):
    """Put a caption into a random sentence frame, or leave it."""
    if rng.random() > chance:
        return text
    frame = TEMPLATES[rng.integers(len(TEMPLATES))]
    # the program fills the frames with the whole prompt, article included, so both ways are learnt
    frame += "." if rng.random() < 0.5 else ""
    if rng.random() < 0.4:
        return frame.replace("{a}", "a {}").replace("{}", text)
    return frame.replace("{a}", with_article(bare(text))).replace("{}", bare(text))
