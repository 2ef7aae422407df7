"""A year of a town's calendar, stepped through with a wound clock: how often it speaks, and what it says each time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from alerts.channels.settings import TWITTER_TEXT
from alerts.desk.dedupe import end_reason
from alerts.model.alert import Alert
from alerts.model.ports import Memory
from alerts.model.post import PostKind
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer
from tests.unit.sources.ical_pages import at, calendar, event, works_source

BEFORE = 354
"""How many posts the same year made on each channel while every date of a series spoke for itself, as measured then."""


def hours(day: str, start: str, end: str, *, last: str | None = None) -> str:
    return f"DTSTART;TZID=Europe/Paris:{day}T{start}00\nDTEND;TZID=Europe/Paris:{last or day}T{end}00"


def page(now: datetime) -> bytes:
    """The calendar as it stands on the day: what was changed in it stays changed."""
    weekly, market = "RRULE:FREQ=WEEKLY;UNTIL=20271230T225959Z", "RRULE:FREQ=WEEKLY;BYDAY=SU"
    if now >= at("2027-05-03 10:00"):
        weekly += "\nEXDATE;TZID=Europe/Paris:20270513T090000"
    moved = event(
        hours("20270619", "0800", "1300") + "\nRECURRENCE-ID;TZID=Europe/Paris:20270620T080000",
        uid="market",
        summary="Marché de la place Jean-Jaurès",
    )
    events = [
        event(hours("20270107", "0900", "1200"), uid="weekly", summary="Curage des réseaux rue Haute", more=weekly),
        event(
            hours("20270302", "2200", "0600", last="20270303"),
            uid="nights",
            summary="Enrobés avenue de la Gare",
            more="LOCATION:Avenue de la Gare\nRRULE:FREQ=DAILY;COUNT=10",
        ),
        event(
            hours("20270103", "0800", "1300"),
            uid="market",
            summary="Marché de la place Jean-Jaurès",
            more=f"CATEGORIES:Marché\n{market}",
        ),
        event("DTSTART;VALUE=DATE:20270514\nDTEND;VALUE=DATE:20270515", uid="hall", summary="Fermeture de la mairie"),
        *([moved] if now >= at("2027-06-14 09:00") else []),
    ]
    put_off = "20270413" if now >= at("2027-04-05 16:00") else "20270406"
    events.append(
        event(
            hours(put_off, "0830", "1200"),
            uid="water",
            summary="Coupure d'eau rue des Tilleuls",
            more="LOCATION:Rue des Tilleuls",
        )
    )
    called_off = "STATUS:CANCELLED" if now >= at("2027-09-20 15:00") else ""
    events.append(
        event(
            hours("20270921", "0700", "1700"), uid="felling", summary="Abattage d'arbres allée du Parc", more=called_off
        )
    )
    longer = "1900" if now >= at("2027-10-12 15:30") else "1600"
    events.append(
        event(
            hours("20271012", "0800", longer),
            uid="gas",
            summary="Raccordement au gaz rue Basse, rue barrée",
            more="LOCATION:Rue Basse",
        )
    )
    return calendar(*events)


CHANGES = ["2027-04-05 16:00", "2027-05-03 10:00", "2027-06-14 09:00", "2027-09-20 15:00", "2027-10-12 15:30"]


async def speak(folder: Path) -> list[tuple[datetime, Alert]]:
    """Everything said over the year, read once a day and at each moment that the source asks for."""
    file = folder / "town.ics"
    source = works_source(folder, "town.ics")
    memory, now, stored = Memory(), at("2026-12-28 08:00"), set[str]()
    said: list[tuple[datetime, Alert]] = []

    async def known(keys: Sequence[str]) -> set[str]:
        return stored & set(keys)

    while now < at("2028-01-02 08:00"):
        file.write_bytes(page(now))
        reading = await source.read(memory, known, now)
        memory = reading.memory
        stored |= {each.key for each in reading.heard}
        said += [(now, each.alert) for each in reading.heard if each.alert]
        ahead = [at(each) for each in CHANGES if at(each) > now]
        now = min([now + timedelta(hours=24), *(ahead[:1]), *([reading.look_again] if reading.look_again else [])])
    return said


LEADS = """\
Marché de la place Jean-Jaurès
Travaux – Curage des réseaux rue Haute
Travaux – Enrobés avenue de la Gare
Coupure d’eau rue des Tilleuls
Reporté – Coupure d’eau rue des Tilleuls
Coupure d’eau rue des Tilleuls
Commence maintenant – Coupure d’eau rue des Tilleuls
Fin prévue passée (12 h) – Coupure d’eau rue des Tilleuls
Annulé jeudi 13 mai – Curage des réseaux rue Haute
Fermeture de la mairie
Commence maintenant – Fermeture de la mairie
Fin prévue ce soir – Fermeture de la mairie
Avancé – Marché de la place Jean-Jaurès
Travaux – Abattage d’arbres allée du Parc
Annulé – Abattage d’arbres allée du Parc
Travaux – Raccordement au gaz rue Basse, rue barrée
Commence maintenant – Raccordement au gaz rue Basse, rue barrée
Prolongé – Raccordement au gaz rue Basse, rue barrée
Fin prévue passée (19 h) – Raccordement au gaz rue Basse, rue barrée
"""


def first_lines(said: Sequence[tuple[datetime, Alert]]) -> str:
    """The first line of each post on X, in French."""
    renderer = Renderer(Town("Saint-Martin", language="fr-FR"))
    face = ChannelConfig("x", "twitter", TWITTER_TEXT)
    sent: dict[str, Alert] = {}
    lines: list[str] = []
    for now, alert in said:
        before = sent.get(alert.references[-1].identifier) if alert.references else None
        reason = end_reason(alert)
        kind = PostKind.END if reason else PostKind.UPDATE if before else PostKind.PUBLISH
        post = renderer.render(alert, kind, face, context=Context("1", now, reason, before))
        first = post.message.plain.partition("\n")[0].replace("\u00a0", " ").replace("'", "’")
        lines.append(first.replace("Travaux :", "Travaux –").replace("midi", "12 h"))
        sent[alert.identifier] = alert
    return "\n".join([*lines, ""])


async def test_a_year_speaks_at_most_a_fifth_as_often_as_when_each_date_spoke_for_itself(tmp_path):
    said = await speak(tmp_path)

    assert len(said) == 19
    assert len(said) * 5 <= BEFORE
    assert first_lines(said) == LEADS
