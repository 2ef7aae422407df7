"""The initial content of the form: prepared texts, an alert to be updated, a saved draft.

Without a draft the form begins with a hazard's prepared texts (`prepared_fields`), or with the alert that it is to
update (`fields_of_alert`); `changes_between` then lists an update's changes. Untouched fields follow another hazard or
severity, typed ones stay.

Each change is saved as a draft under the form's id (`keep`). A revision counts the changes, so that a page that was
left open never overwrites a newer version: it gets `OlderDraft`, with the saved one. A posted draft has its alert's id,
and can't be posted a second time.

The town's usual alerts (`Usual`) are offered first: the most frequent hazards, and the last alerts to begin from. Both
come from the alerts that officers posted themselves, newest first: nobody has to set anything up, and a hazard that
never occurs isn't offered first. A feed's alerts don't count here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from alerts.desk.draft import Draft, read_time
from alerts.desk.outlines import spell_circle, spell_polygon
from alerts.desk.routing import PRACTICE
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Area, Info, MsgType, NamedValue, Severity, Status
from alerts.model.errors import Conflict, Forbidden, Misuse
from alerts.model.hazard import HAZARD_PARAMETER, Hazard, fold, hazard_of, kind_of, worded_hazard
from alerts.model.incident import MANUAL, AlertState, SavedDraft, StoredAlert, Typed, Wanted
from alerts.model.person import Actor, fold_name
from alerts.model.reason import because
from alerts.model.town import DISTRICT, Town, parse_span, spell_span
from alerts.rendering.matter import Prepared
from alerts.rendering.plain import blanks, filled_with, is_whole_town
from alerts.web.console.form import BLANK, EVERYWHERE, LISTS, OTHER, SPANS, TEXTS, Fields, plain, same, several, text

MOST = 200
"""Drafts that one account has open: more are no officer's, and the oldest makes room for a new one."""
UNTOUCHED = timedelta(days=30)
"""How long a draft is kept that nobody goes on with."""
_IDENTITY = re.compile(r"[0-9A-Za-z]{8,26}")
_PREPARED = (
    "headline", "description", "instruction", "event", "category", "severity", "urgency", "certainty", "span",
    "expires",
)  # fmt: skip
# The fields that differ between the prepared cases of a hazard.
_OF_A_CASE = ("headline", "event", "urgency", "certainty")
_ALONE: Mapping[str, str] = {
    "headline": "headline", "description": "description", "instruction": "instruction", "event": "event",
    "category": "category", "severity": "severity", "urgency": "urgency", "certainty": "certainty", "onset": "onset",
    "web": "web", "hazard": "hazard",
}  # fmt: skip
# Fields of the form that say one thing together, and the fields of a draft that they make.
_TOGETHER: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("span", "expires"), ("expires",)),
    (("area", "place", "polygon", "circle"), ("areas", "place", "polygons", "circles", "nowhere")),
    (("picture", "alt"), ("image", "alt")),
)


def prepared_fields(prepared: Prepared) -> dict[str, Typed]:
    """The usual alert of a hazard, to be completed."""
    known = prepared.duration in SPANS
    return {
        "hazard": prepared.hazard.value,
        "headline": prepared.headline,
        "description": prepared.description,
        "instruction": prepared.instruction(prepared.severity),
        "event": prepared.event,
        "category": prepared.category.value,
        "severity": prepared.severity.value,
        "urgency": prepared.urgency.value,
        "certainty": prepared.certainty.value,
        "span": prepared.duration if known else OTHER,
        "expires": "" if known else prepared.duration,
    }


def another_hazard(fields: Fields, before: Prepared | None, after: Prepared) -> dict[str, Typed]:
    """The form with another hazard's texts in the place of those that nobody has touched; what was typed stays."""
    old = prepared_fields(before) if before else {}
    new = prepared_fields(after)
    untouched = {name for name in _PREPARED if text(fields, name) in ("", old.get(name, ""))}
    # Both say one end together: half of it from each hazard would be an end that nobody chose.
    if not {"span", "expires"} <= untouched:
        untouched -= {"span", "expires"}
    return {**fields, "hazard": new["hazard"], **{name: new[name] for name in _PREPARED if name in untouched}}


