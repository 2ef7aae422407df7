"""A photo is drawn anew: what its file told beside the picture is nowhere in what is kept."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, PngImagePlugin

from alerts.model.errors import Misuse
from alerts.reports import photos
from alerts.reports.photos import LARGEST_FILE, LARGEST_KEPT, blurred, reencoded, same_photo
from tests.pictures import a_png
from tests.walls import in_one_test

SECRETS = (
    b"SECRET",
    b"Exif",
    b"http://ns.adobe.com",
    b"ICC_PROFILE",
    b"acsp",
    b"GPS",
    b"PK\x03\x04",
    b"<script",
    b"MPF",
)
# SOI, JFIF, tables of quantisation, of Huffman codes, frame, scan, EOI.
ALLOWED = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}


def a_scene(width: int = 240, height: int = 160, mode: str = "RGB") -> Image.Image:
    """Red above left, blue below right, a few edges."""
    scene = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(scene)
    pen.rectangle((0, 0, width // 2, height // 2), fill="red")
    pen.rectangle((width // 2, height // 2, width, height), fill="blue")
    for place in range(5):
        left, top = width // 10 + place * width // 8, place * height // 9
        pen.ellipse((left, top, left + width // 5, height // 2), fill=(place * 50, 90, 20))
    return scene.convert(mode)


def saved(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def located(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (45.0, 11.0, 2.0), 3: "E", 4: (5.0, 43.0, 1.0)})
    return exif


def parts(jpeg: bytes) -> list[int]:
    """The markers of a JPEG's segments, up to an end that has to be its last two bytes."""
    assert jpeg[:2] == b"\xff\xd8"
    at, found = 2, []
    while jpeg[at : at + 2] != b"\xff\xd9":
        assert jpeg[at] == 0xFF
        found.append(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if found[-1] == 0xDA:
            while jpeg[at] != 0xFF or jpeg[at + 1] == 0 or 0xD0 <= jpeg[at + 1] <= 0xD7:
                at += 1
    assert at + 2 == len(jpeg)
    return found


def must_be_clean(photo: photos.Photo) -> Image.Image:
    assert set(parts(photo.jpeg)) <= ALLOWED
    assert not [secret for secret in SECRETS if secret in photo.jpeg]
    assert len(photo.jpeg) <= LARGEST_KEPT
    assert max(photo.width, photo.height) <= photos.SIDE
    shown = Image.open(io.BytesIO(photo.jpeg))
    shown.load()
    assert (shown.format, shown.mode, shown.size) == ("JPEG", "RGB", (photo.width, photo.height))
    assert set(shown.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    return shown


def is_red(colour: tuple[int, ...]) -> bool:
    return colour[0] > 200 and max(colour[1:]) < 60


def why(data: bytes) -> str:
    with pytest.raises(Misuse) as refused:
        reencoded(data)
    return refused.value.reason.code


def a_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("SECRET.html", "<script>SECRET</script>")
    return file.getvalue()


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">SECRET place</x:xmpmeta>'
PROFILE = b"\0" * 36 + b"acsp" + b"SECRET profile" * 40
TOLD = PngImagePlugin.PngInfo()
TOLD.add_text("Comment", "SECRET words")
TOLD.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
FILES = {
    "place": saved(a_scene(), exif=located()),
    "comment": saved(a_scene(), comment=b"SECRET words"),
    "xmp": saved(a_scene(), xmp=XMP),
    "profile": saved(a_scene(), icc_profile=PROFILE),
    "everything": saved(a_scene(), exif=located(), comment=b"SECRET", xmp=XMP, icc_profile=PROFILE, progressive=True),
    "archive behind": saved(a_scene()) + a_zip(),
    "page behind": saved(a_scene()) + b"<html><script>SECRET</script>",
    "two pictures": saved(a_scene(), "MPO", save_all=True, append_images=[a_scene(16, 16)], exif=located()),
    "inks": saved(a_scene(mode="CMYK"), exif=located()),
    "grey": saved(a_scene(mode="L"), comment=b"SECRET"),
    "png": saved(a_scene(), "PNG", pnginfo=TOLD, exif=located(), icc_profile=PROFILE) + a_zip(),
    "webp": saved(a_scene(), "WEBP", exif=located(), xmp=XMP, icc_profile=PROFILE) + a_zip(),
    "webp without loss": saved(a_scene(), "WEBP", lossless=True),
    "webp, plain": saved(a_scene(), "WEBP"),
    "animated png": saved(a_scene(), "PNG", save_all=True, append_images=[Image.new("RGB", (240, 160), "black")] * 3),
    "animated webp": saved(a_scene(), "WEBP", save_all=True, append_images=[Image.new("RGB", (240, 160), "black")] * 3),
}


@in_one_test
@pytest.mark.parametrize("name", FILES)
def test_nothing_of_the_file_is_kept_but_what_is_to_be_seen(name):
    shown = must_be_clean(reencoded(FILES[name]))

    assert shown.size == (240, 160)
    assert is_red(shown.getpixel((4, 60))) or name == "grey"


def test_what_was_put_into_the_files_is_there_before():
    hidden = [name for name, data in FILES.items() if not any(secret in data for secret in SECRETS)]

    assert hidden == ["webp without loss", "webp, plain", "animated png", "animated webp"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_it_is_turned_upright_before_that_is_forgotten(kind, orientation):
    upright = a_scene()
    # How a camera that is held so has it on its film: what undoes the turning.
    undone = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    film = upright.transpose(undone) if undone is not None else upright

    shown = must_be_clean(reencoded(saved(film, kind, exif=located(orientation))))

    assert shown.size == (240, 160)
    assert is_red(shown.getpixel((4, 60)))
    assert shown.getpixel((236, 150))[2] > 200


def test_broken_exif_turns_nothing():
    data = saved(a_scene(), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12" * 300)

    assert must_be_clean(reencoded(data)).size == (240, 160)


def test_a_large_one_is_made_smaller_and_few_pixels_of_it_are_ever_in_memory():
    photo = reencoded(saved(a_scene(5700, 4300), quality=30))

    must_be_clean(photo)
    assert (photo.width, photo.height) == (1600, 1207)


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "P"), ("PNG", "RGBA"), ("PNG", "LA"), ("WEBP", "RGBA")])
def test_what_shines_through_is_white(kind, mode):
    clear = a_scene(mode="RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 120, 80))
    picture = clear.quantize(32) if mode == "P" else clear.convert(mode)

    shown = must_be_clean(reencoded(saved(picture, kind)))

    assert min(shown.getpixel((8, 60))) > 245
    assert max(shown.getpixel((200, 150))[:2]) < 100


def test_sixteen_bits_of_grey_keep_their_lights():
    deep = Image.new("I;16", (64, 64), 40000)
    deep.paste(Image.new("I;16", (64, 32), 300), (0, 32))

    shown = must_be_clean(reencoded(saved(deep, "PNG")))

    assert abs(shown.getpixel((30, 5))[0] - 156) < 4
    assert shown.getpixel((30, 60))[0] < 5


def test_noise_is_kept_small():
    grain = Image.effect_noise((1600, 1600), 120)
    noise = Image.merge("RGB", (grain, grain.rotate(90), grain.rotate(180)))

    assert len(must_be_clean(reencoded(saved(noise, quality=95))).tobytes()) == 1600 * 1600 * 3


def test_files_that_would_take_much_are_refused_before_they_are_opened():
    head = saved(a_scene())
    size = head.index(b"\xff\xc0") + 5
    wide = head[:size] + struct.pack(">HH", 5000, 8000) + head[size + 4 :]
    webp = saved(Image.new("RGBA", (8, 8), (0, 0, 0, 9)), "WEBP")
    vast = webp[:24] + b"\xff\x3f\0\xff\x3f\0" + webp[30:]

    assert why(b"\xff\xd8\xff" + b"\0" * LARGEST_FILE) == "photo_too_large"
    assert why(wide) == "photo_many_pixels"  # 40 million
    assert why(a_png(8000, 5000, level=9)) == "photo_many_pixels"
    assert why(vast) == "photo_many_pixels"


def test_a_scan_told_a_thousand_times_is_refused():
    data = saved(a_scene(), progressive=True)
    at = data.rindex(b"\xff\xda")

    assert why(data[:at] + data[at:-2] * 1000 + data[-2:]) == "photo_broken"


def test_chunks_without_an_end_are_refused():
    data = saved(a_scene(), "PNG")
    empty = struct.pack(">I4sI", 0, b"teXt", zlib.crc32(b"teXt"))

    assert why(data[:33] + empty * 500_000 + data[33:]) == "photo_broken"


GIF = saved(a_scene(), "GIF")
REFUSED = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>SECRET</script></svg>',
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 400,
    "avif": b"\0\0\0\x1cftypavif" + b"\0" * 400,
    "gif": GIF,
    "tiff": saved(a_scene(), "TIFF"),
    "bmp": saved(a_scene(), "BMP"),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "page": b"<html>",
    "archive before": a_zip() + saved(a_scene()),
    "gif that calls itself a jpeg": b"\xff\xd8" + GIF,
    "empty": b"",
}


@in_one_test
@pytest.mark.parametrize("name", REFUSED)
def test_other_formats_are_refused(name):
    assert why(REFUSED[name]) == "photo_of_no_kind"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_what_is_cut_off_is_refused(kind, share):
    data = saved(a_scene(), kind)

    assert why(data[: 34 + int(share * (len(data) - 34))]) == "photo_broken"


def test_two_sizes_in_one_file_are_refused():
    data = saved(a_scene())
    at = data.index(b"\xff\xc0")
    second = data[at : at + 19].replace(struct.pack(">HH", 160, 240), struct.pack(">HH", 60000, 60000))

    assert why(data[:at] + second + data[at:]) == "photo_broken"
    assert why(data[: at + 19] + second + data[at + 19 :]) in ("photo_broken", "photo_many_pixels")


@given(
    name=st.sampled_from(sorted(FILES)),
    wounds=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=4),
)
def test_whatever_is_changed_in_a_file_it_is_refused_or_clean(name, wounds):
    data = bytearray(FILES[name])
    for place, torn in wounds:
        at = int(place * (len(data) - 1))
        data[at : at + len(torn)] = torn
    photo = None
    with suppress(Misuse):
        photo = reencoded(bytes(data))
    assert photo is None or must_be_clean(photo)


