"""What the camera wrote into a picture is gone; the picture itself is not touched."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from alerts.store.bare_picture import bare

GPS = 0x8825
ORIENTATION = 0x0112
PLACE = {1: "N", 2: (45.0, 11.0, 30.0), 3: "E", 4: (5.0, 43.0, 0.0)}


def a_photo(orientation: int = 1) -> bytes:
    picture = Image.effect_noise((64, 32), 40).convert("RGB")
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x0110] = "Anne's telephone"
    exif[GPS] = PLACE
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif, comment=b"rue de la Gare 12")
    return file.getvalue()


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.tobytes()


def test_where_it_was_taken_and_by_what_is_gone_and_the_picture_is_the_same_to_the_bit():
    taken = a_photo()
    kept = bare(taken)

    assert b"Anne" in taken
    with Image.open(io.BytesIO(kept)) as picture:
        assert dict(picture.getexif()) == {}
        assert "comment" not in picture.info
    assert b"Anne" not in kept
    assert b"Gare" not in kept
    assert pixels(kept) == pixels(taken)


def test_a_picture_that_lies_on_its_side_is_turned():
    kept = bare(a_photo(orientation=6))

    with Image.open(io.BytesIO(kept)) as picture:
        assert picture.size == (32, 64)
        assert dict(picture.getexif()) == {}


def test_a_png_loses_its_words_and_nothing_else():
    words = PngImagePlugin.PngInfo()
    words.add_text("Location", "rue de la Gare 12")
    file = io.BytesIO()
    Image.effect_noise((32, 32), 40).save(file, "PNG", pnginfo=words)
    kept = bare(file.getvalue())

    assert b"Gare" in file.getvalue()
    assert b"Gare" not in kept
    assert pixels(kept) == pixels(file.getvalue())


def test_what_is_bare_stays_as_it_is():
    kept = bare(a_photo())

    assert bare(kept) == kept


@pytest.mark.parametrize("start", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"])
@given(rest=st.binary(max_size=200))
def test_nothing_breaks_it(start, rest):
    assert isinstance(bare(start + rest), bytes)
