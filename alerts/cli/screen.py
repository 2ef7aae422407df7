"""The output on a terminal: one alert, its posts, and the state of each, in words before colours.

All of it is in the town's language. The sentences are English here, and translated in `locale/<language>/cli.po`; words
that the desk's pages or the reasons have too (acts, states) come from their catalogues. The configuration names the
language (`address`). It is read even from a faulty file, so that its faults are printed in it too.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer

from alerts.cli.streams import put, put_error
from alerts.model.post import PostState
from alerts.model.reason import Reason

if TYPE_CHECKING:
    from alerts.daemon.commands import Caller
    from alerts.desk.out import AlertOut, Out, PostOut, Rehearsal, SaidWords
    from alerts.desk.status_out import ChannelOut, SourceOut
    from alerts.listening.out import InSight
    from alerts.rendering.i18n import Words

FOLDER = Path(__file__).with_name("locale")
_ENGLISH = "en"

CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""The command that handed its work over to this process, a daemon: what is shown here is shown there."""
TYPED: ContextVar[tuple[str, ...]] = ContextVar("typed", default=())
"""The command line that is carried out, behind `tocsin`."""

_FLEET = ("running", "stopped", "outdated", "refused")
"""The states of a town of a fleet."""
_COLOURS = {
    "running": "32",
    "stopped": "33",
    "outdated": "33",
    "refused": "31",
    "sent": "32",
    "queued": "36",
    "sending": "36",
    "waiting": "33",
    "in_doubt": "33",
    "failed": "31",
    "expired": "2",
    "superseded": "2",
    "rejected": "2",
    "dropped": "2",
    "accepted": "32",
    "left_out": "2",
    "ok": "32",
    "failing": "31",
    "blocked": "31",
    "quiet": "33",
    "held": "33",
    "restored": "33",
}

_STATES = ("ok", "failing", "blocked", "quiet", "held", "restored", "waiting")
_THEN = {
    "corrected": "WITHDRAWN AS WRONG",
    "cancelled": "CANCELLED",
    "all_clear": "OVER, all clear",
    "update": "updated",
}

# What moves the cursor, hides, reorders or breaks a line: a feed may hold it, a terminal must not obey it.
_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


FLEET_FILE = "fleet.toml"
"""The file with a fleet's language and zone."""


def of_the_terminal() -> str:
    """The language that whoever types set for their terminal, where no configuration can be read."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "fr" if locale.lower().startswith("fr") else _ENGLISH


class Reader:
    """The reader's language and zone, from a town's configuration, read on the first output."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    @cached_property
    def _station(self) -> Mapping[str, Any]:
        # A fleet needs no file of its own: without it, it speaks as one that tells no language does.
        is_fleet = self._file is not None and self._file.name == FLEET_FILE
        try:
            table = tomllib.loads(self._file.read_text(encoding="utf-8-sig")) if self._file else {}
        except (OSError, ValueError, RecursionError):
            return {} if is_fleet else {"language": of_the_terminal()}
        station = table.get("fleet" if is_fleet else "station")
        return station if isinstance(station, dict) else {} if is_fleet else {"language": _ENGLISH}

    @cached_property
    def language(self) -> str:
        """The language's tag; the terminal's or English without a configuration that names one."""
        from alerts.config.sections import StationSettings

        language = self._station.get("language", StationSettings.model_fields["language"].default)
        return language if isinstance(language, str) else _ENGLISH

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """The station's zone; None where none can be made out: times are then in their own."""
        try:
            return ZoneInfo(self._station["timezone"])
        except (KeyError, TypeError, ValueError, OSError):
            return None

    @cached_property
    def words(self) -> Words:
        """The catalogue in their language."""
        from alerts.model.catalogue import LOCALE
        from alerts.rendering.i18n import read_words
        from alerts.web.console.words import FOLDER as DESK

        return read_words(FOLDER, self.language.lower().partition("-")[0], DESK, LOCALE)


_READER: ContextVar[Reader] = ContextVar("reader")


