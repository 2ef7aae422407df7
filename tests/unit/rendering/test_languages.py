"""A language that doesn't ship is one file of words and the hazards' texts: the layouts are the same for all."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.model.alert import Area, Severity
from alerts.model.post import EndReason, PostKind
from alerts.model.town import Town
from alerts.rendering.checking import check_templates
from alerts.rendering.library import GENERAL, LAYOUTS, Library, WordTable, shipped_folder
from alerts.rendering.templates import Renderer
from tests.unit.rendering.sample_alerts import CHANNELS, NOW, X, an_alert, an_info, render

BRETON = Town("Kêr Sant-Martin", language="br", public_url="https://kemenn.sant-martin.example")
WORDS = """
{% set numbers = {"emergency": "112", "text": "114"} %}
{% set before = "A-raok" %}
{% set severities = {"Extreme": "Dañjer bras-meurbet", "Severe": "Dañjer bras", "Moderate": "Evezh",
    "Minor": "Kemenn"} %}
{% set labels = {"where": "Pelecʼh:", "when": "Pegoulz:", "advice": "Peseurt ober:", "link": "Gouzout hirocʼh:",
                 "original": "Testenn orin e {language}."} %}
{% set updated = "{lead} (nevezadur)" %}
{% set wrong = "faziek e oa hor cʼhemennadenn {moment} ({what})" %}
{% set quoted = "«{text}»" %}
{% set degrees = {"Extreme": "bras-meurbet", "Severe": "bras"} %}
{% set since = {"Severe": "a vras", "Extreme": "a vras-meurbet"} %}
{% set changes = {"raised": "Kreskiñ a ra an dañjer {since} da {now}.",
    "longer": "Astennet betek {now} (e-lecʼh {before}).",
                  "more": "Tachenn nevez: {areas}.", "fewer": "Echu eo e {areas}."} %}
{% set ends = {"all_clear": "Echu ar cʼhemenn – {name}", "expired": "Termen ar cʼhemenn – {name}",
               "cancelled": "Nullet – {name}", "cancelled_begun": "Tennet kuit – {name}",
    "corrected": "Reizhadenn – {right}"} %}
{% set over = {"all_clear": "Savet eo ar cʼhemenn.", "expired": "Tremenet eo an amzer.",
    "cancelled": "Ne cʼhortozer ket ken.",
               "cancelled_begun": "Ne dalvez ket ken.", "corrected": "Na daolit ket evezh outi."} %}
{% set ended = {"all_clear": "Savet {moment}", "expired": "Betek {moment}", "cancelled": "Nullet {moment}",
                "cancelled_begun": "Tennet {moment}", "corrected": "Reizhet {moment}"} %}
{% set moments = {"today": "hiziv {day}", "tonight": "henoazh {day}", "tomorrow": "warcʼhoazh {day}",
    "at": "{day} da {time}",
                  "until": "betek {end}", "until today": "betek {time} {day}", "until tomorrow": "betek {end}",
                  "until brief": "betek {end}", "brief": "{day} {time}", "noon": "kreisteiz",
    "midnight": "hanternoz"} %}
