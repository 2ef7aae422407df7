"""The photo of a Bot API call: a file of its body, one that is known already, or an address."""

from __future__ import annotations

from typing import Any

from tocsin_sandbox.pictures import look_at
from tocsin_sandbox.state import Medium, State
from tocsin_sandbox.telegram.answers import (
    PHOTO_ADDRESS,
    PHOTO_DIMENSIONS,
    PHOTO_MISSING,
    PHOTO_NOT_TAKEN,
    PHOTO_TOO_BIG,
    Refusal,
)
from tocsin_sandbox.telegram.calls import Call

LARGEST = 10 * 1024 * 1024
WIDTH_AND_HEIGHT = 10_000
RATIO = 20


def take_photo(state: State, call: Call) -> str:
    """Keep the photo that a call brings and return its file id. Raises Refusal."""
    named = call.text("photo")
    upload = call.files.get(named.removeprefix("attach://") if named.startswith("attach://") else "photo")
    if upload is not None:
        return _keep(state, upload.content, call.at)
    if not named:
        raise Refusal(PHOTO_MISSING)
    if state.medium("telegram", named) is None and not named.startswith(("http://", "https://")):
        raise Refusal(PHOTO_ADDRESS)
    return named


def show_photo(state: State, id_: str) -> list[dict[str, Any]]:
    """A message's `photo`: the sizes there are of it, here one."""
    medium = state.medium("telegram", id_)
    width, height, size = (medium.width, medium.height, medium.size) if medium else (0, 0, 0)
    return [{"file_id": id_, "file_unique_id": id_, "width": width, "height": height, "file_size": size}]


def _keep(state: State, content: bytes, now: float) -> str:
    if len(content) > LARGEST:
        raise Refusal(PHOTO_TOO_BIG)
    picture = look_at(content)
    if picture is None:
        raise Refusal(PHOTO_NOT_TAKEN)
    short, long = sorted((picture.width, picture.height))
    if short + long > WIDTH_AND_HEIGHT or long > RATIO * max(1, short):
        raise Refusal(PHOTO_DIMENSIONS)
    id_ = f"AgACsandbox{len(state.media()) + 1:08d}"
    state.keep_medium(Medium("telegram", id_, picture.kind, len(content), picture.width, picture.height, now), content)
    return id_
