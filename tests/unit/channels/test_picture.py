"""A picture is told by its content, bounded in size, and its failure names the file and nothing of this machine."""

from __future__ import annotations

import hashlib

import pytest

from alerts.channels.picture import NoPicture, load_picture
from alerts.model.post import PostImage
from tests.walls import in_one_test

KINDS = frozenset({"image/jpeg", "image/png"})
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 92


async def load(folder, content, *, largest=100):
    (folder / "map.jpg").write_bytes(content)
    return await load_picture(PostImage("map.jpg", "La zone"), folder, largest=largest, kinds=KINDS)


async def test_the_content_tells_the_type_not_the_name(tmp_path):
    picture = await load(tmp_path, PNG)
    assert (picture.mime_type, picture.file_name, picture.alt) == ("image/png", "picture.png", "La zone")
    assert picture.content == PNG
    assert "0000" not in repr(picture)


@in_one_test
@pytest.mark.parametrize("content", [b"", b"text", b"GIF89a", b"RIFF0000WEBP", PNG + b"0"])
async def test_what_the_platform_does_not_take_is_no_picture(tmp_path, content):
    with pytest.raises(NoPicture, match=r"map\.jpg") as caught:
        await load(tmp_path, content)
    assert str(tmp_path) not in str(caught.value)


async def test_a_kept_picture_that_was_swapped_since_it_was_validated_does_not_go_out(tmp_path):
    kept = tmp_path / f"{hashlib.sha256(PNG).hexdigest()}.png"
    kept.write_bytes(PNG)
    assert (await load_picture(PostImage(str(kept), ""), tmp_path, largest=100, kinds=KINDS)).content == PNG

    kept.write_bytes(PNG[:-1] + b"1")
    with pytest.raises(NoPicture, match="was changed since it was validated"):
        await load_picture(PostImage(str(kept), ""), tmp_path, largest=100, kinds=KINDS)


async def test_a_missing_file_is_no_picture(tmp_path):
    with pytest.raises(NoPicture, match=r"map\.jpg can't be read"):
        await load_picture(PostImage("map.jpg", ""), tmp_path, largest=100, kinds=KINDS)
