"""Scales, ticks and marks of figures."""

import pytest
from markupsafe import Markup

from hmexp.reports.svg import Scale, around, clipped, element, mark, path_of, round_values, short


def test_a_scale_goes_from_end_to_end_and_not_beyond():
    scale = Scale(0, 10, 100, 200)
    assert [scale(value) for value in (0, 5, 10, -3, 99)] == [100, 150, 200, 100, 200]
    assert Scale(3, 3, 0, 1)(3) == 0


def test_on_a_logarithmic_scale_equal_ratios_are_equally_far_apart():
    scale = Scale(1, 10_000, 0, 4, log=True)
    assert [round(scale(value), 6) for value in (1, 10, 100, 10_000, 0)] == [0, 1, 2, 4, 0]
    assert scale.ticks() == [1, 10, 100, 1000, 10_000]
    assert len(Scale(1, 1e30, 0, 1, log=True).ticks()) <= 8
    assert Scale(2, 5, 0, 1, log=True).ticks() == [2, 5]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.123, 0.987), (-5, 5), (1e-9, 3e-9), (0, 123456)])
def test_ticks_are_round_and_between_the_ends(low, high):
    ticks = round_values(low, high)
    assert 3 <= len(ticks) <= 8
    assert low - 1e-12 <= ticks[0] and ticks[-1] <= high * (1 + 1e-9)
    assert max(len(short(tick)) for tick in ticks) <= 7


def test_nothing_to_scale_is_still_a_scale():
    assert round_values(2, 2) == [2]
    assert around([]) == (0, 1)
    assert around([float("nan"), 2.0]) == pytest.approx((1.88, 2.12))


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.25, "0.25"), (1000, "1,000"), (1e-5, "1e-05"), (0.3, "0.3")])
def test_numbers_of_ticks(value, text):
    assert short(value) == text


def test_text_and_attributes_are_escaped():
    evil = '"><script>'
    assert (
        str(element("text", evil, class_=evil))
        == '<text class="&#34;&gt;&lt;script&gt;">&#34;&gt;&lt;script&gt;</text>'
    )
    assert str(element("line", x1=1.5, stroke_width=2, aria_label=None)) == '<line x1="1.5" stroke-width="2"/>'
    assert 'data-tip="a &amp; b"' in mark(Markup("<g/>"), "a & b")
    assert "\u202e" not in element("text", "a\u202eb")


def test_paths_and_clipped_words():
    assert path_of([(0, 1), (2, 3)]) == "M0.0 1.0L2.0 3.0"
    assert path_of([]) == ""
    assert clipped("Garment Upper body", 8) == "Garment…"
