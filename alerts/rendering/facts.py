"""The facts for a template: an alert, the town and the moment as words, in the language of the text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from alerts.model.alert import CLUSTER_PARAMETER, ENDS_BY, QUIET, Alert, Info, Severity
from alerts.model.hazard import WATER_CUTS, WEATHER, Hazard, fold, other_event, says_over
from alerts.model.post import PostKind
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.fit import shortened
from alerts.rendering.followup import Change, changes, ending
from alerts.rendering.library import WordTable, capital
from alerts.rendering.matter import Context, Matter, advice, colour, gravity, level, prepared
from alerts.rendering.moments import DateFormatter, event_end, locale_of
from alerts.rendering.plain import is_whole_town, orders, says_what_to_do
from alerts.rendering.planned import planned
from alerts.rendering.text import place

WITH_WINDOW = frozenset((Hazard.WORKS, *WATER_CUTS))
"""The hazards that are planned: their notices always give both ends of the window."""

SHORT_LIMIT = 600
"""The maximum length of a short text: its days have no month, and it has no unfinished sentence."""
FIRST_SEEN = 110
"""Letters visible on a locked screen, in a list or in a link's preview: they must contain the order and its place."""
_SENTENCES = "{changes}"
# More names are shortened to "A, B +3", at most so many characters.
_MANY = 12
_SHORT_AREA = 45
# A feed's sender may have a name of thousands of characters.
_LONG_NAME = 80
_BLANKS = 3
"""Between a title, the place with its label, and what to do."""
_OF_SEVERAL_KINDS = frozenset((Hazard.GENERAL, Hazard.INDUSTRIAL, Hazard.AIR_QUALITY, Hazard.FOREST_FIRE))
"""The hazards of which an event says more than their name does: a chemical alarm is not always a cloud."""
_LONG_LEAD = 80
"""Letters of a headline that people read before they ask where."""
_NEARLY = 4
"""Letters by which a prepared title may exceed the hazard's name and still be used in a short text."""
_OVER_MARK = re.compile(r"^(?:all[- ]?clear|fin d[’']alerte|entwarnung)\s*[-–:]\s*(?=\S)", re.IGNORECASE)
"""A feed's own mark of an end, which is removed because our words for it precede the text already."""
# The hazard's name in the readers' language, then the foreign headline.
_IN_BRACKETS = "{name} ({headline})"
_SHOUT = re.compile(r"^\W*\w+\s?!+\s+(?=\S)")
"""A word that only calls: "ACHTUNG!" says nothing where it is the one sentence that there is room for."""
_CLAUSE_END = re.compile(r"[,;:.!?…](?=\s|$)|$")


def facts(matter: Matter, station: Town, channel: ChannelConfig, context: Context, link: str | None) -> dict[str, Any]:
    """Return the variables of a template; `docs/templates.md` lists them."""
    teller = teller_of(matter, station, channel, context)
    said = {
        "kind": matter.kind.value,
        "station": station.name,
        "link": link,
        "incident": context.incident,
        "exercise": context.exercise,
        "reason": "",
        "stamp": "",
        "caution": "",
        "step": "",
        **_what(matter, context.now),
        **_where_and_when(matter, station, context, teller),
        **_who(matter, station, context),
    }
    if matter.kind is PostKind.UPDATE:
        said |= _change(matter, station, context, teller)
    if matter.kind is PostKind.END:
        said |= ending(matter, said["title"], said["area_short"], teller, context)
    # After an end's own words: the works calendar knows more of its dates than CAP can say, and overrides them.
    said |= planned(matter, said, teller, context)
    said |= _laid_out(said, channel, matter)
    if matter.kind is not PostKind.END and not said["step"] and _hides(matter, said, channel):
        # The layout is decided anew: with a shorter title there may be room for the place before the order.
        said |= _by_name(matter, said)
        said |= _laid_out(said, channel, matter)
    return said


