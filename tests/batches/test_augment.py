"""Augmentation: draws that are a function of (seed, epoch, index), and what they do to pictures."""

from dataclasses import replace

import numpy as np
import pytest

from hmexp.batches.draws import COLUMNS, draw
from hmexp.batches.order import Order, epoch_order
from hmexp.config.augment import AugmentConfig

STRONG = AugmentConfig(flip=0.5, shift=0.1, crop=0.5, aspect=1.3, ops=2, erase=0.5, mixup=0.2, cutmix=1.0)
NUM = 64


def column(draws, name):
    return draws[:, COLUMNS.index(name)]


def test_draws_are_a_function_of_seed_and_epoch():
    first = draw(STRONG, NUM, 3, 1)
    assert np.array_equal(first, draw(STRONG, NUM, 3, 1))
    assert not np.array_equal(first, draw(STRONG, NUM, 3, 2))
    assert not np.array_equal(first, draw(STRONG, NUM, 4, 1))
    assert first.dtype == np.float32


def test_breaking_colour_moves_nobody_elses_numbers():
    colours = draw(replace(STRONG, blend=0.5, gamma=2.0, invert=0.5), NUM, 3, 1)
    names = [name for name in COLUMNS if "_from_" not in name and name not in ("gamma", "invert")]
    places = [COLUMNS.index(name) for name in names]
    assert np.array_equal(colours[:, places], draw(STRONG, NUM, 3, 1)[:, places])
    for new in ("red", "green", "blue"):
        parts = sum(column(colours, f"{new}_from_{old}") for old in ("red", "green", "blue"))
        assert parts == pytest.approx(1.0)
    assert 0.2 < column(colours, "invert").mean() < 0.8
    assert 0.5 <= column(colours, "gamma").min() < 0.7 < 1.5 < column(colours, "gamma").max() <= 2.0


def test_a_picture_keeps_its_draws_wherever_it_stands_in_the_epoch():
    order = Order(16, 3, 1, 1, augment=STRONG)
    chosen, draws = order.epoch(NUM, 1)
    assert np.array_equal(chosen, epoch_order(NUM, 3, 1))
    assert np.array_equal(draws, draw(STRONG, NUM, 3, 1)[chosen])
    late = Order(16, 3, 1, 1, augment=STRONG, first_step=2).epoch(NUM, 1)
    assert np.array_equal(late[0], chosen[32:])
    assert np.array_equal(late[1], draws[32:])


def test_nothing_asked_for_is_the_identity():
    draws = draw(AugmentConfig(), NUM, 0, 1)
    expected = {"xx": 1, "yy": 1, "brightness": 1, "contrast": 1, "saturation": 1, "solarize": 256, "posterize": 1}
    expected |= {"red": 1, "green": 1, "blue": 1, "red_from_red": 1, "green_from_green": 1, "blue_from_blue": 1}
    expected |= {"gamma": 1}
    for name in COLUMNS:
        if name not in ("mix_y1", "mix_x1"):
            assert np.allclose(column(draws, name), expected.get(name, 0)), name


def test_shares_and_limits_are_kept():
    draws = draw(AugmentConfig(flip=0.25, shift=0.1, crop=0.64, erase=0.5), 20_000, 0, 1)
    assert (column(draws, "xx") < 0).mean() == pytest.approx(0.25, abs=0.02)
    assert np.abs(column(draws, "xx")).min() == pytest.approx(0.8, abs=0.01), "the side is the root of the area"
    # A crop of side s lies within 1 - s of the middle; the shift is a share of the side, which is 2 long.
    assert (np.abs(column(draws, "x")) <= 0.2 + 1 - np.abs(column(draws, "xx")) + 1e-6).all()
    erased = column(draws, "erase_y1") > column(draws, "erase_y0")
    assert erased.mean() == pytest.approx(0.5, abs=0.02)


def test_as_many_operations_as_asked_for():
    draws = draw(AugmentConfig(ops=2, magnitude=0.5), 2_000, 0, 1)
    turned = (
        np.abs(column(draws, "xy") + column(draws, "yx")) + np.abs(column(draws, "xy") - column(draws, "yx")) > 1e-6
    )
    light = np.abs(column(draws, "brightness") - 1) > 1e-6
    assert light.mean() == pytest.approx(0.2, abs=0.04), "2 of 10"
    assert 0.3 < turned.mean() < 0.65, "a turn or a shear"


