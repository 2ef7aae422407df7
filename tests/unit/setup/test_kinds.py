"""The form of every kind of channel and source, also of an installed package: what it asks, and what comes of it."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader

from alerts.config import channel_kind, channel_kinds, read_config, source_kind, source_kinds
from alerts.model.alert import Severity
from alerts.setup.lines import table_of
from alerts.setup.workshop import KindForm, channel_forms, source_forms
from alerts.web.console.frame import PAGES
from alerts.web.console.words import words_of
from tests.unit.setup.visiting import ONLINE, STATION

KINDS = [("channels", name) for name in channel_kinds()] + [("sources", name) for name in source_kinds()]
# Of kinds with a rule over several keys, those that one way of using them needs.
BESIDE: dict[str, dict[str, str]] = {
    "mail": {"to": "alertes@listes.saint-martin.example"},
    "sms": {"provider": "smsmode", "numbers": "SMS_NUMBERS", "price": "0,07"},
}
A_CHANNEL = '[channels.t]\nkind = "telegram"\nchat = "@saintmartin"\ntoken = { env = "T" }\n'
PACKAGE = """
from typing import Literal
from alerts.channels import ChannelKind
from alerts.channels.settings import ChannelSettings, SecretSource
from alerts.model.post import TextFormat

class Board:
    pass

class BoardSettings(ChannelSettings):
    kind: Literal["board"]
    api_url: str = "http://127.0.0.1:9"
    token: SecretSource
    lines: int
    colours: tuple[Literal["red", "amber"], ...]

class GridSettings(ChannelSettings):
    kind: Literal["grid"]
    api_url: str = "http://127.0.0.1:9"
    cells: dict[str, int]

