"""Uploads: what is refused by its header, what by its pixels, and that nothing else comes of any bytes."""

import io

import numpy as np
import pytest
from hostile_pictures import BAD, GOOD, JPEG, MAX_PIXELS, NOISE, mutated, saved
from PIL import Image

from hmexp.serving.uploads import RefusedPicture, look_at

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def status_of(content: bytes) -> int:
    try:
        pixels = look_at(content, MAX_PIXELS).decode(16, "pad")
    except RefusedPicture as refusal:
        assert refusal.detail.endswith(".")
        return refusal.status
    assert pixels.shape == (16, 16, 3)
    assert pixels.dtype == np.uint8
    return 200


@pytest.mark.parametrize("name", GOOD)
def test_pictures_are_taken(name):
    assert status_of(GOOD[name]) == 200


@pytest.mark.parametrize("name", BAD)
def test_what_is_none_is_refused(name):
    content, wanted = BAD[name]
    assert status_of(content) in (wanted if isinstance(wanted, tuple) else (wanted,))


def test_no_bytes_raise_anything_else():
    statuses = {status_of(content) for content in mutated(400)}
    assert statuses >= {200, 422}
    assert statuses <= {200, 413, 415, 422}


def test_sides_are_those_of_the_upright_picture():
    image = Image.fromarray(NOISE)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = look_at(saved("JPEG", image, exif=exif), MAX_PIXELS)
    assert (turned.width, turned.height) == (40, 30)
    assert (look_at(JPEG, MAX_PIXELS).width, look_at(JPEG, MAX_PIXELS).height) == (30, 40)


def test_what_is_served_is_what_the_store_has():
    from hmexp.store.decode import decode

    stream = io.BytesIO()
    Image.fromarray(NOISE).save(stream, "PNG")
    for resize in ("stretch", "pad", "crop"):
        pixels = look_at(stream.getvalue(), MAX_PIXELS).decode(16, resize)
        np.testing.assert_array_equal(pixels, decode(stream.getvalue(), 16, resize, MAX_PIXELS))
