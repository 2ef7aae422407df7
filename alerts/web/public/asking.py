"""Asking a question on an alert's page: one field, first the earlier answers, then it is noted. No account.

    POST /alerts/INCIDENT/ask      `question` alone: earlier answers, and the button that sends it; with `form`: it is
                                   noted, once however often the button is pressed

Nobody promises to read it, and each page of it names 112 and 114. The asker is unknown, and nothing of them is stored:
for the rate limit alone their network (/24, /56) is an HMAC under a secret of the day that never leaves the memory. A
question with a filled trap field, or one sent faster than anybody types, is thanked for and dropped.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from http import HTTPStatus

from aiohttp import web

from alerts.desk.unit import DeskUnit
from alerts.listening.answering import FaqEntry
from alerts.listening.ears import Intake
from alerts.listening.hearing import Taken, take
from alerts.model.bounds import IPV6, IPV6_GIVEN_AWAY, bounded, network_of, same, seal_of, seen
from alerts.model.events import RemarkHeard
from alerts.model.hazard import fold
from alerts.model.listening import Remark, Understood
from alerts.model.rate_limit import SlidingWindow, take_each
from alerts.model.remembered import Newest
from alerts.web.console.arrival import address_of
from alerts.web.posted import must_be_from_here, must_exist, read_posted
from alerts.web.public.page import Pages, safety
from alerts.web.public.publisher import Publisher
from alerts.web.public.site import RenderedIncident

WEB = "web"
"""The channel of what is asked on the town's own pages."""
LONGEST_QUESTION = 500
MOST_BYTES = 16 * 1024
MOST_SHOWN = 3
"""Answers that are shown before a question is sent."""
TYPED_IN = timedelta(seconds=2)
"""Sooner nobody has read what was answered already, and pressed a button."""
LASTS = timedelta(hours=24)
SPAN = timedelta(minutes=10)
A_NETWORK, ALL_NETWORKS = 5, 120
"""Questions that are noted in ten minutes, from one network and from all."""
A_FEW, MOST_OF_TODAY = 2, 50_000
"""As how many networks an IPv6 /48 counts, and how many networks of a day are remembered."""
_WORD = re.compile(r"\w{4,}")
_ID = "{id:[A-Za-z0-9]{1,26}}"


