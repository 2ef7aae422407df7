"""`tocsin check` for templates and words: each is rendered for every hazard before an alert needs it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from alerts.model.alert import Alert, Area, Info, NamedValue, Severity
from alerts.model.hazard import HAZARD_PARAMETER, Hazard
from alerts.model.local import within_of
from alerts.model.post import EndReason, PostKind, TextFormat
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.answer import faults_of_layout
from alerts.rendering.facts import facts
from alerts.rendering.library import (
    FAULTS,
    GENERAL,
    Library,
    Part,
    WordTable,
    hazard_file,
    reason_of,
    shipped_folder,
    split,
)
from alerts.rendering.matter import Context, Matter, read_prepared
from alerts.rendering.plain import permits

_NAME = re.compile(
    r"(?P<language>[^/]+)/(?P<channel>[^/]+)/(?:(?P<topic>[a-z0-9-]+)\.)?(?P<kind>publish|update|end|answer)\.j2"
)
# The kinds whose templates write HTML.
_HTML_CHANNELS = frozenset(("telegram", "mail"))
# Any fixed time, so that a check gives the same result each day.
_NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
_ENDS = ("ends", "over")
# Parts that every layout must have, if the alert has their facts.
_NEEDED = ("headline", "area", "time", "instruction")
_SAID_BY = {"time": "when"}


def check_templates(station: Town, folders: Sequence[Path] = ()) -> list[Reason]:
    """Return every fault of the templates in `folders` and of the shipped ones, one line each, with file and line.

    A template is rendered for each hazard, each end and with a minimal alert; an omitted part that a post must have is
    a fault too, and so is a file whose name the lookup doesn't know.
    """
    library = Library([*folders, shipped_folder()], within_of(station.templates))
    missing = [because("templates_no_folder", folder=folder) for folder in folders if not folder.is_dir()]
    found = (fault for name in sorted(library.names) for fault in _faults(name, library, station))
    return [*missing, *dict.fromkeys(found)]


def sample_alert(hazard: Hazard, language: str, *, bare: bool = False) -> Alert:
    """Return a made-up alert about `hazard`; with `bare`, one without any optional field."""
    parameters = (NamedValue(HAZARD_PARAMETER, hazard.value),)
    info = Info("Sample", language=language, parameters=parameters)
    if not bare:
        info = Info(
            "Sample",
            severity=Severity.SEVERE,
            language=language,
            parameters=parameters,
            onset=_NOW + timedelta(hours=1),
            expires=_NOW + timedelta(hours=6),
            headline="Sample of a headline",
            description="What is going on.",
            instruction="What to do.",
            sender_name="Sample service",
            contact="0 123",
            web="https://service.example/1",
            areas=(Area("Old town"), Area("Harbour")),
        )
    return Alert("sample", "sample@tocsin.example", _NOW, infos=(info,))


def _faults(name: str, library: Library, station: Town) -> Iterator[Reason]:
    language, _, file = name.partition("/")
    if file == GENERAL or file.startswith("hazards/"):
        yield from _faults_of_words(language, file, library)
    elif place := _NAME.fullmatch(name):
        yield from _faults_of_template(name, place, library, station)
    else:
        near, path = _nearest(name), library.path(name)
        if near is None:
            yield because("template_unlooked", path=path)
        else:
            yield because("template_unlooked_near", path=path, near=near)


def _faults_of_words(language: str, file: str, library: Library) -> Iterator[Reason]:
    known = {GENERAL, *(hazard_file(hazard) for hazard in Hazard)}
    path = library.path(f"{language}/{file}")
    if file not in known:
        yield because("template_no_hazard", path=path, known=list(Hazard))
        return
    try:
        words = library.words(language, file)
        for hazard in (each for each in Hazard if hazard_file(each) == file):
            read_prepared(hazard, words)
        for name, text in _freeing(words):
            yield because("template_frees", path=path, name=name, text=text)
    except FAULTS as fault:
        yield because("template_wrong", where=library.where(fault, f"{language}/{file}"), said=reason_of(fault))


def _freeing(words: WordTable) -> Iterator[tuple[str, str]]:
    """Yield the phrases that announce safety for an expired alert. They are forbidden: the danger may not be over."""
    expired = {"after": words.get("after"), **{f"{name}.expired": words.get(name, {}).get("expired") for name in _ENDS}}
    for name, text in expired.items():
        if text and permits(str(text)):
            yield name, str(text)


def _faults_of_template(name: str, place: re.Match[str], library: Library, station: Town) -> Iterator[Reason]:
    kind, markup = PostKind(place["kind"]), "html" if place["channel"] in _HTML_CHANNELS else "plain"
    channel = ChannelConfig(place["channel"], place["channel"], TextFormat(4096, markup=markup))
    if kind is PostKind.ANSWER:
        yield from faults_of_layout(name, place["language"], markup, station, library)
        return
    for matter, context in _matters(place["language"], kind, library):
        try:
            known = facts(matter, station, channel, context, "https://alerts.example/1")
            pieces = split(library.printed(name, markup, known))
        except FAULTS as fault:
            yield because("template_wrong", where=library.where(fault, name), said=reason_of(fault))
            return
        said = {piece.name for piece in pieces if isinstance(piece, Part) and (piece.text or piece.short)}
        # A general alert of no great weight has nothing prepared: then there is no instruction to lay out.
        # One that tells no area or no time (a correction, a closed school) has none to lay out either.
        needed = [part for part in _NEEDED if part == "headline" or known[_SAID_BY.get(part, part)]]
        if lacking := [part for part in needed if part not in said]:
            yield because("template_lacks", path=library.path(name), parts=lacking, first=lacking[0])
            return


def _matters(language: str, kind: PostKind, library: Library) -> Iterator[tuple[Matter, Context]]:
    reasons = list(EndReason) if kind is PostKind.END else [None]
    for hazard, bare in product(Hazard, (False, True)):
        alert = sample_alert(hazard, language, bare=bare)
        if words := _words(language, hazard, library):
            for reason in reasons:
                yield Matter(alert, alert.infos[0], kind, hazard, language, *words), Context("1", _NOW, reason, alert)


def _words(language: str, hazard: Hazard, library: Library) -> tuple[WordTable, WordTable] | None:
    """Return the words of a hazard. Returns None if they can't be read: that fault is reported for their own file."""
    try:
        return library.words(language, GENERAL), library.words(language, hazard_file(hazard))
    except FAULTS:
        return None


def _nearest(name: str) -> str | None:
    *folder, file = name.split("/")
    near = difflib.get_close_matches(file, [f"{kind}.j2" for kind in PostKind], 1)
    return "/".join([*folder, *near]) if near and len(folder) == 2 else None
