"""An index of CAP messages, as feeds publish it: which messages there are, where, and until when.

Atom, RSS 2.0, MeteoAlarm's JSON, a ZIP, a single CAP message, and any XML that embeds CAP messages (EDXL-DE, IPAWS).
A document that is none of these is no empty index: it is Unreadable, for only an expected body may say "nothing is on".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

from lxml import etree

from alerts.model.errors import Unreadable
from alerts.model.reason import Reason, because
from alerts.sources.cap.archive import members
from alerts.sources.cap.base import Base
from alerts.sources.cap.entry import EntryParts, IndexEntry, document_of, ignore
from alerts.sources.cap.fields import read_time
from alerts.sources.cap.tree import local_name
from alerts.sources.safe_xml import FORBIDDEN, Element, one_line, parse

_LONGEST_KEY = 1000
_LONGEST_LINK = 2000
_MESSAGE_TYPES = ("application/cap+xml", "application/common-alerting-protocol+xml")
_CAP_ENTRY_NAMES = frozenset({"event", "status", "msgType", "severity", "urgency", "certainty", "expires", "effective"})


def read_index(body: bytes, content_type: str | None, base_url: str, *, zone: tzinfo) -> list[IndexEntry]:
    """The entries of the index in `body`, in its order, each key once.

    Links are resolved against `base_url`; times without a zone are in `zone`. An index with nothing on is an empty
    list. Raises Unreadable for what is no index: nothing, an HTML page, a problem report, other XML or JSON.
    """
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise Unreadable(because("index_empty"))
    if start.startswith(b"PK"):
        entries = [IndexEntry(m.key, message=m.body, problem=m.problem) for m in members(body)]
    elif start.startswith((b"{", b"[")) or "json" in (content_type or "").lower():
        entries = list(_read_json(body, zone))
    else:
        entries = list(_read_xml(body, base_url, zone))
    return list({entry.key: entry for entry in map(_with_sound_key, entries)}.values())


def _with_sound_key(entry: IndexEntry) -> IndexEntry:
    """A key is kept for good: one of unreasonable length, or that no database takes, is replaced by its digest."""
    if len(entry.key) <= _LONGEST_KEY and not FORBIDDEN.search(entry.key):
        return entry
    return replace(entry, key=hashlib.sha256(entry.key.encode(errors="surrogatepass")).hexdigest())


# --- JSON -----------------------------------------------------------------------------------------------------------


def _read_json(body: bytes, zone: tzinfo) -> Iterator[IndexEntry]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable(because("index_json")) from None
    warnings = document.get("warnings") if isinstance(document, dict) else None
    if not isinstance(warnings, list):
        raise Unreadable(_no_warnings(document))
    for place, warning in enumerate(warnings):
        yield _read_warning(place, warning, zone)


def _no_warnings(document: object) -> Reason:
    """With what a problem report (RFC 9457) says of itself."""
    if not isinstance(document, dict) or not isinstance(document.get("title"), str):
        return because("index_no_warnings")
    return because("index_no_warnings_says", said=one_line(document["title"])[:80])


def _read_warning(place: int, warning: object, zone: tzinfo) -> IndexEntry:
    if not isinstance(warning, dict) or not isinstance(alert := warning.get("alert"), dict):
        return IndexEntry(f"warnings[{place}]", problem=because("index_entry_no_alert", place=place))
    name = next((name for name in (warning.get("uuid"), alert.get("identifier")) if name and _is_word(name)), None)
    key = " ".join(str(part) for part in (name, alert.get("sent")) if part and _is_word(part))
    return IndexEntry(key or f"warnings[{place}]", document=alert, expires=_latest_expiry(alert, zone))


def _is_word(value: object) -> bool:
    return isinstance(value, str | int)


def _latest_expiry(alert: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    """The end of the last info; None as soon as one info tells none."""
    infos = alert.get("info")
    if not isinstance(infos, list):
        return None
    texts = [info.get("expires") if isinstance(info, dict) else None for info in infos]
    times = [read_time(text, zone, ignore) if isinstance(text, str) else None for text in texts]
    known = [time for time in times if time]
    return max(known) if known and len(known) == len(times) else None


# --- XML ------------------------------------------------------------------------------------------------------------


def _read_xml(body: bytes, base_url: str, zone: tzinfo) -> Iterator[IndexEntry]:
    root, _ = parse(body)
    readers: dict[str, Callable[[Element, str, tzinfo], Iterator[IndexEntry]]] = {
        "feed": _read_atom,
        "rss": _read_rss,
        "RDF": _read_rss,
    }
    name = local_name(root)
    if name == "alert":
        return iter([_embedded(root)])
    if reader := readers.get(name):
        return reader(root, base_url, zone)
    return _read_wrapped(root, name)


def _read_wrapped(root: Element, name: str) -> Iterator[IndexEntry]:
    # A message within a message is that one's business: each of 250 nested ones would be all of them over again.
    messages = [each for each in root.iter("{*}alert") if next(each.iterancestors("{*}alert"), None) is None]
    if not messages and name not in ("EDXLDistribution", "alerts"):
        is_page = name.lower() == "html"
        raise Unreadable(because("index_html") if is_page else because("index_other", root=name[:40]))
    return (_embedded(message) for message in messages)


def _embedded(alert: Element, key: str | None = None, expires: datetime | None = None) -> IndexEntry:
    named = " ".join(_child_text(alert, name) for name in ("sender", "identifier", "sent")).strip()
    return IndexEntry(
        key or named or "message", message=etree.tostring(alert, encoding="utf-8", with_tail=False), expires=expires
    )


def _child_text(element: Element, name: str) -> str:
    return (element.findtext(f"{{*}}{name}") or "").strip()


def _read_atom(feed: Element, base_url: str, zone: tzinfo) -> Iterator[IndexEntry]:
    base = Base.of(base_url, feed.get("{http://www.w3.org/XML/1998/namespace}base"))
    for entry in feed.iterchildren("{*}entry"):
        parts = EntryParts(entry)
        link = _atom_link(parts.links)
        yield from _entry(parts, link, parts.text("updated"), base, zone)


def _atom_link(links: list[Element]) -> str:
    """The link that is typed as CAP, else as XML, else the only or first one that is no feed's own."""

    def suitability(link: Element) -> int:
        kind = (link.get("type") or "").lower()
        if kind in _MESSAGE_TYPES:
            return 0
        return 1 if kind in ("application/xml", "text/xml") else 2 if link.get("rel", "alternate") == "alternate" else 3

    if len(links) == 1:
        return links[0].get("href") or ""
    candidates = [link for link in links if link.get("href") and link.get("rel") not in ("self", "license", "edit")]
    return min(candidates or links, key=suitability).get("href") or "" if links else ""