def test_the_same_photo_is_known_again():
    scene = a_scene(1200, 800)
    first = reencoded(saved(scene, quality=92)).likeness

    smaller = reencoded(saved(scene.resize((600, 400)), quality=40)).likeness
    darker = reencoded(saved(scene.point(lambda value: value * 0.7), "PNG")).likeness
    other = reencoded(saved(scene.transpose(Image.Transpose.FLIP_TOP_BOTTOM))).likeness

    assert len(first) == 16
    assert same_photo(first, smaller)
    assert same_photo(first, darker)
    assert not same_photo(first, other)


def test_two_nights_are_not_the_same_photo():
    night = reencoded(saved(Image.new("RGB", (100, 100), "black"))).likeness
    fog = reencoded(saved(Image.new("RGB", (100, 100), "white"))).likeness

    assert not same_photo(night, fog)
    assert not same_photo(night, night)


def test_a_box_hides_for_good_what_it_covers_and_nothing_else():
    scene, marked = a_scene(480, 320), a_scene(480, 320)
    pen = ImageDraw.Draw(marked)
    pen.text((330, 60), "AB-123-CD", fill="black", font_size=24)
    box = (320 / 480, 50 / 320, 470 / 480, 100 / 320)

    plain, read = (blurred(reencoded(saved(each)).jpeg, [box]) for each in (scene, marked))
    shown = must_be_clean(photos.Photo(read, 480, 320, ""))

    covered = shown.crop((320, 48, 470, 100)).convert("L").tobytes()
    assert sum(abs(here - there) > 12 for here, there in pairwise(covered)) < 52 * 5  # edges of fields, no letters
    outside = (0, 0, 300, 320)
    before = reencoded(saved(marked)).jpeg
    for x, y in ((10, 10), (100, 200), (290, 310)):
        was, now = (Image.open(io.BytesIO(each)).crop(outside).getpixel((x, y)) for each in (before, read))
        assert max(abs(a - b) for a, b in zip(was, now, strict=True)) < 12
    assert b"AB-123-CD" not in plain