@pytest.fixture(scope="module")
def pictures():
    """Sixteen pictures with a gradient each, uint8 [16, 8, 8, 3]."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (16, 8, 8, 3)).astype(np.uint8)


def augmented(cfg, pictures, draws, **options):
    from hmexp.batches.augment import Augmentation

    return np.asarray(Augmentation(cfg, 4, **options).pictures(pictures, draws))


@pytest.mark.slow
def test_identity_draws_leave_every_pixel(pictures):
    draws = draw(AugmentConfig(), 16, 0, 1)
    assert np.array_equal(augmented(STRONG, pictures, draws), pictures)


@pytest.mark.slow
def test_a_mirror_is_a_mirror(pictures):
    cfg = AugmentConfig(flip=1.0)
    assert np.array_equal(augmented(cfg, pictures, draw(cfg, 16, 0, 1)), pictures[:, :, ::-1])


@pytest.mark.slow
def test_a_negative_is_a_negative(pictures):
    cfg = AugmentConfig(invert=1.0)
    assert np.array_equal(augmented(cfg, pictures, draw(cfg, 16, 0, 1)), 255 - pictures)


@pytest.mark.slow
def test_blends_and_exponents_keep_black_white_and_what_has_no_colour():
    cfg = AugmentConfig(blend=1.0, gamma=3.0)
    draws = draw(cfg, 16, 0, 1)
    ramp = np.broadcast_to(np.arange(0, 256, 17, dtype=np.uint8)[None, None, :, None], (16, 2, 16, 3))
    found = augmented(cfg, ramp, draws)
    expected = 255 * (ramp[:, :, :, 0] / 255.0) ** column(draws, "gamma")[:, None, None]
    assert np.abs(found - expected[..., None]).max() <= 0.51
    red = np.zeros((16, 2, 2, 3), np.uint8)
    red[..., 0] = 255
    shares = np.stack([column(draws, f"{new}_from_red") for new in ("red", "green", "blue")], axis=1)
    expected = 255 * shares ** column(draws, "gamma")[:, None]
    assert np.abs(augmented(cfg, red, draws)[:, 0, 0] - expected).max() <= 0.51


@pytest.mark.slow
def test_a_shift_of_a_pixel_repeats_the_edge(pictures):
    draws = draw(AugmentConfig(), 16, 0, 1)
    draws[:, COLUMNS.index("x")] = 2 / 8
    found = augmented(AugmentConfig(shift=0.5), pictures, draws)
    assert np.array_equal(found[:, :, :-1], pictures[:, :, 1:])
    assert np.array_equal(found[:, :, -1], pictures[:, :, -1])


@pytest.mark.slow
def test_half_the_size_is_the_mean_of_four(pictures):
    draws = draw(AugmentConfig(), 16, 0, 1)
    found = augmented(AugmentConfig(), pictures, draws, size=4).astype(float)
    means = pictures.reshape(16, 4, 2, 4, 2, 3).mean(axis=(2, 4))
    assert found.shape == (16, 4, 4, 3)
    assert np.abs(found - means).max() <= 0.5


@pytest.mark.slow
def test_targets_are_mixed_as_the_pictures_are(pictures):
    from hmexp.batches.augment import Augmentation

    cfg = AugmentConfig(cutmix=1.0)
    white = np.zeros((16, 64, 64, 3), np.uint8)
    white[8:] = 255
    draws = draw(cfg, 16, 0, 1)
    targets = (np.arange(16) >= 8).astype(np.int64)
    shares = np.asarray(Augmentation(cfg, 2).targets(targets, draws))
    light = augmented(cfg, white, draws).mean(axis=(1, 2, 3)) / 255
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert light == pytest.approx(shares[:, 1], abs=0.05)
    assert 0.05 < shares[:8, 1].mean() < 0.95


@pytest.mark.slow
def test_compiled_stages_do_the_same(pictures):
    from hmexp.training.backends import backend_named

    draws = draw(STRONG, 16, 0, 1)
    plain = augmented(STRONG, pictures, draws).astype(int)
    found = augmented(STRONG, pictures, draws, compiled=backend_named("tensorflow").compile_stage).astype(int)
    assert np.abs(plain - found).max() <= 1
