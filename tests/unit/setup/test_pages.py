"""Setting up in a browser without scripts: every answer is read as the next form, over real sockets and the sandbox."""

from __future__ import annotations

import os
import re
from html import unescape

import pytest
from jinja2 import Environment, FileSystemLoader

from alerts.access.passwords import Passwords
from alerts.config import load_config, read_config
from alerts.daemon.desk import Control
from alerts.model.person import Role
from alerts.setup.forms import usual_secret
from alerts.setup.pages import four_eyes
from alerts.setup.workshop import channel_forms, source_forms
from alerts.web.console.frame import PAGES
from alerts.web.console.words import words_of
from tests.unit.setup.visiting import ONLINE, ROOT, SECRETS, STATION, add, storm, timeline
from tests.walls import in_one_test

UNIT = ROOT / "systemd" / "tocsin.service"


async def test_the_whole_way_ends_with_lines_that_the_daemon_starts_with(visitor, sandbox, tmp_path):
    await visitor.send("station", "save", **STATION)
    assert "Where your residents are" in visitor.text
    await add(visitor, "telegram", sandbox, "telegram", chat="@saintmartin", token="TELEGRAM_TOKEN", public="true")
    await visitor.send("channels", "test:telegram")
    assert "Speaks as @tocsin_sandbox_bot, 312 people follow it" in visitor.text
    await visitor.send("sources")
    await visitor.send("duty")
    await visitor.send("lines")
    assert "Tocsin would start with these lines." in visitor.text
    shown = re.search(r'<textarea id="f-lines".*?>\n(.*?)</textarea>', visitor.page, re.DOTALL)
    assert shown
    config = read_config(tmp_path / "channels.toml", unescape(shown[1]))
    assert config.name == "Ville de Saint-Martin"
    assert list(config.channels) == ["telegram"]
    assert list(tmp_path.iterdir()) == [], "nothing is written"


async def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(visitor):
    await visitor.send("station", "save", name="Ville", sender="zwei worte", timezone="Mars/Base")

    assert visitor.status == 422
    assert 'href="#f-sender"' in visitor.page
    assert re.search(r'id="f-timezone"[^>]*value="Mars/Base"[^>]*aria-invalid="true"', visitor.page)
    assert "'Mars/Base' is no time zone" in visitor.text


@pytest.mark.parametrize(
    ("kind", "typed", "account"),
    [
        ("twitter", {key.lower()[2:]: key for key in SECRETS if key.startswith("X_")}, "@tocsin_sandbox, 1850 people"),
        ("facebook", {"page_id": "1234567890", "token": "FACEBOOK_TOKEN"}, "Sandbox page 1234567890, 2140 people"),
        ("webhook", {"url": "https://town.example/webhook/in", "secret": "WEBHOOK_SECRET"}, "Tocsin sandbox."),
    ],
)
async def test_each_kind_is_tested_for_real_and_nothing_is_published(visitor, sandbox, kind, typed, account):
    await visitor.send("station", "save", **STATION)
    await add(visitor, kind, sandbox, "here", public="true", **typed)

    await visitor.send("channels", "test:here")

    assert f"Speaks as {account}" in visitor.text
    assert await timeline(sandbox, visitor, kind) == []


async def test_a_credential_that_does_not_work_is_told_with_the_fix(visitor, sandbox, monkeypatch):
    await visitor.send("station", "save", **STATION)
    await add(visitor, "facebook", sandbox, "page", page_id="1234567890", token="FACEBOOK_TOKEN", public="true")
    monkeypatch.setenv("FACEBOOK_TOKEN", "expired")

    await visitor.send("channels", "test:page")

    assert "The test failed" in visitor.text
    assert "Facebook refuses the Page's token" in visitor.text


