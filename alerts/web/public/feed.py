"""The Atom feed (RFC 4287): an entry for each incident, with links to its page and to its CAP messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from alerts.web.public.setting import Setting
from alerts.web.public.told import Told

_CAP = "application/cap+xml"
_NOT_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))


def feed(shown: Sequence[Told], setting: Setting, language: str, title: str, now: datetime) -> str:
    """The feed of one language, newest first; its ids never change."""
    home = setting.address(setting.path(language))
    own = setting.address(setting.path(language, "feed.atom"))
    updated = max((told.incident.changed_at for told in shown), default=now)
    head = [
        f"<id>{_text(setting.identity(setting.path(language)))}</id>",
        f"<title>{_text(title)}</title>",
        f"<updated>{_time(updated)}</updated>",
        f'<link rel="alternate" type="text/html" href={_value(home)}/>',
        f'<link rel="self" type="application/atom+xml" href={_value(own)}/>',
        f"<author><name>{_text(setting.station)}</name></author>",
    ]
    newest = sorted(shown, key=lambda told: told.incident.changed_at, reverse=True)
    lines = "\n".join([*head, *_entries(newest, setting)])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={_value(language)}>\n{lines}\n</feed>\n'
    )


def _entries(shown: Iterable[Told], setting: Setting) -> Iterator[str]:
    for told in shown:
        page = setting.address(told.path)
        yield "<entry>"
        yield f"<id>{_text(setting.identity(told.path))}</id>"
        yield f"<title>{_text(told.title)}</title>"
        yield f"<published>{_time(told.incident.versions[0].received_at)}</published>"
        yield f"<updated>{_time(told.incident.changed_at)}</updated>"
        # Its own author wins over the feed's (4.2.1): the town doesn't sign what another says.
        if not told.facts["own"]:
            yield f"<author><name>{_text(told.facts['sender'])}</name></author>"
        yield f'<link rel="alternate" type="text/html" href={_value(page)}/>'
        for record in messages_of(told):
            yield f'<link rel="related" type="{_CAP}" href={_value(setting.address(f"/cap/{record}.xml"))}/>'
        yield f"<summary>{_text(told.summary)}</summary>"
        yield "</entry>"


def messages_of(told: Told) -> list[str]:
    """The ids of the messages that the public may read, newest first."""
    ids = [record.id for record in told.incident.versions]
    if told.end and told.end.record:
        ids.append(told.end.record.id)
    return ids[::-1]


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _text(text: str) -> str:
    return escape(text.translate(_NOT_XML))


def _value(text: str) -> str:
    return quoteattr(text.translate(_NOT_XML))
