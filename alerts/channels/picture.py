"""A picture on its way to a platform, read off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from alerts.model.post import PostImage

log = structlog.get_logger()
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp"}


class NoPicture(Exception):
    """The picture can't go along; its text says why. The words go out without it."""


@dataclass(frozen=True, slots=True)
class LoadedPicture:
    """The bytes of a picture, its MIME type and its text alternative."""

    content: bytes = field(repr=False)
    mime_type: str
    alt: str

    @property
    def file_name(self) -> str:
        """A name that reveals the type and nothing of this machine."""
        return f"picture.{self.mime_type.removeprefix('image/')}"


async def load_picture(image: PostImage, folder: Path, *, largest: int, kinds: frozenset[str]) -> LoadedPicture:
    """Load the picture at `image.path` (relative to `folder`), at most `largest` bytes and one of `kinds` (MIME types).

    The type is determined by the content, since platforms check nothing else. Raises NoPicture.
    """
    content = await asyncio.to_thread(_read, folder / image.path, largest)
    if _is_another(Path(image.path).stem, content):
        raise NoPicture(f"the picture {Path(image.path).name} was changed since it was validated")
    mime_type = next((kind for start, kind in _KINDS.items() if content.startswith(start)), "unknown")
    if mime_type not in kinds:
        raise NoPicture(f"the picture {Path(image.path).name} is none of {', '.join(sorted(kinds))}")
    return LoadedPicture(content, mime_type, image.alt)


async def picture_along(
    image: PostImage, folder: Path, *, largest: int, kinds: frozenset[str], channel: str
) -> LoadedPicture | None:
    """The same for a post of that channel; None, and a line in the log, where the words go without it."""
    try:
        return await load_picture(image, folder, largest=largest, kinds=kinds)
    except NoPicture as error:
        log.warning("post.without_picture", channel=channel, reason=str(error))
        return None


def _is_another(name: str, content: bytes) -> bool:
    """True if a file named by the SHA-256 of its content has another content by now."""
    return re.fullmatch(r"[0-9a-f]{64}", name) is not None and hashlib.sha256(content).hexdigest() != name


def _read(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise NoPicture(f"the picture {path.name} can't be read: {error.strerror}") from None
    if len(content) > largest:
        raise NoPicture(f"the picture {path.name} is larger than the {largest:,} bytes that the platform takes")
    return content
