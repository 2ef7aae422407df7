"""Atmo France as a source: episodes of air pollution in a department, as the regional associations declare them.

An account is exchanged for a token of an hour (`/api/login`), and with that yesterday's, today's and tomorrow's
episodes are requested (`/api/v2/data/episodes/3jours`). A row gives a pollutant's state in a zone on one day: under the
thresholds, over that of information, or over that of alert. Indices and pollen are no alerts, and aren't requested.

All pollutants are one incident for as long as one is over a threshold on a day to come: its first message an alert, a
change an update, all under the thresholds its end. It runs out with its last day. A day that is absent isn't over: it
stands as it was told. So does a row that can't be read, or of a day too far away to be meant, and the source is
reported as failing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from typing import Any

from alerts import __version__
from alerts.apart.parser import parser
from alerts.model.alert import Alert, Area, Category, Certainty, Info, NamedValue, Severity, Urgency
from alerts.model.bounds import read_long_json, table
from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.hazard import fold
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.rendering.moments import DateFormatter
from alerts.rendering.text import clean_line
from alerts.sources.address import Where
from alerts.sources.departments import DEPARTMENTS, FR_DEPARTMENT
from alerts.sources.document import FetchedDocument
from alerts.sources.fetch import Fetcher, show
from alerts.sources.run import MessageRun, next_message, unheard
from alerts.sources.settings import AtmoSettings, revealed
from alerts.sources.shared import SharedReader, SourceShare

SENDER = "atmo-france.org"
WEB = "https://www.atmo-france.org"
TOKEN_LASTS = 3000.0
"""Seconds after which another token is asked for: one is good for an hour."""
_EPISODES = "api/v2/data/episodes/3jours?format=geojson&code_zone={department}&with_geom=false"
_TOKEN = re.compile(r"[\w.~+/=-]{1,4000}", re.ASCII)
_LONGEST_ZONE = 80
_MOST = 500
"""Of zones, and of pollutants' days, that an answer may have: a department has a dozen of either."""
AHEAD = timedelta(days=7)
"""How far ahead a day may lie: episodes are declared for tomorrow at most."""
# "Fin de l'alerte", "sans information": a threshold is named, and it isn't said to be passed.
_UNCLEAR = re.compile(r"\b(?:fin|levee?|aucune?|sans|non|ni|pas|mais)\b")
# A pollutant, by how rows spell it without marks, or by its number.
_POLLUTANTS: Mapping[str, str] = {
    "so2": "so2", "dioxydedesoufre": "so2", "01": "so2",
    "no2": "no2", "dioxydedazote": "no2", "03": "no2", "08": "no2",
    "pm10": "pm10", "particulespm10": "pm10", "05": "pm10", "24": "pm10",
    "o3": "o3", "ozone": "o3", "07": "o3",
    "pm25": "pm25", "particulespm25": "pm25", "39": "pm25",
}  # fmt: skip
_NAMES: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "so2": "dioxyde de soufre",
        "no2": "dioxyde d’azote",
        "pm10": "particules fines PM10",
        "o3": "ozone",
        "pm25": "particules fines PM2,5",
    },
    "en": {
        "so2": "sulphur dioxide",
        "no2": "nitrogen dioxide",
        "pm10": "fine particles PM10",
        "o3": "ozone",
        "pm25": "fine particles PM2.5",
    },
}


class AirThreshold(IntEnum):
    """The threshold that a pollutant is over."""

    NONE = 0
    INFORMATION = 1
    ALERT = 2


_SEVERITIES = {AirThreshold.INFORMATION: Severity.MODERATE, AirThreshold.ALERT: Severity.SEVERE}


# --- what is declared -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PollutedDay:
    """A pollutant on a day (`2026-11-25`), and the threshold that it is over; None: it can't be read."""

    pollutant: str
    day: str
    over: AirThreshold | None


@dataclass(frozen=True, slots=True)
class AirEpisodes:
    """The episodes of a department, each pollutant and day once, and the names of its zones.

    `unread` is True if there is a row besides of which not even the pollutant or the day can be read.
    """

    days: tuple[PollutedDay, ...]
    zones: tuple[str, ...]
    unread: bool

    def size(self) -> int:
        """About how many bytes it takes."""
        return 300 * (1 + len(self.days) + len(self.zones))


