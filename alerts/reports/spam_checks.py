"""The checks of a report before it counts as any other: each may find a reason for an officer's review.

    doubt of the form ─▶ pace ─▶ same words ─▶ same photo ─▶ outside the town ─▶ words ─▶ received

The first that finds something gives the reason, and the report is *held*: it is stored, has its number and its link,
and counts in a cluster, but an officer reviews it before it is anything more. One from outside the town counts in none.
A source far beyond its pace is refused with a sentence. An officer's own report passes all of them.

They are the same for all ways, since `alerts.reports.taking` has them decide in the transaction that stores the report:
of a hundred that come at one moment, each finds those before it. A source's earlier reports are one query by one index,
with a bound. All else here is pure.

More than `[reports] flood` reports in ten minutes are a *flood* (`is_flood`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from alerts.model.bounds import seen
from alerts.model.errors import Misuse
from alerts.model.hazard import fold
from alerts.model.reason import Reason, because
from alerts.model.reports import EarlierTelling, ReportsSection, Via
from alerts.reports.photos import same_photo

if TYPE_CHECKING:
    from alerts.reports.taking import ReportDraft
    from alerts.store.unit import Unit

RECENTLY = timedelta(minutes=10)
"""In which more reports than `[reports] flood` are a flood."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PER_HOUR, PER_HOUR_BY_CHAT, PER_DAY = 6, 3, 20
"""The pace of a network, or of a program's `source`, in an hour, of a chat, and of either in a day."""
FAR, FAR_PROVEN = 5, 20
"""The multiples of its pace from which a source is refused; the second if each report had its proof of work.

Behind one network may be a quarter's mobile telephones, and a crowd's reports in a flood must be kept.
"""
OUTSIDE = "report_outside"
"""The reason of what comes from outside the town, and so counts in no cluster."""
WORDS = (
    # Insults; each is a whole word or several, without accents
    "abruti", "abrutis", "batard", "batards", "bougnoule", "bougnoules", "connard", "connards", "connasse", "connasses",
    "encule", "encules", "enfoire", "enfoires", "fils de pute", "negro", "nique ta mere", "ordure humaine", "pute",
    "putes", "sale arabe", "sale juif", "sale noir", "salope", "salopes", "ta gueule", "youpin",
    "asshole", "assholes", "bastard", "bastards", "bitch", "cunt", "fuck off", "fuck you", "motherfucker", "nigger",
    # Threats
    "je vais te tuer", "je vais vous tuer", "on va te tuer", "on va vous tuer", "je te creve", "te faire la peau",
    "je sais ou tu habites", "tu vas mourir", "va crever", "i will kill you", "going to kill you", "you will die",
    "i know where you live",
)  # fmt: skip
"""Insults and threats, in French and English. They hold a report, and refuse nothing."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about a report for its checks.

    `earlier` are its source's reports of the last day, newest first, cut at most far beyond its pace. `likeness` is its
    photo's fingerprint.
    """

    now: datetime
    earlier: Sequence[EarlierTelling] = ()
    likeness: str | None = None
    words: tuple[str, ...] = ()


def most_earlier() -> int:
    """Return the number of a source's reports that are read: far beyond its pace, and one more."""
    return FAR_PROVEN * PER_DAY + 1


def sift(draft: ReportDraft, facts: Facts) -> Reason | None:
    """Return the reason for a review. Returns None if it is received. Raises Misuse if its source is far too fast."""
    if is_officers(draft):
        return None
    is_proven = draft.via is Via.PAGE and draft.doubt is None
    must_keep_pace(draft.source, facts, FAR_PROVEN if is_proven else FAR)
    return next((reason for check in _CHECKS if (reason := check(draft, facts)) is not None), None)


def is_officers(draft: ReportDraft) -> bool:
    """True if it is an officer's, who has reviewed it by that."""
    return draft.via is Via.OFFICER


def must_keep_pace(source: str, facts: Facts, far: int = FAR_PROVEN) -> None:
    """Raise Misuse for a source that reported far more often than anybody sees something."""
    hour, day = _paces(source)
    if _earlier_within(HOUR, facts) >= far * hour or _earlier_within(DAY, facts) >= far * day:
        raise Misuse(because("report_far_too_many"))


def _paces(source: str) -> tuple[int, int]:
    return (PER_HOUR_BY_CHAT if source.startswith("chat ") else PER_HOUR), PER_DAY


def _earlier_within(span: timedelta, facts: Facts) -> int:
    return sum(each.at > facts.now - span for each in facts.earlier)


# --- each of them ---


def _doubted(draft: ReportDraft, _: Facts) -> Reason | None:
    return draft.doubt


def _too_many(draft: ReportDraft, facts: Facts) -> Reason | None:
    for span, most in zip((HOUR, DAY), _paces(draft.source), strict=True):
        if (count := _earlier_within(span, facts)) >= most:
            return because("report_pace", count=count + 1, hours=round(span / HOUR))
    return None


def _same_words(draft: ReportDraft, facts: Facts) -> Reason | None:
    words = _folded(draft.text)
    same = next((each for each in facts.earlier if words and each.text and _folded(each.text) == words), None)
    return because("report_same_words", report=same.number) if same is not None else None


def _same_photo(_: ReportDraft, facts: Facts) -> Reason | None:
    if facts.likeness is None:
        return None
    likeness = facts.likeness
    same = next((each for each in facts.earlier if each.likeness and same_photo(each.likeness, likeness)), None)
    return because("report_same_photo", report=same.number) if same is not None else None


def _outside(draft: ReportDraft, _: Facts) -> Reason | None:
    return because("report_outside") if draft.is_outside else None


def _rude(draft: ReportDraft, facts: Facts) -> Reason | None:
    found = _pattern((*WORDS, *facts.words)).search(_folded(draft.text))
    return because("report_words", words=found[0]) if found else None


_CHECKS: Sequence[Callable[[ReportDraft, Facts], Reason | None]] = (
    _doubted,
    _too_many,
    _same_words,
    _same_photo,
    _outside,
    _rude,
)


def _folded(text: str) -> str:
    # Without what can't be seen: it would make two words of one, and another text of the same.
    return " ".join(re.findall(r"[^\W_]+", fold(seen(text))))


@lru_cache(maxsize=8)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    banned = sorted({re.escape(found) for each in words if (found := _folded(each))}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(banned)})(?!\w)")


# --- when everybody reports at once ---


def is_flood(unit: Unit, section: ReportsSection, now: datetime) -> bool:
    """True if more came in the last ten minutes than the town's `flood`."""
    return unit.reports.received_since(now - RECENTLY, section.flood + 1) > section.flood
