"""Alerts into posts: the nearest template, the words of the language, fitted to the platform's limit.

    renderer = Renderer(Town("Ville de Saint-Martin"), [Path("templates")])
    rendered = renderer.render(alert, PostKind.PUBLISH, channel, context=Context(incident, now))

The steps of a post: the alert's words are cleaned (`text`), its hazard and language found and their words read
(`library`), and all of it turned into the facts of a template (`facts`). The template lays them out in parts
(`library`), which are fitted to the channel (`fit`). The remarks accompany the text (`plain`). A template that fails is
replaced by a plain built-in text: an alert is never delayed by a typing mistake. `check_templates` finds the mistake
before: it renders every template with made-up alerts. Pure but for reading the templates, each once.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import escape

from alerts.model.alert import MOST_REMEMBERED, Alert, Info, Status, size_of
from alerts.model.bounds import visible
from alerts.model.errors import ConfigurationError
from alerts.model.hazard import Hazard, fold, worded_as, worded_hazard
from alerts.model.local import within_of
from alerts.model.post import EndReason, Message, PostKind
from alerts.model.reason import Reason, because
from alerts.model.remembered import Remembered
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.answer import AnswerWords, message_of, verdict_on
from alerts.rendering.counting import count, spelled_for
from alerts.rendering.facts import facts, is_own
from alerts.rendering.fit import fit
from alerts.rendering.library import (
    FALLBACK_LANGUAGE,
    FAULTS,
    GENERAL,
    Library,
    Part,
    Piece,
    WordTable,
    hazard_file,
    reason_of,
    shipped_folder,
    split,
    topics_of,
)
from alerts.rendering.matter import Context, Matter, Prepared, read_prepared, worded
from alerts.rendering.plain import remarks_on_alert, remarks_on_post
from alerts.rendering.text import address, clean, clean_alert, clean_info, in_french, info_in_french, tame

_WORDS = ("event", "headline", "description", "instruction", "sender_name", "contact", "audience")
"""The words of an info that a post may say."""
_FRAMED_IN_WORDS = {"area": "area", "instruction": "instruction", "time": "when"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A post's words, fitted.

    `count` and `limit` are in the platform's own units. `cut` names the parts that were shortened or dropped, least
    important first; `warnings` are the remarks for the officer before it goes out.
    """

    message: Message
    count: int
    limit: int
    cut: tuple[str, ...] = ()
    warnings: tuple[Reason, ...] = ()


_Asked = tuple[Alert, PostKind, str | None, Alert | None, EndReason | None, datetime]
"""An alert and the kind of its post, the channel's own language, the version before, why it ends, and the moment."""
_REMEMBERED = 8
"""Matters: those of the last alert or two, in the languages of a town's channels."""

Needed = tuple[str, str, str | None]
"""A post's language, and the files that its words and its layout are read from."""