def address(file: Path) -> None:
    """From now on, speak as the station of this configuration does."""
    _READER.set(Reader(file))


def _reader() -> Reader:
    return _READER.get(None) or Reader()


def words() -> Words:
    """All that is said in the station's language."""
    return _reader().words


def tell(sentence: str, /, **values: object) -> str:
    """The sentence in the station's language, with `%(name)s` filled in."""
    return words().gettext(sentence, **values)


def counted(one: str, many: str, number: int, /, **values: object) -> str:
    """The same of so many (`%(n)s`), in the form that the language has for that number."""
    return words().ngettext(one, many, number, **values)


def term(code: str) -> str:
    """A word of ours, such as a state, in the station's language."""
    return tell(code).replace("_", " ")


def why(reason: Reason) -> str:
    """A reason in the station's language."""
    return reason.worded(words().gettext, _reader().zone)


def agreed(question: str) -> None:
    """Ask on standard error; raises typer.Abort unless the answer is yes."""
    answer = typer.prompt(tell(question), default="", show_default=False, prompt_suffix=tell(": "), err=True)
    yes = tell("yes")
    if answer.strip().casefold() not in (yes, yes[0], "yes", "y"):
        raise typer.Abort


def show_json(value: Out | Mapping[str, Any]) -> None:
    """One object on one line of standard output; in ASCII where that isn't UTF-8."""
    plain = value if isinstance(value, Mapping) else value.as_json()
    show(json.dumps(plain, ensure_ascii=not shows_unicode()))


def shows_unicode() -> bool:
    """True if standard output can show every character."""
    if caller := CALLER.get():
        return caller.unicode
    return "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()


def shows_colours() -> bool:
    """True if standard output is a terminal that wants colours."""
    if caller := CALLER.get():
        return caller.colours
    # Whatever NO_COLOR says, also 0, means no colours, unless it is empty (no-color.org).
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def only_here() -> None:
    """Leave it to the command where it was handed over: what follows needs its terminal, or a file of its own."""
    if caller := CALLER.get():
        caller.hang_up()


def rest(seconds: float) -> None:
    """Wait, as long as whoever is to be shown something is there."""
    if caller := CALLER.get():
        caller.rest(seconds)
    else:
        time.sleep(seconds)


def say(text: str) -> None:
    """A line of progress, on standard error."""
    if caller := CALLER.get():
        caller.tell("say", text)
    else:
        put_error(text)


def say_stored(alert: str) -> None:
    """Let a command that handed its work over know that it is done, whatever becomes of the daemon now."""
    if caller := CALLER.get():
        caller.tell("stored", alert)


def must_be_there() -> None:
    """Raise where nobody hears any more what would come of this: they do it by themselves, so nothing is to be stored.

    Nobody but a daemon that does what a command handed over can know.
    """
    if caller := CALLER.get():
        caller.must_be_there()


def show(text: str) -> None:
    """A line of the result, on standard output. Raises OSError where it can't be written."""
    if caller := CALLER.get():
        caller.tell("show", text)
    else:
        put(text)


def plain(text: str | None) -> str:
    """Return a stranger's text without the characters that a terminal would obey."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text or "")


def coloured(state: str, width: int = 0) -> str:
    """The state's word, in its colour on a terminal that wants colours."""
    shown = term(state).ljust(width)
    if not shows_colours():
        return shown
    return f"\x1b[{_COLOURS.get(state, '0')}m{shown}\x1b[0m"


def _widest(states: Iterable[str]) -> int:
    return max(len(term(state)) for state in states)


def _row(kind: str, name: str, state: str, rest: str) -> str:
    """Return a line of `status`: the kind, the name, the state, and the rest."""
    kinds = max(len(tell(each)) for each in ("store", "source", "channel", "bulk"))
    return f"{tell(kind):<{kinds}} {name:<14} {coloured(state, _widest(_STATES))} {rest}"


