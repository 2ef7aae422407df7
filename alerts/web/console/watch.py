"""The pages that show how things are: what is on now, every alert there ever was, the sources and the channels.

GET  /                      what needs somebody, what is on, how old that is, and the alerts that are a tap nearer
GET  /alerts, /left-out, /notices    all there ever was, a page at a time, with a filter
GET  /channels              how sources and channels are doing, what the pace still lets through
POST /sources/NAME/gone     calls off what is gone from a calendar all at once
GET  /fragments/...         of the live pages what changes by itself

A page asks its question in one unit of work and shows the answer; `live.js` hears of changes by the stream of events
and fetches the fragment anew. An alert in a list is a `AlertRow`: the message, its incident's posts channel by channel,
and by `remedy_of` what somebody has to do about each. `board_of` shows each incident once: among what needs somebody,
else what is on or announced for later, else what moves by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from babel.dates import format_datetime
from markupsafe import Markup

from alerts.desk.approve import MessageKind, TakenOver, kind_of, taken_over
from alerts.desk.officer import Officer
from alerts.desk.publicity import is_to_come
from alerts.desk.routing import PRACTICE, Reach, channels_on, reach_of
from alerts.desk.unit import DeskUnit, unread_channels, with_limits
from alerts.model.alert import Info
from alerts.model.delivery import Blame, blame_of
from alerts.model.errors import Refused
from alerts.model.incident import OWN_NOTICES, AlertState, StoredAlert, Wanted
from alerts.model.post import UNEXPLAINED, Post, PostState
from alerts.rendering.moments import with_ordinal
from alerts.web.console.acts import act_routes
from alerts.web.console.at_once import tiles_at_once
from alerts.web.console.error_pages import RefusedForm, error_page
from alerts.web.console.frame import BASE, Console, visitor_of

A_PAGE = 30
MOST = 40
"""How many of each kind the page of what is on now shows; the list of all has the rest."""
LONGEST_WORDS = 100
SHOWN = timedelta(hours=24)
"""How long messages to subscribers stay displayed."""
S = TypeVar("S", bound=StrEnum)
# The parameters that links to further pages keep.
_FILTERS = ("state", "posts", "source", "words")
# States of posts that no reader has seen.
_NEVER_LEFT = (PostState.SUPERSEDED, PostState.REJECTED, PostState.DROPPED, PostState.EXPIRED)
# States that need a person, and those that need only time.
_UNSETTLED = (PostState.FAILED, PostState.IN_DOUBT)
_MOVING = (PostState.QUEUED, PostState.SENDING)


class Remedy(StrEnum):
    """The remedy for a post that isn't out."""

    VALIDATE = "validate"
    CREDENTIAL = "credential"
    UNEXPLAINED = "unexplained"
    LOOK = "look"
    REWORD = "reword"
    LATE = "late"
    LIMIT = "limit"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert in a list. `posts` are the newest of each channel; `info` is what it says in the station's language."""

    stored: StoredAlert
    info: Info | None
    posts: tuple[Post, ...] = ()
    is_on: bool = False
    reach: Reach = field(default_factory=Reach)
    kind: MessageKind = MessageKind.ALERT

    @property
    def headline(self) -> str:
        """The headline; empty if it could not be read."""
        return (self.info.headline or self.info.event) if self.info else ""

    @property
    def areas(self) -> tuple[str, ...]:
        """Where it is, in words."""
        alert = self.stored.alert
        return tuple(dict.fromkeys(area.description for area in alert.areas)) if alert else ()

    @property
    def is_exercise(self) -> bool:
        """True if it is practice; the desk's own notices to the team are none."""
        return self.stored.alert is not None and self.stored.alert.status in PRACTICE

    @property
    def ends(self) -> datetime | None:
        """When it is over."""
        return self.stored.alert.ends if self.stored.alert else None

    @property
    def starts(self) -> datetime | None:
        """When it starts to matter."""
        return self.stored.alert.starts if self.stored.alert else None

    @property
    def waits_until(self) -> datetime | None:
        """When the first of its posts that wait goes out by itself (the end of a veto)."""
        times = [post.not_before for post in self.posts if post.state is PostState.WAITING and post.not_before]
        return min(times, default=None)

    @property
    def needs_somebody(self) -> bool:
        """True if one of its posts stops until a person decides."""
        return any(needs_somebody(post) for post in self.posts)

    @property
    def waits(self) -> bool:
        """True if it waits for a validation, or for the end of its veto."""
        return any(post.state is PostState.WAITING for post in self.posts)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The present state: alerts for somebody first, those that wait by themselves, current ones.

    `more` names cut lists. `planned` are works and the like before they begin, and series between their dates;
    `current` counts the publicly current ones, in whatever list. `unlisted` counts the alerts of each state that need
    somebody and aren't among these, if any.
    """

    needs: tuple[AlertRow, ...] = ()
    on: tuple[AlertRow, ...] = ()
    planned: tuple[AlertRow, ...] = ()
    current: int = 0
    moving: tuple[AlertRow, ...] = ()
    more: frozenset[str] = frozenset()
    unlisted: Mapping[str, int] = field(default_factory=dict)


def routes(console: Console) -> list[web.RouteDef]:
    """The pages, and the fragments of those that change by themselves."""

    def live(name: str, values: Callable[[Console, str], Awaitable[dict[str, Any]]]) -> Handler:
        async def show(request: web.Request) -> web.Response:
            return page(console, request, name, **await values(console, visitor_of(request).actor.name))

        return show

    async def first(request: web.Request) -> web.Response:
        found = await _now(console, visitor_of(request).actor.name)
        return page(console, request, "now.html", at_once=await tiles_at_once(console, request), **found)

    def listed(name: str, wanted_of: Callable[[web.Request], Wanted]) -> Handler:
        async def show(request: web.Request) -> web.Response:
            wanted = wanted_of(request)
            return page(console, request, name, wanted=wanted, **await _listed(console, request, wanted))

        return show

    return [
        web.get("/", first),
        web.get("/fragments/now", live("now_board.html", _now)),
        web.get("/alerts", listed("alerts.html", wanted_of)),
        web.get("/left-out", listed("left_out.html", _left_out)),
        web.get("/notices", listed("notices.html", lambda _: Wanted(source=OWN_NOTICES))),
        web.get("/channels", live("channels.html", _channels)),
        web.get("/fragments/channels", live("channels_board.html", _channels)),
        web.post("/sources/{name}/gone", partial(_call_off, console)),
        *act_routes(console, "/channels", _refused),
    ]


def page(console: Console, request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page of this part, or a fragment of one."""
    actor, words = visitor_of(request).actor, console.frame.words(request)
    language = words.language

    def exact(at: datetime) -> Markup:
        here = at.astimezone(console.frame.station.zone)
        spelled = with_ordinal(format_datetime(here, "d MMM HH:mm:ss", locale=language), here, language)
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), spelled)

    common = {
        "may": actor.may,
        "remedy_of": remedy_of,
        "blame_of": blame_of,
        "exact": exact,
        "moment": console.service.now(),
    }
    return console.frame.page(request, name, status=status, **common, **values)