BOARD, GRID = (ChannelKind(each, TextFormat(limit=160), "boards:Board") for each in (BoardSettings, GridSettings))
"""


def settings_of(section: str, kind: str) -> type[Any]:
    found = channel_kind(kind) if section == "channels" else source_kind(kind)
    assert found is not None
    return found.settings


def form_of(section: str, kind: str) -> KindForm:
    forms = channel_forms() if section == "channels" else source_forms()
    return next(each for each in forms if each.name == kind)


def answers(form: KindForm) -> dict[str, str]:
    """What somebody types who answers what is needed, each by its own example."""
    beside, typed = BESIDE.get(form.name, {}), {}
    for key in form.keys:
        if key.needed or key.name in beside or key.options:
            usual = "A_SECRET" if key.secret else key.options[0] if key.options else key.example or "3"
            typed[f"key.{key.name}"] = beside.get(key.name) or key.default or usual
    return typed | ({"key.public": "true"} if any(key.name == "public" for key in form.keys) else {})


async def filled(visitor, section: str, form: KindForm, **typed: str) -> str:
    """The lines with the saved form, and a channel beside a source."""
    visitor.lines = "" if section == "channels" else A_CHANNEL
    await visitor.send("station", "save", **STATION, **ONLINE)
    await visitor.send(section, "save:", kind=form.name, name="here", **(answers(form) | typed))
    return visitor.lines


@pytest.mark.parametrize(("section", "kind"), KINDS)
def test_each_form_asks_all_that_its_kind_needs_and_decides_what_goes_out(section, kind):
    form, model = form_of(section, kind), settings_of(section, kind)

    assert form.problem is None
    needed = {field.alias or name for name, field in model.model_fields.items() if field.is_required()} - {"kind"}
    assert needed <= {key.name for key in form.keys if key.needed}
    assert {"severity"} | ({"publish"} if section == "sources" else {"public", "exercise"}) <= {
        k.name for k in form.keys
    }


@pytest.mark.parametrize(("section", "kind"), KINDS)
async def test_a_filled_form_is_lines_that_the_daemon_starts_with(visitor, tmp_path, section, kind):
    form = form_of(section, kind)
    lines = await filled(visitor, section, form)

    assert visitor.status == 200, visitor.text
    town = read_config(tmp_path / "channels.toml", lines)
    written = table_of(lines, f"{section}.here")
    assert (town.channels if section == "channels" else town.sources)["here"].settings.kind == kind
    assert {key.name for key in form.keys if key.kept} <= written.keys()
    await visitor.send(section, "edit:here")
    await visitor.send(section, "save:here", kind=kind, name="here", **answers(form))
    assert table_of(visitor.lines, f"{section}.here") == written


@pytest.mark.parametrize(("section", "kind"), [each for each in KINDS if each[0] == "sources"])
async def test_a_form_offers_only_the_rules_that_its_kind_allows(visitor, tmp_path, section, kind):
    form = form_of(section, kind)
    [offered] = [key.options for key in form.keys if key.name == "publish"]
    for publish in ("auto", "veto", "approve"):
        lines = await filled(visitor, section, form, **{"key.publish": publish})
        assert (visitor.status == 200) is (publish in offered)
        if publish in offered:
            assert read_config(tmp_path / "channels.toml", lines).rules_for("here").publish == publish
    await visitor.send(section, "add", kind=kind)
    assert ('<option value="auto"' in visitor.page) is ("auto" in offered)


@pytest.mark.parametrize("kind", ["vigilance", "vigicrues", "cap"])
async def test_a_feed_of_warnings_publishes_by_itself_from_orange_on_and_says_so(visitor, tmp_path, kind):
    form = form_of("sources", kind)
    await visitor.send("station", "save", **STATION)
    await visitor.send("sources", "add", kind=kind)
    assert '<option value="auto" selected>' in visitor.page
    assert '<option value="Severe" selected>' in visitor.page
    assert "Saved like this, it publishes by itself: nobody looks first. Only what is Severe or worse" in visitor.text

    rules = read_config(tmp_path / "channels.toml", await filled(visitor, "sources", form)).rules_for("here")
    assert (rules.publish, rules.severity) == ("auto", Severity.SEVERE)
    await visitor.send("sources")
    assert "goes out at once: Severe and worse (orange, red)" in visitor.text


@pytest.mark.parametrize("kind", ["rss", "mailbox", "ical"])
async def test_a_severity_that_entries_are_given_is_no_threshold_in_the_words(visitor, kind):
    await visitor.send("station", "save", **STATION)
    await visitor.send("sources", "add", kind=kind)
    assert "How grave what it brings is Minor Moderate Severe Extreme" in visitor.text
    assert ("Saved like this, it publishes by itself" in visitor.text) is (kind == "ical")
    assert "what is less grave" not in visitor.text


@pytest.mark.parametrize("kind", ["vigilance", "vigicrues"])
def test_without_a_word_of_it_yellow_is_left_out(kind):
    assert settings_of("sources", kind).model_fields["severity"].default is Severity.SEVERE


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_word_of_a_form_is_one_of_the_language(language):
    terms = Environment(loader=FileSystemLoader(PAGES), autoescape=True).get_template("setup_terms.j2")
    known = terms.make_module({"_": words_of(language).gettext}).terms.keys()
    for form in (*channel_forms(), *source_forms()):
        raw = {form.name} | {f"{form.name}.{key.name}" for key in form.keys}
        raw |= {f"{form.name}.{key.name}.{option}" for key in form.keys for option in key.options}
        assert {
            each for each in raw if {each, each.partition(".")[2], each.rpartition(".")[2]}.isdisjoint(known)
        } == set()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that offers two kinds of channel: one whose keys a form can draw, one with a table among them."""
    folder = tmp_path / "site"
    (folder / "boards-1.0.dist-info").mkdir(parents=True)
    (folder / "boards.py").write_text(PACKAGE)
    (folder / "boards-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: boards\nVersion: 1.0\n")
    offered = "[tocsin.channels]\nboard = boards:BOARD\ngrid = boards:GRID\n"
    (folder / "boards-1.0.dist-info" / "entry_points.txt").write_text(offered)
    monkeypatch.syspath_prepend(str(folder))
    yield
    sys.modules.pop("boards", None)


@pytest.mark.usefixtures("package")
async def test_an_installed_package_s_kind_is_asked_for_all_or_refused_with_the_reason(visitor):
    typed = {"key.token": "A_SECRET", "key.lines": "3", "key.colours": "red, amber", "key.public": "true"}
    await visitor.send("channels", "save:", kind="board", name="here", **typed)
    assert table_of(visitor.lines, "channels.here")["lines"] == 3
    assert table_of(visitor.lines, "channels.here")["colours"] == ["red", "amber"]

    assert "no form can ask for cells of 'grid', which it needs" in visitor.text
    assert '<option value="board">' in visitor.page
    assert '<option value="grid">' not in visitor.page