def show_alert(alert: AlertOut) -> None:
    """An alert, then its posts, one a line."""
    headline = plain(alert.headline) or tell("(unreadable)")
    until = tell(", until %(time)s", time=_minutes(alert.expires)) if alert.expires else ""
    status = "" if alert.status in ("Actual", None) else f" [{tell(alert.status).upper()}]"
    show(f"{alert.alert}  {coloured(alert.state)}  {tell(alert.severity)}{status}  {headline}{until}")
    if alert.reason:
        show(f"    {plain(alert.reason)}")
    for post in alert.posts:
        show_post(post)


def show_then(alert: AlertOut) -> None:
    """Print later acts on it: a withdrawn alert must not appear to be in force."""
    for then in alert.then or ():
        what, waits = tell(_THEN.get(then.what, then.what)), then.state == "waiting"
        said = (
            tell("%(what)s once %(alert)s, which waits, is validated", what=what.lower(), alert=then.alert)
            if waits
            else tell("%(what)s by %(alert)s", what=what, alert=then.alert)
        )
        show(f"    {_minutes(then.at)}  {said}{_because(then.reason)}")


def _because(reason: str | None) -> str:
    return f"{tell(': ')}{plain(reason)}" if reason else ""


def show_texts(alert: AlertOut) -> None:
    """Print each channel's text as its readers see it, or would."""
    for post in alert.posts:
        show("")
        show(f"── {post.channel} · {term(post.kind)} · {term(post.state)}")
        show(plain(post.text))


def show_let_out(alert: AlertOut) -> None:
    """Print everything that a validation publishes besides the posts' texts, of a waiting alert."""
    if alert.lets_out is None:
        return
    for each in alert.lets_out.subscribers:
        show("")
        show(f"── {tell('subscribers of %(channel)s', channel=each.channel)} · {each.language}")
        show(plain(each.text))
        if each.link and each.link not in each.text:
            show(plain(each.link))
    for shown in alert.lets_out.pictures:
        show(tell("%(channel)s, the picture: %(what)s", channel=shown.channel, what=plain(shown.alt)))
    for led in alert.lets_out.links:
        show(tell("%(channel)s, the link: %(what)s", channel=led.channel, what=plain(led.link)))
    for twin in alert.lets_out.same_event:
        show(tell("the same event is out already: %(alert)s from %(source)s", alert=twin.alert, source=twin.source))


def show_in_full(texts: Iterable[SaidWords]) -> None:
    """Every word of it in every language, as the town's page and the CAP message have it."""
    for each in texts:
        show("")
        language = plain(each.language) or tell("in no language")
        where = tell("on the town's page and in the CAP message")
        show(f"── {where} · {language}")
        for said in each.said:
            show(f"{term(said.name)}{tell(': ')}{plain(said.words)}")


def show_post(post: PostOut) -> None:
    """Print one post: its channel, kind and state, and its address or the reason."""
    where = post.url or plain(post.reason)
    tries = f" ({counted('%(n)s attempt', '%(n)s attempts', post.attempts)})" if post.attempts > 1 else ""
    kind = term(post.kind).ljust(_widest(("publish", "update", "end")))
    show(f"    {post.channel:<14} {kind} {coloured(post.state, _widest(PostState))} {where}{tries}")


def show_rehearsal(rehearsal: Rehearsal) -> None:
    """An alert that isn't stored: each channel's text as a reader will see it, with its count."""
    headline = plain(rehearsal.headline) or tell("(unreadable)")
    show(f"{coloured(rehearsal.state)}  {tell(rehearsal.severity)}  {headline}")
    if rehearsal.reason:
        show(f"    {plain(rehearsal.reason)}")
    for note in rehearsal.notes:
        show(f"    {tell('forgiven: %(what)s', what=plain(note))}")
    for post in rehearsal.posts:
        show("")
        count = tell("%(count)s of %(limit)s", count=post.count, limit=post.limit)
        show(f"── {post.channel} · {term(post.kind)} · {count}")
        show(plain(post.text))
        if post.cut:
            show(f"   {tell('cut: %(what)s', what=', '.join(map(term, post.cut)))}")
        for warning in post.warnings:
            show(f"   {tell('look at: %(what)s', what=plain(warning))}")


