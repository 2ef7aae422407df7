"""An alert as it is shown: with its posts as one JSON object, in every word, and with what changed in it.

`account_of` is the object that the command line, the API and the exports show. Beside the posts stands every word of
the alert (`in_full`), also what no post has room for: it goes out too, on the town's page and in the CAP message, so
whoever validates has to see it. `changes_between` tells who looks again what is another than before, texts word by
word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from alerts.desk.approve import fingerprint
from alerts.desk.posts import DraftPost
from alerts.model.alert import Alert, Area, Info, MsgType
from alerts.model.incident import AlertState, PastEvent, StoredAlert
from alerts.model.post import Post
from alerts.model.reason import because
from alerts.model.reports import REPORTS
from alerts.rendering.i18n import told, word
from alerts.store.unit import Unit

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
    stored: StoredAlert, posts: Sequence[Post], zone: tzinfo, language: str, twins: Sequence[StoredAlert] = ()
) -> dict[str, Any]:
    """The object of design's "An alert"; times are in the station's zone.

    One that waits has `lets_out` beside it: all that a validation lets out and its posts' texts don't show, and which
    messages (`twins`) have told the public of the same event already.
    """
    alert = stored.alert
    info = alert.info_for(language) if alert else None
    account = {
        "alert": stored.id,
        "incident": stored.incident_id,
        "identifier": alert.identifier if alert else None,
        "follows": alert.references[-1].identifier if alert and alert.references else None,
        "status": str(alert.status) if alert else None,
        "state": str(stored.state),
        **told(stored.reason, language, zone),
        "severity": str(stored.severity),
        "headline": (info.headline or info.event) if info else None,
        "expires": _spelled(alert.expires if alert else None, zone),
        "author": stored.author,
        "fingerprint": fingerprint(stored, posts),
        "posts": [post_account(post, zone, language) for post in posts],
    }
    return account | ({"lets_out": _lets_out(alert, posts, twins)} if alert and _waits(stored) else {})


def drafted_from(unit: Unit, stored_alerts: Sequence[StoredAlert]) -> Mapping[str, dict[str, list[str]]]:
    """Beside the account of an alert that reports made: `drafted_from`, the numbers of these, by the alert's id."""
    made = [stored.id for stored in stored_alerts if stored.source == REPORTS]
    return {name: {"drafted_from": told} for name, told in unit.reports.drafted_from(made).items()} if made else {}


def with_reports(unit: Unit, incident: str, events: Sequence[PastEvent]) -> list[PastEvent]:
    """An incident's history with the reports of citizens that each of its alerts was drafted from."""
    made = [stored for stored in unit.alerts.incident(incident) if stored.source == REPORTS]
    cited = unit.reports.drafted_from([stored.id for stored in made]) if made else {}
    told = [
        PastEvent(
            each.received_at, each.id, None, None, "drafted", because("drafted_of_reports", reports=cited[each.id])
        )
        for each in made
        if each.id in cited
    ]
    return sorted([*told, *events], key=lambda event: event.at) if told else list(events)


def _waits(stored: StoredAlert) -> bool:
    return stored.state is AlertState.WAITING


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


def rehearsal_of(stored: StoredAlert, drafts: Sequence[DraftPost], zone: tzinfo, language: str) -> dict[str, Any]:
    """The same before anything is stored: each post with its count, what was cut, and what to look at."""
    account = account_of(stored, [made.post for made in drafts], zone, language)
    for shown, made in zip(account["posts"], drafts, strict=True):
        rendered = made.rendered
        shown |= {
            "count": rendered.count,
            "limit": rendered.limit,
            "cut": list(rendered.cut),
            "warnings": [word(each, language, zone) for each in rendered.warnings],
        }
    return account | {"notes": [word(note, language, zone) for note in stored.notes]}


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


def post_account(post: Post, zone: tzinfo, language: str) -> dict[str, Any]:
    """The object of design's "A post"."""
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


Value = str | datetime | None
_WORDS = re.compile(r"\s+|[^\s]+")
_SENTENCES = re.compile(r"[^.!?\n]+[.!?\n]*\s*|[.!?\n]+\s*")
_MOST_PIECES = 1000
_SAID = ("headline", "description", "instruction")
_PLAIN = ("event", "severity", "urgency", "certainty", "web")
_TIMES = ("onset", "expires")


