"""What people read beside an alert's posts, for `make texts`: each list is walked from the product's own tables.

A new hazard, kind of report, command of the bot, state of a chat or catalogue appears by itself.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from alerts.bot.chat import command_in, commands
from alerts.channels.mail.mime import subject_of
from alerts.channels.settings import MAIL_TEXT, PUSH_TEXT
from alerts.config.kinds import source_kinds
from alerts.desk.dedupe import end_reason
from alerts.model.alert import Alert, MsgType, Severity
from alerts.model.catalogue import read_catalogue
from alerts.model.hazard import Hazard
from alerts.model.post import EndReason, PostKind
from alerts.model.reports import shipped_kinds
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.answer import AnswerWords
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer
from alerts.sources import atmo, vigicrues
from alerts.sources.cap import nina
from alerts.sources.cap.message import apply_colours, read_json, read_message
from alerts.sources.editions import Colour
from alerts.sources.mail import MailWords
from alerts.sources.mailbox import draft_of
from alerts.sources.run import MessageRun
from alerts.sources.vigilance.bulletin import ColourMap, ColourWindow
from alerts.sources.vigilance.warning import (
    PHENOMENA,
    Addressee,
    PublishedPhenomenon,
    alert_of,
    changes,
    published_after,
)
from alerts.web.public.panel import wrapped
from alerts.web.public.snapshot import beside
from tests.fed import FED
from tests.road_pages import incident, incidents, record, situations
from tests.samples import SHARED
from tests.texts import PAGE, RENDERERS, STATIONS, WAYS, named, phases
from tests.texts_walk import CATALOGUES, in_code, place_of
from tests.transit_pages import LINES_OF, Network, a_disruption
from tests.unit.bot.test_help_first import TOWNS, WRITTEN, states
from tests.unit.bot.test_reporting import Chats
from tests.unit.rendering.sample_alerts import NOW, X
from tests.unit.rendering.test_first_seen import REASONS
from tests.unit.reports.conftest import house_of, reporting_town
from tests.unit.reports.test_drafting import crowd, drafts
from tests.unit.sources.test_ical_year import speak
from tests.unit.sources.test_roads import Roads
from tests.unit.sources.test_rss_source import Site, item

LOCKED = 110
"""Characters of a notification, title and body together, that a locked screen surely shows."""
PUSH, MAIL = ChannelConfig("push", "push", PUSH_TEXT), ChannelConfig("mail", "mail", MAIL_TEXT)
FIRST_LINES = 3

Told = tuple[str, Iterable[str]]
Life = list[tuple[Any, Alert]]
LANGUAGES: Sequence[str] = tuple(STATIONS)


def elsewhere() -> Iterator[Told]:
    """Each heading with its lines."""
    for language in LANGUAGES:
        for hazard, of in WAYS:
            about = f"{language}: {named(hazard, of)}"
            yield f"{about}, on a locked telephone, by e-mail and on a panel", _life(hazard, language, of)
            yield f"{about}, ended in an officer's own words", _own_words(hazard, language, of)
        yield f"{language}: answers and rumours", _answers(language)
        yield f"{language}: what reports make", asyncio.run(_drafts(language))
        for kind in source_kinds():
            yield f"{language}: what a source of the kind {kind} makes", on_each(LIVES[kind](language), language)
        yield f"{language}: the bot, by what is said to it in each state", asyncio.run(_talks(language))
    yield "in the code itself, in French and English", in_code()
    yield from _catalogues()


def _life(hazard: Hazard, language: str, of: str) -> Iterator[str]:
    for severity in (Severity.EXTREME, Severity.MODERATE):
        for alert, kind, phase, context in phases(hazard, severity, language, of):
            moment = Context("7x3k", NOW + timedelta(hours=1), **context)
            yield from _everywhere(
                RENDERERS[language], alert, kind, moment, language=language, about=f"{phase} [{severity.value}] "
            )


def _own_words(hazard: Hazard, language: str, of: str) -> Iterator[str]:
    [first, *_] = phases(hazard, Severity.EXTREME, language, of)
    for reason in (EndReason.ALL_CLEAR, EndReason.CANCELLED, EndReason.CORRECTED):
        for words in REASONS[language][:6]:
            ending = replace(first[0], note=words, msg_type=MsgType.CANCEL)
            moment = Context("7x3k", NOW + timedelta(hours=1), reason, first[0])
            yield f"{reason.value}: " + _locked(RENDERERS[language], ending, PostKind.END, moment, language)


def _everywhere(
    renderer: Renderer, alert: Alert, kind: PostKind, moment: Context, *, language: str, about: str
) -> Iterator[str]:
    yield f"{about}push {_locked(renderer, alert, kind, moment, language)}"
    mail = renderer.render(alert, kind, _in(MAIL, language), context=moment).message.plain
    lines = [line for line in mail.split("\n") if line][1 : FIRST_LINES + 1]
    yield f"{about}mail “{subject_of(mail, exercise=False)}” {' / '.join(lines)}"
    if kind is PostKind.END:  # no panel shows what is over
        return
    facts = renderer.tell(alert, kind, _in(PAGE, language), context=moment)
    shown = [facts.get("label"), beside(facts), facts["instruction"], facts["area"], facts["when"]]
    yield f"{about}panel {' | '.join(line for each in shown if each for line in wrapped(str(each)))}"


def _locked(renderer: Renderer, alert: Alert, kind: PostKind, moment: Context, language: str) -> str:
    """Title and body with how long both are, and a mark where a locked screen may end."""
    title, _, body = renderer.render(alert, kind, _in(PUSH, language), context=moment).message.plain.partition("\n")
    said = f"{title} / {' / '.join(line for line in body.split(chr(10)) if line)}"
    marked = f"{said[:LOCKED]}|{said[LOCKED:]}" if len(said) > LOCKED else said
    return f"[{len(title)}+{len(body.strip())}] {marked}"


def _in(channel: ChannelConfig, language: str) -> ChannelConfig:
    return replace(channel, language=STATIONS[language].language)


def _answers(language: str) -> Iterator[str]:
    renderer = RENDERERS[language]
    asked = {
        "fr": ("Peut-on boire l’eau ?", "Non, pas encore.", "L’eau est potable."),
        "en": ("Can we drink the water?", "No, not yet.", "The water is safe."),
    }
    question, answer, fact = asked[language]
    for automatic in (False, True):
        reply = AnswerWords(answer, STATIONS[language].language, question, "https://a.example/1", automatic=automatic)
        yield " / ".join(filter(None, renderer.answer(reply, _in(X, language)).plain.split("\n")))
    for found in ("true", "false", "unclear"):
        yield f"{found}: {renderer.verdict(found, fact)}"


async def _drafts(language: str) -> list[str]:
    said = []
    for kind in shipped_kinds(STATIONS[language].language):
        if kind.cluster is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tocsin.db"
            house = await house_of(path, reporting_town(path, language=STATIONS[language].language, kinds=(kind,)))
            await crowd(house, kind=kind.code)
            [draft] = await drafts(house)
            await house.database.close()
        alert, now = draft.alert, house.clock.now()
        bare = replace(alert, infos=(), msg_type=MsgType.CANCEL)
        renderer = Renderer(house.town)
        for end in (None, *EndReason):
            phase = PostKind.PUBLISH if end is None else PostKind.END
            moment = Context("7x3k", now, end, None if end is None else alert)
            about = f"{kind.code} {end or 'draft'}: "
            said += _everywhere(renderer, alert if end is None else bare, phase, moment, language=language, about=about)
            said.append(about + "X " + _on_x(renderer, alert if end is None else bare, phase, moment, language))
    return said


def _on_x(renderer: Renderer, alert: Alert, kind: PostKind, moment: Context, language: str) -> str:
    return " / ".join(renderer.render(alert, kind, _in(X, language), context=moment).message.plain.split("\n"))


async def _year() -> Life:
    """A year of the works calendar."""
    with tempfile.TemporaryDirectory() as folder:
        return list(await speak(Path(folder)))


def on_each(said: Sequence[tuple[Any, Alert]], language: str) -> Iterator[str]:
    """Messages of a source in their order, as X and a locked telephone have them."""
    renderer, sent = Renderer(Town("Saint-Martin", language=STATIONS[language].language)), dict[str, Alert]()
    for now, alert in said:
        before = next((sent[each.identifier] for each in reversed(alert.references) if each.identifier in sent), None)
        reason = end_reason(alert)
        kind = PostKind.END if reason else PostKind.UPDATE if before else PostKind.PUBLISH
        moment = Context("7x3k", now, reason, before)
        yield f"X {_on_x(renderer, alert, kind, moment, language)}"
        yield f"push {_locked(renderer, alert, kind, moment, language)}"
        sent[alert.identifier] = alert


def _vigilance() -> Life:
    """Each phenomenon becomes yellow, orange, red, lasts longer, falls to orange, and is green again."""
    said: Life = []
    town = Town("Saint-Martin")
    for phenomenon in PHENOMENA:
        told: Mapping[str, PublishedPhenomenon] = {}
        life = ((Colour.YELLOW, 8), (Colour.ORANGE, 8), (Colour.RED, 8), (Colour.RED, 14), (Colour.ORANGE, 14), None)
        for hour, step in enumerate(life):
            now = NOW + timedelta(hours=hour)
            windows = () if step is None else (ColourWindow(NOW, NOW + timedelta(hours=step[1]), step[0]),)
            edition = ColourMap(now, NOW + timedelta(days=2), {phenomenon: windows} if windows else {})
            made = [
                (change, alert_of(change, edition, None, Addressee("38", town, now)))
                for change in changes(edition, told, (), now)
            ]
            told = published_after(told, made, now)
            said += [(now, alert) for _, alert in made]
    return said


def _vigicrues() -> Life:
    """One section becomes yellow and orange, another joins it, both are red, it lasts, one falls, all is green."""
    said: Life = []
    town, told = Town("Saint-Martin"), None
    life = ((2, 1), (3, 1), (3, 2), (4, 4), (4, 4), (1, 3), (1, 1))
    for step, colours in enumerate(life):
        now = NOW + timedelta(hours=6 * step)
        named = zip(("GA6", "GA2"), ("Vidourle", "Cèze aval"), colours, strict=True)
        edition = vigicrues.FloodEdition(
            now, tuple(vigicrues.RiverSection(*each[:2], Colour(each[2])) for each in named)
        )
        sections, _ = vigicrues.in_flood(edition, ("GA6", "GA2"), told)
        alert = vigicrues.alert_of(sections, told.run if told else None, now, town)
        told = vigicrues.PublishedFlood(MessageRun.after(told.run if told else None, alert), sections)
        said.append((now, alert))
    return said


def _atmo() -> Life:
    """Ozone is over a threshold, then over both and longer, particles join it, and all is under them again."""
    said: Life = []
    town, run, last, day = Town("Saint-Martin"), None, "", timedelta(days=1)
    on = [(NOW + each * day).date().isoformat() for each in range(3)]
    steps = ((("o3", on[1], 1),), (("o3", on[1], 2), ("o3", on[2], 2)), (("o3", on[2], 2), ("pm10", on[2], 1)), ())
    for step, pollutants in enumerate(steps):
        now = NOW + step * day / 3
        days = tuple(atmo.PollutedDay(name, at, atmo.AirThreshold(over)) for name, at, over in pollutants)
        alert = atmo.alert_of(days, run, last, now, "38", town)
        run, last = MessageRun.after(run, alert), alert.identifier
        said.append((now, alert))
    return said


async def _transit(language: str) -> Life:
    """Each cause and effect, on one line and then on two, longer, and gone."""
    said: Life = []
    with tempfile.TemporaryDirectory() as folder:
        for cause, effect in (("CONSTRUCTION", "DETOUR"), ("STRIKE", "NO_SERVICE"), ("WEATHER", "SIGNIFICANT_DELAYS")):
            network = Network(Path(folder), language=STATIONS[language].language)
            title, text = LINES_OF[language]
            one, other = (
                a_disruption(name, title.format(name), text, language=language, cause=cause, effect=effect)
                for name in ("3", "12")
            )
            for those in ((one,), (one, other), (), ()):
                heard = await network.says(*those, after=timedelta(minutes=10))
                said += [(network.clock.now(), each.alert) for each in heard]
    return said


async def _roads(language: str) -> Life:
    """Each kind of works on a road, with an end and without one, begun, and called off."""
    said: Life = []
    town = Town("Saint-Martin", language=STATIONS[language].language)
    managed = ("roadClosed", "carriagewayClosures", "singleAlternateLineTraffic", "laneClosures", "lanesDeviated", None)
    files = [incidents(incident()), incidents(incident(type="CONSTRUCTION", description="Reprise des enrobés."))]
    files += [situations(record(managed=each)) for each in managed]
    files += [situations(record(overallEndTime=""))]
    for body in files:
        with tempfile.TemporaryDirectory() as folder:
            roads = Roads(Path(folder), town=town, licence="Licence Ouverte 2.0")
            said += [(roads.clock.now(), each) for each in await roads.says(body)]
            said += [(roads.clock.now(), each) for each in await roads.says(body, timedelta(hours=20))]
            said += [(roads.clock.now(), each) for each in await roads.says(incidents(), timedelta(hours=1))]
    return said


async def _news(language: str) -> Life:
    """An entry of a site, changed, and one without a title."""
    said: Life = []
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), town=Town("Saint-Martin", language=STATIONS[language].language))
        for entries in ((item(),), (item("Eau de nouveau potable"),), (item("", "g2"),)):
            said += [(site.clock.now(), each.alert) for each in await site.says(*entries) if each.alert]
    return said


def _mailbox(language: str) -> Life:
    """A mail with a subject, without one, and with files."""
    town, said = Town("Saint-Martin", language=STATIONS[language].language), []
    for subject, files in (("Rue Haute barrée", 0), ("", 2)):
        words = MailWords("m1", "Voirie", subject, "Rue Haute, jusqu’à 16 h.", NOW, files, is_automatic=False)
        heard = draft_of("mairie", words, "voirie@saint-martin.example", severity=Severity.MODERATE, town=town, now=NOW)
        if heard.alert:
            said.append((NOW, heard.alert))
    return said


def _cap(language: str) -> Life:
    """Messages as feeds send them, and those of the Deutscher Wetterdienst and of NINA where their samples are."""
    del language  # the same for all: each reader has the nearest
    said: Life = [(NOW, Alert(f"f{n}", sender, NOW, infos=(info,))) for n, (sender, info) in enumerate(FED)]
    for file in sorted((SHARED / "feeds" / "cap").glob("de-*.xml")):
        alert, _ = read_message(file.read_bytes(), zone=UTC)
        said.append((alert.sent, apply_colours(alert)))
    for file in sorted((SHARED / "feeds" / "nina").glob("*.json")):
        outlines = nina.read_outlines(file.with_suffix(".geojson").read_bytes())
        alert, _ = read_json(nina.placed(nina.message_in(file.read_bytes()), outlines), zone=UTC)
        said.append((alert.sent, apply_colours(alert)))
    return said


LIVES: Mapping[str, Callable[[str], Life]] = {
    "atmo": lambda _: _atmo(),
    "cap": _cap,
    "gtfs_rt": lambda language: asyncio.run(_transit(language)),
    "ical": lambda _: asyncio.run(_year()),
    "mailbox": _mailbox,
    "roads": lambda language: asyncio.run(_roads(language)),
    "rss": lambda language: asyncio.run(_news(language)),
    "vigicrues": lambda _: _vigicrues(),
    "vigilance": lambda _: _vigilance(),
}
"""What a source of each kind makes of a life that has all its states; one that is registered and isn't here fails."""


