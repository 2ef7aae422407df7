"""What the page is made of: the form as it stands, what is beside it, and the words on its button."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from alerts.desk.station import Station
from alerts.model.alert import Severity
from alerts.model.hazard import NEEDS_A_PLACE, Hazard
from alerts.model.post import Message
from alerts.rendering.prepared import Prepared
from alerts.web.console.compose.checklist import Check, Said, checklist
from alerts.web.console.compose.fields import Fields, several, text
from alerts.web.console.compose.prefill import gravity_of
from alerts.web.console.compose.reading import until
from alerts.web.console.compose.rehearsal import Card, Rehearsal, Wish
from alerts.web.console.compose.wording import Voice, button_words, place_of


@dataclass(frozen=True, slots=True)
class Look:
    """One channel's post as it will look: its text, its length, what to look at, its card and its picture."""

    channel: str
    kind: str
    text: str = ""
    count: int = 0
    limit: int = 0
    cut: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    link: str = ""
    host: str = ""
    alt: str | None = None
    silence: str = ""

    @property
    def over(self) -> bool:
        """Whether it is longer than the platform takes."""
        return self.count > self.limit


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the form, and on its button. `grave` asks for the second page."""

    looks: tuple[Look, ...]
    checks: tuple[Check, ...]
    button: str
    refusal: str
    grave: bool
    place: str
    until: str


def beside(wish: Wish, rehearsal: Rehearsal, followers: int | None, voice: Voice, station: Station) -> Beside:
    """What the page shows of a rehearsal."""
    _, fields = voice.words.gettext, wish.fields
    exercise = bool(text(fields, "exercise"))
    alert = rehearsal.alert
    place = place_of(alert, voice) if alert else ""
    ends = voice.time(alert.ends) if alert else ""
    return Beside(
        looks=tuple(_look(card, voice) for card in rehearsal.cards),
        checks=checklist(_said(wish, rehearsal, (place, ends), station, voice.now), _),
        button=button_words(rehearsal, followers, voice, exercise=exercise, update=wish.about is not None),
        refusal=voice.why(rehearsal.refusal) if rehearsal.refusal else "",
        grave=is_grave(fields),
        place=place,
        until=ends,
    )


def is_grave(fields: Fields) -> bool:
    """Whether it is Severe or Extreme, which is read once more before it goes."""
    return gravity_of(fields).at_least(Severity.SEVERE)


def severity_words(voice: Voice) -> Mapping[str, str]:
    """The severities, gravest first."""
    _ = voice.words.gettext
    return {
        "Extreme": _("Extreme"),
        "Severe": _("Severe"),
        "Moderate": _("Moderate"),
        "Minor": _("Minor"),
        "Unknown": _("Unknown severity"),
    }


def choices(voice: Voice) -> Mapping[str, Sequence[tuple[str, str]]]:
    """What can be chosen in the form, in the reader's words."""
    _ = voice.words.gettext
    return {
        "severity": list(severity_words(voice).items()),
        "urgency": [
            ("Immediate", _("Act now")),
            ("Expected", _("Act within the hour")),
            ("Future", _("Act later")),
            ("Past", _("Nothing to do any more")),
            ("Unknown", _("Unknown")),
        ],
        "certainty": [
            ("Observed", _("It is happening, or has happened")),
            ("Likely", _("Likely")),
            ("Possible", _("Possible")),
            ("Unlikely", _("Unlikely")),
            ("Unknown", _("Unknown")),
        ],
        "category": _categories(_),
        "span": _spans(_),
    }


def _categories(_: Callable[..., str]) -> list[tuple[str, str]]:
    return [
        ("Met", _("Weather")),
        ("Geo", _("Ground and landslides")),
        ("Safety", _("Public safety")),
        ("Security", _("Law and order")),
        ("Rescue", _("Rescue")),
        ("Fire", _("Fire")),
        ("Health", _("Health")),
        ("Env", _("Environment")),
        ("Transport", _("Traffic and transport")),
        ("Infra", _("Networks and supplies")),
        ("CBRNE", _("Chemical, biological, radiological")),
        ("Other", _("Something else")),
    ]


