"""One French word for one thing on every screen, in each post and in docs/fr; how French and English are set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import alerts
from alerts.model.post import PostState
from alerts.rendering.library import shipped_folder
from tests.walls import in_one_test

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = sorted(Path(alerts.__file__).parent.rglob("locale/fr/*.po"))
NOT_BUT = {
    r"approbateurs?|validateurs?": "valideur",
    r"brouillons? d’alerte|ébauches? d’alerte": "projet d’alerte",
    r"correctifs?|errata|erratum": "rectificatif",
    r"comptes-rendus?|rapports? d’(?:alerte|incident)": "compte rendu",
    r"journal d’audit|journaux d’audit": "registre",
    r"bots?|chatbots?": "robot",
    r"channels?": "canal",
    r"municipalités?": "commune",
    r"thèmes?": "sujet",
    r"(?:nos|vos) secteurs|un secteur, ou": "quartier",
    r"sortes? de signalement": "catégorie",
    r"(?:de|par|à) Ville de": "de la commune (…)",
    r"mails?|e-mails?|emails?": "courriel",
    r"preuves? de travail": "preuve de calcul",
    r"gabarits?": "modèle",
    r"aléas?": "danger",
    r"(?<!téléphone d’)astreintes?": "permanence",
}
"""What isn't said, and what is said for it."""
_TYPED = re.compile(
    r"```.*?```|<!--.*?-->|`[^`]*`|\]\([^)]*\)|\*Talk with the bot\*|\bBot API\b|\bCHANNEL\b|%\(\w+\)s|\{[^}]*\}"
    r"|channels\.(?:toml|x)|channels\.(?=\{)|, channels\b|python-telegram-bot"
    r"|--\w+|\w+\.\w+(?:\.\w+)*|/[\w-]+|@\w+|\[\[?\w+[^\]]*\]",
    re.DOTALL,
)
"""What is typed or spelled for a program stands there in English."""


def french() -> Iterator[tuple[str, str]]:
    """Every French text with where it stands: catalogues, templates, pages of docs/fr."""
    for file in CATALOGUES:
        for message in read_po(BytesIO(file.read_bytes()), locale="fr"):
            for said in message.string if isinstance(message.string, tuple) else (message.string,):
                if message.id:
                    yield file.stem, said
    for file in sorted((shipped_folder() / "fr").rglob("*.j2")):
        yield file.name, re.sub(r"\{#.*?#\}", "", file.read_text("utf-8"), flags=re.DOTALL)
    for file in sorted((ROOT / "docs" / "fr").glob("*.md")):
        yield f"docs/fr/{file.name}", file.read_text("utf-8")


def sentences(file: Path) -> list[str]:
    """The English sentences of a catalogue."""
    messages = read_po(BytesIO(file.read_bytes()), locale="fr")
    return [said for each in messages for said in (each.id if isinstance(each.id, tuple) else (each.id,)) if said]


def read(text: str) -> str:
    return _TYPED.sub("x", text)


@in_one_test
@pytest.mark.parametrize("unwanted", NOT_BUT)
def test_one_french_word_for_one_thing(unwanted):
    rule = re.compile(rf"(?<![\w-])(?:{unwanted})(?![\w-])", re.IGNORECASE)
    found = [f"{where}: {hit.group(0)!r}" for where, text in french() for hit in rule.finditer(read(text))]
    assert found == [], f"but: {NOT_BUT[unwanted]}"


def test_the_command_line_says_the_state_of_a_post_as_the_desk_does():
    said: dict[str, set[str]] = {}
    for file in CATALOGUES:
        for message in read_po(BytesIO(file.read_bytes()), locale="fr"):
            if isinstance(message.id, str) and isinstance(message.string, str):
                said.setdefault(message.id.replace("_", " "), set()).add(message.string)
    states = {state.value.replace("_", " ") for state in PostState}
    assert {state: words for state, words in said.items() if state in states and len(words) > 1} == {}
    assert states <= set(said)


def test_one_no_break_space_stands_before_a_double_mark_and_within_guillemets_the_same_everywhere():
    narrow, rule = (
        re.compile(r"\u202f[:;!?»%]|«\u202f"),
        re.compile(r"[ \u00a0\u202f]{2,}[:;!?»]|«[ \u00a0\u202f]{2,}|[^\S\n]de Ville de"),
    )
    found = [(where, hit.group(0)) for where, text in french() for hit in rule.finditer(text)]
    # What the product says; its papers are set by whoever writes them.
    said = [(where, text) for where, text in french() if not where.startswith("docs/")]
    assert found + [(where, hit.group(0)) for where, text in said for hit in narrow.finditer(text)] == []


def test_nobody_is_taken_for_a_man():
    """What is said to everybody on the public pages and by the bot."""
    rule = re.compile(
        r"[Vv]ous (?:êtes|n’êtes pas) (?:de nouveau )?abonné\b|concerné[ \u00a0]\?|[Hh]eureux de vous"
        r"|[Vv]ous être [a-z]+é\b|[Vv]oulez être averti\b"
    )
    assert [f"{where}: {said}" for where, said in french() if rule.search(said)] == []


def test_no_calm_is_claimed():
    """No town knows that all is calm: it knows of no alert."""
    rule = re.compile(r"tout est calme|all is calm", re.IGNORECASE)
    english = [
        (file.stem, str(each.id)) for file in CATALOGUES for each in read_po(BytesIO(file.read_bytes())) if each.id
    ]
    assert [where for where, said in (*french(), *english) if rule.search(said)] == []


UNIDIOMATIC = (
    r"is on\b(?! its way)",
    r"are on\b",
    r"is told\b",
    r"what becomes of",
    r"sees? to (?:it|that)",
    r"nobody promises",
    r"good day",
    r"reads? along",
)


OFFICERS_TOO = (
    r"to the content\b",
    r"nobody may be",
    r"(?<!person )who reported (?:reads|is told)",
    r"let (?:it|them) out",
    r"the town[’']s to do",
    r"begins? anew|begun anew",
    r"is no (?:question|time that)",
    # "Who pays buys credits": a relative clause with nobody before it is "whoever".
    r"(?:(?<=[.:] )|(?<!.))who [^,?]*[.:;]",
)


@in_one_test
@pytest.mark.parametrize("file", CATALOGUES, ids=[each.stem for each in CATALOGUES])
def test_english_for_officers_is_not_a_translation(file):
    rules = [re.compile(rf"\b{each}", re.IGNORECASE) for each in OFFICERS_TOO]
    assert [said for said in sentences(file) if any(rule.search(said) for rule in rules)] == []


@in_one_test
@pytest.mark.parametrize("catalogue", ["public", "letters", "pins", "bot"])
def test_english_for_the_public_is_not_a_translation(catalogue):
    [file] = [each for each in CATALOGUES if each.stem == catalogue]
    rules = [re.compile(rf"\b{each}", re.IGNORECASE) for each in UNIDIOMATIC]
    assert [said for said in sentences(file) if any(rule.search(said) for rule in rules)] == []
