"""The one intake of remarks: an ear, a webhook, the bot, a feed and an officer all hand them over here.

A remark is interpreted first (`Understand`: its apparent kind, its vector), outside of any transaction, then stored in
one: identified by its channel and the platform's id, so that a repetition, by another way or after a kill, is stored
once. Of two versions the newer one counts, in whatever order they come; a remark deleted on its platform loses its
words at once, and stays deleted; one that somebody asked to forget is never stored again.

A comment on a post belongs to its incident. A question joins the nearest question of that incident (`Group`), or
becomes a new one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.desk.unit import DeskUnit
from alerts.listening.grouping import Group, answer_next, grouped
from alerts.model.bounds import bounded, seal_of
from alerts.model.hazard import fold
from alerts.model.listening import LONGEST_REMARK, Kind, Remark, Understood, Utterance, UtteranceState
from alerts.store.listening import forget_words

LONGEST_NAME = 200
MOST_INCIDENTS = 30
SUGGESTED_FOR = timedelta(hours=24)
LEAST_WORDS = 2
"""Words that an incident and an utterance have in common for one to be suggested for the other."""
_WORD = re.compile(r"[a-z]{4,}")
_STEM = 6
_MEANS_NOTHING = frozenset({
    "alerte", "alertes", "attention", "avec", "cette", "dans", "depuis", "encore", "etre", "from", "have", "mais",
    "plus", "pour", "quand", "quel", "quelle", "route", "sont", "sous", "that", "there", "this", "tous", "tout",
    "toute", "town", "vers", "ville", "votre", "vous", "what", "when", "where", "which", "with", "your",
})  # fmt: skip

Understand = Callable[[Sequence[str]], Awaitable[Sequence[Understood]]]
"""Returns the interpretation of these texts, in order; it may take long, in a thread of its own."""


@dataclass(frozen=True, slots=True)
class Known:
    """An officer's knowledge of a remark they type in: their name, where they heard it, and its subject."""

    by: str | None = None
    place: str | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The result for some remarks: the new or changed ones, as stored now; and the newly `raised` ones.

    `answered`: some were answered automatically, so that there are posts to send.
    """

    utterances: tuple[Utterance, ...] = ()
    raised: tuple[Utterance, ...] = ()
    answered: bool = False


async def understand_nothing(texts: Sequence[str]) -> Sequence[Understood]:
    """Return `Kind.OTHER` for every text: for towns without interpretation."""
    return [Understood() for _ in texts]


def take(
    unit: DeskUnit,
    channel: str,
    remarks: Sequence[tuple[Remark, Understood]],
    group: Group | None = None,
    *,
    by: str | None = None,
    place: str | None = None,
    about: str | None = None,
) -> Taken:
    """Store remarks of a channel in the unit's transaction.

    `by` is the officer who heard and typed them in, `place` where that was, `about` their incident.
    """
    known = Known(by, place, about)
    kept = [found for each in remarks if (found := _take_one(unit, channel, *each, group, author=known))]
    raised = tuple(utterance for utterance, is_news in kept if is_news and utterance.raised)
    answered = [answer_next(unit, utterance, group) for utterance, is_news in kept if is_news]
    return Taken(tuple(utterance for utterance, _ in kept), raised, any(answered))


def understand_kept(unit: DeskUnit, read: Sequence[tuple[Utterance, Understood]], group: Group | None) -> Taken:
    """Complete remarks that were stored in a hurry: their kind if nobody set one, their vector and their question.

    Remarks that were edited, handled or removed meanwhile stay as they are.
    """
    kept = [found for bare, understood in read if (found := _understood(unit, bare, understood, group)) is not None]
    raised = tuple(each for each, was_raised in kept if each.raised and not was_raised)
    answered = [answer_next(unit, each, group) for each, _ in kept]
    return Taken(tuple(each for each, _ in kept), raised, any(answered))


def _understood(
    unit: DeskUnit, bare: Utterance, understood: Understood, group: Group | None
) -> tuple[Utterance, bool] | None:
    known = unit.listening.utterance(bare.id)
    if known != bare:
        return None
    more = replace(known, asks=understood.asks, vector=understood.vector)
    if understood.kind is Kind.HELP or not known.raised:
        more = replace(more, kind=understood.kind, kind_reason=understood.reason)
    more = grouped(unit, replace(more, raised=known.raised or understood.kind is Kind.HELP), group)
    unit.listening.put(more)
    return more, known.raised


def unkept(unit: DeskUnit, channel: str, remarks: Sequence[Remark]) -> list[Remark]:
    """Return the remarks that would change something: the others needn't be interpreted again."""
    return [each for each in remarks if not _is_kept(unit.listening.utterance_of(channel, each.remote_id), each)]