"""
WIND = """
{% set name = "avel gorventek" %}
{% set instruction = {"default": "Chomit er gêr.", "Extreme": "Chomit er gêr, serrit ar prenestroù."} %}
{% set advice = ["Arabat stekiñ ouzh ur fun kouezhet: galvit an " ~ numbers.emergency ~ "."] %}
{% set after = "Skourroù a cʼhall kouezhañ cʼhoazh." %}
"""
_OTHERS = re.compile(
    r"\b(?:Où|Quand|jusqu|alerte|mise à jour|réflexes|Where|When|[Uu]ntil|[Aa]lert|update|[Ss]tay safe|More|was|over)\b"
)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    for name, text in {"words.j2": WORDS, "hazards/wind.j2": WIND}.items():
        path = tmp_path / "br" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("kind", [PostKind.PUBLISH, PostKind.UPDATE, PostKind.END])
@pytest.mark.parametrize("reason", list(EndReason))
def test_one_file_of_words_and_one_of_a_hazard_are_a_language(town: Path, kind: PostKind, reason: EndReason) -> None:
    info = an_info(
        language="br", headline="Avel gorventek", description="Cʼhwezhañ a raio kreñv.", instruction=None,
        sender_name=BRETON.name, areas=(Area("Ar Porzh"),),
    )  # fmt: skip
    before, renderer = an_alert(info), Renderer(BRETON, [town])
    now = an_alert(
        replace(info, severity=Severity.EXTREME, areas=(Area("Ar Cʼhoad"),), expires=NOW + timedelta(hours=9))
    )
    for channel in CHANNELS:
        rendered = render(now, kind, channel, renderer, previous=before, reason=reason)
        assert rendered.message.language == "br"
        assert not _OTHERS.search(rendered.message.plain), rendered.message.plain
        assert not [warning for warning in rendered.warnings if "template" in str(warning.code)]


def test_it_says_what_to_do_where_and_until_when(town: Path) -> None:
    info = an_info(language="br", headline="Avel gorventek", instruction=None, sender_name=BRETON.name)
    said = render(an_alert(info), channel=X, renderer=Renderer(BRETON, [town])).message.plain
    assert said.startswith("Dañjer bras – Avel gorventek\nPelecʼh: Isère, Savoie\nChomit er gêr.\nBetek ")


def test_check_finds_nothing_wrong_in_it(town: Path) -> None:
    assert check_templates(BRETON, [town]) == []


def test_words_that_were_changed_are_read_by_whoever_reads_them_next(town: Path) -> None:
    path = town / "br" / "words.j2"
    assert _where(town) == "Pelecʼh:"
    path.write_text(WORDS.replace("Pelecʼh:", "E pelecʼh:"), "utf-8")
    assert _where(town) == "E pelecʼh:"


def _where(town: Path) -> str:
    words = Library([town, shipped_folder()]).words("br", "words.j2")
    return str(words["labels"]["where"])


def test_a_dialect_says_what_it_leaves_out_as_its_language_does(tmp_path: Path) -> None:
    (tmp_path / "fr-CA").mkdir()
    (tmp_path / "fr-CA" / "words.j2").write_text('{% set numbers = {"emergency": "911"} %}', "utf-8")
    station = Town("Ville de Saint-Martin", language="fr-CA")
    info = an_info(language="fr-CA", sender_name=station.name, severity=Severity.EXTREME)
    said = render(an_alert(info), channel=CHANNELS[1], renderer=Renderer(station, [tmp_path])).message.plain
    assert said.startswith("Danger extrême – ")
    assert "911" in said
    assert "112" not in said
    assert "114" in said, "what it doesn't set stays as in French"


def test_no_language_that_ships_lacks_a_name_or_a_line_of_english(tmp_path: Path) -> None:
    shipped = {path.parent.name: path for path in shipped_folder().glob("*/words.j2")}
    assert {"en", "fr"} <= shipped.keys()
    english = _alone("en", shipped["en"], tmp_path)
    for language, path in shipped.items():
        words = _alone(language, path, tmp_path)
        assert words.keys() == english.keys()
        tables = {name: value for name, value in english.items() if isinstance(value, dict)}
        assert all(table.keys() <= words[name].keys() for name, table in tables.items())


def _alone(language: str, path: Path, folder: Path) -> WordTable:
    """The words of a file, and of no other language."""
    (folder / language).mkdir()
    shutil.copy(path, folder / language)
    words = Library([folder]).words(language, "words.j2")
    shutil.rmtree(folder / language)
    return words


def test_a_name_that_a_town_adds_to_its_english_is_said_in_other_languages_too(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "words.j2").write_text('{% set shelter = "the sports hall" %}', "utf-8")
    words = Library([tmp_path, shipped_folder()]).words("fr", "words.j2")
    assert (words["shelter"], words["exercise"]) == ("the sports hall", "EXERCICE")


def test_what_ships_is_laid_out_once() -> None:
    laid_out = {path.parent.parent.name for path in shipped_folder().glob("*/*/*.j2") if path.parent.name != "hazards"}
    assert laid_out == {LAYOUTS}


@pytest.mark.parametrize("table", ["moments", "calendar"])
def test_how_times_and_works_are_told_stands_whole_in_each_language_that_ships(table: str) -> None:
    library = Library([shipped_folder()])
    french, english = (library.words(tag, GENERAL)[table] for tag in ("fr", "en"))
    assert french.keys() == english.keys()
    # Else a French sentence would be the English one that it stands before.
    spoken = (name for name, said in french.items() if re.search(r"[a-z]{2,}", re.sub(r"\{\w+\}", "", said)))
    assert not [name for name in spoken if french[name] == english[name]]