def show_store(store: Mapping[str, Any]) -> None:
    """The database's disk, where it lacks room."""
    show(_row("store", "", store["state"], plain(store["reason"])))


def show_source(source: SourceOut) -> None:
    """How a source is doing, and how old that knowledge is."""
    last = source.last_ok
    read = tell("last read %(time)s", time=_minutes(last)) if last else tell("never read")
    show(_row("source", source.source, source.state, f"{read}{_because(source.reason)}"))


def show_ear(ear: Mapping[str, Any]) -> None:
    """How old the knowledge of an ear is, what it can't hear any more, and what it cost this month."""
    last = ear["last_ok"]
    heard = tell("last heard %(time)s", time=_minutes(last)) if last else tell("never heard")
    cost = tell("; $%(dollars)s this month", dollars=f"{ear['cost']:.2f}") if ear["cost"] else ""
    gap = tell("; ") + plain(ear["gap"]) if ear["gap"] else ""
    show(_row("ear", ear["ear"], ear["state"], f"{heard}{cost}{gap}{_because(ear['reason'])}"))


def show_heard(row: InSight) -> None:
    """How much of what people say nobody saw to, and what they ask."""
    said = [
        counted("%(n)s unread", "%(n)s unread", row.heard),
        counted("%(n)s maybe a call for help", "%(n)s maybe calls for help", row.raised),
        counted("%(n)s open question", "%(n)s open questions", row.questions),
    ]
    if row.waiting:
        said.append(counted("%(n)s answer waits", "%(n)s answers wait", row.waiting))
    show(f"{tell('heard')}  {', '.join(said)}")


_JOBS = {
    "news": ("%(n)s message to somebody who reported", "%(n)s messages to people who reported", "/reports"),
    "handover": ("%(n)s report to hand on", "%(n)s reports to hand on", "/reports"),
    "notice": ("%(n)s message on what waits", "%(n)s messages on what waits", "/waiting"),
    "hide": ("%(n)s remark to hide", "%(n)s remarks to hide", "/heard"),
    "delete": ("%(n)s remark to delete", "%(n)s remarks to delete", "/heard"),
    "block": ("%(n)s author to block", "%(n)s authors to block", "/heard"),
}
"""The jobs by kind, and the desk's page that shows what they are about."""
_JOB_OF_ANOTHER_VERSION = ("%(n)s job", "%(n)s jobs", "/status")


def show_jobs(jobs: Mapping[str, Any]) -> None:
    """How many jobs of one kind failed and aren't through, and where the desk shows them."""
    one, many, page = _JOBS.get(jobs["jobs"], _JOB_OF_ANOTHER_VERSION)
    rest = tell("%(what)s: see %(page)s at the desk", what=counted(one, many, jobs["count"]), page=page)
    show(_row("jobs", jobs["channel"], jobs["state"], rest))


def show_bulk(bulk: Mapping[str, Any]) -> None:
    """Two lines: which alert it is, then how many people have it, wait for their hour, or are still to go."""
    headline = plain(bulk["headline"]) or bulk["alert"]
    show(_row("bulk", bulk["channel"], bulk["state"], f"{headline}  ({term(bulk['kind'])} {bulk['alert']})"))
    show(f"        {_reached(bulk)}{tell('; ') + plain(bulk['reason']) if bulk['reason'] else ''}")


def show_bulks_left_out(left_out: Mapping[str, Any]) -> None:
    """How many bulks that have ended aren't shown."""
    one, many = "%(n)s more has ended in the last day (--json)", "%(n)s more have ended in the last day (--json)"
    show(f"        {counted(one, many, left_out['more'])}")


def _reached(bulk: Mapping[str, Any]) -> str:
    if bulk["total"] is None:
        return tell("not begun") if bulk["state"] != "waiting" else tell("not begun: its alert waits")
    total, parts = bulk["total"], ", ".join(_parts_of(bulk))
    if bulk["of"] == "subscribers":
        return counted("of %(n)s subscriber: %(parts)s", "of %(n)s subscribers: %(parts)s", total, parts=parts)
    one = "of %(n)s who got the alert: %(parts)s"
    return counted(one, one, total, parts=parts)


