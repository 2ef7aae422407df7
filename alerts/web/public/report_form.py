"""A browser's form of a report, read within bounds: so many bytes, so long.

The form's fields precede the photo: if that is too large, the input is kept and shown again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from aiohttp import web

from alerts.model.bounds import same, seal_of
from alerts.model.errors import Misuse
from alerts.model.reason import Reason, because
from alerts.reports.photos import LARGEST_FILE
from alerts.web.posted import FORMS, BodyTooLarge, PostedFields, read_posted

MOST_BYTES = LARGEST_FILE + 64 * 1024
"""Bytes of a whole form: the largest photo, and the rest."""
SMALL = 64 * 1024
"""Bytes of a form without a photo."""
PATIENCE = 180.0
"""Seconds that a form may take to arrive."""
TYPED_IN, LASTS = timedelta(seconds=3), timedelta(hours=24)
"""How old a form is when somebody sends it: younger ones come from programs, older ones from who keeps them."""
_MOST_FIELDS, _LONGEST_FIELD = 20, 8 * 1024


@dataclass(frozen=True, slots=True)
class SentForm:
    """The submitted content: the fields by name, the photo, and the fault of the photo."""

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


async def read_sent(request: web.Request) -> SentForm:
    """Read the form. Raises ValueError for what is none, TimeoutError where it takes too long, and NoRoom."""
    if request.content_type not in FORMS:
        raise ValueError(request.content_type)
    has_photo = request.content_type == "multipart/form-data"
    try:
        async with asyncio.timeout(PATIENCE):
            # Our own form has a few fields: who sends more is no browser of a citizen's.
            return _sent(await read_posted(request, MOST_BYTES if has_photo else SMALL, _MOST_FIELDS))
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
    """Recognises our own forms, and their time: all daemons of a town have one secret for it."""

    secret: bytes

    def made(self, now: datetime) -> str:
        """Return a new form's token."""
        token = f"{now.timestamp():.3f}.{secrets.token_hex(8)}"
        return f"{token}.{seal_of(self.secret, token)}"

    def doubt(self, form: str, now: datetime) -> Reason | None:
        """Why a form is one that no hand sends; None: it may well be."""
        token, _, seal = form[:200].rpartition(".")
        if not same(seal, seal_of(self.secret, token)):
            return because("report_form_unknown")
        # Behind the seal: until here it is a stranger's text, and isn't read as a number.
        age = now - datetime.fromtimestamp(float(token.rpartition(".")[0]), UTC)
        if age < TYPED_IN:
            return because("report_form_hasty")
        return because("report_form_old", hours=round(LASTS / timedelta(hours=1))) if age > LASTS else None


FIELD_OF: Mapping[str, str] = {
    "no_such_kind": "kind",
    "report_without_kind": "kind",
    "report_stopped": "kind",
    "report_without_place": "place",
    "report_off_globe": "place",
    "report_address_unknown": "place",
    "report_address_near": "place",
    "report_text_long": "text",
}
"""The field of the form that a reason is shown at."""


def field_of(error: Misuse) -> str:
    """Return the field of an error; empty: the whole form."""
    code = error.reason.code
    return "photo" if code.startswith("photo_") else FIELD_OF.get(code, "")