async def _talks(language: str) -> list[str]:
    """Each bare command to a stranger and a subscriber, then each answer to words, with the states that have it."""
    said = []
    answered: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tocsin.db"
        town = reporting_town(path, public_url="https://alertes.saint-martin.example")
        house = await house_of(path, town)
        for chat, (name, now) in enumerate(TOWNS.items(), 4711):
            chats = Chats(house, now)
            if chat == 4711:
                for offered in commands("en", hears=True, reports=True):
                    typed = f"/{command_in(language, offered)}"
                    said.append(f"{typed}: {_plain(await chats.command(typed, 1, language=language))}")
            async for state in states(chats, chat, language):
                written = WRITTEN["words"]
                answer = await chats.says(chat, language=language, **written)
                number = re.compile(r"\b[A-Z]{2}-\d\d-\d{4}\b")
                answered.setdefault(number.sub("SM-26-0001", _plain(answer)), []).append(f"{state} [{name}]")
        await house.database.close()
    return said + [f"{', '.join(whose)}: {answer}" for answer, whose in answered.items()]


def _plain(text: str) -> str:
    return " / ".join(line for line in unescape(re.sub(r"<[^>]+>", "", text)).split("\n") if line)


def _catalogues() -> Iterator[Told]:
    """Every sentence of each catalogue in both languages, with where it is said: pages, letters, the bot, notices."""
    for file in CATALOGUES:
        yield f"{file.parts[-4]}: {file.stem}", _sentences(file)


def _sentences(file: Path) -> Iterator[str]:
    for each in read_catalogue(file):
        if each.sentence:
            said = (each.sentence, *filter(None, (each.plural,)), *each.forms)
            place = place_of(each.sentence, each.context or None) or "by its name"
            yield f"{' ‖ '.join(' / '.join(text.split(chr(10))) for text in said)} [{place}]"