class Renderer:
    """Renders alerts for one town.

    `folders` are searched in order, the town's own first; the shipped templates always come last. Templates are read at
    first use and kept, so a change of a file needs a new Renderer. Raises ConfigurationError if the town's zone is
    unknown.
    """

    def __init__(self, station: Town, folders: Sequence[Path] = ()) -> None:
        _check_zone(station.timezone)
        self._station = station
        self._shipped = Library([shipped_folder()])
        # An alert's channels are rendered one after the other, and most of them have one matter.
        self._matters = Remembered(self._read_matter, lambda _: 1, _REMEMBERED, _same_matter)
        self._library = (
            Library([*folders, shipped_folder()], within_of(station.templates)) if folders else self._shipped
        )

    def render(self, alert: Alert, kind: PostKind, channel: ChannelConfig, *, context: Context) -> Rendered:
        """Return the post of `kind` that `channel` is asked to make of `alert`.

        Never raises for what a template or a feed holds: a template that fails is replaced by a plain built-in text,
        and a warning says where it failed.
        """
        if alert.status is not Status.ACTUAL:
            context = replace(context, exercise=True)
        # Before anything else reads a stranger's words: whatever is made of them later calls and links nobody.
        if context.strange:
            alert, context = _tamed(alert, context, keep_links=_may_link(kind, channel, context))
        matter, info, warnings = self._matter(alert, kind, channel, context)
        link = self._link(info, kind, channel, context)
        # Where the platform shows the address by itself (Facebook), none stands in the text.
        shown = link if channel.text.link == "text" else None
        known = self._facts(matter, channel, context, shown, warnings)
        warnings += remarks_on_alert(matter.alert, info, kind, known["prepared"], str(known["instruction"]))
        pieces = self._pieces(matter, channel, known, warnings)
        # A private chat shows the bot's name, not the town's: there the town signs what it says itself.
        if not channel.signed and known["own"]:
            pieces = [Part("station", _escaped(self._station.name, channel.text.markup), keep=True), "\n", *pieces]
        # After the template, which may be the town's own and may have forgotten them.
        framed = _framed(pieces, str(matter.general["exercise"]), shown, channel, context)
        fitted = fit(framed, channel.text)
        text = spelled_for(fitted.text, channel.text)
        plain = visible(text) if channel.text.markup == "html" else text
        # Only on our own page all of it stands; a feed's link leads to what the feed says.
        page = link is not None and link == self._page(context)
        warnings += remarks_on_post(plain, shown, channel, fitted, kind, page=page)
        message = Message(text, plain, link, language=matter.language)
        return Rendered(message, fitted.count, channel.text.limit, fitted.cut, tuple(dict.fromkeys(warnings)))

    def tell(self, alert: Alert, kind: PostKind, channel: ChannelConfig, *, context: Context) -> dict[str, Any]:
        """Return what a template would be given for this post, for a page that lays it out itself.

        `docs/templates.md` lists the variables. Never raises for what a template or a feed holds.
        """
        if alert.status is not Status.ACTUAL:
            context = replace(context, exercise=True)
        matter, info, _ = self._matter(alert, kind, channel, context)
        return self._facts(matter, channel, context, self._link(info, kind, channel, context), [])

    def answer(self, reply: AnswerWords, channel: ChannelConfig) -> Message:
        """Return the post by which `channel` answers somebody. Never raises for what a template holds."""
        return message_of(reply, channel, self._station, self._library)

    def verdict(self, found: str, fact: str) -> str:
        """Return what is said of a rumour in the station's language: the fact first, and never what circulates."""
        return verdict_on(found, fact, self._station.language, (self._library, self._shipped))

    def needs(self, alert: Alert, kind: PostKind, channels: Collection[ChannelConfig], now: datetime) -> list[Needed]:
        """Return of each channel's post its language, and the files of its words and of its layout."""
        infos = {
            language: alert.info_for(language) or Info("") for language in {self._wanted(each) for each in channels}
        }
        found = {language: (worded_hazard(info), info) for language, info in infos.items()}
        needed = []
        for channel in channels:
            hazard, info = found[self._wanted(channel)]
            language = self._language(info, channel.language)
            layout = self._library.find(language, channel.kind, topics_of(info.event, hazard), kind)
            needed.append((language, hazard_file(worded_as(hazard, info, now)), layout))
        return needed

    def _wanted(self, channel: ChannelConfig) -> str:
        return channel.language or self._station.language

    def prepared(self, hazard: Hazard, language: str) -> Prepared:
        """Return what is prepared for `hazard`; what ships where the station's own words aren't what they should be."""
        file = hazard_file(hazard)
        try:
            return read_prepared(hazard, self._library.words(language, file))
        except FAULTS:
            return read_prepared(hazard, self._shipped.words(language, file))

    def _what_is_said(self, asked: _Asked) -> tuple[Alert, Info | None]:
        """Return the alert with every word cleaned, and the info the post is about.

        What is in French is set as French is set, whoever says it.
        """
        alert, kind, language, previous, reason, _ = asked
        tidy, info = _what_is_said(alert, kind, language or self._station.language, previous, reason)
        own = is_own(alert, info, self._station)
        if (info is None and own) or (info is not None and info.language.lower().startswith("fr")):
            return in_french(tidy) if own else tidy, info_in_french(info) if info else None
        return tidy, info

    def _link(self, info: Info | None, kind: PostKind, channel: ChannelConfig, context: Context) -> str | None:
        """Return the address the post carries, by the channel's policy."""
        if not _may_link(kind, channel, context):
            return None
        link = self._page(context) or (address(info.web) if info else None)
        return link if link is None or _has_room(link, channel) else None

    def _page(self, context: Context) -> str | None:
        """Return the address of the alert's lasting page. An exercise has none."""
        if not self._station.public_url or context.exercise:
            return None
        return f"{self._station.public_url.rstrip('/')}/alerts/{context.incident}"

    def _language(self, info: Info | None, own: str | None) -> str:
        """Return the language of the text: the channel's own, else the station's.

        What the station says itself in a language that has templates is said in that language throughout, unless the
        channel has one of its own: half of a post in another one would help nobody.
        """
        wanted = own or self._station.language
        if own or info is None or fold(info.sender_name or "") != fold(self._station.name):
            return wanted
        tag = info.language
        primary = tag.split("-", 1)[0]
        known = {tag, primary} & set(self._library.languages(tag))
        return tag if known and primary != wanted.split("-", 1)[0] else wanted

    def _matter(
        self, alert: Alert, kind: PostKind, channel: ChannelConfig, context: Context
    ) -> tuple[Matter, Info | None, list[Reason]]:
        """Return the subject of a post, the info that it is about, and a warning for words that can't be read."""
        asked = (alert, kind, channel.language, context.previous, context.reason, context.now)
        matter, info, warnings = self._matters(asked)
        return matter, info, [*warnings]

    def _read_matter(self, asked: _Asked) -> tuple[Matter, Info | None, Sequence[Reason]]:
        alert, found = self._what_is_said(asked)
        kind, own_language, now, warnings = asked[1], asked[2], asked[-1], list[Reason]()
        language = self._language(found, own_language)
        info = found or Info("", language=language)
        hazard = worded_hazard(info)
        spoken = self._library.languages(language)
        # Told as what it is said in: a language without templates is told in English, and named so.
        if language.split("-", 1)[0] not in spoken and language not in spoken:
            language = FALLBACK_LANGUAGE
        general = self._words(language, GENERAL, warnings)
        file = hazard_file(worded_as(hazard, info, now))
        own = is_own(alert, info, self._station)
        words = worded(self._words(language, file, warnings), hazard, info, now)
        return Matter(alert, info, kind, hazard, language, general, words, own), found, warnings

    def _words(self, language: str, file: str, warnings: list[Reason]) -> WordTable:
        """Return the words of a file; those that ship where the station's own can't be read."""
        try:
            return self._library.words(language, file)
        except FAULTS as fault:
            where = self._library.where(fault, file)
            warnings.append(because("template_words_failed", where=where, said=reason_of(fault)))
            return self._shipped.words(language, file)

    def _facts(
        self, matter: Matter, channel: ChannelConfig, context: Context, link: str | None, warnings: list[Reason]
    ) -> dict[str, Any]:
        """Return the variables; with the words that ship where the station's own aren't what they should be."""
        try:
            return facts(matter, self._station, channel, context, link)
        except FAULTS as fault:
            file = hazard_file(matter.hazard)
            said, language = reason_of(fault), matter.language
            why = because("template_words_wrong", file=GENERAL, other=file, language=language, said=said)
            warnings.append(why)
            general = self._shipped.words(matter.language, GENERAL)
            words = worded(self._shipped.words(matter.language, file), matter.hazard, matter.info, context.now)
            # Wholly by what ships: words of two files that don't fit each other are no better than one that fails.
            ours = replace(matter, general=general, words=words)
            return facts(ours, self._station, channel, context, link)

    def _pieces(
        self, matter: Matter, channel: ChannelConfig, known: dict[str, Any], warnings: list[Reason]
    ) -> list[Piece]:
        """Return what the nearest template lays out, or the built-in plain text where it fails.

        What the works calendar says in between is no update of what was said: that it begins is a message like a first.
        """
        topics = topics_of(matter.info.event, matter.hazard)
        kind = PostKind.PUBLISH if known["step"] and matter.kind is PostKind.UPDATE else matter.kind
        name = self._library.find(matter.language, channel.kind, topics, kind)
        if name is None:
            warnings.append(because("template_missing", kind=channel.kind, post=kind))
            return _built_in(known, channel.text.markup)
        try:
            return _said(split(self._library.printed(name, channel.text.markup, known)), known)
        except FAULTS as fault:
            where = self._library.where(fault, name)
            warnings.append(because("template_failed", where=where, said=reason_of(fault)))
            return _built_in(known, channel.text.markup)


