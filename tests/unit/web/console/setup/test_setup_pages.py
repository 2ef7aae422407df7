"""Setting up in a browser without scripts: every answer is read as the next form, over real sockets and the sandbox."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from alerts.config import read_config
from tests.unit.web.console.setup.visiting import ROOT, SECRETS, STATION, add, timeline


async def test_the_whole_way_ends_with_lines_that_the_daemon_starts_with(visitor, sandbox, tmp_path):
    await visitor.send("station", "save", **STATION)
    assert "Where your people are" in visitor.text
    await add(visitor, "telegram", sandbox, "telegram", chat="@saintmartin", token="TELEGRAM_TOKEN", public="true")
    await visitor.send("channels", "test:telegram")
    assert "Speaks as @tocsin_sandbox_bot, 312 people follow it" in visitor.text
    await visitor.send("sources")
    await visitor.send("accounts")
    assert "tocsin user add" in visitor.text
    await visitor.send("lines")
    assert "Tocsin would start with these lines." in visitor.text
    shown = re.search(r'<textarea id="f-lines".*?>\n(.*?)</textarea>', visitor.page, re.DOTALL)
    assert shown
    config = read_config(tmp_path / "channels.toml", unescape(shown[1]))
    assert config.station.name == "Ville de Saint-Martin"
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

    assert "no place where a test post is seen by nobody" in visitor.text
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


def storm(folder: Path) -> None:
    """The sample of a warning, as of now."""
    now = datetime.now(UTC)
    sample = (ROOT / "alerts/demo/samples/orages.xml").read_text(encoding="utf-8")
    for name, at in (("{sent}", now - timedelta(hours=1)), ("{expires}", now + timedelta(hours=8)), ("{stamp}", now)):
        sample = sample.replace(name, at.isoformat(timespec="seconds"))
    (folder / "orages.xml").write_text(sample, encoding="utf-8")


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
    await visitor.send("sources", "save:", kind="cap", name="meteo", publish=publish, **{"key.url": "orages.xml"})

    await visitor.send("sources", "test:meteo")

    assert [each for each in shown if each not in visitor.text] == []
    assert ("post-text" in visitor.page) is (not areas)
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

    new = {"key.chat": "-1001", "key.token": "TELEGRAM_TOKEN", "key.exercise": "true", "key.public": "true"}
    await visitor.send("channels", "save:telegram", kind="telegram", name="exercices", **new)
    assert "[channels.exercices]" in visitor.lines
    assert "[channels.telegram]" not in visitor.lines
    assert sandbox.url in visitor.lines, "what the form doesn't ask for stays"
    await visitor.send("channels", "remove:exercices")

    assert "channels" not in visitor.lines


@pytest.mark.parametrize("name", ["", "Großstadt", "a b", "x.y", '"]\n[store]\nurl="sqlite:///x'])
async def test_a_name_that_can_be_none_is_refused(visitor, name):
    await visitor.send("channels", "save:", kind="telegram", name=name, **{"key.chat": "@town_alerts"})

    assert visitor.status == 422
    assert visitor.lines == ""


ODD = ["[station", 'station = 1\nchannels = "x"', "[channels]\nx = 1", "[channels.x]\nkind = 4", "[station]\nareas = 7"]


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
