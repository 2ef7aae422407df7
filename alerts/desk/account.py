"""An alert and its posts as the one JSON object that the command line, the API and the exports show.

Beside the posts stands every word of the alert (`in_full`), also what no post has room for: it goes out too, on the
town's page and in the CAP message, so whoever validates has to see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from alerts.desk.approve import fingerprint
from alerts.desk.posts import DraftPost
from alerts.model.alert import Alert, Info
from alerts.model.incident import AlertState, PastEvent, StoredAlert
from alerts.model.post import Post
from alerts.rendering.i18n import told, word

_TEXTS = ("headline", "event", "description", "instruction", "audience", "contact", "sender_name", "web")
_ABOVE = ("source", "restriction", "note")
_OURS = "tocsin:"


@dataclass(frozen=True, slots=True)
class InFull:
    """What an alert says in one language, in the order of reading; without a language, what it says in none.

    `said` are pairs of CAP's name and the words; a further element of the message (`parameter`) names itself in them.
    """

    language: str | None
    said: tuple[tuple[str, str], ...]


def in_full(alert: Alert) -> tuple[InFull, ...]:
    """All that whoever validates the alert lets out beside its posts, language by language."""
    above = tuple((name, words) for name in _ABOVE if (words := getattr(alert, name)))
    told = [InFull(info.language, tuple(_of(info))) for info in alert.infos]
    return (*([InFull(None, above)] if above else []), *told)


def _of(info: Info) -> Iterator[tuple[str, str]]:
    for name in _TEXTS:
        if words := getattr(info, name):
            yield name, words
    for each in info.resources:
        # Where a picture lies on this machine is nobody's business outside.
        address = "" if (each.uri or "").startswith("file:") else each.uri or ""
        yield "picture", " ".join(filter(None, (each.description, address)))
    for pair in (*info.event_codes, *info.parameters):
        if not pair.name.startswith(_OURS):
            yield "parameter", f"{pair.name}: {pair.value}"
    for area in dict.fromkeys(area.description for area in info.areas):
        yield "area", area


def account_of(
    record: StoredAlert, posts: Sequence[Post], zone: tzinfo, language: str, twins: Sequence[StoredAlert] = ()
) -> dict[str, Any]:
    """The object of design's "An alert"; times are in the station's zone.

    One that waits has `lets_out` beside it: all that a validation lets out and its posts' texts don't show, and which
    messages (`twins`) have told the public of the same event already.
    """
    alert = record.alert
    info = alert.info_for(language) if alert else None
    account = {
        "alert": record.id,
        "incident": record.incident_id,
        "identifier": alert.identifier if alert else None,
        "follows": alert.references[-1].identifier if alert and alert.references else None,
        "status": str(alert.status) if alert else None,
        "state": str(record.state),
        **told(record.reason, language, zone),
        "severity": str(record.severity),
        "headline": (info.headline or info.event) if info else None,
        "expires": _spelled(alert.expires if alert else None, zone),
        "author": record.author,
        "fingerprint": fingerprint(record, posts),
        "posts": [_post(post, zone, language) for post in posts],
    }
    return account | ({"lets_out": _lets_out(alert, posts, twins)} if alert and _waits(record) else {})


def _waits(record: StoredAlert) -> bool:
    return record.state is AlertState.WAITING


def _lets_out(alert: Alert, posts: Sequence[Post], twins: Sequence[StoredAlert]) -> dict[str, Any]:
    return {
        "words": [
            {"language": told.language, "said": [{"name": name, "words": words} for name, words in told.said]}
            for told in in_full(alert)
        ],
        "subscribers": [
            {"channel": post.channel, "language": language, "text": message.plain, "link": message.link}
            for post in posts
            for language, message in post.subscribers.items()
        ],
        "pictures": [
            {"channel": post.channel, "alt": post.message.image.alt} for post in posts if post.message.image is not None
        ],
        "links": [{"channel": post.channel, "link": post.message.link} for post in posts if post.message.link],
        "same_event": [{"alert": twin.id, "source": twin.source} for twin in twins],
    }


def rehearsal_of(record: StoredAlert, drafts: Sequence[DraftPost], zone: tzinfo, language: str) -> dict[str, Any]:
    """The same before anything is stored: each post with its count, what was cut, and what to look at."""
    account = account_of(record, [made.post for made in drafts], zone, language)
    for shown, made in zip(account["posts"], drafts, strict=True):
        rendered = made.rendered
        shown |= {
            "count": rendered.count,
            "limit": rendered.limit,
            "cut": list(rendered.cut),
            "warnings": [word(each, language, zone) for each in rendered.warnings],
        }
    return account | {"notes": [word(note, language, zone) for note in record.notes]}


def event_of(event: PastEvent, zone: tzinfo, language: str) -> dict[str, Any]:
    """One line of an alert's history."""
    return {
        "at": event.at.astimezone(zone).isoformat(timespec="milliseconds"),
        "alert": event.alert_id,
        "channel": event.channel,
        "post": event.post_id,
        "what": event.what,
        **told(event.reason, language, zone),
    }


def _post(post: Post, zone: tzinfo, language: str) -> dict[str, Any]:
    return {
        "id": post.id,
        "channel": post.channel,
        "kind": str(post.kind),
        "state": str(post.state),
        "text": post.message.plain,
        "remote_id": post.receipt.remote_id if post.receipt else None,
        "url": post.receipt.url if post.receipt else None,
        "attempts": post.tries,
        "sent_at": _spelled(post.sent_at, zone, "milliseconds"),
        **told(post.reason, language, zone),
    }


def _spelled(time: datetime | None, zone: tzinfo, precision: str = "seconds") -> str | None:
    return time.astimezone(zone).isoformat(timespec=precision) if time else None