def _has_room(link: str, channel: ChannelConfig) -> bool:
    """True if an address leaves room for words: a feed's may be longer than the post, and is never cut."""
    room = channel.text.limit // 2
    # No letter counts for more than two: what is short enough by that needs no counting.
    return channel.text.link != "text" or 2 * len(link) <= room or count(link, channel.text) <= room


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError([because("no_time_zone", text=repr(name))]) from None


def _may_link(kind: PostKind, channel: ChannelConfig, context: Context) -> bool:
    """True if a post carries an address, by the channel's policy."""
    first = kind is PostKind.PUBLISH if context.first is None else context.first
    return channel.link == "always" or (channel.link == "first" and first)


def _tamed(alert: Alert, context: Context, *, keep_links: bool) -> tuple[Alert, Context]:
    """Return a stranger's words, and those of the version before, in the form that a post of the town may carry.

    They are cleaned first: an entity or a tag could hide characters that appear after cleaning.
    """
    previous = _tame_alert((context.previous, keep_links)) if context.previous else None
    names = tuple(tame(clean(name), keep_links=keep_links) for name in context.area_names)
    return _tame_alert((alert, keep_links)), replace(context, previous=previous, area_names=names)


def _tame(asked: tuple[Alert, bool]) -> Alert:
    alert, keep_links = asked

    def said(text: str) -> str:
        return tame(clean(text), keep_links=keep_links)

    def info(each: Info) -> Info:
        words: dict[str, Any] = {name: said(text) for name in _WORDS if (text := getattr(each, name))}
        areas = tuple(replace(area, description=said(area.description)) for area in each.areas)
        return replace(each, **words, areas=areas)

    return replace(alert, infos=tuple(map(info, alert.infos)), note=alert.note and said(alert.note))


