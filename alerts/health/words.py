"""The notices to those on call, in sentences: troubles (cause, then fix), waiting alerts, events.

Each is English with names in braces. Its French is in `alerts/locale/fr/notices.po`, which also has the English of the
troubles (`wordings`). A notice has a headline, an action, and a reported detail; a channel with little room loses the
detail first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cache

from alerts.desk.approve import MessageKind
from alerts.health.monitor import HealthNotice, Phase, Trouble, What
from alerts.model.alert import Severity
from alerts.model.catalogue import LOCALE, coded_sentences
from alerts.model.delivery import blame_of
from alerts.model.listening import Utterance
from alerts.rendering.i18n import word as reason_in
from alerts.rendering.i18n import words_in
from alerts.rendering.text import clean_line


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one kind of trouble: the fault, the fix, and its end.

    `at_desk` is the fix if the desk has an address, for somebody with a telephone and no command line.
    """

    wrong: str
    fix: str
    over: str
    at_desk: str = ""


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """The parts of one warning; `detail` is what was reported, word for word."""

    headline: str
    fix: str | None = None
    detail: str | None = None


_NOTICES = LOCALE / "fr" / "notices.po"
_PAGES = {What.CREDENTIAL: "channels", What.PLATFORM: "channels", What.FEED: "channels"}
"""Where at the desk something is to be done about it; else on its first page."""


@cache
def wordings() -> Mapping[str, Wording]:
    """Return the sentences of each kind of trouble, read once: `credential.wrong` is one message of the catalogue.

    `refused account` and its like are a channel that can't publish although its credential is accepted.
    """
    found: dict[str, dict[str, str]] = {}
    for code, said in coded_sentences(_NOTICES):
        name, _, part = code.partition(".")
        found.setdefault(name, {})[part] = said
    return {name: Wording(**parts) for name, parts in found.items()}


# Where it isn't known any more what was refused.
_ACCESS_IS_BACK = "the channel {name} can publish again"


def _wording_of(trouble: Trouble) -> Wording:
    wording, refused = wordings()[trouble.what], wordings().get(f"refused {blame_of(trouble.reason)}")
    if trouble.what in (What.CREDENTIAL, What.PLATFORM) and refused is not None:
        return replace(refused, at_desk=refused.fix)
    if trouble.what is What.CREDENTIAL and trouble.reason is None:
        return replace(wording, over=_ACCESS_IS_BACK)
    return wording


def word(news: HealthNotice, language: str, zone: tzinfo, desk: str | None = None) -> NoticeWords:
    """The warning in that language; times are in `zone`. `desk` is the desk's address, to which it leads."""
    _ = words_in(language).gettext
    trouble, wording = news.trouble, _wording_of(news.trouble)
    begun, name = spell_time(news.since, zone, _), _name_of(trouble, _)
    if news.say is Phase.RESOLVED:
        over = _(wording.over).format(name=name)
        return NoticeWords(_("Over: {over} (in trouble since {begun}).").format(over=over, begun=begun))
    wrong = what_is_wrong(trouble, language, zone)
    lead = _("Warning: {wrong}.") if news.say is Phase.FIRING else _("Still, since {begun}: {wrong}.")
    detail = reason_in(trouble.reason, language, zone) if trouble.reason else None
    fix = f"{_(wording.at_desk)} {desk}/{_PAGES.get(trouble.what, '')}" if desk and wording.at_desk else _(wording.fix)
    return NoticeWords(lead.format(wrong=wrong, begun=begun), fix, detail)


def what_is_wrong(trouble: Trouble, language: str, zone: tzinfo) -> str:
    """The trouble alone, as a sentence without its end; times are in `zone`."""
    _ = words_in(language).gettext
    since = spell_time(trouble.since, zone, _)
    return _(_wording_of(trouble).wrong).format(name=_name_of(trouble, _), since=since, posts=trouble.posts)


def spell_time(time: datetime | None, zone: tzinfo, _: Callable[[str], str]) -> str:
    """A time as the officer's clock shows it."""
    return _("never") if time is None else _("{:%Y-%m-%d %H:%M}").format(time.astimezone(zone))