def test_a_box_over_all_of_it_leaves_a_few_fields_of_rough_colour():
    shown = Image.open(io.BytesIO(blurred(reencoded(saved(a_scene())).jpeg, [(-1, -1, 2, 2)])))

    assert len({shown.getpixel((x, y)) for x in range(8, 240, 60) for y in range(8, 160, 53)}) <= 4 * 3


@in_one_test
@pytest.mark.parametrize("box", [(0.5, 0.5, 0.5, 0.9), (0.9, 0, 0.1, 1), (2, 0, 3, 1), (float("nan"), 0, 1, 1)])
def test_a_box_of_nothing_is_refused(box):
    with pytest.raises(Misuse, match="covers nothing"):
        blurred(reencoded(saved(a_scene())).jpeg, [box])


def test_what_is_no_kept_photo_is_not_blurred():
    with pytest.raises(Misuse, match="damaged"):
        blurred(b"SECRET", [(0, 0, 1, 1)])


async def test_a_photo_of_fill_bytes_is_refused_as_broken_within_the_time_it_has():
    """A million bytes FF: gone through from each of them, that would be hours."""
    with pytest.raises(Misuse) as raised:
        await reencoded.read("somebody", b"\xff\xd8" + b"\xff" * 1_000_000 + b"\0\xff\xd9")

    assert raised.value.reason.code == "photo_broken"


@pytest.mark.parametrize("size", [(1, 41), (41, 1), (501, 20_001)], ids=str)
def test_a_photo_of_a_shape_that_no_camera_makes_is_refused(size):
    """A row costs a decoder more than its pixels: one that is a pixel wide has millions of them in a few bytes."""
    with pytest.raises(Misuse) as raised:
        reencoded(saved(Image.new("1", size), "PNG"))

    assert raised.value.reason.code == "photo_misshapen"