def _read_rss(root: Element, base_url: str, zone: tzinfo) -> Iterator[IndexEntry]:
    base = Base.of(base_url)
    for item in root.iter("{*}item"):
        parts = EntryParts(item)
        link = next((link.text.strip() for link in parts.links if link.text), "") or _enclosure(item)
        version = parts.text("pubDate", "date", "guid")
        yield from _entry(parts, link, version, base, zone)


def _enclosure(item: Element) -> str:
    enclosure = item.find("{*}enclosure")
    return (enclosure.get("url") or "") if enclosure is not None else ""


def _entry(parts: EntryParts, link: str, version: str | None, base: Base, zone: tzinfo) -> Iterator[IndexEntry]:
    name = parts.text("id", "guid") or ""
    if len(link) > _LONGEST_LINK:
        yield IndexEntry(f"{link} {version}", problem=because("index_link_long", link=repr(link[:80])))
        return
    try:
        url = base.resolve(link) if link else None
    except ValueError:
        yield IndexEntry(f"{link} {version}", problem=because("index_link_unread", link=repr(link[:80])))
        return
    key = " ".join(part for part in (url or name, version) if part)
    if message := parts.message():
        yield IndexEntry(key or "message", message=message, expires=parts.expires(zone))
    elif url == base.url and not parts.cap():
        # "There are no active warnings" is an entry that links to the index itself
        return
    elif url:
        yield IndexEntry(key, url=url, expires=parts.expires(zone))
    elif parts.tells_an_alert():
        yield IndexEntry(key, document=document_of(parts), expires=parts.expires(zone))
    else:
        yield IndexEntry(key or "entry", problem=because("index_entry_bare", name=repr(name[:80])))