def _spans(_: Callable[..., str]) -> list[tuple[str, str]]:
    return [
        ("1h", _("1 hour")),
        ("3h", _("3 hours")),
        ("6h", _("6 hours")),
        ("12h", _("12 hours")),
        ("24h", _("24 hours")),
        ("tomorrow", _("Tomorrow 8:00")),
        ("other", _("Another time:")),
    ]


def hazard_buttons(
    prepared: Mapping[Hazard, Prepared], offered: Sequence[Hazard], voice: Voice
) -> list[tuple[str, str, str]]:
    """The hazards that the station offers, in its order: value, the station's own name for it, its usual severity."""
    general = voice.words.gettext("Something else")
    return [
        (hazard.value, general if hazard is Hazard.GENERAL else one.event or one.name, one.severity.value)
        for hazard, one in ((hazard, prepared[hazard]) for hazard in offered)
    ]


def draft_title(fields: Fields, prepared: Mapping[Hazard, Prepared], voice: Voice) -> str:
    """What a draft is called in a list."""
    hazard = text(fields, "hazard")
    name = prepared[Hazard(hazard)].event if hazard in set(Hazard) and hazard != Hazard.GENERAL else ""
    return text(fields, "headline") or name or voice.words.gettext("Without a headline")


def ends_at(rehearsal: Rehearsal) -> datetime | None:
    """When the alert is over."""
    return rehearsal.alert.infos[0].expires if rehearsal.alert and rehearsal.alert.infos else None


def _look(card: Card, voice: Voice) -> Look:
    _, outlet = voice.words.gettext, card.outlet
    if card.draft is None:
        return Look(outlet.name, outlet.kind, silence=voice.why(card.silence) if card.silence else "")
    rendered, message = card.draft.rendered, card.draft.post.message
    return Look(
        channel=outlet.name,
        kind=outlet.kind,
        text=message.plain,
        count=rendered.count,
        limit=rendered.limit,
        cut=tuple(part_words(name, _) for name in rendered.cut),
        warnings=tuple(voice.why(warning) for warning in rendered.warnings),
        link=message.link or "",
        host=_host(message),
        alt=message.image.alt if message.image else None,
    )


def part_words(name: str, _: Callable[..., str]) -> str:
    """The name of a part of a text."""
    known = {
        "headline": _("the headline"),
        "description": _("the description"),
        "instruction": _("the instruction"),
        "advice": _("the advice"),
        "area": _("the place"),
        "time": _("the time"),
        "sender": _("the sender"),
        "contact": _("the contact"),
        "severity": _("the severity"),
        "change": _("what changes"),
        "language": _("the language"),
        "link": _("the link"),
    }
    return known.get(name, name)


def _host(message: Message) -> str:
    return urlsplit(message.link or "").hostname or ""


def _said(wish: Wish, rehearsal: Rehearsal, told: tuple[str, str], station: Station, now: datetime) -> Said:
    fields, made, (place, ends) = wish.fields, rehearsal.drafts, told
    return Said(
        station=station.name,
        headline=text(fields, "headline"),
        place=place,
        whole=not any(
            (several(fields, "area"), text(fields, "place"), text(fields, "polygon"), text(fields, "circle"))
        ),
        unplaced=bool(text(fields, "place") and station.territory.districts)
        and not any((several(fields, "area"), text(fields, "polygon"), text(fields, "circle"))),
        until=ends,
        own_end=until(fields, now, station) is not None,
        instruction=text(fields, "instruction"),
        severity=gravity_of(fields),
        signed=True,
        description=text(fields, "description"),
        other_order=rehearsal.other_order,
        needs_a_place=text(fields, "hazard") in NEEDS_A_PLACE,
        linked=not made or bool(text(fields, "exercise")) or any(each.post.message.link for each in made),
    )