_tame_alert = Remembered(
    _tame, lambda asked: size_of(asked[0]), MOST_REMEMBERED, key=lambda asked: (id(asked[0]), asked[1])
)
"""Remembered, since the posts of most channels carry the same words."""


def _same_matter(asked: _Asked) -> Hashable:
    alert, kind, language, previous, reason, now = asked
    return id(alert), kind, language, id(previous), reason, now


def _what_is_said(
    alert: Alert, kind: PostKind, language: str, previous: Alert | None, reason: EndReason | None
) -> tuple[Alert, Info | None]:
    """Return the alert with every word cleaned, and the info the post is about.

    That of an end is what is over: the previous one's, for the ending message may repeat the alarm, or hold nothing.
    An alert that expired is over itself.
    """
    own = clean_alert(alert, language)
    info = own.info_for(language)
    if kind is not PostKind.END or (reason in (None, EndReason.EXPIRED) and info):
        return own, info
    before = previous.info_for(language) if previous else None
    return own, clean_info(before) if before else info


def _escaped(text: str | None, markup: str) -> str:
    return str(escape(text or "")) if markup == "html" else text or ""


def _said(pieces: list[Piece], known: dict[str, Any]) -> list[Piece]:
    """Return `pieces` without the parts of unknown facts: no "Where:" appears without a place after it."""
    unknown = {part for part, fact in _FRAMED_IN_WORDS.items() if not known[fact]}
    return [Part(piece.name, "") if isinstance(piece, Part) and piece.name in unknown else piece for piece in pieces]


def _framed(pieces: list[Piece], mark: str, link: str | None, channel: ChannelConfig, context: Context) -> list[Piece]:
    """Return `pieces` with what no template may forget: the link, and an exercise's mark before and after all else."""
    written = _escaped(link, channel.text.markup) if link else None
    said = (piece if isinstance(piece, str) else piece.text for piece in pieces)
    if written and not any(written in text for text in said):
        pieces = [*pieces, "\n", Part("link", written, keep=True)]
    if not context.exercise:
        return pieces
    exercise = Part("exercise", mark, keep=True)
    return [exercise, "\n", *pieces, "\n", exercise]


def _built_in(facts: Mapping[str, Any], markup: str) -> list[Piece]:
    """Return the parts of a plain post out of `facts`, one a line, escaped for `markup`."""
    parts = [
        ("headline", facts["lead"], facts["lead_short"]),
        ("instruction", facts["instruction"], facts["prepared"]),
        ("area", facts["area"], facts["area_short"]),
        ("time", facts["when"], ""),
        ("description", facts["description"], ""),
        ("sender", facts["signature"], ""),
        ("link", facts["link"], ""),
    ]
    pieces: list[Piece] = []
    for name, text, short in parts:
        keep = name != "description"
        pieces += [Part(name, _escaped(text, markup), _escaped(short, markup), keep), "\n"]
    return pieces


# --- `tocsin check` for templates -----------------------------------------------------------------------------------
