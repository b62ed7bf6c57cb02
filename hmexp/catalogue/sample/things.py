"""How shoes, accessories and everything else are drawn."""

from hmexp.catalogue.sample.parts import Outline, Part, Points, Rng, box, ellipse, mirrored


def shoe(heel: float, shaft: float) -> Outline:
    """One shoe seen from its side, or a pair."""

    def draw(rng: Rng) -> list[Part]:
        lift, high = heel * rng.uniform(0.7, 1.3), shaft * rng.uniform(0.8, 1.2)
        upper = [(0.2, 0.62 - high), (0.42, 0.62 - high), (0.46, 0.6), (0.7, 0.66), (0.84, 0.75), (0.84, 0.8)]
        upper += [(0.5, 0.8 - lift / 2), (0.2, 0.8 - lift)]
        sole = [(0.2, 0.8 - lift), (0.5, 0.8 - lift / 2), (0.85, 0.8), (0.84, 0.84), (0.55, 0.84 - lift / 3)]
        sole += [(0.3, 0.82 if heel < 0.06 else 0.8 - lift * 0.6), (0.28, 0.84), (0.2, 0.84)]
        one = [Part(upper), Part(sole, 0.55, False, accent=bool(rng.random() < 0.5))]
        if rng.random() < 0.5:
            return one
        shift = [
            Part([(x * 0.8 + 0.2, y * 0.8 - 0.02) for x, y in p.points], p.tone * 0.9, p.smooth, p.accent) for p in one
        ]
        return shift + [Part([(x * 0.8, y * 0.8 + 0.16) for x, y in p.points], p.tone, p.smooth, p.accent) for p in one]

    return draw


def socks(length: tuple[float, float]) -> Outline:
    """A pair of socks."""

    def draw(rng: Rng) -> list[Part]:
        rise = rng.uniform(*length)
        one = [
            (0.3, 0.75 - rise),
            (0.44, 0.75 - rise),
            (0.45, 0.72),
            (0.6, 0.8),
            (0.62, 0.87),
            (0.5, 0.9),
            (0.31, 0.82),
        ]
        pair = [Part([(x + dx, y) for x, y in one], tone) for dx, tone in ((0.12, 0.88), (-0.1, 1.0))]
        band = box(0.2, 0.75 - rise, 0.34, 0.78 - rise, accent=True)
        return [*pair, band]

    return draw


def bag(rng: Rng) -> list[Part]:
    """A bag with a handle."""
    width, height = rng.uniform(0.24, 0.36), rng.uniform(0.3, 0.45)
    ring = ellipse(0.5, 0.86 - height, width * 1.1, rng.uniform(0.25, 0.45), tone=0.7)
    hole = ellipse(0.5, 0.86 - height, width * 0.9, 0.2, tone=9.0)
    half = [(0.0, 0.86 - height), (width * 0.9, 0.86 - height), (width, 0.84), (0.0, 0.86)]
    return [ring, hole, mirrored(half, smooth=False), box(0.47, 0.9 - height, 0.53, 0.96 - height, accent=True)]


def hat(rng: Rng) -> list[Part]:
    """A hat or a cap."""
    high = rng.uniform(0.25, 0.38)
    crown = mirrored([(0.0, 0.66 - high), (0.18, 0.7 - high), (0.24, 0.66), (0.0, 0.68)])
    if rng.random() < 0.5:
        return [crown, Part([(0.3, 0.64), (0.75, 0.63), (0.92, 0.72), (0.5, 0.71)], 0.75)]
    return [
        ellipse(0.5, 0.67, rng.uniform(0.65, 0.85), 0.14, tone=0.85),
        crown,
        box(0.27, 0.6, 0.73, 0.65, accent=True),
    ]


def scarf(rng: Rng) -> list[Part]:
    """A scarf laid in a loop."""
    loop = ellipse(0.5, 0.33, 0.42, 0.4)
    hole = ellipse(0.5, 0.31, 0.2, 0.2, tone=9.0)
    ends = [
        Part([(x, 0.45), (x + 0.13, 0.45), (x + 0.15, hem), (x + 0.02, hem)], tone, False)
        for x, hem, tone in ((0.36, 0.9, 0.9), (0.5, 0.82, 1.0))
    ]
    return [loop, hole, *ends]