def case_of(stored: StoredAlert, thread: Sequence[Post], language: str, unread: Collection[str] = ()) -> AlertRow:
    """A message with its incident's thread; on the channels in `unread` nobody can see it."""
    info = stored.alert.info_for(language) if stored.alert else None
    own = [post for post in thread if post.alert_id == stored.id]
    on, reach = bool(channels_on(thread)), reach_of(thread, unread)
    return AlertRow(stored, info, newest_by_channel(thread), on, reach, kind_of(stored, own))


def newest_by_channel(thread: Iterable[Post]) -> tuple[Post, ...]:
    """Return each channel's newest post; one that never left is passed over for an earlier one that did, or still may.

    An answer to somebody's question is none of them: it accompanies the alert, and doesn't replace it.
    """
    newest: dict[str, Post] = {}
    for post in thread:
        if post.answer is not None:
            continue
        if post.channel not in newest or post.state not in _NEVER_LEFT:
            newest[post.channel] = post
    return tuple(newest.values())


def remedy_of(post: Post) -> Remedy | None:
    """Which, by the post's state and by what its attempt came to (`Verdict.outcome`); None: nothing."""
    if post.state is PostState.WAITING:
        return Remedy.VALIDATE
    if post.state is PostState.IN_DOUBT:
        # As long as Tocsin looks for it on the platform by itself there is nothing to decide (docs/faults.md).
        return Remedy.WAIT if post.next_try else Remedy.LOOK
    # It is tried again by itself, but no try succeeds before somebody renews the credential.
    if post.is_refused_access or (post.state is PostState.QUEUED and blame_of(post.reason) is Blame.CREDITS):
        return Remedy.CREDENTIAL
    if post.is_deferred or (post.state is PostState.QUEUED and post.outcome == UNEXPLAINED):
        return Remedy.LIMIT if post.is_deferred else Remedy.UNEXPLAINED
    if post.state in (PostState.QUEUED, PostState.SENDING):
        # Before its first attempt it only waits for its turn, which is no trouble.
        return Remedy.WAIT if post.tries else None
    if post.state is PostState.FAILED:
        return Remedy.REWORD
    return Remedy.LATE if post.state is PostState.EXPIRED else None