class Mark(StrEnum):
    """What became of a run of words."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Run:
    """Some words, and what became of them."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class VersionChange:
    """One thing that isn't as it was; None: it wasn't there, or isn't any more.

    `field` is CAP's name (`headline`, `expires`, …), `picture` by its words (the same twice: it is another one), `area`
    for one that came or went, or `outline` for one that lies elsewhere. `language` is said where the message speaks
    several. `runs` tell a text word by word.
    """

    field: str
    before: Value
    after: Value
    language: str | None = None
    runs: tuple[Run, ...] = ()


def changes_between(earlier: StoredAlert, later: StoredAlert) -> tuple[VersionChange, ...]:
    """What a reader of `earlier` has to learn to know `later`, in the order of reading. Empty: it says the same.

    When it was sent, under which identifier and that it is an update is no change.
    """
    if earlier.alert is None or later.alert is None:
        return ()
    return tuple(_changes(earlier.alert, later.alert))


def _pieces(before: str, after: str) -> tuple[list[str], list[str]]:
    """What is compared: no more pieces than take a moment, for the time grows as the cube of their number."""
    for pattern in (_WORDS, _SENTENCES):
        old, new = pattern.findall(before), pattern.findall(after)
        if max(len(old), len(new)) <= _MOST_PIECES:
            return old, new
    return [before], [after]


def word_runs(before: str, after: str) -> tuple[Run, ...]:
    """Two texts as one, word by word: what stayed, what went, what came.

    Where less than half of the words stay, and in long texts, by whole sentences: nobody can read two texts in shreds.
    """
    runs = _runs(*_pieces(before, after))
    kept = sum(len(run.text.split()) for run in runs if run.mark is Mark.SAME)
    if 2 * kept >= max(len(before.split()), len(after.split())):
        return runs
    return _runs(_SENTENCES.findall(before), _SENTENCES.findall(after))


def _runs(old: Sequence[str], new: Sequence[str]) -> tuple[Run, ...]:
    runs: list[Run] = []
    # Without `autojunk`, by which a word that stands there often would count as nothing and hide a change.
    for step, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if step == "equal":
            runs.append(Run(Mark.SAME, "".join(old[i:j])))
            continue
        runs += [Run(Mark.GONE, "".join(old[i:j]))] if i < j else []
        runs += [Run(Mark.NEW, "".join(new[k:m]))] if k < m else []
    return tuple(runs)


def _changes(earlier: Alert, later: Alert) -> Iterator[VersionChange]:
    for field in ("status", "note"):
        yield from _plain(field, getattr(earlier, field), getattr(later, field))
    if later.msg_type is MsgType.CANCEL:
        yield from _plain("msg_type", earlier.msg_type, later.msg_type)
    several = len(earlier.infos) > 1 or len(later.infos) > 1
    for info in later.infos:
        before = next((one for one in earlier.infos if one.language.lower() == info.language.lower()), None)
        # A language that is new is told as if all of it came: it has nothing to be compared with.
        yield from _of_info(before or Info(event=""), info, info.language if several else None)
    spoken = {info.language.lower() for info in later.infos}
    for gone in earlier.infos:
        if gone.language.lower() not in spoken:
            yield VersionChange("language", gone.language, None)
    # One that names no area leaves it where it was: an end needn't repeat that.
    if later.areas:
        yield from _of_areas(earlier.areas, later.areas)


def _of_info(before: Info, after: Info, language: str | None) -> Iterator[VersionChange]:
    for field in _SAID:
        old, new = getattr(before, field) or "", getattr(after, field) or ""
        if old != new:
            yield VersionChange(field, old or None, new or None, language, word_runs(old, new))
    for field in _PLAIN:
        yield from _plain(field, getattr(before, field), getattr(after, field), language)
    for field in _TIMES:
        if getattr(before, field) != getattr(after, field):
            yield VersionChange(field, getattr(before, field), getattr(after, field), language)
    if any(one != other for one, other in zip_longest(before.resources, after.resources)):
        yield VersionChange("picture", _picture(before), _picture(after), language)


def _plain(field: str, before: object, after: object, language: str | None = None) -> Iterator[VersionChange]:
    if before != after:
        yield VersionChange(field, _said(before), _said(after), language)


def _said(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _picture(info: Info) -> str | None:
    """Its words: by what name this machine keeps it tells nobody anything."""
    return "; ".join(each.description for each in info.resources) or None


def _of_areas(before: Sequence[Area], after: Sequence[Area]) -> Iterator[VersionChange]:
    old, new = {area.description: area for area in before}, {area.description: area for area in after}
    for name in old:
        if name not in new:
            yield VersionChange("area", name, None)
    for name, area in new.items():
        if name not in old:
            yield VersionChange("area", None, name)
        elif area != old[name]:
            yield VersionChange("outline", name, name)