def belt(rng: Rng) -> list[Part]:
    """A belt, rolled up."""
    outer, inner = ellipse(0.5, 0.5, 0.7, 0.34), ellipse(0.5, 0.48, 0.56, 0.2, tone=9.0)
    return [outer, inner, box(0.44, 0.6, 0.58, 0.69, accent=True)]


def sunglasses(rng: Rng) -> list[Part]:
    """Two lenses and a bridge."""
    size = rng.uniform(0.26, 0.34)
    lenses = [ellipse(0.5 + side * 0.2, 0.5, size, size * rng.uniform(0.7, 1.0), tone=0.8) for side in (-1, 1)]
    arms = [
        Part([(0.5 + s * 0.33, 0.44), (0.5 + s * 0.45, 0.36), (0.5 + s * 0.46, 0.4), (0.5 + s * 0.34, 0.48)], 0.6)
        for s in (-1, 1)
    ]
    return [box(0.42, 0.46, 0.58, 0.49, tone=0.6), *lenses, *arms]


def earrings(rng: Rng) -> list[Part]:
    """A pair of earrings."""
    y, size = rng.uniform(0.5, 0.65), rng.uniform(0.1, 0.2)
    parts = []
    for side in (-1, 1):
        x = 0.5 + side * 0.17
        parts += [box(x - 0.008, y - size - 0.15, x + 0.008, y, tone=0.6), ellipse(x, y, size, size * 1.3)]
        parts.append(ellipse(x, y - size - 0.15, 0.05, 0.05, accent=True))
    return parts


def bottle(rng: Rng) -> list[Part]:
    """A bottle or a lipstick."""
    width, shoulder = rng.uniform(0.08, 0.18), rng.uniform(0.35, 0.5)
    body = mirrored([(0.0, shoulder), (width, shoulder + 0.04), (width, 0.88), (0.0, 0.88)], smooth=False)
    cap = mirrored(
        [(0.0, shoulder - 0.2), (width * 0.5, shoulder - 0.2), (width * 0.5, shoulder), (0.0, shoulder)],
        smooth=False,
        accent=True,
    )
    return [
        cap,
        body,
        mirrored([(0.0, 0.6), (width * 0.7, 0.6), (width * 0.7, 0.76), (0.0, 0.76)], tone=1.25, smooth=False),
    ]


def chair(rng: Rng) -> list[Part]:
    """A chair or a stool."""
    seat = Part([(0.25, 0.52), (0.75, 0.52), (0.82, 0.62), (0.2, 0.62)], 1.0, False)
    back = [] if rng.random() < 0.3 else [box(0.27, 0.15, 0.73, 0.45, tone=0.85), box(0.3, 0.4, 0.34, 0.55, tone=0.6)]
    return [*back, seat, *(box(x, 0.6, x + 0.04, 0.92, tone=0.6) for x in (0.22, 0.36, 0.62, 0.77))]


def notebook(rng: Rng) -> list[Part]:
    """A notebook with a spine."""
    right = rng.uniform(0.7, 0.82)
    return [
        box(0.22, 0.2, right, 0.84),
        box(0.22, 0.2, 0.29, 0.84, tone=0.7),
        box(0.4, 0.34, right - 0.1, 0.42, accent=True),
    ]


def cushion(rng: Rng) -> list[Part]:
    """A cushion with drawn-in sides."""
    edge = rng.uniform(0.02, 0.06)
    corners: Points = [(0.18, 0.22), (0.5, 0.22 + edge), (0.82, 0.22), (0.82 - edge, 0.52), (0.82, 0.82)]
    return [Part([*corners, (0.5, 0.82 - edge), (0.18, 0.82), (0.18 + edge, 0.52)])]


def toy(rng: Rng) -> list[Part]:
    """A round toy with ears and eyes."""
    ears = [ellipse(0.5 + side * 0.17, 0.24, 0.16, 0.18, tone=0.8) for side in (-1, 1)]
    eyes = [ellipse(0.5 + side * 0.07, 0.36, 0.04, 0.05, tone=0.2) for side in (-1, 1)]
    return [
        *ears,
        ellipse(0.5, 0.7, 0.44, 0.44, tone=0.95),
        ellipse(0.5, 0.38, 0.4, 0.36),
        *eyes,
        ellipse(0.5, 0.45, 0.08, 0.05, accent=True),
    ]