async def test_each_channel_keeps_the_result_of_its_test_until_it_is_changed(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    for name, chat in (("one", "@first_alerts"), ("two", "@second_alerts")):
        await add(visitor, "telegram", sandbox, name, chat=chat, token="TELEGRAM_TOKEN", public="true")
    for name in ("one", "two"):
        await visitor.send("channels", f"test:{name}")
    assert visitor.text.count("The test succeeded") == 2

    visitor.lines = visitor.lines.replace("@second_alerts", "@third_alerts")
    await visitor.send("channels")
    assert visitor.text.count("The test succeeded") == 1


async def test_a_test_post_of_telegram_goes_to_the_private_chat_that_is_named(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    await add(visitor, "telegram", sandbox, "telegram", chat="@saintmartin", token="TELEGRAM_TOKEN", public="true")

    for refused in ("@saintmartin", "@another_one", "", "-100123\n@saintmartin"):
        await visitor.send("channels", "show:telegram", chat=refused)
        assert "The test failed" in visitor.text
    assert await timeline(sandbox, visitor, "telegram") == []
    await visitor.send("channels", "show:telegram", chat="-1001234567890")

    [post] = await timeline(sandbox, visitor, "telegram")
    assert (post["channel"], post["text"]) == (
        "-1001234567890",
        "Ville de Saint-Martin: a test of Tocsin. No reader sees this.",
    )


async def test_a_chat_that_the_public_reads_is_refused_by_its_number_too(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    await add(visitor, "telegram", sandbox, "telegram", chat="-1005555555555", token="TELEGRAM_TOKEN", public="true")

    await visitor.send("channels", "show:telegram", chat="-1005555555555")

    assert "that chat is read by the public" in visitor.text
    assert await timeline(sandbox, visitor, "telegram") == []


async def test_a_test_post_of_facebook_is_unpublished(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    await add(visitor, "facebook", sandbox, "page", page_id="1234567890", token="FACEBOOK_TOKEN", public="true")

    await visitor.send("channels", "show:page")

    [post] = await timeline(sandbox, visitor, "facebook")
    assert post["kind"] == "hidden"
    assert post["url"].partition("/posts/")[2] in visitor.page or post["id"] in visitor.page


async def test_x_has_no_hidden_posts_and_says_so(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    keys = {key.lower()[2:]: key for key in SECRETS if key.startswith("X_")}
    await add(visitor, "twitter", sandbox, "x", public="true", **keys)
    assert "X has no hidden posts" in visitor.text

    await visitor.send("channels", "show:x")

    assert "no place where nobody sees a test post" in visitor.text
    assert await timeline(sandbox, visitor, "twitter") == []


async def test_a_secret_typed_in_by_mistake_is_kept_nowhere(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    secret = SECRETS["TELEGRAM_TOKEN"]

    typed = {"key.chat": "@town_alerts", "key.token": secret}
    await visitor.send("channels", "save:", kind="telegram", name="t", **typed)

    assert visitor.status == 422
    assert "The secret itself never goes here" in visitor.text
    assert secret not in visitor.page
    assert secret not in visitor.lines


@pytest.mark.parametrize(
    ("areas", "publish", "shown"),
    [
        ("", "auto", ["1 would go out, 0 would wait, 0 would be left out.", "accepted Severe Orages", "Its post"]),
        ("", "approve", ["0 would go out, 1 would wait", "waiting for validation Severe Orages", "Its post"]),
        ("INSEE:13055", "auto", ["0 would wait, 1 would be left out.", "left out Severe Orages", "area"]),
    ],
)
async def test_a_source_shows_what_it_would_have_brought_today(visitor, tmp_path, areas, publish, shown):
    storm(tmp_path)
    await visitor.send("station", "save", **(STATION | {"areas": areas}))
    telegram = {"key.chat": "@saintmartin", "key.token": "TELEGRAM_TOKEN", "key.public": "true"}
    await visitor.send("channels", "save:", kind="telegram", name="telegram", **telegram)
    await visitor.send(
        "sources", "save:", kind="cap", name="meteo", **{"key.url": "orages.xml", "key.publish": publish}
    )

    await visitor.send("sources", "test:meteo")

    assert [each for each in shown if each not in visitor.text] == []
    assert ('<figure class="screen chat telegram">' in visitor.page) is (not areas), "as the form shows it"
    assert [each.name for each in tmp_path.iterdir()] == ["orages.xml"], "nothing is kept"


async def test_a_source_that_can_not_be_read_says_why(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    await add(visitor, "telegram", sandbox, "telegram", chat="@saintmartin", token="TELEGRAM_TOKEN", public="true")
    await visitor.send("sources", "save:", kind="cap", name="meteo", **{"key.url": "nothing-here.xml"})

    await visitor.send("sources", "test:meteo")

    assert "It can’t be read" in visitor.text
    assert "nothing-here.xml" in visitor.text


async def test_a_channel_is_changed_renamed_and_removed(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    await add(visitor, "telegram", sandbox, "telegram", chat="@saintmartin", token="TELEGRAM_TOKEN", public="true")
    await visitor.send("channels", "edit:telegram")
    assert 'value="@saintmartin"' in visitor.page

    assert f'value="{sandbox.url}"' in visitor.page
    visitor.lines = visitor.lines.replace("[channels.telegram]\n", "[channels.telegram]\nreserve = 3\n")
    new = {"key.chat": "-1001", "key.token": "TELEGRAM_TOKEN", "key.exercise": "true", "key.public": "true"}
    await visitor.send("channels", "save:telegram", kind="telegram", name="exercices", **new)
    assert "[channels.exercices]" in visitor.lines
    assert "[channels.telegram]" not in visitor.lines
    assert "reserve = 3" in visitor.lines, "what the form doesn't ask for stays"
    assert "api_url" not in visitor.lines, "what was left empty in it goes"
    await visitor.send("channels", "remove:exercices")

    assert "channels" not in visitor.lines


@in_one_test
@pytest.mark.parametrize("name", ["", "Großstadt", "a b", "x.y", '"]\n[store]\nurl="sqlite:///x'])
async def test_a_name_that_can_be_none_is_refused(visitor, name):
    await visitor.send("channels", "save:", kind="telegram", name=name, **{"key.chat": "@town_alerts"})

    assert visitor.status == 422
    assert visitor.lines == ""


ODD = ["[station", 'station = 1\nchannels = "x"', "[channels]\nx = 1", "[channels.x]\nkind = 4", "[station]\nareas = 7"]


@in_one_test
@pytest.mark.parametrize("lines", ODD)
async def test_whatever_the_lines_say_every_step_is_a_page(visitor, lines):
    for step in ("station", "channels", "sources", "accounts", "lines"):
        visitor.lines = lines
        await visitor.send(step)
        assert visitor.status == 200


async def test_what_x_asks_of_town_halls_is_told_before_its_secrets_are(visitor):
    await visitor.send("station", "save", **STATION)
    await visitor.send("channels", "add", kind="twitter")
    assert "apply as a Public Utility App" in visitor.text
    await visitor.send("channels", "add", kind="telegram")
    assert "Public Utility App" not in visitor.text


async def test_it_ends_with_a_file_an_account_an_exercise_and_a_green_list(visitor, sandbox, tmp_path):
    """As a newcomer would, with the sandbox: its address is asked for like anything else."""
    await visitor.send("station", "save", **STATION)
    await visitor.send("ready")
    assert "Not ready yet" in visitor.text
    here = {"key.api_url": sandbox.url, "key.token": "TELEGRAM_TOKEN"}
    for preset, name, chat in (
        ("", "telegram", "@saintmartin"),
        ("team", "equipe", "-1009"),
        ("exercise", "jeu", "-1008"),
    ):
        if preset:
            await visitor.send("duty", f"save:{preset}")
        else:
            await visitor.send("channels", "add", kind="telegram")
        marks = {"": {"key.public": "true"}, "team": {}, "exercise": {"key.public": "true", "key.exercise": "true"}}[
            preset
        ]
        assert ('name="key.exercise" value="true" checked' in visitor.page) == (preset == "exercise")
        typed = {"kind": "telegram", "name": name, "key.chat": chat, "preset": preset, **here, **marks}
        await visitor.send("channels", "save:", **typed)
        assert visitor.status == 200, visitor.text
        assert ('id="duty-form"' in visitor.page) is bool(preset), "whoever came from there goes back there"
        assert ('name="told.equipe" value="true" checked' in visitor.page) is (preset == "team")
    await visitor.send("duty", "save", manual="approve", **{"told.equipe": "true"})
    assert "Exercises go to: jeu" in visitor.text

    await visitor.send("lines", "write")
    assert str(tmp_path / "channels.toml") in visitor.text
    assert (tmp_path / "channels.toml").read_text() == visitor.lines
    config = load_config(tmp_path / "channels.toml")
    assert (config.notify.channels, config.channels["jeu"].exercise) == (("equipe",), True)
    assert config.channels["jeu"].settings.api_url == sandbox.url

    await visitor.send("accounts", "add-person", person="Camille Roy")
    password = re.search(r'<code class="code">([a-z0-9-]+)</code>', visitor.page)[1]
    [account] = Control(config).ask(lambda unit: list(unit.accounts.accounts()))
    assert (account.name, account.role, account.must_change) == ("Camille Roy", Role.ADMINISTRATOR, True)
    assert Passwords()._verify(account.password, password).right
    await visitor.send("accounts", "add-person", person="Sam Blanc", role="author")
    await visitor.send("ready")
    assert password not in visitor.page
    assert open_needs(visitor) == [
        "The public address is set",
        "Each channel answered its test, those of the team and for exercises too",
    ]
    await visitor.send("ready", "try")
    await visitor.send("station", "save", **STATION, public_url="https://alertes.saint-martin.example")
    await visitor.send("lines", "write")
    await visitor.send("ready")
    assert open_needs(visitor) == ["The web server before it is named"]
    await visitor.send("station", "save", **STATION, **ONLINE)
    await visitor.send("lines", "write")
    await visitor.send("ready")
    assert open_needs(visitor) == []
    assert "Ready Everything needed for the first emergency is there, and answered here." in visitor.text
    await visitor.send("ready", "exercise")
    assert "The exercise is out" in visitor.text
    posts = await timeline(sandbox, visitor, "telegram")
    assert [(each["channel"], each["text"]) for each in posts] == [
        ("-1008", "EXERCISE – a test of Tocsin. Nothing has happened.")
    ]


def open_needs(visitor) -> list[str]:
    """What is needed and missing, up to its first mark of punctuation."""
    found = re.findall(r'class="mark open".*?<span>([^<:.]*)', visitor.page, re.DOTALL)
    assert ("Not ready yet" in visitor.text) is bool(found)
    return [each.strip() for each in found]


async def test_what_is_refused_is_kept_nowhere_and_a_relay_has_no_address_of_the_web(visitor):
    await visitor.send("station", "save", **STATION)
    before = visitor.lines
    await visitor.send("channels", "add", kind="mail")
    assert "api_url" not in visitor.page
    typed = {"key.host": "relais.example", "key.sender": "a@b.example", "key.to": "tous@b.example"}
    await visitor.send("channels", "save:", kind="mail", name="liste", **typed, **{"key.port": "70000"})
    assert visitor.status == 422
    assert visitor.lines == before
    assert 'value="70000"' in visitor.page
    await visitor.send(
        "channels", "save:", kind="mail", name="liste", **typed, **{"key.port": "465", "key.tls": "implicit"}
    )
    assert 'port = 465\ntls = "implicit"' in visitor.lines


async def test_a_source_is_tried_by_itself_whatever_is_wrong_elsewhere(visitor, tmp_path):
    storm(tmp_path)
    await visitor.send("station", "save", **STATION)
    await visitor.send("sources", "save:", kind="cap", name="meteo", **{"key.url": "orages.xml"})
    await visitor.send("sources", "test:meteo")
    assert "1 would be left out" in visitor.text, "there is no channel yet"
    visitor.lines += (
        '\n[channels.liste]\nkind = "mail"\napi_url = "https://relais.example"\n\n[push]\nsubject = "nobody"\n'
    )
    await visitor.send("sources", "test:meteo")
    assert "1 would be left out" in visitor.text


async def test_every_key_that_is_asked_for_has_words_of_its_own():
    terms = Environment(loader=FileSystemLoader(PAGES), autoescape=True).get_template("setup_terms.j2")
    said = terms.make_module({"_": words_of("en").gettext}).said
    for sheet in (*channel_forms(), *source_forms()):
        for key in sheet.keys:
            for name in (key.name, *key.options):
                assert said(f"{sheet.name}.{name}" if name == key.name else f"{key.name}.{name}") != name, (sheet, name)


async def test_beside_the_service_its_secrets_are_looked_for_where_the_unit_is_handed_them(
    visitor, monkeypatch, tmp_path
):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    handed = re.findall(r"^LoadCredential=([\w-]+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    for sheet in (*channel_forms(), *source_forms()):
        for key in sheet.keys:
            if key.secret and key.needed:
                assert usual_secret(sheet.name, key)["file"] in handed, (sheet.name, key.name)
    await visitor.send("channels", "add", kind="telegram")
    assert '<option value="file" selected>' in visitor.page
    assert 'value="telegram-token"' in visitor.page
    await visitor.send("channels", "add", kind="facebook")
    assert "None" not in visitor.page, "what may be left out is left out"


async def test_where_a_source_has_no_address_its_card_says_what_it_is_of(visitor):
    await visitor.send("station", "save", **STATION)
    keys = {"key.department": "38", "key.key": "METEO_KEY"}
    await visitor.send("sources", "save:", kind="vigilance", name="meteo", **keys)
    assert "Department: 38" in visitor.text
    await visitor.send("sources", "save:", kind="vigicrues", name="crues", **{"key.sections": "GA6, TL3"})
    assert "Sections of rivers, by their codes: GA6, TL3" in visitor.text
    assert 'sections = ["GA6", "TL3"]' in visitor.lines
    assert "None" not in visitor.text


async def test_how_residents_are_told_and_may_speak(visitor, sandbox, tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    await visitor.send("station", "save", **STATION, **ONLINE)
    await add(visitor, "telegram", sandbox, "telegram", chat="@saintmartin", token="TELEGRAM_TOKEN", public="true")
    before = visitor.lines
    typed = {"push": "true", "reports": "true", "prefix": "sm", "hears.telegram": "true", "hours": "08:00-19:00"}
    await visitor.send("people", "save", **typed, subject="nobody")
    assert (visitor.status, visitor.lines) == (422, before)
    assert 'value="08:00-19:00"' in visitor.page
    await visitor.send("people", "save", **typed, subject="mailto:mairie@saint-martin.example")
    await visitor.send("lines", "write")
    town = load_config(tmp_path / "channels.toml")
    assert (town.reports.prefix, town.listening.hours, list(town.hearing)) == ("SM", "08:00-19:00", ["telegram"])
    key = tmp_path / "push-key"
    assert (key.stat().st_mode & 0o777, "PRIVATE KEY" in key.read_text()) == (0o600, True)
    made = key.read_text()
    await visitor.send("lines", "write")
    assert key.read_text() == made, "with another key nobody who subscribed is reached any more"
    key.unlink()
    await visitor.send("ready")
    [unread] = re.findall(r"Every secret can be read here.*?</li>.*?</li>", visitor.page, re.DOTALL)
    assert "push.key" in unread
    assert 'action="/desk/setup/people"' in unread, "where it is set"
    await visitor.send("lines", "write")
    await visitor.send("people", "save", reports="true")
    assert read_config(tmp_path / "channels.toml", visitor.lines).reports is not None, "its prefix may be left out"
    await visitor.send("people", "save")
    assert all(f"[{table}]" not in visitor.lines for table in ("push", "reports"))
    assert "hears" not in visitor.lines
    await visitor.send("people", "save:letters", reports="true")
    assert 'name="key.subscriptions" value="true" checked' in visitor.page
    assert "[reports]" in visitor.lines, "the ticks of the step that it was begun from are kept"


async def test_what_a_step_was_told_is_kept_by_the_button_that_goes_on(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    await visitor.send("people")
    assert 'value="save:duty"' in visitor.page
    await visitor.send("people", "save:duty", reports="true")
    assert "[reports]" in visitor.lines
    assert 'id="duty-form"' in visitor.page
    await visitor.send("duty", "save:lines", manual="approve")
    assert 'publish = "approve"' in visitor.lines
    assert 'id="f-lines"' in visitor.page


async def test_those_on_call_are_offered_channels_that_the_public_does_not_read(visitor, sandbox):
    await visitor.send("station", "save", **STATION)
    await add(visitor, "telegram", sandbox, "telegram", chat="@saintmartin", token="TELEGRAM_TOKEN", public="true")
    await add(visitor, "telegram", sandbox, "equipe", chat="-1009", token="TELEGRAM_TOKEN")
    await visitor.send("duty")
    assert re.findall(r'name="told\.([a-z]+)"', visitor.page) == ["equipe"]
    before = visitor.lines
    typed = {"told.equipe": "true", "heartbeat": "not an address", "manual": "approve"}
    await visitor.send("duty", "save:lines", **typed)
    assert (visitor.status, visitor.lines) == (422, before)
    kept = ('name="told.equipe" value="true" checked', 'value="not an address"', '<option value="approve" selected>')
    assert all(each in visitor.page for each in kept), "what was typed stands in the form that was refused"


async def test_a_new_entry_has_a_name_that_none_has_and_its_secrets_where_they_usually_are(
    visitor, sandbox, tmp_path, monkeypatch
):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "quartiers.geojson").touch()
    assert '<option value="quartiers.geojson">' in await visitor.get("/desk/setup/station")
    await visitor.send("station", "save", **STATION)
    await add(visitor, "telegram", sandbox, "telegram", chat="@saintmartin", token="TELEGRAM_TOKEN")
    await visitor.send("channels", "add", kind="telegram")
    assert 'name="name" type="text" value="telegram-2"' in visitor.page
    assert 'value="TELEGRAM_TOKEN"' in visitor.page
    monkeypatch.delenv("TELEGRAM_TOKEN")
    await visitor.send("channels", "add", kind="telegram")
    assert 'value="TELEGRAM_TOKEN"' not in visitor.page
    assert "For example Travaux" in await visitor.send("sources", "add", kind="rss")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_what_root_adds_an_account_to_belongs_to_whom_the_folder_belongs(visitor, tmp_path):
    (tmp_path / "kept").mkdir()
    os.chown(tmp_path / "kept", 990, 991)
    await visitor.send("station", "save", **STATION, store=f"sqlite:///{tmp_path}/kept/tocsin.db")
    keys = {"key.chat": "@saintmartin", "key.token": "TELEGRAM_TOKEN"}
    await visitor.send("channels", "save:", kind="telegram", name="telegram", **keys)
    await visitor.send("lines", "write")
    await visitor.send("accounts", "add-person", person="Camille Roy")
    assert {(each.stat().st_uid, each.stat().st_gid) for each in (tmp_path / "kept").iterdir()} == {(990, 991)}


async def test_the_lines_can_be_downloaded_and_what_was_there_is_kept_beside_what_is_written(visitor, tmp_path):
    await visitor.send("station", "save", **STATION)
    await visitor.send("lines", "download")
    assert visitor.headers["Content-Disposition"] == 'attachment; filename="channels.toml"'
    assert visitor.page.startswith("[station]\nname = ")
    assert list(tmp_path.iterdir()) == [], "nothing is written before it is asked for"


async def test_lines_that_are_wrong_are_not_written_and_an_account_waits_for_them(visitor, tmp_path):
    await visitor.send("lines", "write", lines="[station]\nname = 1\n")
    assert list(tmp_path.iterdir()) == []
    await visitor.send("accounts", "add-person", person="Camille")
    assert "save the lines first" in visitor.text


async def test_the_file_before_is_kept(visitor, tmp_path):
    (tmp_path / "channels.toml").write_text("# mine\n")
    await visitor.send("station", "save", **STATION)
    await visitor.send(
        "channels", "save:", kind="telegram", name="t", **{"key.chat": "@saintmartin", "key.token": "TELEGRAM_TOKEN"}
    )
    await visitor.send("lines", "write")
    assert "Written" in visitor.text
    assert (tmp_path / "channels.toml.before").read_text() == "# mine\n"
    assert (tmp_path / "channels.toml").read_text() == visitor.lines


@in_one_test
@pytest.mark.parametrize(
    ("roles", "possible"),
    [
        ([Role.ADMINISTRATOR], False),
        ([Role.ADMINISTRATOR, Role.VIEWER], False),
        ([Role.AUTHOR, Role.AUTHOR], False),
        ([Role.ADMINISTRATOR, Role.AUTHOR], True),
    ],
)
async def test_whether_what_one_writes_another_can_validate(roles, possible):
    assert four_eyes(roles) is possible


async def test_the_accounts_step_tells_who_there_is(visitor):
    await visitor.send("station", "save", **STATION)
    keys = {"key.chat": "@saintmartin", "key.token": "TELEGRAM_TOKEN"}
    await visitor.send("channels", "save:", kind="telegram", name="telegram", **keys)
    await visitor.send("lines", "write")
    await visitor.send("accounts", "add-person", person="Camille Roy")
    await visitor.send("accounts")
    assert "Camille Roy" in visitor.text
    assert "Validation by a second person is not possible yet." in visitor.text
