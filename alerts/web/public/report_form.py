"""What a browser sends of a report, read within bounds: so many bytes, so long, so many at once.

The form's fields stand before the photo: where that is too large, what was typed is kept and told back. A photo
is some megabytes, and is in memory until it was drawn anew: `Uploads` counts what has come of them, and has the oldest
that is half sent give way where there is no more room. A form without one is small, and never waits for those.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from aiohttp import web

from alerts.model.bounds import same, seal_of
from alerts.model.errors import Misuse
from alerts.model.reason import Reason, because
from alerts.reports.photos import LARGEST_FILE
from alerts.web.posted import FORMS, BodyTooLarge, PostedFields, read_posted

MOST_BYTES = LARGEST_FILE + 64 * 1024
"""Bytes of a whole form: the largest photo, and what stands around it."""
SMALL = 64 * 1024
"""Bytes up to which a form has no photo to speak of, and needs no place among the uploads."""
ALL_UPLOADS, A_NETWORKS = 6 * MOST_BYTES, 2 * MOST_BYTES
"""Bytes of photos that may be here at once, from everybody and from one network."""
PATIENCE = 180.0
"""Seconds that a form may take to arrive."""
TYPED_IN, LASTS = timedelta(seconds=3), timedelta(hours=24)
"""How old a form is when somebody sends it: younger ones come from programs, older ones from who keeps them."""
_MOST_FIELDS, _LONGEST_FIELD = 20, 8 * 1024


class TooManyUploads(Exception):
    """No place for one more photo just now."""


@dataclass(eq=False, slots=True)
class Upload:
    """A form with a photo that is under way, from one network; `held` are the bytes of it that are here.

    `until` ends its arriving; None: all of it is here, or nothing came yet.
    """

    network: str
    is_counted: bool
    held: int = 0
    until: asyncio.Timeout | None = None
    gave_way: bool = False

    def give_way(self) -> None:
        """End its arriving."""
        self.gave_way = True
        if self.until is not None:
            self.until.reschedule(asyncio.get_running_loop().time())


@dataclass
class Uploads:
    """The photos that are under way, the one that began first at the front.

    What has come of them takes room, and not what they say will come: half-sent ones hold little. Where there is none
    left, the oldest that is still arriving gives way, of its own network where that has too much.
    """

    under_way: dict[Upload, None] = field(default_factory=dict)

    @property
    def held(self) -> int:
        """Bytes of all that are here."""
        return sum(each.held for each in self.under_way)

    @contextmanager
    def place_for(self, request: web.Request, network: str) -> Iterator[Upload]:
        """A place for what that request brings, until it is dealt with. A small form takes none."""
        told = request.content_length
        upload = Upload(network, told is None or told > SMALL)
        if upload.is_counted:
            self.under_way[upload] = None
        try:
            yield upload
        finally:
            self.under_way.pop(upload, None)

    def came(self, upload: Upload, size: int) -> None:
        """Count bytes that came, and make room for them. Raises TooManyUploads where they are what gives way."""
        if not upload.is_counted:
            return
        upload.held += size
        self._make_room([each for each in self.under_way if each.network == upload.network], A_NETWORKS, upload)
        self._make_room(list(self.under_way), ALL_UPLOADS, upload)

    def _make_room(self, among: list[Upload], most: int, upload: Upload) -> None:
        while sum(each.held for each in among) > most:
            # An upload that gave way before is in no list any more, and its last piece finds nobody else.
            oldest = next((each for each in among if each is upload or each.until is not None), upload)
            if oldest is upload:
                raise TooManyUploads
            among.remove(oldest)
            del self.under_way[oldest]
            oldest.give_way()


@dataclass(frozen=True, slots=True)
class SentForm:
    """What came: the fields by name, the photo, and what is wrong with that one."""

    fields: Mapping[str, str]
    photo: bytes | None = None
    fault: Reason | None = None

    def line(self, name: str) -> str:
        """A field on one line."""
        return " ".join(self.fields.get(name, "").split())

    def number(self, name: str) -> float | None:
        """A field that is a number; None where it is none."""
        try:
            return float(self.fields.get(name, ""))
        except ValueError:
            return None


async def read_sent(request: web.Request, uploads: Uploads, upload: Upload) -> SentForm:
    """Read the form. Raises ValueError for what is none, TimeoutError where it takes too long, and TooManyUploads."""
    try:
        return await _read_sent(request, uploads, upload)
    except TimeoutError:
        if upload.gave_way:
            raise TooManyUploads from None
        raise
    finally:
        upload.until = None


async def _read_sent(request: web.Request, uploads: Uploads, upload: Upload) -> SentForm:
    try:
        async with asyncio.timeout(PATIENCE) as upload.until:
            if request.content_type not in FORMS:
                raise ValueError(request.content_type)
            has_photo = request.content_type == "multipart/form-data"
            # Our own form has a few fields: who sends more is no browser of a citizen's.
            most, note = MOST_BYTES if has_photo else SMALL, partial(uploads.came, upload)
            return _sent(await read_posted(request, most, _MOST_FIELDS, note))
    except BodyTooLarge as large:
        # The fields stand before the photo, and what was typed is kept: one that is too large isn't read to its end.
        if not large.fields:
            raise ValueError(str(large)) from large
        return replace(_sent(large.fields), fault=_too_large(request.content_length or 0))
    except web.HTTPBadRequest as error:
        raise ValueError(str(error)) from error


def _sent(posted: PostedFields) -> SentForm:
    fields = {name: value for name, value in posted.items() if isinstance(value, str)}
    if any(len(value) > _LONGEST_FIELD for value in fields.values()):
        raise ValueError(_LONGEST_FIELD)
    photo = posted.get("photo")
    if not isinstance(photo, bytes):
        return SentForm(fields)
    if len(photo) > LARGEST_FILE:
        return SentForm(fields, fault=_too_large(len(photo)))
    return SentForm(fields, photo or None)


def _too_large(size: int) -> Reason:
    most = LARGEST_FILE // 1_000_000
    return because("photo_too_large", size=round(max(size, LARGEST_FILE) / 1e6, 1), most=most)


@dataclass(frozen=True, slots=True)
class FormSeal:
    """Tells our own forms, and when each was made: all daemons of a town have one secret for it."""

    secret: bytes

    def made(self, now: datetime) -> str:
        """What a form that is made now carries."""
        told = f"{now.timestamp():.3f}.{secrets.token_hex(8)}"
        return f"{told}.{seal_of(self.secret, told)}"

    def doubt(self, form: str, now: datetime) -> Reason | None:
        """Why a form is one that no hand sends; None: it may well be."""
        told, _, seal = form[:200].rpartition(".")
        if not same(seal, seal_of(self.secret, told)):
            return because("report_form_unknown")
        # Behind the seal: until here it is a stranger's text, and isn't read as a number.
        age = now - datetime.fromtimestamp(float(told.rpartition(".")[0]), UTC)
        if age < TYPED_IN:
            return because("report_form_hasty")
        return because("report_form_old", hours=round(LASTS / timedelta(hours=1))) if age > LASTS else None


FIELD_OF: Mapping[str, str] = {
    "no_such_kind": "kind",
    "report_stopped": "kind",
    "report_without_place": "place",
    "report_off_globe": "place",
    "report_address_unknown": "place",
    "report_address_near": "place",
    "report_text_long": "text",
}
"""Which field of the form a reason belongs beside."""


def field_of(error: Misuse) -> str:
    """The field that an error belongs beside; nothing: the whole form."""
    code = error.reason.code
    return "photo" if code.startswith("photo_") else FIELD_OF.get(code, "")
