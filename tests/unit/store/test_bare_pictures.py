"""What the camera wrote into a picture is gone; the picture itself looks as it did."""

from __future__ import annotations

import contextlib
import io
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from alerts.model.errors import Misuse
from alerts.store.bare import bare
from tests import pictures

GPS = 0x8825
ORIENTATION = 0x0112
NOISE = random.Random(12).randbytes(6300)
PLACE = {1: "N", 2: (45.0, 11.0, 30.0), 3: "E", 4: (5.0, 43.0, 0.0)}


def a_photo(orientation: int = 1) -> bytes:
    picture = Image.frombytes("L", (64, 32), NOISE[:2048]).convert("RGB")
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


def looks_like(kept: bytes, taken: bytes) -> bool:
    """Whether it is the same to the eye: of noise drawn anew with the same tables, a value is off by a half at most."""
    off = [abs(one - other) for one, other in zip(pixels(kept), pixels(taken), strict=True)]
    return sum(off) / len(off) < 1


def test_where_it_was_taken_and_by_what_is_gone_and_the_picture_looks_the_same():
    taken = a_photo()
    kept = bare(taken)

    assert b"Anne" in taken
    with Image.open(io.BytesIO(kept)) as picture:
        assert dict(picture.getexif()) == {}
        assert "comment" not in picture.info
    assert b"Anne" not in kept
    assert b"Gare" not in kept
    assert looks_like(kept, taken)


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


def test_the_same_file_is_always_drawn_the_same():
    assert bare(a_photo()) == bare(a_photo())


HIDDEN = (b"Anne", b"Gare", b"+45.1894")


def after_the_start(photo: bytes, more: bytes) -> bytes:
    return photo[:2] + more + photo[2:]


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(a_photo() + a_photo(), id="a second picture behind the first, as bursts and Ultra HDR have it"),
        pytest.param(a_photo() + b"\0\0\0\x18ftypmp42 \xa9xyz+45.1894+005.7197/", id="a film behind it"),
        pytest.param(after_the_start(a_photo(), b"\xff"), id="a fill byte before the EXIF"),
        pytest.param(a_photo()[:20] + b"\0" + a_photo()[20:], id="an odd byte before the EXIF"),
        pytest.param(after_the_start(a_photo(), b"\xff\xe2\x00\x0aMPF\0Anne"), id="an index of more pictures"),
        pytest.param(after_the_start(a_photo(), b"\xff\xe0\x00\x0aJFXX\0Ann" + b"e"), id="a thumbnail"),
        pytest.param(a_photo(orientation=6), id="turned"),
        pytest.param(a_photo(orientation=6)[:-2] + b"\xff\xfe\x00\x06Gare\xff\xd9", id="a comment behind the scan"),
    ],
)
def test_nothing_is_told_wherever_it_stands_in_the_file(file: bytes) -> None:
    kept = bare(file)

    assert not [word for word in HIDDEN if word in kept]
    with Image.open(io.BytesIO(kept)) as picture:
        picture.load()
        assert dict(picture.getexif()) == {}
        assert picture.format == "JPEG"


@pytest.mark.parametrize("how", [{"progressive": True}, {"restart_marker_blocks": 1}, {"subsampling": 0}])
def test_a_picture_of_many_scans_or_restarts_looks_the_same(how: dict[str, object]) -> None:
    file = io.BytesIO()
    Image.frombytes("L", (90, 70), NOISE).convert("RGB").save(
        file, "JPEG", comment=b"Gare", icc_profile=b"p" * 99, **how
    )
    kept = bare(file.getvalue() + a_photo())

    assert looks_like(kept, file.getvalue())
    assert b"Gare" not in kept
    with Image.open(io.BytesIO(kept)) as picture:
        assert picture.info["icc_profile"] == b"p" * 99


def a_png() -> bytes:
    file = io.BytesIO()
    Image.frombytes("L", (32, 32), NOISE[:1024]).save(file, "PNG")
    return file.getvalue()


def test_what_stands_behind_a_png_goes() -> None:
    assert bare(a_png() + b"rue de la Gare 12") == bare(a_png())


def test_a_png_that_says_no_end_is_drawn_anew() -> None:
    assert pixels(bare(a_png()[:-12])) == pixels(a_png())


@pytest.mark.parametrize(
    "file",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\0" + a_photo()[2:],
        a_photo()[:40],
        a_photo()[:-2],
        a_png()[:60],
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"",
    ],
)
def test_what_nobody_can_open_is_refused(file: bytes) -> None:
    with pytest.raises(Misuse, match=r"--image .*allowed: "):
        bare(file)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_opened() -> None:
    wide = a_png()
    bomb = wide[:16] + struct.pack(">II", 60_000, 60_000) + wide[24:]
    photo = a_photo()
    frame = photo.index(b"\xff\xc0")
    big = photo[: frame + 5] + struct.pack(">HH", 60_000, 60_000) + photo[frame + 9 :]

    for each in (bomb, bomb[:-4], big, after_the_start(big, b"\0")):
        with pytest.raises(Misuse, match=r"60000 × 60000 pixels|can't be opened"):
            bare(each)


@pytest.mark.parametrize("start", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda\x00\x02", b"\x89PNG\r\n\x1a\n"])
@given(rest=st.binary(max_size=200))
def test_nothing_breaks_it(start: bytes, rest: bytes) -> None:
    with contextlib.suppress(Misuse):
        assert isinstance(bare(start + rest), bytes)


@given(place=st.integers(0, 2000), byte=st.integers(0, 255), orientation=st.sampled_from([1, 6]))
def test_no_broken_byte_lets_anything_through(place: int, byte: int, orientation: int) -> None:
    photo = a_photo(orientation)
    broken = bytearray(photo)
    broken[place % len(photo)] = byte
    with contextlib.suppress(Misuse):
        kept = bare(bytes(broken))
        assert b"telephone" not in kept
        assert b"rue de" not in kept


def test_a_picture_of_a_shape_that_no_camera_makes_is_refused() -> None:
    with pytest.raises(Misuse, match="40 times as long as wide"):
        bare(pictures.a_png(1, 60))
    assert bare(pictures.a_png(2, 60))