def _name_of(trouble: Trouble, _: Callable[[str], str]) -> str:
    """Return the subject of a trouble. A cycle's first word (`lane x`) is ours, and translated for the reader."""
    if trouble.what not in (What.CYCLE, What.TASK):
        return trouble.name
    kind, blank, name = trouble.name.partition(" ")
    return f"{_(kind)}{blank}{name}"


# --- an alert that waits for somebody on call, and what happened at the desk: the link is never what is cut ---

Gettext = Callable[[str], str]

# A notice is read on a locked telephone.
_LONGEST_HEADLINE = 90
_WAITS: Mapping[MessageKind, str] = {
    MessageKind.ALERT: "Alert to be validated: ",
    MessageKind.UPDATE: "Update to be validated: ",
    MessageKind.END: "End of alert to be validated: ",
    MessageKind.CANCELLATION: "Cancellation to be validated: ",
    MessageKind.CORRECTION: "Correction to be validated: ",
}
_STILL_WAITS: Mapping[MessageKind, str] = {
    MessageKind.ALERT: "Alert still to be validated, since {since:%H:%M}: ",
    MessageKind.UPDATE: "Update still to be validated, since {since:%H:%M}: ",
    MessageKind.END: "End of alert still to be validated, since {since:%H:%M}: ",
    MessageKind.CANCELLATION: "Cancellation still to be validated, since {since:%H:%M}: ",
    MessageKind.CORRECTION: "Correction still to be validated, since {since:%H:%M}: ",
}
_SETTLED: Mapping[str, str] = {
    "approve": "Validated by {who}: ",
    "reject": "Rejected by {who}: ",
    "send back": "Sent back to its author by {who}: ",
    "released": "Gone out without a veto: ",
    "replaced": "Replaced by a newer version: ",
    "taken over": "Withdrawn before it went out: what {who} wrote since took its place. It was: ",
    "expired": "Over before anybody validated it: ",
}


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """An alert that waits, or waited: its content, its source, and the address to validate it.

    `goes_out_at` is when a veto period ends; `settled` how it was decided (`approve`, `reject`, `send back`,
    `released`, `replaced`, `taken over`, `expired`), by `who` and why (`reason`). `link` is None if the desk has no
    address.
    """

    id: str
    headline: str
    severity: Severity
    areas: tuple[str, ...]
    since: datetime
    until: datetime | None
    brought_by: str
    exercise: bool = False
    goes_out_at: datetime | None = None
    link: str | None = None
    settled: str | None = None
    who: str = ""
    reason: str | None = None
    kind: MessageKind = MessageKind.ALERT


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction that somebody (`who`) made, and what it says is right. `link` is None without a desk's address."""

    headline: str
    severity: Severity
    who: str
    said: str | None = None
    exercise: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Clashed:
    """A message that goes by the sender and identifier of another; `kept_back`: it isn't published."""

    headline: str
    source: str
    other: str
    other_source: str
    kept_back: bool
    exercise: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class EndingSoon:
    """A grave alert that nears its end. `link` is None without a desk's address."""

    id: str
    headline: str
    severity: Severity
    areas: tuple[str, ...]
    ends: datetime
    exercise: bool = False
    link: str | None = None


def word_clashed(clash: Clashed, language: str) -> NoticeWords:
    """Word a clash of two messages with one identifier, and the fate of the later one."""
    _ = words_in(language).gettext
    message = _(
        "Two messages under one identifier: “{one}” ({source}) and “{other}” ({other_source}), which came before."
    )
    became = _("It is not published.") if clash.kept_back else _("Each goes by its own source’s rules.")
    headline = message.format(
        one=_short(clash.headline),
        source=clash.source,
        other=_short(clash.other),
        other_source=clash.other_source,
    )
    return NoticeWords(f"{_practice(clash, _)}{headline} {became}", clash.link)