def _laid_out(said: Mapping[str, Any], channel: ChannelConfig, matter: Matter) -> dict[str, Any]:
    """Return the heading as written above a post, including an update's mark, and the order of place and instruction.

    The mark of an update is also separate from the title (`titled`, `mark`): an update whose mark is cut would be a
    second alarm. In a short text a prepared title must leave room for the place and the order; a typed one is kept.
    """
    is_news = said["kind"] == PostKind.UPDATE.value and not said["step"]
    long, short = (str(said["words"][name]) if is_news else "{lead}" for name in ("updated", "updated_short"))
    before, _, mark = long.partition("{lead}")
    laid_out: dict[str, Any] = {"mark": mark.strip(), "mark_short": short.partition("{lead}")[2].strip()}
    for name, lead in (("", said["lead"]), ("_short", said["lead_short"])):
        laid_out[f"heading{name}"] = long.format(lead=lead) if lead else ""
        laid_out[f"titled{name}"] = f"{before}{lead}" if lead else ""
    laid_out["place_first"] = _place_first({**said, **laid_out}, channel)
    if laid_out["place_first"] or not said["own"] or channel.text.limit > SHORT_LIMIT:
        return laid_out
    shorter = [laid_out["titled_short"]] if _is_prepared(matter, str(said["title"])) else []
    for title in (laid_out["titled"], *filter(None, shorter)):
        heading = f"{title} {laid_out['mark_short']}".strip()
        brief = laid_out | {"heading": heading, "titled": title, "mark": laid_out["mark_short"], "place_first": True}
        if _place_first({**said, **brief}, channel):
            return brief
    return laid_out


def _place_first(said: Mapping[str, Any], channel: ChannelConfig) -> bool:
    """True if the place fits before the instruction within the part of a message that is seen first.

    People want to know if they are concerned before they learn what to do; but a long list of places must not push the
    order out of sight.
    """
    # The town's name stands in front where a chat doesn't show it, and takes its room.
    unseen = 0 if channel.signed or not said["own"] else len(str(said["station"])) + 2
    head = unseen + len(str(said["heading"]))
    place = len(str(said["labels"]["where"])) + len(str(said["area"])) + _BLANKS
    return head + place + _to_the_order(str(said["instruction"] or "")) <= FIRST_SEEN


@lru_cache(maxsize=256)
def _to_the_order(instruction: str) -> int:
    """Return the number of letters of an instruction up to its first order, counted to the end of the clause."""
    ends = (found.end() for found in _CLAUSE_END.finditer(instruction))
    return next((end for end in ends if orders(instruction[:end])), len(instruction))


def _hides(matter: Matter, said: Mapping[str, Any], channel: ChannelConfig) -> bool:
    """True if a feed's headline pushes the place, or in the readers' language the order, out of the part seen first."""
    name, headline = matter.words["name"], _unstopped(matter.info.headline)
    if matter.own or matter.hazard is Hazard.GENERAL or not headline or fold(headline) == fold(name):
        return False
    if said["title"] == _IN_BRACKETS.format(name=name, headline=headline):
        return not _place_first(said, channel)
    lead = len(str(said["lead"]))
    order = _to_the_order(str(said["instruction"] or ""))
    hidden = lead + order > FIRST_SEEN or (lead > _LONG_LEAD and not _place_first(said, channel))
    return bool(said["title"] == headline) and hidden