def needs_somebody(post: Post) -> bool:
    """True if it stops until a person decides."""
    remedy = remedy_of(post)
    # A post that is no emergency waits for a limit as it waits for its turn.
    grave = remedy is Remedy.LIMIT and post.urgent
    asks = (Remedy.VALIDATE, Remedy.LOOK, Remedy.REWORD, Remedy.CREDENTIAL, Remedy.UNEXPLAINED)
    return grave or remedy in asks


def board_of(unit: DeskUnit) -> Dashboard:
    """Return the present state, read by index: as quick with five thousand alerts as with five."""
    views, language = unit.views, unit.desk.station.language
    found = {state: views.posts_in(state, most=MOST) for state in (*_UNSETTLED, *_MOVING)}
    # One more than is shown: by that it is known that there are more.
    on = views.on(unit.now, most=MOST + 1)
    listed = {state: list(dict.fromkeys(post.alert_id for post in posts)) for state, posts in found.items()}
    listed[PostState.WAITING] = list(views.waiting(most=MOST))
    # An incident is shown by its first: what failed or is in doubt comes before what waits, and that before what moves.
    alerts = list(dict.fromkeys(name for state in (*_UNSETTLED, PostState.WAITING, *_MOVING) for name in listed[state]))
    stored_alerts = views.stored_alerts(alerts)
    threads = with_limits(unit, views.threads(list({each.incident_id for each in (*on, *stored_alerts.values())})))
    unread = unread_channels(unit)
    cases = [_case(stored_alerts[each], threads, language, unread) for each in alerts if each in stored_alerts]
    needs = _each_incident(case for case in cases if case.needs_somebody)
    # What only waits to be updated or ended is on, and stays where people look for what is.
    shown = {case.stored.incident_id for case in needs if not (case.waits and case.reach.live)}
    holding = [_case(stored, threads, language, unread) for stored in on[:MOST] if stored.incident_id not in shown]
    later = [case for case in holding if _is_to_come(case, unit)]
    now = [case for case in holding if case not in later]
    current = {case.stored.incident_id for case in (*now, *(each for each in needs if each.reach.live))}
    current -= {case.stored.incident_id for case in (*later, *(each for each in needs if _is_to_come(each, unit)))}
    shown |= {case.stored.incident_id for case in (*holding, *needs)}
    moving = _each_incident(case for case in cases if case.stored.incident_id not in shown)
    more = frozenset({"on"} if len(on) > MOST else ())
    left = {str(state): count - len(listed[state]) for state, count in views.unsettled_counts().items()}
    unlisted = {state: count for state, count in left.items() if count > 0}
    return Dashboard(tuple(needs), tuple(now), tuple(later), len(current), tuple(moving), more, unlisted)


def _is_to_come(case: AlertRow, unit: DeskUnit) -> bool:
    alert = case.stored.alert
    return alert is not None and is_to_come(alert, unit.now, unit.desk.station.zone)


def _case(
    stored: StoredAlert, threads: Mapping[str, Sequence[Post]], language: str, unread: Collection[str]
) -> AlertRow:
    """The message with what is open of its own, and of its incident what else is newest on each channel."""
    thread = threads[stored.incident_id]
    case = case_of(stored, thread, language, unread)
    own = {post.channel: post for post in thread if post.alert_id == stored.id and needs_somebody(post)}
    return replace(case, posts=tuple(own.get(post.channel, post) for post in case.posts))


def _each_incident(cases: Iterable[AlertRow]) -> list[AlertRow]:
    """Each incident once, by its first: the gravest."""
    first: dict[str, AlertRow] = {}
    for case in cases:
        first.setdefault(case.stored.incident_id, case)
    return sorted(first.values(), key=lambda case: (-case.stored.severity.rank, not case.waits))


async def _now(console: Console, officer: str) -> dict[str, Any]:
    sources = [with_age(source) for source in await console.service.sources()]
    channels = await console.service.channels()
    return {
        "board": await console.service.ask(board_of),
        "taken": await console.service.ask(partial(_taken_from, officer)),
        "sources": sources,
        "troubled": {
            "sources": [source for source in sources if source["state"] != "ok"],
            "channels": [channel for channel in channels if channel["state"] != "ok"],
        },
    }


