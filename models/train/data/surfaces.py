"""Materials and patterns that fill a thing or the whole picture.

Input: a name, how many, the side; output: pictures (n, 3, side, side) in 0..1. A row of the table is the wordings, the
colours from low to high and a family with its numbers: the family draws a height 0..1, the colours paint it. All randomness
comes from the numpy generator handed in.
"""
import numpy as np
import torch
import torch.nn.functional as F

from data.looks import height, mix, noise, rand, rough


def tones(words, n, rng):
    """Hex colours with a little jitter, each (n, 3, 1, 1); "?" is any colour far from the one before."""
    out, last = [], rng.random((n, 3))
    for word in words.split():
        if word == "?":
            last = (last + rng.uniform(0.3, 0.7, (n, 3))) % 1
        else:
            last = np.array([int(word[i:i + 2], 16) / 255 for i in (0, 2, 4)]) + rng.uniform(-0.04, 0.04, (n, 3))
        out.append(torch.from_numpy(last.astype(np.float32)).view(n, 3, 1, 1))
    return out


def ramp(t, colours):
    """Colours from low to high at t in 0..1."""
    out = colours[0]
    for i, colour in enumerate(colours[1:]):
        out = mix(out, colour, (t * (len(colours) - 1) - i).clamp(0, 1))
    return out


