"""An alert's words for places where no program may post: a WhatsApp channel, a newsletter, the prefecture.

They are those of the alert's public page, so that nothing is offered that wasn't released, or was for a few, or is an
exercise. The message for WhatsApp is the one that the public page copies (`reader.js`). The prefecture's is a request
to broadcast the alert by FR-Alert, which has no API and which only the State sends: area, words and link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from alerts.desk.posts import END_IS_WORTH_TELLING
from alerts.desk.publicity import public_incident
from alerts.desk.unit import DeskUnit
from alerts.rendering.i18n import words_in
from alerts.rendering.library import as_sentences, capital
from alerts.web.public.snapshot import IncidentText, Setting, tell

CopyTarget = Literal["whatsapp", "newsletter", "prefecture"]


@dataclass(frozen=True, slots=True)
class Copy:
    """A text to paste in one place, in one language."""

    target: CopyTarget
    language: str
    text: str

    @property
    def id(self) -> str:
        """The name of its field on the page."""
        return f"copy-{self.target}-{self.language}"


def copies_of(unit: DeskUnit, incident: str) -> tuple[Copy, ...]:
    """Return what there is to paste of an incident: nothing where the public has none of it, or it is long over."""
    views = unit.views
    found = public_incident(views.messages([incident])[incident], views.threads([incident])[incident], unit.now)
    if found is None or (found.ending is not None and unit.now - found.ending.at > END_IS_WORTH_TELLING):
        return ()
    setting = Setting(unit.desk.station, unit.desk.renderer)
    texts = [tell(found, setting, language, unit.now) for language in setting.languages]
    copies = [Copy("whatsapp", each.language, _message(each, setting)) for each in texts]
    copies += [Copy("newsletter", each.language, _article(each, setting)) for each in texts]
    if found.ending is None:
        copies.append(Copy("prefecture", texts[0].language, _request(texts[0], setting)))
    return tuple(copies)


def _message(text: IncidentText, setting: Setting) -> str:
    """Title, two lines that don't repeat it, address: WhatsApp shows as bold what is between asterisks."""
    return _lines((f"*{text.title}*", text.summary.removeprefix(f"{text.title}. "), _address(text, setting)))


def _article(text: IncidentText, setting: Setting) -> str:
    """All of it in paragraphs, the title first."""
    facts, say = text.end.facts if text.end else text.facts, words_in(text.language).gettext
    place = as_sentences(capital(str(facts[name])) for name in ("area", "when") if facts[name])
    advice = _lines(f"• {line}" for line in facts["advice"]) if not text.end else ""
    address = _address(text, setting)
    parts = (
        text.title,
        place if not text.end else "",
        facts["instruction"],
        advice,
        facts.get("after") or "",
        facts["description"],
        say("Kept up to date here: %(address)s", address=address) if address else "",
        facts["source"],
    )
    return "\n\n".join(str(part) for part in parts if part)


def _request(text: IncidentText, setting: Setting) -> str:
    """The request to the prefecture."""
    facts, say, address = text.facts, words_in(text.language).gettext, _address(text, setting)
    outline = setting.address(f"/alerts/{text.incident.id}.geojson") if address else ""
    words = as_sentences(str(part) for part in (text.title, facts["instruction"]) if part)
    return _lines(
        (
            say("Request to broadcast by FR-Alert: %(title)s", title=text.title),
            say("Requested by: %(value)s", value=setting.town.name),
            _given(say, "Area: %(value)s", facts["area"] or setting.town.name),
            _given(say, "Outline of the area (GeoJSON): %(value)s", outline),
            _given(say, "Period: %(value)s", facts["when"]),
            _given(say, "Severity: %(value)s", facts["label"]),
            _given(say, "Message: %(value)s", words),
            _given(say, "Link: %(value)s", address),
            _given(say, "Contact: %(value)s", facts["contact"]),
        )
    )


def _given(say: Callable[..., str], sentence: str, value: object) -> str:
    return say(sentence, value=value) if value else ""


def _address(text: IncidentText, setting: Setting) -> str:
    return setting.address(text.path) if setting.town.public_url else ""


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)