def _is_kept(known: Utterance | None, remark: Remark) -> bool:
    if known is None or known.state in (UtteranceState.GONE, UtteranceState.FORGOTTEN):
        return known is not None
    says_the_same = remark.text is None or bounded(remark.text, LONGEST_REMARK) == known.text
    is_no_edit = remark.edited_at is None or (known.edited_at is not None and remark.edited_at <= known.edited_at)
    return not remark.gone and says_the_same and is_no_edit and remark.hidden in (None, known.hidden)


def _take_one(
    unit: DeskUnit,
    channel: str,
    remark: Remark,
    understood: Understood,
    group: Group | None,
    *,
    author: Known,
) -> tuple[Utterance, bool] | None:
    """Store one remark. Returns it as stored and True if its words are new. Returns None if nothing changed."""
    listening = unit.listening
    known = listening.utterance_of(channel, remark.remote_id)
    if known is None:
        if listening.is_forgotten(channel, remark.remote_id):
            return None
        fresh = _fresh(unit, channel, remark, understood, author)
        if remark.gone:
            # Its removal was reported before the remark itself: it is stored as gone, so that its words never are.
            listening.add(forget_words(fresh, UtteranceState.GONE))
            return None
        fresh = grouped(unit, fresh, group)
        listening.add(fresh)
        return fresh, True
    if known.state in (UtteranceState.GONE, UtteranceState.FORGOTTEN):
        return None
    if remark.gone:
        gone = forget_words(known, UtteranceState.GONE)
        listening.put(gone)
        return gone, False
    if known.text is None and remark.text is not None:
        return _worded(unit, known, _fresh(unit, channel, remark, understood, author), group), True
    return _changed(unit, known, remark, understood)


def _worded(unit: DeskUnit, known: Utterance, fresh: Utterance, group: Group | None) -> Utterance:
    """Add the words to a remark known only by an event before them, such as its hiding: it counts as new."""
    hidden = known.hidden if known.hidden_at is not None else fresh.hidden
    worded = replace(fresh, id=known.id, seq=known.seq, hidden=hidden, hidden_at=known.hidden_at)
    worded = grouped(unit, worded, group)
    unit.listening.put(worded)
    return worded


def _changed(unit: DeskUnit, known: Utterance, remark: Remark, understood: Understood) -> tuple[Utterance, bool] | None:
    written_at, before = remark.edited_at or remark.at, known.edited_at or known.said_at
    changed = _hidden(known, remark, written_at)
    # At equal times an edit takes precedence over the first text, else the version received later: a list shows the
    # present text, but not since when.
    is_as_new = written_at == before and (remark.edited_at is not None or known.edited_at is None)
    is_newer = remark.text is not None and (written_at > before or is_as_new)
    is_new = is_newer and bounded(remark.text or "", LONGEST_REMARK) != known.text
    if is_newer and remark.edited_at is not None:
        changed = replace(changed, edited_at=written_at)
    if is_new:
        changed = replace(
            changed,
            # These words have no answer yet (`grouping`). Not every platform gives the time of an edit.
            heard_at=unit.now,
            text=bounded(remark.text or "", LONGEST_REMARK),
            kind=understood.kind if known.kind is not Kind.HELP else known.kind,
            kind_reason=understood.reason if known.kind is not Kind.HELP else known.kind_reason,
            asks=understood.asks,
            # Only a person may clear the mark of a call for help.
            raised=known.raised or understood.kind is Kind.HELP,
            vector=understood.vector,
            # An officer saw other words: it is unread again.
            state=UtteranceState.UNREAD,
        )
    if changed == known:
        return None
    unit.listening.put(changed)
    return changed, is_new and not known.raised