def fitting(fields: Fields, prepared: Prepared | None, now: datetime, zone: tzinfo) -> dict[str, Typed]:
    """Return the form with the prepared texts for its severity and beginning, where they are untouched.

    Otherwise raising "Severe" to "Extreme" would tell people to tie things down when they should stay inside, and
    announcing a power cut for Thursday would tell them not to touch fallen cables.
    """
    if prepared is None:
        return dict(fields)
    case = _case_of(fields, prepared, now, zone)
    own, others = prepared_fields(case), [prepared_fields(each) for each in (prepared, *prepared.kinds.values())]
    untouched = {name for name in _OF_A_CASE if text(fields, name) in {other[name] for other in others}}
    order = other_order(fields, prepared, now, zone)
    return {**fields, **{name: own[name] for name in untouched}, **({"instruction": order} if order else {})}


def other_order(fields: Fields, prepared: Prepared | None, now: datetime, zone: tzinfo) -> str:
    """Return the prepared order for the form's case; "" if it is there already, or the officer has written another."""
    if prepared is None or text(fields, "severity") not in set(Severity):
        return ""
    fits, stands = _case_of(fields, prepared, now, zone).instruction(gravity_of(fields)), text(fields, "instruction")
    every = (prepared, *prepared.kinds.values())
    others = {_bare(each.instruction(severity)) for each in every for severity in Severity}
    return fits if _bare(stands) in others - {_bare(fits), ""} else ""


def _case_of(fields: Fields, prepared: Prepared, now: datetime, zone: tzinfo) -> Prepared:
    """The usual alert of the kind that the form makes: of a power cut that is still to come, that of a planned one."""
    try:
        onset = read_time("onset", typed, now, zone) if (typed := text(fields, "onset")) else None
    except Misuse:
        onset = None
    filed = (NamedValue(HAZARD_PARAMETER, prepared.hazard.value),)
    info = Info(text(fields, "event"), headline=text(fields, "headline"), onset=onset, parameters=filed)
    return prepared.kinds.get(kind_of(prepared.hazard, info, now), prepared)


def gravity_of(fields: Fields) -> Severity:
    """The severity that the form says, as far as it is one."""
    value = text(fields, "severity")
    return Severity(value) if value in set(Severity) else Severity.MODERATE


def fields_of_alert(
    stored: StoredAlert, station: Town, kept: Callable[[str], Path | None] = lambda _: None
) -> dict[str, Typed]:
    """Return the form filled for this alert; `kept` finds the pictures that are ours.

    `about` is the alert that it updated, if it did, so that it is filed as an update again.
    """
    alert = stored.alert
    info = alert.info_for(station.language) if alert else None
    if alert is None or info is None:
        return {}
    return {
        **({"about": alert.references[-1].identifier} if alert.references else {}),
        "exercise": "" if alert.status is Status.ACTUAL else "1",
        **_typed(_what(info)),
        **_when(info, station.zone),
        **_typed(_where(info.areas, station)),
        **_typed(_picture(info, kept)),
    }


def changes_between(before: Fields, now: Fields, draft: Draft) -> dict[str, Any]:
    """Return the fields of the draft for an update: those that the form changes."""
    differ = {name for name in {*before, *now} if _value(before, name) != _value(now, name)}
    changes = {to: _text_of(getattr(draft, to)) for name, to in _ALONE.items() if name in differ}
    for names, fields in _TOGETHER:
        if differ & set(names):
            changes |= {to: getattr(draft, to) for to in fields}
    if "nowhere" in changes:
        changes["nowhere"] = not (draft.areas or draft.place or draft.polygons or draft.circles)
    if "image" in changes:
        changes["no_picture"] = draft.image is None
    return changes


def adapted(fields: Fields, station: Town) -> dict[str, Typed]:
    """A kept draft as this form has it: one that was made of an alert may name districts, and several at once."""
    own = {name: value for name, value in fields.items() if _is_own(name)}
    names, channels = several(own, "areas"), several(own, "channels")
    own.pop("areas", None)
    own.pop("channels", None)
    if names:
        known = {district.name: district.code for district in station.districts}
        known |= {name: EVERYWHERE for name in names if is_whole_town(name)}
        own["area"] = tuple(known[name] for name in names if name in known)
    if channels:
        own["channel"] = channels
    return own


def _is_own(name: str) -> bool:
    return name in (*TEXTS, *LISTS, "areas", "channels") or name.startswith(BLANK)


class OlderDraft(Conflict):
    """A newer version of the draft is kept than the page knows; `kept` is it."""

    def __init__(self, kept: SavedDraft) -> None:
        super().__init__("a newer version of this draft is kept, from another page; open that one, or keep a copy")
        self.kept = kept