def _taken_from(officer: str, unit: DeskUnit) -> list[TakenOver]:
    """Return the officer's own alerts that somebody else's replaced, until they visit them."""
    own = [each for each in taken_over(unit.views, unit.now) if each.is_of(officer)]
    looks = {each.stored.id: unit.views.last_look(officer, each.newer.incident_id) or "" for each in own}
    seen = unit.views.stored_alerts([*looks.values()])
    return [
        each
        for each in own
        if (last := seen.get(looks[each.stored.id])) is None or last.received_at < each.newer.received_at
    ]


def with_age(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source's health with the time of its last reading, as a time."""
    last_ok = source["last_ok"]
    return {**source, "read_at": datetime.fromisoformat(last_ok) if last_ok else None}


def wanted_of(request: web.Request) -> Wanted:
    """The filter of an address; what isn't one of its values asks for nothing."""
    return Wanted(
        state=_one_of(AlertState, _text(request, "state")),
        post_state=_one_of(PostState, _text(request, "posts")),
        source=_text(request, "source") or None,
        words=_text(request, "words") or None,
    )


def _left_out(request: web.Request) -> Wanted:
    asked = wanted_of(request)
    return Wanted(state=AlertState.LEFT_OUT, source=asked.source, words=asked.words)


async def _listed(console: Console, request: web.Request, wanted: Wanted) -> dict[str, Any]:
    before = _text(request, "before") or None

    def question(unit: DeskUnit) -> list[AlertRow]:
        # Paged by the last id, not by a number: alerts that come in meanwhile move nothing to another page.
        stored_alerts = unit.views.page(wanted, before=before, most=A_PAGE + 1)
        posts = unit.views.posts_by_alert([stored.id for stored in stored_alerts])
        return [case_of(stored, posts[stored.id], unit.desk.station.language) for stored in stored_alerts]

    cases = await console.service.ask(question)
    rest = {name: value for name, value in request.query.items() if name in _FILTERS and value.strip()}
    return {
        "cases": cases[:A_PAGE],
        "older": {**rest, "before": cases[A_PAGE - 1].stored.id} if len(cases) > A_PAGE else None,
        "newest": rest if before else None,
        "sources": list(console.frame.station.sources),
        "states": list(AlertState),
        "post_states": list(PostState),
    }


def _text(request: web.Request, name: str) -> str:
    return request.query.get(name, "").strip()[:LONGEST_WORDS]


def _one_of(kind: type[S], text: str) -> S | None:
    try:
        return kind(text)
    except ValueError:
        return None


async def _call_off(console: Console, request: web.Request) -> web.StreamResponse:
    """Call off what is gone from a calendar all at once. Where nothing waits for that any more, somebody was faster."""
    name, visitor = request.match_info["name"], visitor_of(request)
    try:
        await console.service.act(lambda unit: Officer(unit, visitor.actor).call_off_gone(name))
    except Refused as error:
        # Who may not do it is refused too, by a kind of its own, and is told so.
        if type(error) is not Refused:
            return error_page(console.frame, request, error)
    raise web.HTTPSeeOther(f"{BASE}/channels#source-{name}")


async def _refused(console: Console, request: web.Request, refused: RefusedForm) -> web.StreamResponse:
    values = await _channels(console, visitor_of(request).actor.name)
    return page(console, request, "channels.html", **refused.values, **values)


async def _channels(console: Console, _: str) -> dict[str, Any]:
    sources = [with_age(source) for source in await console.service.sources()]
    stuck = await console.service.ask(
        lambda unit: {state: unit.views.posts_in(state, most=200) for state in (PostState.FAILED, PostState.IN_DOUBT)}
    )
    undecided: dict[str, int] = {}
    for posts in stuck.values():
        for post in posts:
            undecided[post.channel] = undecided.get(post.channel, 0) + 1
    return {
        "sources": sources,
        "channels": await console.service.channels(),
        "undecided": undecided,
        "bulks": await console.service.ask(_bulks),
    }


def _bulks(unit: DeskUnit) -> list[dict[str, Any]]:
    """Return the subscribers' messages, newest first: their progress, and their expected end."""
    progress = unit.views.bulks(unit.now - SHOWN)
    stored_alerts = [stored for each in progress for stored in unit.alerts.by_id(each.bulk.alert_id)[:1]]
    headlines = {stored.id: case_of(stored, (), unit.desk.station.language).headline for stored in stored_alerts}
    return [
        {
            "bulk": each.bulk,
            "state": each.state,
            "held": each.deferred,
            "looked": each.looked,
            "held_until": each.deferred_until,
            "ends_at": each.ends_at(unit.now),
            "headline": headlines.get(each.bulk.alert_id, ""),
        }
        for each in reversed(progress)
    ]