class DayDigests:
    """Digests under a secret of the day, which never leaves the memory: with the day they are nobody's any more."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._secret = b""

    def of(self, name: str, now: datetime) -> str:
        """The digest of a name."""
        if self._day != now.date():
            self._day, self._secret = now.date(), secrets.token_bytes(32)
        return seal_of(self._secret, name)


class QuestionPace:
    """The rate limit for questions, by digests of networks (`DayDigests`): in memory alone, and bounded.

    A whole IPv6 /48 may ask as often as a few networks, and the last third of the total is for networks without a
    question today: an owner of many networks can't shut out a newcomer.
    """

    def __init__(self, a_network: int = A_NETWORK, all_networks: int = ALL_NETWORKS) -> None:
        self._a_network = a_network
        self._all = all_networks
        self._digests = DayDigests()
        self._today: Newest[str, None] = Newest(MOST_OF_TODAY)
        # Room for two keys of each ask within two spans: nobody's count gives way to somebody else's.
        self._asked: SlidingWindow[str] = SlidingWindow(SPAN.total_seconds(), 4 * all_networks + 1)

    def takes(self, address: str, now: datetime) -> bool:
        """Return True if one more may be noted from there, which then counts."""
        own, wide = (self._digests.of(f"{bits} {network_of(address, bits)}", now) for bits in (IPV6, IPV6_GIVEN_AWAY))
        most = self._all * 2 // 3 if wide in self._today else self._all
        counts = {"": most, own: self._a_network, wide: A_FEW * self._a_network}
        if not take_each([(self._asked, key, count) for key, count in counts.items()], now.timestamp()):
            return False
        self._today.keep(wide, None)
        return True


class QuestionField:
    """Takes questions, for one town; a form is known by when it was made and a seal on that."""

    def __init__(self, publisher: Publisher, intake: Intake) -> None:
        self._publisher = publisher
        self._intake = intake
        self._setting = publisher.setting
        self._pages = {language: Pages(self._setting, language) for language in self._setting.languages}
        self._pace = QuestionPace()
        self._key = secrets.token_bytes(32)

    def routes(self) -> list[web.RouteDef]:
        """One address in each language."""
        paths = [self._setting.path(language, f"alerts/{_ID}/ask") for language in self._setting.languages]
        return [web.post(path, self._ask) for path in paths]

    async def _ask(self, request: web.Request) -> web.Response:
        must_be_from_here(request)
        edition = await self._publisher.edition()
        rendered = edition.incidents.get(request.match_info["id"])
        if rendered is None or rendered.incident.ending is not None:
            raise web.HTTPNotFound
        form = await read_posted(request, MOST_BYTES)
        question = " ".join(seen(bounded(str(form.get("question", "")), LONGEST_QUESTION)).split())
        language = self._setting.language_of(request.path)
        if not question or "form" not in form:
            answered = nearest(question, edition.snapshot.asked.get(rendered.id, ()))
            return self._page(rendered, language, question=question, answered=answered)
        made = self._made_at(str(form["form"]), rendered.id)
        now = self._intake.clock.now()
        # A program fills in every field; whoever is dropped so learns nothing from the answer.
        if form.get("website") or (made is not None and now - made < TYPED_IN):
            return self._page(rendered, language, question=question, is_noted=True)
        if made is None or now - made > LASTS:
            return self._page(rendered, language, question=question, is_old=True)
        address = address_of(request, self._setting.town.web.trusted)
        if not self._pace.takes(address, now):
            status = HTTPStatus.TOO_MANY_REQUESTS
            return self._page(rendered, language, status=status, question=question, is_too_many=True)
        await self._note(rendered.id, language, question, str(form["form"]))
        return self._page(rendered, language, question=question, is_noted=True)

    async def _note(self, incident: str, language: str, question: str, form: str) -> None:
        """Keep it: the same form sent twice is one question."""
        [understood] = await self._intake.understand([question])
        name = hashlib.sha256(f"{form}\n{question}".encode("utf-8", "replace")).hexdigest()[:32]
        remark = Remark(name, question, self._intake.clock.now(), language=language)

        def keep(unit: DeskUnit) -> Taken:
            return take(unit, WEB, [(remark, _asks(understood))], self._intake.group, about=incident)

        taken = await self._intake.service.act(keep, posts=False)
        if taken.utterances:
            self._intake.events.publish(RemarkHeard(WEB, bool(taken.raised)))

    def _page(
        self, rendered: RenderedIncident, language: str, *, status: int = HTTPStatus.OK, **values: object
    ) -> web.Response:
        now = self._intake.clock.now()
        said = must_exist(rendered.text(language))
        text = self._pages[language].asking(said, rendered.snapshot, form=self._form(rendered.id, now), **values)
        headers = {**safety(self._setting, posts=True), "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
        return web.Response(text=text, status=status, headers=headers, content_type="text/html", charset="utf-8")

    def _form(self, incident: str, now: datetime) -> str:
        made = f"{now.timestamp():.3f}.{secrets.token_hex(8)}"
        return f"{made}.{self._seal(made, incident)}"

    def _made_at(self, form: str, incident: str) -> datetime | None:
        """When the form was made, if it is one of ours."""
        made, _, seal = form[:200].rpartition(".")
        if not same(seal, self._seal(made, incident)):
            return None
        zone = self._intake.clock.now().tzinfo
        return datetime.fromtimestamp(float(made.rpartition(".")[0]), zone)

    def _seal(self, made: str, incident: str) -> str:
        return seal_of(self._key, f"{incident}\n{made}")


def _asks(understood: Understood) -> Understood:
    """Mark it as a question, whatever its words: it came from that field."""
    return Understood(understood.kind, understood.reason, asks=True, vector=understood.vector)


def nearest(question: str, asked: Sequence[FaqEntry]) -> Sequence[FaqEntry]:
    """Return the answers with the most words in common; all of them if they are few."""
    if len(asked) <= MOST_SHOWN:
        return asked
    words = _words(question)
    ranked = sorted(asked, key=lambda each: -len(words & _words(f"{each.question} {each.answer}")))
    return ranked[:MOST_SHOWN]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(fold(text)))