def _by_name(matter: Matter, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what says the hazard's name as its title, and the headline as the first of its description."""
    label, title = str(said["label"]), str(matter.words["name"])
    return {
        "title": title,
        "lead": _lead(matter, label, title),
        "lead_short": _lead(matter, label, title),
        "description": _joined(matter.info.headline, str(said["description"])),
    }


@lru_cache(maxsize=32)
def _what(matter: Matter, now: datetime) -> Mapping[str, Any]:
    """Return what is said alike on all channels; remembered, since each of them asks for it."""
    info, general, words = matter.info, matter.general, matter.words
    label, start = _label(matter), info.onset or info.effective
    title = _title(matter)
    ours = prepared(info, matter.hazard, words)
    instruction, description = _what_to_do(matter, ours)
    # An end looks for nobody any more: its place is a place.
    labels = {**general["labels"], **(words.get("labels", {}) if matter.kind is not PostKind.END else {})}
    said = info.headline or info.description or info.instruction or (info.event and info.event in title)
    foreign = _foreign(matter) if said else ""
    return {
        "alert": matter.alert,
        "info": info,
        "words": general,
        "hazard": matter.hazard.value,
        "name": words["name"],
        "headline": info.headline,
        "event": info.event,
        "description": description,
        "instruction": instruction,
        "prepared": ours,
        "advice": advice(
            info,
            words,
            (instruction, description),
            begun=start is not None and start <= now,
            before=str(general.get("before", "")),
        ),
        "label": label,
        "title": title,
        "lead": _lead(matter, label, title),
        "lead_short": _lead_short(matter, label, title),
        "foreign": foreign,
        "note": matter.alert.note,
        "labels": labels,
        "original": str(labels["original"]).format(language=foreign) if foreign else "",
    }


def _what_to_do(matter: Matter, ours: str) -> tuple[str, str]:
    """Return the instruction and the description: a feed's order that readers understand, else ours, then its words.

    "Stay alert", a mere statement or another language is no order to readers, and must not replace one.
    """
    theirs, description = matter.info.instruction or "", matter.info.description or ""
    # An officer's own order stands, whatever it says: who typed it knows the case.
    if not theirs or (ours and not matter.own and not says_what_to_do(theirs, matter.language)):
        return ours, _joined(_SHOUT.sub("", theirs), description)
    return theirs, description


def _joined(*texts: str | None) -> str:
    return "\n".join(text for text in texts if text)


def _label(matter: Matter) -> str:
    """Return how grave it is in words: MeteoAlarm's colour, the hazard's words, the weather's, or the usual ones.

    What says of itself that it is over isn't grave: it is called what an all clear is.
    """
    info, general = matter.info, matter.general
    if _is_over(matter):
        return str(general["ends"]["all_clear"]).partition("{")[0].rstrip(" –:\u00a0")
    if coloured := level(info, general):
        return coloured
    severities = dict(general["severities"])
    if matter.hazard in WEATHER:
        severities |= general.get("weather", {})
    severities |= matter.words.get("severities", {})
    return str(severities[info.severity.value])


def _is_over(matter: Matter) -> bool:
    if matter.hazard is not Hazard.GENERAL or matter.own or matter.kind is PostKind.END:
        return False
    return says_over(matter.info)


def _where_and_when(matter: Matter, station: Town, context: Context, teller: DateFormatter) -> dict[str, Any]:
    infos = _together(matter)
    areas = areas_of(infos, station, context)
    names = [*dict.fromkeys(name for each in areas if (name := _place_name(each, matter, station)))]
    area = _names_of(names)
    when = _when(matter, infos, [teller, replace(teller, long=False)] if teller.long else [teller])
    return {
        "areas": names,
        "area": area,
        "area_short": short_area(names),
        "place": area,
        "when": when[0],
        "when_short": when[-1],
        "now": context.now,
        "onset": matter.info.onset,
        "expires": event_end(matter.info),
        "day": teller.day,
        "time": teller.time,
        "moment": teller.moment,
    }


def _who(matter: Matter, station: Town, context: Context) -> dict[str, Any]:
    info, general = matter.info, matter.general
    sender = _sender(matter, station, context)
    own = fold(sender) == fold(station.name)
    short = station.name if own else str(general["source_short"].format(sender=sender))
    return {
        "sender": sender,
        "source": station.name if own else str(general["source"].format(sender=sender, station=station.name)),
        "source_short": short,
        "signature": "" if own else short,
        "own": own,
        "contact": info.contact if fold(info.contact or "") != fold(info.sender_name or "") else None,
    }


def _sender(matter: Matter, station: Town, context: Context) -> str:
    """Return the source's name: the sender's, else the source's title, else the machine's address."""
    if is_own(matter.alert, matter.info, station):
        return station.name
    return shortened(matter.info.sender_name or context.source or matter.alert.sender or station.name, _LONG_NAME)


def is_own(alert: Alert, info: Info | None, station: Town) -> bool:
    """True if the town itself is the sender."""
    # An address can't be mistaken as a name can: another town's feed may call itself as we do.
    if station.sender:
        return alert.sender == station.sender
    named = info.sender_name if info else None
    return fold(named or "") == fold(station.name)


def _change(matter: Matter, station: Town, context: Context, teller: DateFormatter) -> dict[str, Any]:
    general = matter.general
    news = changes(matter, context.previous, teller.end, partial(_places, matter=matter, station=station))
    musts = [each for each in news if each.freed or each.is_rise] or news[:1]
    return {
        "change": _changes(general, news),
        "change_short": _changes(general, musts),
        "change_brief": _changes(general, [replace(each, sentence=each.brief or each.sentence) for each in musts]),
        "freed": any(each.freed for each in news),
        "risen": any(each.is_rise for each in news),
    }


def _places(info: Info, matter: Matter, station: Town) -> list[str]:
    """Return the places of an info for comparison with another's: the whole town by one name, however it is given.

    An officer gives it in words, by ticking nothing, or by ticking each of its districts.
    """
    names = [name for area in info.areas if (name := place(area.description))]
    folded, districts = {fold(name) for name in names}, {fold(each.name) for each in station.districts}
    everywhere = fold(station.name) in folded or (len(districts) > 1 and districts <= folded)
    if everywhere or any(map(is_whole_town, names)):
        return [str(matter.general["whole"])]
    return names


def _changes(general: WordTable, news: Sequence[Change]) -> str:
    """Return what is new as sentences; within a sentence of the town's own, as it joins them."""
    frame = str(general["change"])
    if not news or frame == _SENTENCES:
        return " ".join(each.sentence for each in news)
    return frame.format(changes=str(general["separator"]).join(each.sentence.rstrip(".") for each in news))


def teller_of(matter: Matter, station: Town, channel: ChannelConfig, context: Context) -> DateFormatter:
    """Return the formatter of times for this channel: short if the text is short."""
    long, frame = channel.text.limit > SHORT_LIMIT, str(matter.words.get("until", "{until}"))
    return DateFormatter(matter.language, _zone(station.timezone), context.now, matter.general["moments"], long, frame)


def areas_of(infos: Sequence[Info], station: Town, context: Context) -> list[str]:
    """Return the places, each name once: the districts matched, the town's other own names, then the feed's.

    A name that the town has too is spelled its way. Some feeds put all their areas into one, between semicolons. Empty
    if no place is given: it isn't known then to be the whole town.
    """
    listed = [name.strip() for info in infos for area in info.areas for name in area.description.split(";")]
    ours = {fold(each.name): each.name for each in station.districts}
    # Stable: among ours, and among theirs, the order stays the feed's.
    listed.sort(key=lambda name: fold(name) not in ours)
    names: dict[str, str] = {}
    for name in (*map(place, context.area_names), *listed):
        names.setdefault(fold(name), ours.get(fold(name), name))
    names.pop("", None)
    return list(names.values())


def _place_name(name: str, matter: Matter, station: Town) -> str:
    """Return a place as a place, never as an authority: the town's name means the whole town in a feed's words.

    In our own alerts the result is "": CAP requires a description there even if the officer gave no place.
    """
    if fold(name) == fold(station.name):
        return "" if matter.own else str(matter.general["whole"])
    return str(matter.general["whole"]) if is_whole_town(name) else name


def _together(matter: Matter) -> list[Info]:
    """Return every info that says this: a feed may say one language in several, one for each area."""
    if matter.info not in matter.alert.infos:
        return [matter.info]
    return [matter.info, *(info for info in matter.alert.infos if info is not matter.info)]


def _when(matter: Matter, infos: Sequence[Info], tellers: Sequence[DateFormatter]) -> list[str]:
    """Return from the earliest start to the latest end; no end where one of them is open, nothing of what is over."""
    if _is_over(matter):
        return [""]
    starts = [info.onset or info.effective for info in infos]
    # One that is open leaves all of it open: an end that is true of some areas alone frees the others.
    ends = [event_end(info) for info in infos]
    start = min((time for time in starts if time), default=None)
    end = max((time for time in ends if time), default=None) if all(ends) else None
    # News of a site or a mailbox says of no time: "from now on" would be our own word.
    if start is None and end is None and matter.info.parameter(ENDS_BY) == QUIET:
        return [""]
    return [teller.window(start, end, whole=matter.hazard in WITH_WINDOW) for teller in tellers]


def short_area(names: Sequence[str]) -> str:
    """Return the first names, as many as make about 45 characters, and how many there are more: "Isère, Savoie +3"."""
    if not names:
        return ""
    said, rest = names[0], list(names[1:])
    while rest and len(said) + len(rest[0]) + 2 <= _SHORT_AREA:
        said = f"{said}, {rest.pop(0)}"
    return f"{said} +{len(rest)}" if rest else said


def _title(matter: Matter) -> str:
    """Return the title: the headline, else the hazard's name; both if the headline is foreign.

    For a hazard of several kinds the event names the kind.
    """
    name, headline, event = matter.words["name"], _unstopped(matter.info.headline), matter.info.event
    if _is_over(matter) and (over := _OVER_MARK.sub("", headline)) != headline:
        return str(matter.general["quoted"]).format(text=over)
    # Some feeds write a whole headline in small letters, or in capitals.
    if headline and fold(headline) == fold(name):
        return capital(name)
    if matter.hazard is Hazard.GENERAL and _foreign(matter) and (headline or event):
        return _named_for_readers(matter, headline or event)
    if headline and _foreign(matter):
        return _IN_BRACKETS.format(name=name, headline=headline)
    if headline or not event:
        return headline or str(name)
    tells = matter.hazard is Hazard.GENERAL or (matter.hazard in _OF_SEVERAL_KINDS and not _foreign(matter))
    return event if tells else str(name)


def _named_for_readers(matter: Matter, headline: str) -> str:
    """Return a foreign headline with what it is about in the readers' language; what is grave is an emergency."""
    names: Mapping[str, str] = matter.words.get("events", {})
    grave = gravity(matter.info).at_least(Severity.SEVERE)
    name = names.get(other_event(matter.info)) or (names.get("emergency", "") if grave else "")
    return _IN_BRACKETS.format(name=name, headline=headline) if name and not _is_over(matter) else headline


def _unstopped(headline: str | None) -> str:
    """Return a headline without the full stop of a sentence."""
    said = headline or ""
    return said.removesuffix(".") if not said.endswith("..") else said


def _lead_short(matter: Matter, label: str, title: str) -> str:
    """Return the shortest title that is right: the hazard's name, else the headline without a lesser severity.

    "" where neither will do, so that it is cut at a word. What residents reported stays what nobody confirmed.
    """
    if matter.info.parameter(CLUSTER_PARAMETER):
        return capital(str(matter.general["unconfirmed"]).format(told=matter.info.event))
    if _begins_with_name(matter, title):
        name = capital(str(matter.words["name"]))
        return _lead(matter, label, title if len(title) <= len(name) + _NEARLY else name)
    return "" if gravity(matter.info).at_least(Severity.SEVERE) else capital(title)


def _begins_with_name(matter: Matter, title: str) -> bool:
    """True if the hazard's name may replace the title: a headline that only mentions it is about something else.

    The title that is prepared for the hazard has the same meaning as its name, in whatever words.
    """
    if _is_prepared(matter, title):
        return matter.hazard is not Hazard.GENERAL
    # Word by word: "wind" begins "wind warning", and not "windows closed".
    words, name = (re.findall(r"\w+", fold(text)) for text in (title, matter.words["name"]))
    return matter.hazard is not Hazard.GENERAL and words[: len(name)] == name


def _is_prepared(matter: Matter, title: str) -> bool:
    return fold(title) == fold(str(matter.words.get("prepared", {}).get("headline", "")))


def _names_of(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _MANY else short_area(names)


def _lead(matter: Matter, label: str, title: str) -> str:
    """Return the title with its severity before it, unless the title says it already ("Vigilance orange orages").

    It doesn't in another language ("Vigilance orange" is no "Orange warning"), nor in a part of a word ("Dangerous"),
    nor by a colour alone at its end ("Thunderstorm yellow").
    """
    said, mark = fold(title), fold(str(matter.general["colours"].get(colour(matter.info), "")))
    is_named = not label or _has_word(said, fold(label))
    if mark and not is_named and not _foreign(matter):
        is_named = said.startswith(f"{mark} ") or all(_has_word(said, word) for word in fold(label).split())
    return capital(title) if is_named else str(matter.general["lead"].format(label=label, title=title))


def _has_word(text: str, word: str) -> bool:
    return word in text and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _foreign(matter: Matter) -> str:
    """Return the name of the info's language where it isn't that of the text, else ""."""
    said, wanted = (tag.split("-", 1)[0].lower() for tag in (matter.info.language, matter.language))
    if not said or said == wanted:
        return ""
    return str(locale_of(matter.language).languages.get(said, said))


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
