"""What somebody had typed when the session was over: carried through the sign-in, and given back as typed.

Nothing is ever done with it by itself: it becomes a draft, or a page that asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from aiohttp.web import FileField
from multidict import MultiDict, MultiDictProxy

from alerts.access.sessions import LONGEST_CLAIM, claimed_in
from alerts.model.incident import Typed

Form = MultiDictProxy[str | bytes | bytearray | FileField]
"""A form as it was posted."""

HOME = "/desk/"
MOST_BYTES = 40_000
"""Of what is carried: several times the longest alert, and spelt in a form still within what is read of strangers."""
MOST_FIELDS = 300
_NEVER = ("csrf", "carried", "code", "secret")
_OUTSIDE = ("/desk/sign-in", "/desk/sign-out", "/desk/language", "/desk/static", "/desk/events", "/desk/fragments")


@dataclass(frozen=True, slots=True)
class Carried:
    """A form that wasn't taken: where it was to go, and its fields in order, without secrets and files.

    `by` is what it says of who typed it (`alerts.access.sessions`).
    """

    to: str
    fields: tuple[tuple[str, str], ...]
    by: str = ""

    def packed(self) -> str:
        """As one hidden field holds it."""
        kept = {"to": self.to, "fields": self.fields, "by": self.by}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    def typed(self) -> dict[str, Typed]:
        """As a draft keeps it: a name that comes several times with all its values."""
        values = MultiDict(self.fields)
        return {name: found[0] if len(found := values.getall(name)) == 1 else tuple(found) for name in values}


def carry(to: str, form: Form) -> Carried | None:
    """What is kept of a posted form; None where nothing is, or it is larger than anybody types."""
    by = claimed_in(str(form.get("csrf", "")))
    return _bounded(to, [(name, value) for name, value in form.items() if isinstance(value, str)], by)


def unpacked(text: str) -> Carried | None:
    """What comes back from the hidden field: the browser's word, so looked at as if it were new. None: nothing."""
    if not text or len(text.encode("utf-8", "replace")) > 2 * MOST_BYTES:
        return None
    try:
        said = json.loads(text)
        fields = [(str(name), str(value)) for name, value in said["fields"]]
        return _bounded(str(said["to"]), fields, str(said.get("by", ""))[:LONGEST_CLAIM])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def safe_next(wanted: str) -> str:
    """Where to go after the sign-in: a page of the desk, or its first. Never another site, however it is spelled."""
    plain = unquote(wanted)
    path = urlsplit(plain).path if plain.startswith(HOME) else ""
    odd = any(c in plain for c in "\\\r\n\t\0") or any(ord(c) < 32 for c in plain) or "//" in path
    if not path or odd or any(part in (".", "..") for part in path.split("/")) or _is_no_page(path):
        return HOME
    return wanted if wanted.startswith(HOME) and wanted.isascii() else HOME


def _is_no_page(path: str) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in _OUTSIDE)


def _bounded(to: str, fields: Sequence[tuple[str, str]], by: str) -> Carried | None:
    if safe_next(to) != to or _is_no_page(urlsplit(to).path):
        return None
    kept = tuple(_unsecret(fields))
    size = sum(len(name.encode("utf-8", "replace")) + len(value.encode("utf-8", "replace")) for name, value in kept)
    return Carried(to, kept, by) if kept and len(kept) <= MOST_FIELDS and size <= MOST_BYTES else None


def _unsecret(fields: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return ((name, value) for name, value in fields if name not in _NEVER and "password" not in name.lower())
