"""How garments are drawn: each function gives the parts of one, at random within its kind."""

from hmexp.catalogue.sample.parts import Outline, Part, Rng, box, ellipse, mirrored


def top(sleeve: tuple[float, float], length: tuple[float, float] = (0.78, 0.88), strap: bool = False) -> Outline:
    """T-shirt, sweater or vest: `sleeve` and `length` are ranges; a strap instead of sleeves."""

    def draw(rng: Rng) -> list[Part]:
        width, hem = rng.uniform(0.19, 0.27), rng.uniform(*length)
        reach, neck = rng.uniform(*sleeve), rng.uniform(0.16, 0.26)
        if strap:
            half = [(0.0, neck + 0.1), (0.09, 0.13), (0.13, 0.13), (width - 0.03, 0.34), (width, hem), (0.0, hem)]
            return [mirrored(half)]
        cuff_x, cuff_y = width + 0.08 + 0.14 * reach, 0.30 + 0.48 * reach
        half = [(0.0, neck), (0.07, 0.15), (width - 0.02, 0.2), (cuff_x, cuff_y), (cuff_x - 0.1, cuff_y + 0.04)]
        half += [(width, 0.42), (width, hem), (0.0, hem)]
        return [mirrored(half), mirrored([(0.0, neck), (0.06, 0.15), (0.0, 0.17)], tone=0.7)]

    return draw


def jacket(rng: Rng) -> list[Part]:
    """An open-fronted jacket or shirt with a button line and a collar."""
    parts = top((0.75, 1.0))(rng)
    parts.append(box(0.493, 0.2, 0.507, 0.82, tone=0.6))
    parts.append(mirrored([(0.0, 0.24), (0.04, 0.13), (0.12, 0.16), (0.03, 0.3)], tone=0.85))
    return parts


def hoodie(rng: Rng) -> list[Part]:
    """A sweater with a hood and a pocket."""
    pocket = mirrored([(0.0, 0.62), (0.1, 0.62), (0.14, 0.76), (0.0, 0.76)], tone=0.9)
    hood = mirrored([(0.0, 0.08), (0.11, 0.12), (0.1, 0.24), (0.0, 0.27)], tone=0.85)
    return [*top((0.8, 1.0))(rng), pocket, hood]


def trousers(length: tuple[float, float], slim: tuple[float, float]) -> Outline:
    """Anything with two legs: `length` is where the legs end, `slim` the width of a leg there."""

    def draw(rng: Rng) -> list[Part]:
        hem, leg, waist = rng.uniform(*length), rng.uniform(*slim), rng.uniform(0.13, 0.18)
        spread, crotch = rng.uniform(0.02, 0.07), 0.1 + 0.3 * min(1.0, hem)
        half = [(0.0, 0.1), (waist, 0.1), (waist + 0.05, 0.3), (spread + leg, hem), (spread, hem), (0.0, crotch)]
        band = mirrored([(0.0, 0.1), (waist, 0.1), (waist + 0.01, 0.14), (0.0, 0.14)], tone=0.8, smooth=False)
        return [mirrored(half, smooth=bool(rng.random() < 0.3)), band]

    return draw


def skirt(rng: Rng) -> list[Part]:
    """A skirt, straight or flared."""
    flare, hem = rng.uniform(0.17, 0.36), rng.uniform(0.55, 0.88)
    half = [(0.0, 0.15), (0.14, 0.15), (flare, hem), (0.0, hem + 0.02)]
    return [mirrored(half, smooth=False), mirrored([(0.0, 0.15), (0.14, 0.15), (0.145, 0.19), (0.0, 0.19)], tone=0.8)]


def dress(strap: tuple[float, float] = (0.0, 1.0), length: tuple[float, float] = (0.75, 0.94)) -> Outline:
    """A dress with straps or short sleeves."""

    def draw(rng: Rng) -> list[Part]:
        flare, hem, waist = rng.uniform(0.17, 0.36), rng.uniform(*length), rng.uniform(0.1, 0.15)
        shoulder = 0.11 + 0.09 * rng.uniform(*strap)
        half = [
            (0.0, rng.uniform(0.12, 0.2)),
            (0.06, 0.07),
            (shoulder, 0.08),
            (shoulder + 0.02, 0.2),
            (waist + 0.04, 0.25),
        ]
        half += [(waist, 0.42), (flare, hem), (0.0, hem + 0.01)]
        return [mirrored(half)]

    return draw


def jumpsuit(rng: Rng) -> list[Part]:
    """Top and trousers in one."""
    hem = rng.uniform(0.8, 0.95)
    half = [(0.0, 0.14), (0.06, 0.07), (0.13, 0.09), (0.14, 0.3), (0.11, 0.42), (0.17, 0.55), (0.18, hem), (0.05, hem)]
    return [mirrored([*half, (0.0, 0.58)])]


def bra(rng: Rng) -> list[Part]:
    """A bra or a bikini top."""
    y, size = rng.uniform(0.45, 0.55), rng.uniform(0.17, 0.23)
    cups = [ellipse(0.5 + side * size * 0.62, y, size * 1.2, size * 1.25) for side in (-1, 1)]
    straps = [
        Part(
            [(0.5 + s * 0.13, y - 0.05), (0.5 + s * 0.15, 0.18), (0.5 + s * 0.17, 0.18), (0.5 + s * 0.16, y)],
            0.8,
            False,
        )
        for s in (-1, 1)
    ]
    return [*straps, *cups, mirrored([(0.0, y + 0.05), (0.27, y + 0.02), (0.27, y + 0.07), (0.0, y + 0.1)], tone=0.85)]


def briefs(rng: Rng) -> list[Part]:
    """Briefs or a bikini bottom."""
    leg = rng.uniform(0.05, 0.1)
    half = [(0.0, 0.36), (0.28, 0.34), (0.29, 0.43), (leg, 0.64), (0.0, 0.66)]
    return [mirrored(half), mirrored([(0.0, 0.36), (0.28, 0.34), (0.285, 0.37), (0.0, 0.4)], tone=0.8)]


def swimsuit(rng: Rng) -> list[Part]:
    """A swimsuit or a body."""
    half = [
        (0.0, rng.uniform(0.25, 0.35)),
        (0.1, 0.1),
        (0.14, 0.1),
        (0.16, 0.32),
        (0.12, 0.5),
        (0.18, 0.68),
        (0.05, 0.88),
    ]
    return [mirrored([*half, (0.0, 0.89)])]


def pyjama(rng: Rng) -> list[Part]:
    """A top above trousers, both small."""
    upper = top((0.3, 1.0), (0.8, 0.85))(rng)
    lower = trousers((0.85, 0.95), (0.09, 0.13))(rng)
    small = [Part([(x * 0.75 + 0.125, y * 0.55) for x, y in part.points], part.tone, part.smooth) for part in upper]
    return small + [
        Part([(x * 0.8 + 0.1, 0.45 + y * 0.55) for x, y in part.points], part.tone, part.smooth) for part in lower
    ]