def word_calls(calls: Sequence[Utterance], link: str | None, language: str, zone: tzinfo) -> NoticeWords:
    """Word possible calls for help, the newest first; none: that all were handled. Times are in `zone`."""
    _ = words_in(language).gettext
    if not calls:
        return NoticeWords(_("Everything that may have been a call for help has been dealt with."))
    newest = {"channel": calls[0].channel, "at": calls[0].said_at.astimezone(zone)}
    if len(calls) == 1:
        message = _("May be a call for help: on {channel} at {at:%H:%M}").format(**newest)
    else:
        many = _("May be calls for help: {count} unread, the newest on {channel} at {at:%H:%M}")
        message = many.format(count=len(calls), **newest)
    return NoticeWords(message, _("Read it now: {link}").format(link=link or "tocsin heard"))


def word_ending(ending: EndingSoon, language: str, zone: tzinfo) -> NoticeWords:
    """Word a grave alert near its end, and the possible actions; times are in `zone`."""
    _ = words_in(language).gettext
    message = _("Ends at {at:%H:%M}: {what}. Extend it, end it, or let it run out?")
    own = _("tocsin update {id} --expires 6h, tocsin cancel {id} --over, or nothing").format(id=ending.id)
    headline = message.format(at=ending.ends.astimezone(zone), what=_named(ending, _))
    return NoticeWords(headline, ending.link or own, ", ".join(ending.areas) or None)


def word_corrected(corrected: Corrected, language: str) -> NoticeWords:
    """Word a correction of an alert, which nobody validated."""
    _ = words_in(language).gettext
    headline = _("Corrected by {who}, unvalidated: ").format(who=corrected.who) + _named(corrected, _)
    return NoticeWords(_practice(corrected, _) + headline, corrected.link, corrected.said)


def word_pending(pending: PendingApproval, say: Phase, language: str, zone: tzinfo) -> NoticeWords:
    """Word an alert that waits, still waits, or was decided; times are in `zone`."""
    _ = words_in(language).gettext
    practice, named = _practice(pending, _), _named(pending, _)
    if say is Phase.RESOLVED:
        settled = _(_SETTLED[pending.settled or "replaced"]).format(who=pending.who)
        # Where another's words stand instead, its author looks at those.
        link = pending.link if pending.settled == "taken over" else None
        return NoticeWords(practice + settled + named, link, pending.reason)
    waits = _((_WAITS if say is Phase.FIRING else _STILL_WAITS)[pending.kind])
    headline = practice + waits.format(since=pending.since.astimezone(zone)) + named
    return NoticeWords(headline, _what_to_do(pending, zone, _), _detail(pending, zone, _))


def _practice(notice: PendingApproval | Corrected | EndingSoon | Clashed, _: Gettext) -> str:
    return _("EXERCISE – ") if notice.exercise else ""


def _named(notice: PendingApproval | Corrected | EndingSoon, _: Gettext) -> str:
    severity = _("unknown severity") if notice.severity is Severity.UNKNOWN else _(notice.severity).lower()
    return _("“{headline}” ({severity})").format(headline=_short(notice.headline), severity=severity)


def _short(headline: str) -> str:
    text = " ".join(clean_line(headline).split())
    return text if len(text) <= _LONGEST_HEADLINE else text[: _LONGEST_HEADLINE - 1].rsplit(" ", 1)[0] + "…"


def _what_to_do(pending: PendingApproval, zone: tzinfo, _: Gettext) -> str:
    if pending.goes_out_at is None:
        return pending.link or _("tocsin approve {id} --as NAME").format(id=pending.id)
    stop = pending.link or _("tocsin reject {id} --as NAME").format(id=pending.id)
    veto = _("Goes out at {at:%H:%M} unless somebody stops it: {stop}")
    return veto.format(at=pending.goes_out_at.astimezone(zone), stop=stop)


def _detail(pending: PendingApproval, zone: tzinfo, _: Gettext) -> str:
    until = pending.until.astimezone(zone) if pending.until else None
    parts = (
        ", ".join(pending.areas),
        _("until {until:%Y-%m-%d %H:%M}").format(until=until) if until else "",
        _("from {who}").format(who=pending.brought_by),
    )
    return _("; ").join(filter(None, parts))
