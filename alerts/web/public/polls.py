"""A poll's public page, `/polls/ID`: one tap while it is open, its result once it is closed, for good.

A visitor of an open poll gets a cookie: a number, signed with the poll's secret. It votes once, whatever else the
browser does; and a network votes once in ten minutes, whoever it is. Both are stored as digests alone, so a voter
remains unknown (docs/polls.md). A vote wakes no lane, and frequent queries are read once in two seconds.

The page answers in the requested language (`?lang=`), else in the reader's own. It works without script.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web

from alerts.desk.publicity import CurrentIncidents
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.listening.outcomes import PublishedOutcome, outcomes
from alerts.model.bounds import same, seal_of
from alerts.model.poll import LONGEST, WEB, Ballot, Poll, PollState, Tally
from alerts.model.remembered import Lately
from alerts.rendering.polling import place_name
from alerts.web.console.arrival import arrival_of, neighbourhood
from alerts.web.pages import best_of
from alerts.web.posted import read_posted
from alerts.web.public.answers import HTML
from alerts.web.public.page import Pages, safety, words_of
from alerts.web.public.publisher import Publisher, nothing_there
from alerts.web.public.snapshot import Setting, Snapshot

READ_FOR = timedelta(seconds=2)
"""How long a poll's data is served again: a crowd at its page queries the database once."""
_KEPT = 100
_LARGEST_FORM = 2000


@dataclass(frozen=True, slots=True)
class _Voter:
    """The content of a browser's cookie: its number, and if it has voted."""

    number: str
    has_voted: bool = False


@dataclass(frozen=True, slots=True)
class PublicPoll:
    """A poll as everybody may see it, with what came of it, the newest first."""

    tally: Tally
    outcomes: tuple[PublishedOutcome, ...] = ()

    @property
    def poll(self) -> Poll:
        """The poll."""
        return self.tally.poll


class PollPages:
    """The addresses of polls. `reads` answers queries, `service` carries a vote out."""

    def __init__(self, publisher: Publisher, reads: DeskService, service: DeskService) -> None:
        self._publisher = publisher
        self._setting = setting = publisher.setting
        self._reads = reads
        self._service = service
        self._pages = {language: Pages(setting, language) for language in setting.languages}
        self._shown: Lately[str, PublicPoll | None] = Lately(self._read, reads.now, READ_FOR, most=_KEPT)

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        one = r"/polls/{poll:[0-9a-z]{1,26}}"
        return [web.get(f"{one}.json", self.as_json), web.get(one, self.show), web.post(one, self.vote)]

    async def show(self, request: web.Request) -> web.Response:
        """The page: to vote on, or with the result."""
        shown = await self._find(request)
        if shown is None:
            return await nothing_there(self._publisher, request)
        voter = _voter(request, shown.poll) if shown.poll.state is PollState.OPEN else None
        return self._page(request, shown, voter, notice="voted" if voter and voter.has_voted else "")

    async def as_json(self, request: web.Request) -> web.Response:
        """The same for programs."""
        shown = await self._find(request)
        if shown is None:
            return await nothing_there(self._publisher, request)
        text = json.dumps(public_account(shown, self._setting), ensure_ascii=False)
        headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
        return web.Response(text=text, content_type="application/json", headers=headers)

    async def vote(self, request: web.Request) -> web.Response:
        """Write one vote down, and lead back to the page; else say why it isn't."""
        shown = await self._find(request)
        if shown is None:
            return await nothing_there(self._publisher, request)
        poll, voter = shown.poll, _voter(request, shown.poll)
        option = await _option_of(request, poll)
        if poll.state is not PollState.OPEN:
            return self._page(request, shown, None, status=HTTPStatus.CONFLICT)
        if voter is None:
            return self._page(request, shown, None, notice="no_cookie", status=HTTPStatus.FORBIDDEN)
        if option is None:
            return self._page(request, shown, voter, notice="no_option", status=HTTPStatus.BAD_REQUEST)
        network = _network(request, self._setting)
        free_at = await self._service.keep(lambda unit: _write(unit, poll.id, voter.number, option, network))
        if free_at is not None:
            status = HTTPStatus.TOO_MANY_REQUESTS
            return self._page(request, shown, voter, notice="network", status=status, free_at=free_at)
        self._shown.forget(poll.id)
        response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": self._address(request, poll)})
        self._give(request, response, poll, replace(voter, has_voted=True))
        return response

    async def _find(self, request: web.Request) -> PublicPoll | None:
        return await self._shown.get(request.match_info["poll"])

    async def _read(self, identity: str) -> PublicPoll | None:
        return await self._reads.ask(lambda unit: _public(unit, identity))

    def _page(
        self,
        request: web.Request,
        shown: PublicPoll,
        voter: _Voter | None,
        *,
        notice: str = "",
        status: HTTPStatus = HTTPStatus.OK,
        free_at: datetime | None = None,
    ) -> web.Response:
        setting, tally, poll = self._setting, shown.tally, shown.poll
        language = self._language(request)
        say, now = words_of(language).gettext, self._reads.now()
        page = self._pages[language].poll(
            Snapshot(CurrentIncidents(now, (), (), ())),
            [(tag, f"/polls/{poll.id}?lang={tag}") for tag in setting.languages],
            poll=poll,
            tally=tally,
            outcomes=shown.outcomes,
            is_open=poll.state is PollState.OPEN and poll.closes_at > now,
            notice=notice,
            free_at=free_at,
            action=f"/polls/{poll.id}?lang={language}",
            places={place.name: place_name(place.name, say) for place in tally.places},
        )
        headers = {
            **safety(setting, posts=True),
            "Cache-Control": "no-store",
            "Vary": "Accept-Language, Cookie",
            "X-Content-Type-Options": "nosniff",
        }
        response = web.Response(body=page.encode(), status=status, headers=headers)
        response.headers["Content-Type"] = HTML
        # Before the vote, so that a browser without cookies is noticed.
        if poll.state is PollState.OPEN and voter is None:
            self._give(request, response, poll, _Voter(secrets.token_hex(16)))
        return response

    def _give(self, request: web.Request, response: web.Response, poll: Poll, voter: _Voter) -> None:
        value = f"{voter.number}.{_signed(poll, voter.number)}{'.1' if voter.has_voted else ''}"
        town = self._setting.town
        response.set_cookie(
            _cookie(poll),
            value,
            path=f"{town.mount}/polls/{poll.id}",
            max_age=int(LONGEST.total_seconds()),
            httponly=True,
            samesite="Lax",
            secure=arrival_of(request, town).secure,
        )

    def _address(self, request: web.Request, poll: Poll) -> str:
        # In a fleet the door puts the town's own path before it.
        return f"/polls/{poll.id}?lang={self._language(request)}"

    def _language(self, request: web.Request) -> str:
        asked, known = request.query.get("lang", ""), self._setting.languages
        return asked if asked in known else best_of(known, request.headers.get("Accept-Language"), known[0])


