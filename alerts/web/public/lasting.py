"""The answers about one incident: its pages, its outlines, its messages, and its part of joint documents.

They depend on the incident's versions, its end, the day while it is open (its words say "today"), the answered
questions and the bots. While these are unchanged they are kept, and each part is made on first request. If rendering
fails, the previous version stays and the error is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import TypeVar

import structlog

from alerts.delivery.worker import Guarded
from alerts.desk.publicity import PublicIncident
from alerts.model.incident import StoredAlert
from alerts.web.public import machine
from alerts.web.public.answers import ANYWHERE, CAP, GEOJSON, HTML, KeptAnswer, Made, Once, answer
from alerts.web.public.page import Pages, Share, may_ask, safety
from alerts.web.public.told import Outlook, Told, tell

log = structlog.get_logger()

T = TypeVar("T")
CARD = "/card.png"
"""The suffix of an incident's card."""
Key = tuple[str, tuple[str, ...], object, date | None, tuple[str, ...]]
"""The dependencies of an incident's answers: id, versions, end, while it is open the day, and the bots."""


class Lasting:
    """The answers about one incident: `told` in words and `shares` by language, `answers` by path.

    `pages` make the pages of each language, the town's own first, by the `outlook`. `before` has the previous answers.
    """

    def __init__(
        self,
        incident: PublicIncident,
        day: date | None,
        outlook: Outlook,
        pages: Mapping[str, Pages],
        before: Lasting | None = None,
    ) -> None:
        self.incident = incident
        self.id = incident.id
        self.planned = bool(incident.versions) and incident.planned
        self._day = day
        self.outlook = outlook
        self._asked = outlook.asked.get(incident.id, ())
        self._pages = pages
        self._setting = next(iter(pages.values())).setting
        self._before = before
        if before is not None:
            before._before = None  # noqa: SLF001 one behind is enough to fall back on
        self.told = Made({each: Once(partial(self._try, self._tell, each, "told")) for each in pages})
        self.shares = Made({each: Once(partial(self._try, self._share, each, "shares")) for each in pages})
        self.features: Once[str] = Once(self._features)
        self.answers = Made(self._answers())

    @property
    def cards(self) -> Mapping[str, str]:
        """Where its cards are, and in which language."""
        return {self._setting.path(each, f"alerts/{self.id}{CARD}"): each for each in self._pages}

    @property
    def key(self) -> Key:
        """Return the identity of its inputs."""
        incident, versions = self.incident, tuple(stored.id for stored in self.incident.versions)
        return incident.id, versions, incident.ending, self._day, self.outlook.bots

    def is_of(self, incident: PublicIncident, day: date | None, outlook: Outlook) -> bool:
        """True if these inputs would give the same answers."""
        asked = outlook.asked.get(incident.id, ())
        if (day, outlook.bots, asked) != (self._day, self.outlook.bots, self._asked):
            return False
        ours = self.incident
        return incident is ours or (
            incident.ending == ours.ending
            and [stored.id for stored in incident.versions] == [stored.id for stored in ours.versions]
        )

    def _answers(self) -> dict[str, Once[KeptAnswer]]:
        """Where each of them is, and how it is made."""
        setting, earlier = self._setting, self._before.answers.makes if self._before else {}
        page = {setting.path(each, f"alerts/{self.id}"): (self._page, each) for each in self._pages}
        makes = {path: Once(partial(self._try, make, each, "answers", path)) for path, (make, each) in page.items()}
        outlines = f"/alerts/{self.id}.geojson"
        makes[outlines] = Once(partial(self._try, self._outlines, "", "answers", outlines))
        ending = self.incident.ending
        for stored in (*self.incident.versions, *([ending.stored] if ending and ending.stored else [])):
            if stored.alert is not None:
                path = f"/cap/{stored.id}.xml"
                # A message never changes.
                makes[path] = earlier.get(path) or Once(partial(_message, stored))
        return makes

    def _try(self, make: Callable[[str], T | None], language: str, which: str, name: str = "") -> T | None:
        """Make a part. If that fails, this incident keeps its previous version, and no other is affected."""
        with Guarded("page.failed", incident=self.id):
            return make(language)
        before: Made[T] | None = getattr(self._before, which, None)
        return before.get(name or language) if before is not None else None

    def _tell(self, language: str) -> Told:
        said = self._before.told.kept(language) if self._before is not None else None
        return tell(self.incident, self._setting, language, self.outlook.now, said)

    def _share(self, language: str) -> Share | None:
        told = self.told.get(language)
        return self._pages[language].share(told) if told is not None else None

    def _page(self, language: str) -> KeptAnswer | None:
        told = self.told.get(language)
        if told is None:
            return None
        headers = safety(self._setting, posts=may_ask(told, self._setting))
        return answer(self._pages[language].incident(told, self.outlook), HTML, extra=headers)

    def _features(self) -> str | None:
        told = self.told.get(self._setting.languages[0])
        return machine.features(told, self._setting) if told is not None else None

    def _outlines(self, _: str) -> KeptAnswer | None:
        features = self.features.get()
        return answer(machine.collection([features]), GEOJSON, extra=ANYWHERE) if features is not None else None


def _message(stored: StoredAlert) -> KeptAnswer | None:
    return answer(machine.cap_message(stored.alert), CAP, extra=ANYWHERE) if stored.alert is not None else None


def shares_of(shown: Iterable[Lasting], language: str) -> Sequence[Share]:
    """Return their parts in one language, without those that can't be made."""
    return [share for lasting in shown if (share := lasting.shares.get(language)) is not None]