@dataclass(frozen=True, slots=True)
class PostedForm:
    """A form as a page sends it: whose draft it is, how often it was changed, which alert it is about."""

    identity: str
    revision: int
    fields: Fields
    about: str | None = None


def is_identity(name: str) -> bool:
    """True if a draft may have this name."""
    return bool(_IDENTITY.fullmatch(name))


def draft_of(unit: DeskUnit, actor: Actor, identity: str) -> SavedDraft | None:
    """One's own draft of that id. Raises Forbidden for somebody else's."""
    found = unit.drafts.draft(identity) if is_identity(identity) else None
    if found is not None and fold_name(found.account) != fold_name(actor.name):
        raise Forbidden(because("draft_of_another"))
    return found


def keep(unit: DeskUnit, actor: Actor, posted: PostedForm, *, by_script: bool = False) -> SavedDraft:
    """Keep what a page sent. A draft that was posted stays as it is. Raises Older, Forbidden.

    A page with a script counts its changes itself, so that what it sends again with the same number is the same. One
    without sends the number that it was given.
    """
    found = draft_of(unit, actor, posted.identity)
    if found is None:
        _make_room(unit, actor)
        found = SavedDraft(posted.identity, actor.name, unit.now, about=posted.about, revision=0)
    elif found.alert_id is not None or (same(found.fields, posted.fields) and posted.revision <= found.revision):
        return found
    if posted.revision < found.revision or (by_script and posted.revision == found.revision):
        raise OlderDraft(found)
    revision = posted.revision if posted.revision > found.revision else found.revision + 1
    about = found.about or posted.about
    kept = replace(found, about=about, fields=dict(posted.fields), revision=revision, updated_at=unit.now)
    unit.drafts.put_draft(kept)
    return kept


def _make_room(unit: DeskUnit, actor: Actor) -> None:
    """Delete abandoned drafts, since no old one may block an emergency.

    Returned drafts, which hold somebody else's words too, are deleted last.
    """
    unit.drafts.sweep_drafts(unit.now - UNTOUCHED)
    by_worth = sorted(unit.drafts.drafts(actor.name), key=lambda each: (each.note is not None, each.updated_at))
    for each in by_worth[: max(len(by_worth) - MOST + 1, 0)]:
        unit.drafts.drop_draft(each.id)


def _bare(words: str) -> str:
    """As it is compared: a browser may send another blank, or none, than was set."""
    return " ".join(plain(words).split())


def _typed(fields: Fields) -> dict[str, Typed]:
    """The fields as they come back from the form: what can't be seen in a feed's words is not among them."""
    return {name: plain(value) if isinstance(value, str) else value for name, value in fields.items()}


def _text_of(value: Any) -> Any:
    """Return an empty text for a removed value."""
    return "" if value is None else value


def _value(fields: Fields, name: str) -> Any:
    value = fields.get(name, "")
    return tuple(sorted(several(fields, name))) if name in ("area", "channel") else str(value).strip()


def _what(info: Info) -> dict[str, Typed]:
    return {
        "hazard": worded_hazard(info).value,
        "headline": info.headline or info.event,
        "description": info.description or "",
        "instruction": info.instruction or "",
        "event": info.event,
        "category": info.categories[0].value,
        "severity": info.severity.value,
        "urgency": info.urgency.value,
        "certainty": info.certainty.value,
        "web": info.web or "",
    }


def _when(info: Info, zone: tzinfo) -> dict[str, Typed]:
    # As a time and not as a span: the end must not move each time that the form is opened.
    return {"onset": _spelled(info.onset, zone), "span": OTHER, "expires": _spelled(info.expires, zone)}


def _spelled(time: datetime | None, zone: tzinfo) -> str:
    return time.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if time else ""


def _where(areas: tuple[Area, ...], station: Town) -> dict[str, Typed]:
    """Return the ticked districts, or the whole town; another area's name and shapes. No place is none."""
    if any(is_whole_town(area.description) for area in areas):
        return {"area": (EVERYWHERE,), "place": "", "polygon": "", "circle": ""}
    districts = {district.code: district.as_area() for district in station.districts}
    codes = {code.value for area in areas for code in area.geocodes if code.name == DISTRICT} & districts.keys()
    named = {districts[code].description for code in codes}
    others = [area for area in areas if area.description not in (*named, station.name)]
    if codes == districts.keys() and not others:
        codes = set()
    # A district's own outline comes with its tick, and is not drawn a second time.
    known = {ring for code in codes for ring in districts[code].polygons}
    return {
        "area": tuple(code for code in districts if code in codes),
        "place": ", ".join(area.description for area in others),
        "polygon": "\n".join(spell_polygon(ring) for area in areas for ring in area.polygons if ring not in known),
        "circle": "\n".join(spell_circle(circle) for area in areas for circle in area.circles if circle.radius > 0),
    }