def dust(n, side, rng, size=1, channels=1):
    """Grain of one value for every size x size pixels."""
    grid = torch.from_numpy(rng.random((n, channels, -(-side // size), -(-side // size)), np.float32))
    return F.interpolate(grid, scale_factor=size, mode="bilinear")[:, :, :side, :side]


def plane(n, side, rng, low, high, turn=0.1, tall=1.0):
    """Coordinates down and right, in cells of which low..high fit a side, turned and moved: (n, 1, side, side) each."""
    rate, angle = rand(rng, n, low, high), rand(rng, n, -turn, turn)
    h, w = height(side) - 0.5, height(side).transpose(2, 3) - 0.5
    cos, sin = angle.cos() * rate, angle.sin() * rate
    return (h * cos - w * sin) / tall + rand(rng, n, 0, 8), w * cos + h * sin + rand(rng, n, 0, 8)


def frac(x):
    return x % 1


def line(x, width):
    """1 where x is within width of an integer."""
    return ((frac(x + 0.5) - 0.5).abs() < width).float()


def step(t, at, soft=0.1):
    return ((t - at) / soft + 0.5).clamp(0, 1)


def cells(v, u, rng, jitter=1.0, shift=0.0):
    """Voronoi cells: distances to the nearest and the next seed, the way (down, right) to the nearest, its random number.
    A shift of 0.5 moves every second row, which makes hexagons at jitter 0."""
    n = len(v)
    # every 32 cells the seeds repeat; the margin spares the neighbours the modulo
    table = F.pad(torch.from_numpy(rng.random((3, n, 32, 32), np.float32)), (1, 1, 1, 1), mode="circular").flatten(1)
    ys, xs = 0.5 + jitter * (table[:2] - 0.5)
    row, column = v.floor(), u.floor()
    at = (((torch.arange(n).view(n, 1, 1, 1) * 34 + row.long() % 32 + 1) * 34 + column.long() % 32 + 1)).flatten()
    slide = [(shift * ((row + i) % 2) + column - u).flatten() for i in (0, 1)]
    v = (row - v).flatten()
    near = after = torch.full_like(v, 9.0)
    best = torch.zeros_like(v)
    for k in range(9):
        i, j = k // 3 - 1, k % 3 - 1
        here = at + (i * 34 + j)
        y, x = ys.index_select(0, here) + (v + i), xs.index_select(0, here) + (slide[i] + j)
        far = torch.addcmul(y * y, x, x)
        best = best + (k - best) * (far < near).float()  # where() costs ten times as much
        near, after = torch.minimum(near, far), torch.minimum(after, torch.maximum(near, far))
    best = best.long()
    i, j = best // 3 - 1, best % 3 - 1
    here = at + i * 34 + j
    down, right = ys.index_select(0, here) + (v + i), xs.index_select(0, here) + (torch.where(i == 0, *slide) + j)
    mark = table[2].index_select(0, here)
    return [a.view_as(u) for a in (near.sqrt(), after.sqrt(), down, right, mark)]


# families: (n, side, rng, numbers) to a height 0..1 ---------------------------------------------------------------------

def fibre(n, side, rng, rows, columns, force=1.0, crossed=False):
    """Strands: few rows make upright ones, few columns lying ones."""
    t = noise(rng, n, side, (rows, columns))
    if crossed:
        t = torch.maximum(t, noise(rng, n, side, (columns, rows)))
    return ((t - 0.5) * force + 0.5) * 0.8 + 0.2 * rough(rng, n, side, 5)


def sheen(n, side, rng, low, high, bend, power=1.0, grain=0.0):
    """Light running over a bent gloss."""
    v, _ = plane(n, side, rng, low, high, 3.1)
    t = (torch.sin(v * 6.28 + noise(rng, n, side, 4) * bend) * 0.5 + 0.5).pow(power)
    return t + grain * (noise(rng, n, side, (min(64, side), 3)) - 0.5)


def speckle(n, side, rng, size, force, soft=0.3):
    t = (dust(n, side, rng, size) - 0.5) * force + (dust(n, side, rng) - 0.5) * force * 0.5
    return 0.5 + t + soft * (rough(rng, n, side, 4) - 0.5)


def maze(n, side, rng, bumps, turns, edge=0.0, long=1):
    """Contour lines of noise: winding stripes."""
    t = torch.sin(noise(rng, n, side, (bumps * long, bumps)) * turns + noise(rng, n, side, 12) * 1.5) * 0.5 + 0.5
    return step(t, 0.5, edge) if edge else t


def blots(n, side, rng, bumps, levels):
    """Patches with hard rims in equal shares of levels."""
    t = noise(rng, n, side, bumps) * 0.7 + noise(rng, n, side, bumps * 2) * 0.3
    return ((t - 0.2) / 0.6 * levels).floor().clamp(0, levels - 1) / (levels - 1)


def veins(n, side, rng, bumps, width):
    return 0.55 * rough(rng, n, side, bumps) + 0.45 * (1 - ((noise(rng, n, side, bumps + 1) - 0.5).abs() * width).clamp(0, 1))


def facets(n, side, rng, low, high, tilt=0.5):
    """Cut planes, each with its own light, and bright ridges."""
    near, after, down, right, mark = cells(*plane(n, side, rng, low, high, 3.1), rng)
    turn = mark * 40
    return mark * 0.5 + 0.2 + tilt * (down * turn.sin() + right * turn.cos()) + 0.35 * step(-(after - near), -0.08)


def cracks(n, side, rng, low, high, width, jitter=1.0, shift=0.0, round_=0.3, tall=1.0):
    """Cells between joints: 0 in the joint, each cell its own height above."""
    near, after, _, _, mark = cells(*plane(n, side, rng, low, high, 0.3, tall), rng, jitter, shift)
    body = 0.55 + 0.3 * (mark - 0.5) + round_ * (0.4 - near) + 0.2 * (rough(rng, n, side, 8) - 0.5)
    return body.clamp(0.3, 1) * step(after - near, width, 0.08)


def balls(n, side, rng, low, high, jitter, size, shift=0.5, rim=False):
    """Spheres with a glint; with a rim, hollow bubbles."""
    near, _, down, right, mark = cells(*plane(n, side, rng, low, high, 0.3, 0.87), rng, jitter, shift)
    r = near / (size * (0.75 + 0.25 * mark if jitter else 1))
    glint = step(-((down - 0.15) ** 2 + (right - 0.15) ** 2), -0.012, 0.02)
    inside = step(-r, -1, 0.12)
    body = 0.2 + 0.7 * r.pow(4) if rim else 0.25 + 0.55 * (1 - r * r).clamp(0, 1)
    return torch.maximum(body, glint) * inside


def scales(n, side, rng, low, high, tall, form):
    """Rows that overlap; form is a plain shade, arcs, or the barbs of feathers."""
    v, u = plane(n, side, rng, low, high, 0.15, tall)
    reach = lambda row: (4 * (frac(u + row % 2 * 0.5) - 0.5) ** 2 + (v - row) ** 2).sqrt()
    row = v.floor()
    row = row + (reach(row) > 1)  # below its rim the next row shows
    t, side_way = reach(row), frac(u + row % 2 * 0.5) - 0.5
    tone = torch.sin(row * 9.1 + (u + row % 2 * 0.5).floor() * 5.3)
    if form == "arcs":
        return (frac(t * 2.499) < 0.5).float()
    if form == "barbs":
        barbs = 0.25 * torch.sin((t * 3 - side_way.abs() * 3) * 12)
        return 0.45 + barbs + 0.15 * tone + 0.6 * line(side_way, 0.04) - 0.6 * step(t, 0.93)
    return (0.2 + 0.65 * t + 0.12 * tone) * (1 - 0.9 * step(t, 0.92))


def diamonds(n, side, rng, low, high):
    """Snake skin: lozenges in the bands of a larger zigzag."""
    v, u = plane(n, side, rng, low, high, 0.3)
    a, b = u + v, u - v
    rim = torch.maximum((frac(a) - 0.5).abs(), (frac(b) - 0.5).abs()) * 2
    band = step(torch.sin(a.floor() * 0.9) * torch.sin(b.floor() * 0.9), 0.0, 0.3)
    return (0.35 + 0.55 * band) * (1.1 - rim.pow(3) * 0.9)


def weave(n, side, rng, low, high, form):
    v, u = plane(n, side, rng, low, high, 0.12 if form == "knit" else 0.5)
    y, x = frac(v), frac(u)
    if form == "twill":
        return 0.5 + 0.3 * torch.sin((u + v) * 6.28) + 0.5 * (dust(n, side, rng) - 0.5) + 0.4 * (rough(rng, n, side, 4) - 0.5)
    if form == "knit":
        stitch = frac(v - (x - 0.5).abs() * 1.4)
        return (torch.sin(stitch * 3.14) * 0.8 + 0.2) * step((x - 0.5).abs() * -1, -0.46, 0.1) * step((x - 0.5).abs(), 0.04, 0.1)
    if form == "rings":
        ring = lambda a, b: step(-((a ** 2 + b ** 2).sqrt() - 0.36).abs(), -0.11)
        slid = u + v.floor() % 2 * 0.5
        return torch.maximum(ring(y - 0.5, frac(slid) - 0.5), 0.55 * ring(y, frac(slid + 0.5) - 0.5))
    if form == "carbon":
        lying = ((u.floor() + v.floor()) % 4 < 2).float()
    else:
        lying = ((u.floor() + v.floor()) % 2).float()
    return mix(torch.sin(x * 3.14) * 0.75, torch.sin(y * 3.14), lying) * (0.8 + 0.2 * noise(rng, n, side, 24))


def tiles(n, side, rng, low, high, gap, bevel, tone=0.2):
    v, u = plane(n, side, rng, low, high, 0.1)
    edge = 0.5 - torch.maximum((frac(v) - 0.5).abs(), (frac(u) - 0.5).abs())
    own = torch.sin(v.floor() * 12.9 + u.floor() * 78.2) * tone
    # light from the top left on the bevel
    slope = torch.where(edge < gap + 0.14, torch.where(frac(v) + frac(u) < 1, 1.0, -1.0), 0.0) * bevel
    return (0.55 + own + slope + 0.1 * (rough(rng, n, side, 6) - 0.5)).clamp(0.2, 1) * (edge > gap)


def chips(n, side, rng, low, high, size, share, count, form="round"):
    """Scattered bits of count colours on a ground."""
    near, after, down, right, mark = cells(*plane(n, side, rng, low, high, 3.1), rng, 0.8)
    reach = {"round": near * (0.7 + mark), "square": torch.maximum(down.abs(), right.abs()), "broken": size * 2 - (after - near)}[form]
    return (reach < size) * (mark < share) * (1 + (mark * 97 % 1 * count).floor()) / count


def rosettes(n, side, rng, low, high):
    """Leopard: broken dark rings around a darker middle."""
    near, _, _, _, mark = cells(*plane(n, side, rng, low, high, 0.4), rng, 0.8)
    r = near + 0.35 * (noise(rng, n, side, 14) - 0.5)
    ring = ((r - 0.27).abs() < 0.1) & (noise(rng, n, side, 20) > 0.3)
    return torch.where(ring, 1.0, torch.where(r < 0.25, 0.5, 0.15 * noise(rng, n, side, 5)))


def canes(n, side, rng, low, high):
    v, u = plane(n, side, rng, low, high, 0.08)
    own = torch.sin(u.floor() * 7.7)
    return torch.sin(frac(u) * 3.14) * (0.75 + 0.15 * own) * (1 - 0.6 * line(v * 0.3 + own, 0.03)) + 0.1 * noise(rng, n, side, (4, 32))


def board(n, side, rng, low, high):
    """Tracks and pads of a circuit."""
    v, u = plane(n, side, rng, low, high, 0.0)
    near, _, _, _, mark = cells(v, u, rng, 0)
    lying = torch.sin(u.floor() * 12.9 + v.floor() * 78.2) > 0
    track = torch.where(lying, (frac(v) - 0.5).abs(), (frac(u) - 0.5).abs()) < 0.13
    return torch.where((near < 0.33) & (mark < 0.3), 1.0, torch.where((mark > 0.93) & (near < 0.6), 0.0, torch.where(track, 0.67, 0.33)))


def sky(n, side, rng):
    cloud = step(rough(rng, n, side, 3), 0.5, 0.5) * 0.75
    return torch.maximum(cloud, (dust(n, side, rng) > 0.975).float())


def figure(n, side, rng, low, high, form, turn=0.12):
    """Flat geometric patterns."""
    v, u = plane(n, side, rng, low, high, turn)
    y, x = frac(v), frac(u)
    if form == "plaid":
        band = lambda a: (frac(a) < 0.45) * 0.7 + line(a + 0.28, 0.05) * 0.5
        return (band(v) + band(u)) / 2
    if form == "tooth":
        warp, weft = (x * 8).floor(), (y * 8).floor()
        return torch.where((warp - weft) % 4 < 2, warp % 8 < 4, weft % 8 < 4).float()
    if form == "zigzag":
        return (frac(v + (x - 0.5).abs()) < 0.5).float()
    if form == "argyle":
        a, b = u + v * 0.6, u - v * 0.6
        return torch.where((line(a + 0.5, 0.05) + line(b + 0.5, 0.05)) > 0, 1.0, (a.floor() + b.floor()) % 2 * 0.5)
    if form == "grid":
        return torch.maximum(line(v, 0.1), line(u, 0.1))
    if form == "herring":
        way = torch.where(u.floor() % 2 > 0, x, 1 - x)
        return torch.where(torch.maximum(line(u, 0.05), line((v + way) * 1.5, 0.1)) > 0, 0.0, 0.75 + 0.25 * torch.sin(((v + way) * 1.5).floor() * 5 + u.floor() * 3))
    if form == "triangles":
        half = (x + y > 1).float()
        return (torch.sin(u.floor() * 12.9 + v.floor() * 78.2 + half * 2.6) * 43.7) % 1
    h, w = height(side) - rand(rng, n, 0.4, 0.6), height(side).transpose(2, 3) - rand(rng, n, 0.4, 0.6)
    if form == "rings":
        return (frac((h * h + w * w).sqrt() * rand(rng, n, low, high)) < 0.5).float()
    if form == "rays":
        return (frac(torch.atan2(h, w) / 6.2832 * rand(rng, n, low, high).round() + 0.01) < 0.5).float()
    if form == "rainbow":
        return (x * 6).floor() / 5
    return (frac(u + v) < 0.5).float()  # slanted stripes


TABLE = {  # name: wordings, colours, family, numbers
    "steel": ("made of steel|brushed steel|stainless steel", "4a525c 9aa4ae e6ecf0", fibre, 64, 2, 1.3),
    "brass": ("made of brass|polished brass", "4a3c08 a88a20 e8d878", sheen, 1, 2.5, 3, 1, 0.5),
    "foil": ("made of tin foil|crumpled aluminium foil", "3c4046 a8adb4 ffffff", facets, 7, 12, 1.1),
    "obsidian": ("made of obsidian|black volcanic glass", "000004 0c0c12 1a1a24 34343f d0d4e4", facets, 2, 4, 0.4),
    "sand": ("made of sand|rippled sand|sandy dunes", "9c7a48 d8b880 f4e0b4", sheen, 4, 8, 5, 0.8, 0.6),
    "mud": ("made of mud|wet brown mud", "2c1a0c 4c3018 664424 84603c", sheen, 1, 2, 10, 1.3, 0.5),
    "cracked earth": ("made of cracked earth|dry cracked ground", "2c1c10 8c6a48 c8a47c", cracks, 4, 7, 0.1),
    "powder snow": ("made of snow|packed white snow", "b4cce8 e8f0fa ffffff", speckle, 1, 0.35, 1.6),
    "lava": ("made of lava|glowing molten lava", "ffe060 ff5a00 3a0c04 140808 30201c", cracks, 3, 6, 0.16),
    "moss": ("made of moss|green moss", "0c2408 2c5814 6c9430 a8c850", balls, 14, 20, 1.0, 0.8),
    "concrete": ("made of concrete|bare concrete", "7c7c7a a6a6a2 c4c4c0", tiles, 1.2, 2.2, 0.015, 0.0, 0.1),
    "granite": ("made of granite|speckled granite", "181818 706868 b8aca8 f4eeea", speckle, 2, 1.2),
    "asphalt": ("made of asphalt|a road surface", "101012 303034 58585c", speckle, 1, 0.9),
    "terracotta": ("made of terracotta|red clay pottery", "8c3c1c c4683c e09468", fibre, 20, 1, 0.8),
    "jade": ("made of jade|polished jade", "0c4c34 3c9c6c 9cdcb4 e0f8e8", veins, 3, 9),
    "ruby": ("made of ruby|red gemstones", "30000c a80020 f02048 ffd0d8", facets, 3, 6),
    "emerald": ("made of emerald|green gemstones", "002410 00803c 20c870 d0ffe0", facets, 3, 6),
    "sapphire": ("made of sapphire|blue gemstones", "000c38 0c34a8 3070f0 d0e4ff", facets, 3, 6),
    "amethyst": ("made of amethyst|purple crystals", "18003c 5c20a0 a868e0 f0dcff", facets, 3, 6),
    "pearl": ("made of pearls|white pearls", "584c50 b8a8a8 f0e4e0 ffffff", balls, 5, 9, 0.0, 0.5),
    "opal": ("made of opal|iridescent opal", "d0f0f0 f8c8e0 f8f0c0 b8e8d0 c8d0f8 f4e0f8", maze, 3, 14),
    "chocolate": ("made of chocolate|a chocolate bar", "180804 3c1c0c 6c3c20 946040", tiles, 3, 5, 0.03, 0.35, 0.03),
    "honey": ("made of honey|golden syrup", "9c4800 e89410 ffc838 fff4c0", sheen, 0.6, 1.4, 8, 1.6),
    "honeycomb": ("made of honeycomb|a honeycomb pattern|hexagonal cells", "fff0a0 e0980c c07000", cracks, 5, 9, 0.14, 0.0, 0.5, 0.2, 0.87),
    "cheese": ("made of cheese|yellow cheese with holes", "ffd850 c08810", chips, 4, 6, 0.3, 0.8, 1),
    "denim": ("made of denim|blue jeans fabric", "142448 34568c 88a8d0", weave, 14, 20, "twill"),
    "wool": ("made of wool|knitted wool", "38101c ? f4ece4", weave, 7, 10, "knit"),
    "velvet": ("made of velvet|red velvet", "200008 6c0018 a81030 d86078", sheen, 1.5, 3, 6, 1.2),
    "silk": ("made of silk|folds of shiny silk", "786890 c8b8e0 ece4f8 ffffff", sheen, 1.2, 2.5, 9, 1.3),
    "fur": ("made of fur|brown fur", "2c1808 7c5028 d0a468", fibre, 9, 40, 1.8),
    "cork": ("made of cork|a cork board", "5c3814 b88850 d8ac74", speckle, 3, 0.9),
    "bamboo": ("made of bamboo|bamboo canes", "283808 7c9830 c4d070 ecf0b0", canes, 5, 9),
    "straw": ("made of straw|dry hay", "6c4c10 c8a038 f4dc80", fibre, 3, 30, 1.6, True),
    "bark": ("made of tree bark|rough bark", "140c08 4c3828 8c7460", fibre, 5, 16, 2.2),
    "paper": ("made of crumpled paper|creased white paper", "b0aca8 e4e2de ffffff", facets, 3, 5, 0.5),
    "cardboard": ("made of cardboard|corrugated cardboard", "8c6434 bc9460 dcb888", sheen, 9, 14, 0.3),
    "glass": ("made of glass|clear shiny glass", "9cd0d0 c8ecec e4f8f8 ffffff", figure, 1.2, 2.2, "slant"),
    "plastic": ("made of plastic|glossy plastic", "? ffffff", sheen, 1.0, 1.8, 2, 6),
    "coral": ("made of coral|a coral reef texture", "901c30 f06858 ffb8a0", maze, 7, 22),
    "coal": ("made of coal|lumps of coal", "000000 101012 26262a 505058", cracks, 6, 9, 0.12, 1.0, 0.0, 1.5),
    "slime": ("made of slime|green goo", "0c3c00 38a808 80f020 f0ffc0", balls, 3, 5, 1.0, 1.05),
    "bubbles": ("made of bubbles|soap bubbles", "205890 3c84c0 a8e0f8 ffffff", balls, 4, 7, 0.7, 0.55, 0.5, True),
    "feathers": ("made of feathers|bird feathers", "303848 788898 c4ccd4 ffffff", scales, 3, 5, 1.6, "barbs"),
    "circuit": ("made of circuit boards|a green circuit board", "081008 0c5c2c 58b864 f0d050", board, 10, 15),
    "chain mail": ("made of chain mail|metal rings", "0c0c10 4c5058 d8dce4", weave, 7, 10, "rings"),
    "wicker": ("made of wicker|a woven basket", "301c08 946428 dcb070", weave, 7, 12, "plain"),
    "carbon": ("made of carbon fiber|black carbon weave", "040406 22242a 70747c", weave, 10, 14, "carbon"),
    "cobblestone": ("made of cobblestones|a cobbled street", "201c1c 605c5c 9c9894 c8c4c0", cracks, 5, 8, 0.13, 0.6, 0.5, 1.0),
    "terrazzo": ("made of terrazzo|terrazzo stone chips", "f0ece4 c46850 404858 d8b060 7ca094", chips, 7, 10, 0.4, 0.75, 4, "broken"),
    "ceramic": ("made of ceramic tiles|bathroom tiles", "f4f4f0 5cb0c4 78c8d4 a0dce4 e8fcff", tiles, 5, 8, 0.05, 0.15, 0.1),
    "galaxy": ("made of stars and galaxies|a galaxy|outer space nebula", "080418 281060 8c2c98 f070a8 ffffff", sky),
    "fish scales": ("with fish scales|mermaid scales", "04283c 108890 50d0c0 d0fce8", scales, 5, 8, 0.6, "shade"),
    "roof tiles": ("with roof tiles|red roof tiles", "3c1008 a03c20 d06840 e89870", scales, 4, 7, 0.9, "shade"),
    "wave arcs": ("with wave arcs|a pattern of overlapping arcs", "? ?", scales, 2, 4, 0.55, "arcs"),
    "snake": ("with snake scales|snake skin", "1c1c08 5c6020 b0a858 ece4b0", diamonds, 6, 9),
    "leopard": ("with leopard print|leopard spots", "e0ac58 b07028 140c08", rosettes, 4, 7),
    "zebra": ("with zebra print|zebra stripes", "0c0c0c f8f8f4", maze, 3, 30, 0.3),
    "tiger": ("with tiger stripes|tiger fur", "140800 f08018 f8a040", maze, 2, 40, 0.5, 4),
    "giraffe": ("with giraffe print|giraffe patches", "f8e8b8 b87028 8c4814", cracks, 3, 6, 0.13),
    "cow": ("with cow print|black and white cow spots", "0c0c0c fcfcf8", blots, 4, 2),
    "camouflage": ("with camouflage|army camouflage", "24281c 4c5c2c 8c7c4c bcb080", blots, 5, 4),
    "plaid": ("with plaid|a tartan plaid pattern", "? ? ?", figure, 2.5, 4.5, "plaid"),
    "houndstooth": ("with houndstooth|a houndstooth pattern", "101010 f4f4f0", figure, 3, 5, "tooth"),
    "zigzag": ("with zigzags|a chevron pattern|zigzag lines", "? ?", figure, 3, 6, "zigzag"),
    "argyle": ("with argyle|an argyle pattern", "? ? ffffff", figure, 2, 3.5, "argyle"),
    "grid": ("with a grid|grid lines", "? ?", figure, 4, 8, "grid"),
    "herringbone": ("with herringbone|herringbone parquet", "2c1808 8c5828 d0a060", figure, 3, 5, "herring"),
    "triangles": ("with triangles|a pattern of triangles", "? ? ? ?", figure, 3, 6, "triangles"),
    "concentric rings": ("with concentric circles|concentric rings|a target pattern", "? ?", figure, 5, 10, "rings"),
    "sunburst": ("with a sunburst|rays from the center|a radial sunburst pattern", "? ?", figure, 7, 13, "rays"),
    "candy cane": ("with candy cane stripes|red and white diagonal stripes", "e01028 fcfcfc", figure, 3, 6, "slant"),
    "rainbow stripes": ("with rainbow stripes|rainbow colored stripes", "e02020 f09020 f8e830 30a840 3060d8 8030b0", figure, 0.8, 1.8, "rainbow", 3.1),
    "confetti": ("with confetti|colorful confetti", "fcfcfc e82848 f8c818 30b060 2878e8 b040d0", chips, 8, 12, 0.28, 0.85, 5, "square"),
}
SURFACES = {name: row[0].split("|") for name, row in TABLE.items()}


def texture(name, n, side, rng):
    """A surface as (n, 3, side, side)."""
    _, colours, family, *numbers = TABLE[name]
    colours = tones(colours, n, rng)
    t = family(n, side, rng, *numbers)
    shade = 0.9 + 0.2 * noise(rng, n, side, 2)
    return (ramp(t.clamp(0, 1), colours) * shade).clamp(0, 1)
