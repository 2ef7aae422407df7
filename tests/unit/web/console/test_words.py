"""Every sentence of the desk is there in every language, and nothing is translated that nobody says."""

from __future__ import annotations

import re
from collections import defaultdict
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract, extract_python
from babel.messages.pofile import read_po

from alerts import setup
from alerts.access.audit import AuditEvent
from alerts.access.sessions import Refusal
from alerts.model.person import Act
from alerts.rendering.i18n import SOURCE
from alerts.web.console import frame
from alerts.web.console.words import FOLDER, languages

HERE = Path(frame.__file__).parent
SAID_BY_NAME = {str(word) for words in (Refusal, AuditEvent, Act) for word in words}
"""What pages translate by the value of an enumeration: `_(entry.act)`."""
KEYWORDS = {"_": None, "_n": None, "gettext": None, "ngettext": (1, 2), "plural": (1, 2)}
PLACES = re.compile(r"%\((\w+)\)s")
OTHERS = [language for language in languages() if language != SOURCE]


def templates() -> list[Path]:
    return [file for file in sorted((HERE / "pages").rglob("*")) if file.suffix in (".html", ".txt", ".j2")]


def _note(found, message, file) -> None:
    """A call with something else than a sentence (`_(entry.act)`) brings None."""
    one = message[0] if isinstance(message, tuple) else message
    if one:
        found[one].add(file)


def asked() -> dict[str, set[str]]:
    """Every sentence, with the files that say it."""
    found = defaultdict(set)
    for file in templates():
        for _, message, _, _ in extract("jinja2.ext:babel_extract", BytesIO(file.read_bytes()), keywords=KEYWORDS):
            _note(found, message, file.name)
    for file in sorted((*HERE.rglob("*.py"), *Path(setup.__file__).parent.rglob("*.py"))):
        for _, _, message, _ in extract_python(BytesIO(file.read_bytes()), list(KEYWORDS), [], {}):
            _note(found, message, file.name)
    return dict(found)


def translated(language: str) -> list[tuple[str, str | tuple[str, ...], str, str | None]]:
    """Each sentence with its translation, the file it stands in, and its plural."""
    found = []
    for file in sorted((FOLDER / language).glob("*.po")):
        for message in read_po(BytesIO(file.read_bytes()), locale=language):
            if message.id:
                many = message.id[1] if isinstance(message.id, tuple) else None
                one = message.id[0] if isinstance(message.id, tuple) else message.id
                found.append((one, message.string, file.name, many))
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated(language):
    known = {one for one, text, _, _ in translated(language) if text and (isinstance(text, str) or all(text))}
    missing = {one: files for one, files in asked().items() if one not in known}
    assert not missing, missing
    assert not (said := SAID_BY_NAME - known), said


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_translated_that_is_not_said(language):
    said = asked().keys() | SAID_BY_NAME
    left_over = [(file, one) for one, _, file, _ in translated(language) if one not in said]
    assert not left_over


@pytest.mark.parametrize("language", OTHERS)
def test_one_sentence_has_one_translation(language):
    """All parts share their sentences: two translations of one would make the file's name decide."""
    texts = defaultdict(set)
    for one, text, file, _ in translated(language):
        texts[one].add((text if isinstance(text, str) else tuple(text), file))
    clashes = {one: found for one, found in texts.items() if len({text for text, _ in found}) > 1}
    assert not clashes


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fills_in_what_the_sentence_does(language):
    for one, text, file, many in translated(language):
        wanted = set(PLACES.findall(many or one))
        for form in (text,) if isinstance(text, str) else text[-1:]:
            assert set(PLACES.findall(form)) == wanted, (file, one)


def test_french_is_set_as_french_is():
    """No-break spaces before double marks and within guillemets, curly apostrophes."""
    bad = re.compile(r"(?<![\u00a0 /\d;:!?])[;!?»]|(?<![\u00a0/\d])[!?;»]|«(?!\u00a0)|(?<=\w)'(?=\w)")
    for one, text, file, _ in translated("fr"):
        for form in (text,) if isinstance(text, str) else text:
            plain = re.sub(r"https?:\S+|&\w+;", "", form)
            assert not bad.search(plain), (file, one, form)
