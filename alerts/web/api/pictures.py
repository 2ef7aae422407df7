"""A picture that comes with an alert: checked by its content, and kept before the alert is filed."""

from __future__ import annotations

import asyncio
import base64
import binascii
from pathlib import Path
from typing import TypedDict

from alerts.desk.draft import picture_kind
from alerts.desk.service import DeskService
from alerts.model.reason import because
from alerts.web.api.problems import Fault, invalid
from alerts.web.api.wishes import Picture, Words


class Image(TypedDict, total=False):
    """The fields of a draft that name a picture; none of them where there is none."""

    image: Path
    alt: str


async def picture_of(service: DeskService, wish: Words) -> Image:
    """Keep the picture of the wish, if it has one; a dry run keeps nothing. Raises Problem, and Misuse."""
    if wish.picture is None:
        return {}
    data = await asyncio.to_thread(_checked, wish.picture)
    if wish.dry_run:
        return {}
    path = service.picture(await service.keep_picture(data, wish.picture.type))
    assert path is not None  # noqa: S101 it was just kept
    return {"image": path, "alt": wish.picture.alt}


def _checked(picture: Picture) -> bytes:
    try:
        data = base64.b64decode(picture.data, validate=True)
    except binascii.Error:
        raise invalid([Fault("picture.data", "is no base64", "the file in base64, on one line")]) from None
    if (found := picture_kind(data)) != picture.type:
        raise invalid([Fault("picture.type", because("request_picture_other", found=found), found)])
    return data