def _parts_of(bulk: Mapping[str, Any]) -> Iterator[str]:
    yield counted("%(n)s told", "%(n)s told", bulk["sent"])
    if bulk["held"] and bulk["held_until"]:
        yield tell("%(n)s to be told by %(time)s", n=bulk["held"], time=_minutes(bulk["held_until"]))
    others = ("failed", "%(n)s not reached"), ("skipped", "%(n)s passed over"), ("rest", "%(n)s still to go")
    yield from (counted(sentence, sentence, bulk[name]) for name, sentence in others if bulk[name])
    if bulk["ends_at"]:
        yield tell("through at %(time)s", time=bulk["ends_at"][11:16])


def show_channel(channel: ChannelOut) -> None:
    """How a channel is doing, and how much of its windows is left."""
    left = [tell("%(n)s left of %(window)s", n=count, window=window) for window, count in channel.left.items()]
    if channel.queued:
        left.append(tell("%(n)s queued", n=channel.queued))
    if channel.subscribers is not None:
        left.append(counted("%(n)s subscriber", "%(n)s subscribers", channel.subscribers))
    if channel.cost is not None:
        left.append(tell("%(spent)s € of %(most)s today", **_ceiling(channel.cost.today, channel.cost.daily_budget)))
        month = _ceiling(channel.cost.month, channel.cost.monthly_budget)
        left.append(tell("%(spent)s € of %(most)s this month", **month))
        if channel.cost.lifted:
            left.append(tell("ceilings lifted until midnight"))
    show(_row("channel", channel.channel, channel.state, f"{', '.join(left)}{_because(channel.reason)}"))


def _ceiling(spent: float, most: float) -> dict[str, str]:
    return {"spent": f"{spent:.2f}", "most": f"{most:.2f}"}


def show_town(town: Mapping[str, Any]) -> None:
    """A town of a fleet: whether it runs, what it has to do, and what fails there."""
    said = [] if town["on"] is None else [tell("%(n)s on", n=town["on"])]
    said += [tell("%(n)s waiting", n=town["waiting"])] if town["waiting"] else []
    said += [tell("%(n)s queued", n=town["queued"])] if town["queued"] else []
    said += [tell("failing: %(names)s", names=", ".join(town["failing"]))] if town["failing"] else []
    state = coloured(town["state"], _widest(_FLEET))
    show(f"{town['town']:<24} {state} {', '.join(said)}{_because(town['reason'])}")


def show_daemon(daemon: Mapping[str, Any]) -> None:
    """A daemon that runs, where and since when, and what it works."""
    where = tell("on %(host)s since %(time)s", host=daemon["host"], time=_minutes(daemon["since"]))
    show(f"{tell('daemon')} {daemon['daemon']}  {where}{tell(': ')}{', '.join(daemon['works'])}")


def show_database(state: Mapping[str, Any]) -> None:
    """Print that the database was restored, and the results of the search."""
    since = _minutes(state["since"]) if state["since"] else tell("its beginning")
    gap = tell("knows nothing of the time from %(since)s to %(until)s", since=since, until=_minutes(state["until"]))
    found = counted("%(n)s post was found on the channels", "%(n)s posts were found on the channels", state["found"])
    left = counted("%(n)s is still looked for", "%(n)s are still looked for", state["looked_for"])
    show(f"{tell('database')} {coloured('restored', 8)} {gap}{tell(': ')}{found}, {left}")
    show("  " + tell("the database doesn't know what officers published or ended in that time: look at the channels"))
    for channel, posts in state["unknown"].items():
        for post in posts or ():
            show(f"  {tell('unknown here, on %(channel)s: %(what)s', channel=channel, what=plain(post))}")
        if posts is None:
            show("  " + tell("the posts on %(channel)s can't be listed", channel=channel))


def _minutes(time: str) -> str:
    return time[:16].replace("T", " ")