def public_account(shown: PublicPoll, setting: Setting) -> dict[str, Any]:
    """A poll as everybody may know it; before it is closed the turnout and no number."""
    tally, poll, zone = shown.tally, shown.poll, setting.town.zone
    account: dict[str, Any] = {
        "poll": poll.id,
        "state": str(poll.state),
        "question": poll.question,
        "options": list(poll.options),
        "until": poll.closes_at.astimezone(zone).isoformat(timespec="seconds"),
        "turnout": tally.turnout,
        "exercise": poll.exercise,
    }
    if poll.state is PollState.CLOSED:
        account |= {
            "channels": {name: dict(votes) for name, votes in tally.channels.items()},
            "not_counted": [place.name for place in tally.uncounted],
            "outcome": shown.outcomes[0].text if shown.outcomes else None,
        }
    return account


def _public(unit: DeskUnit, identity: str) -> PublicPoll | None:
    poll = unit.polls.poll(identity)
    if poll is None or not poll.is_public:
        return None
    return PublicPoll(unit.polls.tally(poll), tuple(outcomes(unit, poll)))


def _write(unit: DeskUnit, identity: str, number: str, option: int, network: str) -> datetime | None:
    """Write the vote down; when the network is free again, where it has to wait. A vote twice is one."""
    poll = unit.polls.poll(identity)
    # It may have been closed since it was looked at: then there is nobody to wait for, and nothing to write.
    if poll is None or poll.state is not PollState.OPEN or poll.closes_at <= unit.now:
        return None
    voter, network = poll.voter(WEB, number), poll.voter("network", network)
    if unit.polls.has_voted(poll.id, voter):
        return None
    free_at = unit.polls.free_at(poll, network, unit.now)
    if free_at > unit.now:
        return free_at
    unit.polls.vote(poll, Ballot(WEB, voter, option, network), unit.now)
    return None


async def _option_of(request: web.Request, poll: Poll) -> int | None:
    """The option that a form names by its place; None where it names none there is."""
    if (request.content_length or 0) > _LARGEST_FORM or request.content_type != "application/x-www-form-urlencoded":
        return None
    form = await read_posted(request, _LARGEST_FORM)
    text = str(form.get("option", ""))
    return int(text) if text.isascii() and text.isdigit() and int(text) < len(poll.options) else None


def _cookie(poll: Poll) -> str:
    return f"poll-{poll.id}"


def _signed(poll: Poll, number: str) -> str:
    return seal_of(poll.secret, f"cookie {number}")[:32]


def _voter(request: web.Request, poll: Poll) -> _Voter | None:
    """Return the voter of the cookie. Returns None without one, or if it isn't ours."""
    number, _, rest = request.cookies.get(_cookie(poll), "").partition(".")
    sign, _, voted = rest.partition(".")
    if not poll.secret or not same(sign, _signed(poll, number)):
        return None
    return _Voter(number, voted == "1")


def _network(request: web.Request, setting: Setting) -> str:
    """Where a vote came from: an address, or the /56 that an IPv6 address is in, for a household has all of those."""
    return neighbourhood(arrival_of(request, setting.town).address, 56)