def _picture(info: Info, kept: Callable[[str], Path | None]) -> dict[str, Typed]:
    for resource in info.resources:
        address = urlsplit(resource.uri or "")
        name = Path(unquote(address.path)).name
        # Only pictures that the desk keeps: an address in a feed's message could name any file of this machine.
        if address.scheme == "file" and not address.netloc and kept(name):
            return {"picture": name, "alt": resource.description}
    return {"picture": "", "alt": ""}


LOOKED_AT = 200
"""The officers' alerts that are read, the newest: habits of years ago no longer count."""
FAVOURITES, LAST = 4, 4
OFTEN = 2
"""Times that a hazard was taken before it is offered first: once may have been chance."""
_ROUNDED = timedelta(minutes=5)
"""To how much the end of an alert is rounded up."""


@dataclass(frozen=True, slots=True)
class Usual:
    """The hazards that are taken most, most often first, and the last alerts, each headline once."""

    hazards: Sequence[Hazard] = ()
    last: Sequence[StoredAlert] = ()


def usual_of(unit: DeskUnit, *, exercise: bool) -> Usual:
    """Return the usual alerts, of real ones or of exercises."""
    wanted = Wanted(state=AlertState.ACCEPTED, source=MANUAL)
    firsts = [each for each in unit.views.page(wanted, most=LOOKED_AT) if _begins(each, exercise=exercise)]
    taken = Counter(hazard_of(each.alert.infos[0]) for each in firsts if each.alert)
    often = [hazard for hazard, times in taken.most_common() if times >= OFTEN and hazard is not Hazard.GENERAL]
    # Reversed, so that of equal headlines the newest alert remains.
    last = {fold(each.alert.infos[0].headline or ""): each for each in reversed(firsts) if each.alert}
    newest = sorted(last.values(), key=lambda each: each.received_at, reverse=True)
    return Usual(often[:FAVOURITES], newest[:LAST])


def _begins(stored: StoredAlert, *, exercise: bool) -> bool:
    """True if it is the first message of an alert, real or practice as asked, with a headline to recognise it by."""
    alert = stored.alert
    if alert is None or alert.msg_type is not MsgType.ALERT or alert.references or not alert.infos:
        return False
    return bool(alert.infos[0].headline) and (alert.status in PRACTICE) is exercise


def last_fillings(
    unit: DeskUnit, texts: Mapping[Hazard, Prepared], fields: Fields, station: Town, *, exercise: bool
) -> list[Mapping[str, str]]:
    """Return the values of officers' last alerts of the form's hazard for its order's blanks, newest first, by name.

    The place of an exercise is offered to exercises alone; those may also use a real one.
    """
    hazard = text(fields, "hazard")
    prepared = texts[Hazard(hazard)] if hazard in set(Hazard) else None
    if prepared is None or not blanks(text(fields, "instruction")):
        return []
    orders = {order for order in prepared.instructions.values() if blanks(order)}
    instructions = [
        info.instruction or ""
        for each in unit.views.page(Wanted(state=AlertState.ACCEPTED, source=MANUAL), most=LOOKED_AT)
        if each.alert and (exercise or each.alert.status not in PRACTICE)
        if (info := each.alert.info_for(station.language)) and worded_hazard(info) is prepared.hazard
    ]
    return [found for text in instructions for order in orders if (found := filled_with(order, text))]


def as_last_time(
    stored: StoredAlert, station: Town, kept: Callable[[str], Path | None], *, exercise: bool
) -> dict[str, Typed]:
    """Its form for a new alert: all that it said, and as long from now on as it was to last then."""
    fields = {**fields_of_alert(stored, station, kept), "onset": "", "exercise": "1" if exercise else ""}
    info = stored.alert.infos[0] if stored.alert and stored.alert.infos else None
    if info is None or stored.alert is None or info.expires is None:
        return {**fields, "span": "", "expires": ""}
    lasted = max((info.expires - (info.onset or stored.alert.sent)) // _ROUNDED, 1) * _ROUNDED
    usual = next((each for each in SPANS if parse_span(each) == lasted), None)
    expires = "" if usual else spell_span(lasted)
    return {**fields, "span": usual or OTHER, "expires": expires}