@parser("token of Atmo France", seconds=5)
def read_token(body: bytes) -> str:
    """The token in the answer to a sign-in. Raises Unreadable for an answer without one."""
    token = _object(body).get("token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Unreadable(because("atmo_no_token"))
    return token


@parser("episodes of air pollution", seconds=10)
def read_episodes(body: bytes, department: str, zones: tuple[str, ...]) -> AirEpisodes:
    """The episodes in `zones` of a department, in all of them where none is named. Raises Unreadable."""
    features = _object(body).get("features")
    if not isinstance(features, list):
        raise Unreadable(because("atmo_misshapen", place="features"))
    rows = [table(each).get("properties") for each in features]
    here = [row for row in rows if isinstance(row, dict) and _is_of(row, department)]
    names = tuple(sorted({name for row in here if (name := _zone(row))}))
    wanted = {fold(each) for each in zones}
    ours = [row for row in here if (not wanted or fold(_zone(row)) in wanted) and not _is_no_matter(row)]
    read = [((_zone(row), each.pollutant, each.day), _spread(row), each) for row in ours if (each := _day(row))]
    # Of several declarations for a day those that were spread last count.
    latest: dict[tuple[str, str, str], str] = {}
    for key, spread, _ in read:
        latest[key] = max(spread, latest.get(key, ""))
    days = _worst(each for key, spread, each in read if spread == latest[key])
    if max(len(names), len(days)) > _MOST:
        raise Unreadable(because("atmo_misshapen", place="features"))
    unread = any(not isinstance(row, dict) for row in rows) or len(read) < len(ours)
    return AirEpisodes(days, names, unread)


def _object(body: bytes) -> Mapping[str, Any]:
    if (document := read_long_json(body)) is None:
        raise Unreadable(because("atmo_no_json"))
    return table(document)


def _is_of(row: Mapping[str, Any], department: str) -> bool:
    """False for a row of another department; a zone within one has a code of its own."""
    code = str(row.get("code_zone") or "").strip().upper()
    return code == department or code not in DEPARTMENTS


def _zone(row: Mapping[str, Any]) -> str:
    return clean_line(str(row.get("lib_zone") or ""))[:_LONGEST_ZONE]


def _spread(row: Mapping[str, Any]) -> str:
    """When it was spread, in an order that texts have; "" where that can't be read."""
    try:
        return datetime.fromisoformat(str(row.get("date_dif"))).isoformat()
    except ValueError:
        return ""


def _pollutant(row: Mapping[str, Any]) -> str | None:
    name = re.sub(r"[\W_]", "", fold(str(row.get("lib_pol") or "")[:100]))
    return _POLLUTANTS.get(name) or _POLLUTANTS.get(str(row.get("code_pol") or "").zfill(2)[:10])


def _is_no_matter(row: Mapping[str, Any]) -> bool:
    """True for a pollutant that we have no word for, if it is under the thresholds."""
    return _over(row) is AirThreshold.NONE and _pollutant(row) is None


def _day(row: Mapping[str, Any]) -> PollutedDay | None:
    pollutant = _pollutant(row)
    try:
        day = date.fromisoformat(str(row.get("date_ech"))[:10]).isoformat()
    except ValueError:
        return None
    return PollutedDay(pollutant, day, _over(row)) if pollutant else None


def _over(row: Mapping[str, Any]) -> AirThreshold | None:
    state = fold(str(row.get("etat") or "")[:200])
    if state.startswith("pas de") and "mais" not in state:
        return AirThreshold.NONE
    if _UNCLEAR.search(state):
        return None
    return AirThreshold.ALERT if "alerte" in state else AirThreshold.INFORMATION if "information" in state else None


def _worst(found: Iterable[PollutedDay]) -> tuple[PollutedDay, ...]:
    """Return each pollutant and day once: of several zones the worst, and none if one can't be read."""
    worst: dict[tuple[str, str], AirThreshold | None] = {}
    for each in found:
        other = worst.get((each.pollutant, each.day), each.over)
        worst[each.pollutant, each.day] = None if each.over is None or other is None else max(each.over, other)
    return tuple(PollutedDay(pollutant, day, over) for (pollutant, day), over in sorted(worst.items()))


# --- what it changes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublishedEpisode:
    """The messages about an episode, and the days of the last."""

    run: MessageRun
    days: tuple[PollutedDay, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        days = [[each.pollutant, each.day, each.over] for each in self.days]
        return {**self.run.as_json(), "days": days}

    @classmethod
    def of(cls, stored: Mapping[str, Any], today: date) -> PublishedEpisode:
        """Read the output of `as_json`, without the days that passed."""
        days = (PollutedDay(pollutant, day, AirThreshold(over)) for pollutant, day, over in stored["days"])
        return cls(MessageRun.of(stored, SENDER), tuple(each for each in days if each.day >= today.isoformat()))


def to_come(episodes: AirEpisodes, before: Sequence[PollutedDay], today: date) -> tuple[PollutedDay, ...]:
    """Return the days from today on that are over a threshold; one that is absent or unreadable as it was `before`."""
    days = {(each.pollutant, each.day): each for each in (*before, *episodes.days) if each.over is not None}
    first, last = today.isoformat(), (today + AHEAD).isoformat()
    return tuple(each for _, each in sorted(days.items()) if first <= each.day <= last and each.over)


class AtmoSource:
    """One `[sources.NAME]` with `kind = "atmo"` (a `Source`)."""

    def __init__(self, _: str, settings: AtmoSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._reader = SharedReader.around(around)
        self._share: SourceShare | None = None
        self._good_until = 0.0
        self._wake: Callable[[], None] | None = None

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when there are other episodes."""
        self._wake = wake
        if self._share is not None:
            self._share.on_news(wake)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Poll once. Raises SourceFailed if nobody can sign in, or the episodes can't be read."""
        settings, town, state = self._settings, self._around.town, memory.state
        today = now.astimezone(town.zone).date()
        of = [settings.department, *settings.zones]
        begun = {"of": of, "today": today.isoformat()}
        # With the day, other days are to come of the same episodes.
        is_same = all(state.get(name) == each for name, each in begun.items())
        document = await self._look(memory.digest if is_same else None)
        if document is None:
            return SourceReading((), memory, unchanged=True)
        episodes = await document.parsed(read_episodes, settings.department, settings.zones, size=AirEpisodes.size)
        published = PublishedEpisode.of(state["told"], today) if state.get("told") and state.get("of") == of else None
        # What ran out by itself has ended: what comes later is an episode of its own.
        run, before = (published.run, published.days) if published and published.days else (None, ())
        days, trouble = to_come(episodes, before, today), _trouble(episodes, settings.zones, today)
        heard, last = [], state.get("last", "")
        if days != before:
            alert = alert_of(days, run, last, now, settings.department, town)
            run, last = MessageRun.after(run, alert), alert.identifier
            heard = await unheard([Heard(last, alert=alert)], known)
        episode = PublishedEpisode(run, days).as_json() if run and days else None
        # Without its digest what is wrong with it is found again at the next poll.
        kept = Memory(digest=None if trouble else document.digest, state={**begun, "told": episode, "last": last})
        return SourceReading(heard, kept, trouble=trouble)

    async def _look(self, digest: str | None) -> FetchedDocument | None:
        share = await self._signed_in()
        try:
            return await share.look(digest)
        except SourceFailed as error:
            # A token that is refused is good no longer, whatever was said of it.
            if _is_refusal(error):
                self._good_until = 0.0
            raise

    async def _signed_in(self) -> SourceShare:
        """The share of the episodes' address, with a token that is good yet."""
        settings, clock = self._settings, self._around.clock
        if self._share is not None and clock.monotonic() < self._good_until:
            return self._share
        token = await self._token()
        if self._share is not None:
            self._share.on_news(None)
        where = Where(
            f"{settings.api_url}/{_EPISODES.format(department=settings.department)}",
            settings.timeout.total_seconds(),
            settings.allow_private,
            headers=(("Authorization", f"Bearer {token}"),),
        )
        self._share = self._reader.share_of(where, settings.every, self._around)
        self._good_until = clock.monotonic() + TOKEN_LASTS
        self.on_news(self._wake)
        return self._share

    async def _token(self) -> str:
        settings, around = self._settings, self._around
        password = revealed(settings.password, around.town.folder)
        fetcher = Fetcher(
            around.session,
            clock=around.clock,
            user_agent=f"Tocsin/{__version__}",
            timeout=settings.timeout.total_seconds(),
            limit=65_536,
        )
        url = f"{settings.api_url}/api/login"
        try:
            answer = await fetcher.post(url, {"username": settings.user, "password": password})
            return await read_token.read(url, answer.body)
        except SourceFailed as error:
            raise SourceFailed(because("atmo_refused", user=settings.user)) if _is_refusal(error) else error from None
        except Unreadable as error:
            raise SourceFailed(because("at_address", address=show(url), why=error.reason)) from None


def _is_refusal(error: SourceFailed) -> bool:
    return str(error.reason["status"] or "")[:3] in {"401", "403"}


def _trouble(episodes: AirEpisodes, zones: Sequence[str], today: date) -> Reason | None:
    """Why a part of the episodes isn't told, if that is so."""
    farthest = (today + AHEAD).isoformat()
    if episodes.unread or any(each.over is None or each.day > farthest for each in episodes.days):
        return because("atmo_unread")
    absent = [each for each in zones if fold(each) not in map(fold, episodes.zones)]
    return because("atmo_zone", zones=absent, known=episodes.zones) if absent and episodes.zones else None


# --- how it is told -------------------------------------------------------------------------------------------------


def alert_of(  # noqa: PLR0917 what a message is made of
    days: Sequence[PollutedDay], run: MessageRun | None, last: str, now: datetime, department: str, town: Town
) -> Alert:
    """The days as an alert, an update in its `run`, or its end; `last` names the last message of any run.

    An episode that ended may begin again on the same day, with the same words.
    """
    sent = now.replace(microsecond=0)
    said = [(each.pollutant, each.day, int(each.over or 0)) for each in days]
    return next_message(
        run,
        SENDER,
        f"atmo-{department}",
        sent,
        [_info(language, days, sent, department, town) for language in _WORDS] if days else (),
        content=(last, said),
    )


@dataclass(frozen=True, slots=True)
class AirWords:
    """The words of a language: of each threshold, and of what joins them."""

    tag: str
    event: str
    thresholds: Mapping[AirThreshold, str]
    colon: str
    credit: str


_WORDS: Mapping[str, AirWords] = {
    "fr": AirWords(
        "fr-FR",
        "Pollution de l’air",
        {AirThreshold.INFORMATION: "Seuil d’information", AirThreshold.ALERT: "Seuil d’alerte"},
        "\u00a0: ",
        "Données d’Atmo France et des AASQA (ODbL).",
    ),
    "en": AirWords(
        "en-GB",
        "Air pollution",
        {AirThreshold.INFORMATION: "Information threshold", AirThreshold.ALERT: "Alert threshold"},
        ": ",
        "Data by Atmo France and the AASQA (ODbL).",
    ),
}


def _info(language: str, days: Sequence[PollutedDay], sent: datetime, department: str, town: Town) -> Info:
    words, names = _WORDS[language], _NAMES[language]
    worst = max(each.over for each in days if each.over)
    begins = [_begin(each.day, town) for each in days]
    ends = _begin((max(begins).date() + timedelta(days=1)).isoformat(), town)
    teller = DateFormatter(language, town.zone, sent, {}, long=False)
    lines = []
    for over in sorted({each.over for each in days if each.over}, reverse=True):
        polluted: dict[str, list[str]] = {}
        for each in days:
            if each.over is over:
                polluted.setdefault(names[each.pollutant], []).append(teller.day(_begin(each.day, town)))
        said = "; ".join(f"{name}, {', '.join(on)}" for name, on in polluted.items())
        lines.append(f"{words.thresholds[over]}{words.colon}{said}.")
    pollutants = dict.fromkeys(names[each.pollutant] for each in days)
    codes = (NamedValue(FR_DEPARTMENT, department), *town.codes)
    return Info(
        event=words.event,
        language=words.tag,
        categories=(Category.ENV, Category.HEALTH),
        urgency=Urgency.IMMEDIATE if min(begins) <= sent else Urgency.EXPECTED,
        severity=_SEVERITIES[worst],
        certainty=Certainty.LIKELY,
        onset=min(begins),
        expires=ends,
        sender_name="Atmo France / AASQA",
        headline=f"{words.event}{words.colon}{', '.join(pollutants)}",
        description="\n\n".join(("\n".join(lines), words.credit)),
        web=WEB,
        # The zones are those of the town, so it is always here.
        areas=(Area(DEPARTMENTS[department].name, geocodes=tuple(dict.fromkeys(codes))),),
    )


def _begin(day: str, town: Town) -> datetime:
    """The first moment of a day in the town."""
    return datetime.combine(date.fromisoformat(day), time(), town.zone)