def _hidden(known: Utterance, remark: Remark, written_at: datetime) -> Utterance:
    """Return the remark with its latest known hiding on its platform."""
    if remark.hidden is None or remark.hidden is known.hidden or written_at < (known.hidden_at or known.said_at):
        return known
    return replace(known, hidden=remark.hidden, hidden_at=written_at)


def _fresh(unit: DeskUnit, channel: str, remark: Remark, understood: Understood, author: Known) -> Utterance:
    root = remark.root
    if root is None and remark.parent is not None:
        # A reply to a comment belongs to that comment's post, even if the platform doesn't say so.
        parent = unit.listening.utterance_of(channel, remark.parent)
        root = parent.root if parent is not None else None
    incident = unit.listening.incident_of_post(channel, root) if root else remark.incident or author.about
    suggested = suggest_incident(unit, remark.text) if incident is None and remark.text else None
    config = unit.desk.station.channels.get(channel)
    return Utterance(
        id=unit.new_id(),
        channel=channel,
        remote_id=remark.remote_id,
        said_at=remark.at,
        heard_at=unit.now,
        text=None if remark.text is None else bounded(remark.text, LONGEST_REMARK),
        kind=understood.kind,
        # Without a text there is nothing to read.
        state=UtteranceState.UNREAD if remark.text is not None else UtteranceState.HANDLED,
        kind_reason=understood.reason,
        asks=understood.asks or remark.private,
        raised=understood.kind is Kind.HELP,
        root=root,
        parent=remark.parent,
        incident=incident or suggested,
        suggested=suggested is not None,
        author=author_digest(unit, channel, remark.author, remark.at) if remark.author else None,
        sealed=remark.author,
        name=bounded(remark.name, LONGEST_NAME) if remark.name else None,
        url=remark.url,
        language=remark.language,
        edited_at=remark.edited_at if remark.text is not None else None,
        hidden=remark.hidden is True,
        hidden_at=(remark.edited_at or remark.at) if remark.hidden is not None and remark.text is None else None,
        private=remark.private,
        exercise=config is not None and config.exercise,
        by=author.by,
        place=author.place,
        vector=understood.vector,
    )


def suggest_incident(unit: DeskUnit, text: str) -> str | None:
    """Return the incident that words without a post may be about: the live one that shares most, two at least.

    Its words are those of its headline, its event and its districts; None if two incidents share as many. An officer
    confirms it.
    """
    said, now = _words_of(text), unit.now
    common: dict[str, int] = {}
    for stored in unit.views.on(now, most=MOST_INCIDENTS):
        if stored.alert is None or stored.received_at < now - SUGGESTED_FOR:
            continue
        headlines = " ".join(f"{info.headline or ''} {info.event}" for info in stored.alert.infos)
        areas = " ".join(area.description for area in stored.alert.areas)
        words = (_words_of(f"{headlines} {areas}") - _words_of(unit.desk.station.name)) & said
        common[stored.incident_id] = max(common.get(stored.incident_id, 0), len(words))
    best = sorted(common.items(), key=lambda each: -each[1])[:2]
    if not best or best[0][1] < LEAST_WORDS or (len(best) > 1 and best[1][1] == best[0][1]):
        return None
    return best[0][0]


def _words_of(text: str) -> set[str]:
    """Return the significant words, without accents, case and endings."""
    return {word[:_STEM] for word in _WORD.findall(fold(text)) if word not in _MEANS_NOTHING}


def author_digest(unit: DeskUnit, channel: str, author: str, at: datetime) -> str:
    """Return the author's HMAC for counting; its secret is deleted with the month's texts."""
    secret = unit.listening.secret(f"{at:%Y-%m}", secrets.token_hex(32))
    return seal_of(bytes.fromhex(secret), f"{channel}\n{author}")
