"""Composing over HTTP: few actions, nothing typed is lost, nothing goes out twice, an exercise stays one."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from alerts.model.alert import Status
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.incident import AlertState
from alerts.model.person import Role
from tests.unit.web.console.composing import PNG, START, a_form, form_of, open_bench, posted, preview, with_fields

CONFIRM = 'class="confirm-form"'


@pytest.fixture
async def bench(tmp_path):
    async with open_bench(tmp_path) as opened:
        yield opened


async def test_four_actions_from_opening_the_page_to_the_alert_being_stored(bench):
    page = await bench.get("/compose")
    hazard = re.search(r'href="/desk(/compose\?hazard=water-quality[^"]*)"', page)[1].replace("&amp;", "&")
    form = form_of(await bench.get(hazard))  # 1: the hazard
    form = with_fields(form, area=["SM-01"])  # 2: where
    confirmation = await bench.post("/compose", with_fields(form, do="publish"), 200)  # 3: the button
    address = await bench.post("/compose/confirm", form_of(confirmation, CONFIRM))  # 4: what was read

    [stored] = await bench.stored_alerts()
    info = stored.alert.infos[0]
    assert address == f"/desk/alerts/{stored.id}"
    assert (info.headline, str(info.severity)) == ("Eau du robinet non potable", "Severe")
    assert [area.description for area in info.areas] == ["Centre-Bourg"]
    assert info.expires == START + timedelta(hours=24)
    assert hazard_of(info) is Hazard.WATER_QUALITY
    assert stored.author == "Anne"
    assert {post.channel for post in await bench.posts(stored.id)} == {"x", "page", "telegram"}


async def test_what_is_wrong_is_told_of_the_field_and_not_of_a_commands_option(bench):
    where = await bench.post("/compose", await a_form(bench, "gas", do="publish"), 422)
    what = await bench.post("/compose", await a_form(bench, headline="é" * 5000, do="publish"), 422)

    assert "“Where” is missing: this order says for whom it is" in where
    assert "“Headline” has 5,000 characters; allowed: up to 1,000" in what
    assert not re.search(r"--[a-z]+ (is|has) ", where + what)


async def test_what_is_not_grave_is_stored_at_the_button(bench):
    address = await bench.post("/compose", await a_form(bench, do="publish"))

    [stored] = await bench.stored_alerts()
    assert address.endswith(stored.id)
    assert await bench.drafts() == [], "posting consumes the draft"
    [line] = await bench.service.ask(lambda unit: unit.audit.newest())
    assert (line.entry.actor, line.entry.act, line.entry.origin) == ("Anne", "post", "console")


async def test_the_confirmation_names_what_where_until_when_and_its_button_says_it_again(bench):
    page = await bench.post("/compose", await a_form(bench, "flood", area=["SM-01"], span="6h", do="publish"), 200)

    button = re.search(r'id="confirm">([^<]*)<', page)[1]
    assert button == "Publish “Crue, l’eau monte” in Centre-Bourg until 09:00 on 3 channels"
    assert "X account, Facebook Page, Telegram channel" in page
    assert await bench.stored_alerts() == [], "nothing is stored before it was read"


async def test_what_was_read_is_what_goes_out(bench):
    form = await a_form(bench, "flood", span="6h")
    read = form_of(await bench.post("/compose", with_fields(form, do="publish"), 200), CONFIRM)
    await bench.post("/compose", with_fields(form, headline="Tout autre chose", revision="5", do="save"), 200)

    again = await bench.post("/compose/confirm", read, 200)

    assert "It is no longer what you read." in again
    assert "Tout autre chose" in again
    assert await bench.stored_alerts() == []
    bench.clock.set(START + timedelta(minutes=20))
    await bench.post("/compose/confirm", form_of(again, CONFIRM))
    [stored] = await bench.stored_alerts()
    assert stored.alert.infos[0].headline == "Tout autre chose"
    assert stored.alert.infos[0].expires == START + timedelta(hours=6), "the time that was read, not the span from now"


async def test_a_second_press_shows_the_alert_that_came_of_it(bench):
    form = await a_form(bench, do="publish")

    addresses = await asyncio.gather(*(bench.post("/compose", form) for _ in range(5)))
    late = await bench.post("/compose", with_fields(form, headline="Changed", revision="9"))
    shown = dict(form)["draft"]

    assert len({*addresses, late}) == 1
    assert len(await bench.stored_alerts()) == 1
    async with bench.client.get(f"/desk/compose?draft={shown}", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, addresses[0])


async def test_a_second_confirmation_shows_the_alert_that_came_of_it(bench):
    read = form_of(await bench.post("/compose", await a_form(bench, "flood", do="publish"), 200), CONFIRM)

    addresses = await asyncio.gather(*(bench.post("/compose/confirm", read) for _ in range(4)))

    assert len(set(addresses)) == 1
    assert len(await bench.stored_alerts()) == 1


async def test_the_same_words_from_another_form_are_asked_about(bench):
    first = await bench.post("/compose", await a_form(bench, do="publish"))

    asked = await bench.post("/compose", await a_form(bench, do="publish"), 200)

    assert first in asked
    assert "The same words were published a moment ago." in asked
    assert len(await bench.stored_alerts()) == 1
    await bench.post("/compose", with_fields(form_of(asked), again="1", do="publish"))
    assert len(await bench.stored_alerts()) == 2


async def test_what_nobody_would_get_is_refused_and_kept(bench):
    form = await a_form(bench, polygon="48.1,2.1 48.1,2.2 48.2,2.2", place="Paris", do="publish")

    page = await bench.post("/compose", form, 422)

    assert "Outside our areas: Paris." in page
    assert len(await bench.drafts()) == 1
    assert await bench.stored_alerts() == []


async def test_who_may_not_post_may_not_compose(bench):
    bench.role = Role.VIEWER

    await bench.get("/compose", 403)
    await bench.get("/compose/draft?draft=draft0001", 403)
    for address in ("/compose", "/compose/confirm", "/compose/discard"):
        await bench.post(address, {"draft": "draft0001", "headline": "x", "do": "publish"}, 403)
    for address in ("/compose/preview", "/compose/draft"):
        said = {"draft": "draft0001", "revision": 1, "fields": {"headline": "x"}}
        async with bench.client.post(f"/desk{address}", json=said) as answer:
            assert answer.status == 403
    async with bench.client.post("/desk/compose/picture", data=PNG) as answer:
        assert answer.status == 403
    assert await bench.stored_alerts() == []


async def test_each_channel_s_post_stands_beside_as_it_is_typed(bench):
    seen = await preview(bench, description="Très long. " * 60, instruction="Partez.", area=["SM-01"])

    assert seen["does"] == "Publish on 3 channels"
    assert seen["until"] == "Until 06:00"
    assert seen["grave"]
    html = seen["html"]
    assert re.search(r"\d+/280", html)
    assert re.search(r"\d+/4096", html)
    assert "Shortened or left out: the description" in html
    assert "It takes exercises, and nothing else." in html
    assert "It is internal: no alert goes there." in html
    assert await bench.stored_alerts() == await bench.drafts() == []


async def test_the_button_says_how_many_it_reaches_and_whether_somebody_validates(bench, tmp_path):
    followers = {"x": 1800, "page": 2100, "telegram": None, "exercices": 12, "equipe": None}
    bench.service.channels = lambda: _told([{"channel": name, "followers": n} for name, n in followers.items()])

    assert (await preview(bench))["does"] == "Publish on 3 channels, about 3,900 followers"
    assert (await preview(bench, channel=["telegram"]))["does"] == "Publish on 1 channel"
    assert (await preview(bench, exercise="1"))["does"] == "Publish the EXERCISE on 1 exercise channel"
    (tmp_path / "validated").mkdir()
    async with open_bench(tmp_path / "validated", publish="approve") as strict:
        assert (await preview(strict))["does"] == "Send for validation: 3 channels"
        await strict.post("/compose", await a_form(strict, do="publish"))
        [stored] = await strict.stored_alerts()
        assert stored.state is AlertState.WAITING


async def _told(standings):
    return standings


async def test_another_severity_brings_its_own_order(bench):
    form = await a_form(bench, "flood", severity="Extreme")
    lesser, order = dict(form)["instruction"], "Montez à l’étage."

    seen = await preview(bench, hazard="flood", severity="Extreme", instruction=lesser)
    assert seen["fields"]["instruction"].startswith(order), "a script puts it into the form"
    assert order in seen["html"]
    assert lesser not in seen["html"]
    assert (await preview(bench, hazard="flood", severity="Extreme", instruction="Partez."))["fields"] == {}

    kept = form_of(await bench.post("/compose", with_fields(form, do="save"), 200))
    assert dict(kept)["instruction"].startswith(order)
    read = await bench.post("/compose", with_fields(form, draft="draft0002", do="publish"), 200)
    assert order in read
    await bench.post("/compose/confirm", form_of(read, CONFIRM))
    [stored] = await bench.stored_alerts()
    assert stored.alert.infos[0].instruction.startswith(order)


async def test_an_update_to_another_severity_brings_its_own_order_too(bench):
    read = await bench.post("/compose", await a_form(bench, "flood", do="publish"), 200)
    address = await bench.post("/compose/confirm", form_of(read, CONFIRM))
    form = form_of(await bench.get(f"/compose?update={address.rpartition('/')[2]}"))

    read = await bench.post("/compose", with_fields(form, severity="Extreme", do="publish"), 200)

    assert "Montez à l’étage." in read


async def test_the_order_of_another_severity_is_among_the_things_to_look_at(bench):
    """What isn't grave goes out at the button; a draft that an older page kept may hold such an order too."""
    form = await a_form(bench, "flood")
    fields = {**dict(form), "severity": "Extreme"}
    told = {"draft": "draft0003", "revision": 1, "fields": fields}
    assert "revision" in await bench.json("/compose/draft", told)

    page = await bench.get("/compose?draft=draft0003")

    assert "This instruction is the one for another case. For this one: “Montez à l’étage." in page


async def test_why_a_channel_gets_nothing_is_told(bench):
    seen = await preview(bench, severity="Minor")

    assert "It takes what is “Moderate” or worse." in seen["html"]
    assert seen["does"] == "Publish on 2 channels"
    assert "not among the channels that were chosen" in (await preview(bench, channel=["page"]))["html"]


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_markup_is_never_more_than_text(bench, language):
    bench.language = language
    evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}"
    names = ("headline", "description", "instruction", "event", "place", "polygon", "circle", "onset", "expires", "web",
             "alt", "severity", "urgency", "category", "certainty", "span", "hazard", "picture")  # fmt: skip
    fields = {name: f"{evil}{name}" for name in names}
    form = {**fields, "draft": "draft0001", "revision": "1", "area": evil, "channel": evil, "do": "save"}

    pages = [await bench.post("/compose", form, 200), await bench.get("/compose")]
    good = {
        "headline": evil,
        "description": evil,
        "instruction": evil,
        "place": evil,
        "event": evil,
        "web": "https://x/" + "'<b>",
    }
    pages.append((await bench.json("/compose/preview", {"fields": good, "draft": "draft0002"}))["html"])
    pages.append((await bench.json("/compose/preview", {"fields": fields, "draft": "draft0002"}))["html"])
    filled_in = {name: text.replace("{{7*7}}", "") for name, text in good.items()}
    grave = {**filled_in, "severity": "Extreme", "draft": "draft0003", "revision": "1", "do": "publish"}
    pages.append(await bench.post("/compose", grave, 200))

    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in re.findall(r"alert\(1\)&gt;.{0,12}", page)
    assert "&lt;script&gt;alert(1)" in pages[0]
    assert "&lt;script&gt;alert(1)" in pages[-1]


async def test_a_post_s_own_signs_are_shown_as_they_are(bench):
    seen = await preview(bench, headline="Débit < 5 & plus", instruction="Restez < 5 m & loin.")

    assert seen["html"].count("Débit &lt; 5 &amp; plus") >= 4, "the checklist and three posts"
    assert "Débit < 5" not in seen["html"]
    assert seen["html"].count("Restez &lt; 5 m &amp; loin.") >= 4


async def test_an_exercise_has_its_own_address_button_and_word(bench):
    page = await bench.get("/compose?hazard=flood&exercise=1")
    form = form_of(page)

    assert 'class="exercise"' in page
    assert 'action="/desk/compose?exercise=1"' in page
    assert "Publish the EXERCISE on 1 exercise channel" in page
    asked = await bench.post("/compose?exercise=1", with_fields(form, do="publish"), 200)
    assert 'class="exercise"' in asked
    assert "EXERCISE" in re.search(r'id="confirm">([^<]*)<', asked)[1]
    await bench.post("/compose/confirm?exercise=1", form_of(asked, CONFIRM))

    [stored] = await bench.stored_alerts()
    [post] = await bench.posts(stored.id)
    assert stored.alert.status is Status.EXERCISE
    assert (post.channel, post.exercise) == ("exercices", True)
    assert post.message.plain.startswith("EXERCICE")


@pytest.mark.parametrize("channel", ["x", "page", "telegram", "equipe"])
async def test_an_exercise_never_reaches_a_live_channel(bench, channel):
    form = await a_form(bench, exercise="1", channel=[channel, "exercices"], do="publish")

    await bench.post("/compose?exercise=1", form, 422)
    await bench.post("/compose", form, 422)

    assert await bench.stored_alerts() == []


async def test_either_sign_of_an_exercise_makes_it_one(bench):
    form = await a_form(bench, exercise="", do="publish")

    await bench.post("/compose?exercise=1", form)

    [stored] = await bench.stored_alerts()
    assert stored.alert.status is Status.EXERCISE


async def test_an_update_starts_from_the_alert_and_tells_what_differs(bench):
    first = await posted(bench, area=["SM-01"])
    page = await bench.get(f"/compose?update={first}")

    assert "Publish" in page
    assert ("area", "SM-01") in form_of(page)
    await bench.post("/compose", with_fields(form_of(page), area=["SM-01", "SM-03"], do="publish"))

    old, new = await bench.stored_alerts()
    assert (new.incident_id, str(new.alert.msg_type)) == (old.incident_id, "Update")
    assert [area.description for area in new.alert.areas] == ["Centre-Bourg", "La Gare"]
    assert new.alert.infos[0].expires == old.alert.infos[0].expires
    assert hazard_of(new.alert.infos[0]) is Hazard.WATER_CUT


async def test_an_update_of_nothing_is_refused(bench):
    first = await posted(bench)
    form = form_of(await bench.get(f"/compose?update={first}"))

    assert "nothing is different from the alert yet." in await bench.post("/compose", [*form, ("do", "publish")], 422)
    assert len(await bench.stored_alerts()) == 1


async def test_an_exercise_s_update_is_one(bench):
    form = await a_form(bench, exercise="1", do="publish")
    first = (await bench.post("/compose?exercise=1", form)).rpartition("/")[2]
    page = await bench.get(f"/compose?update={first}")

    assert 'class="exercise"' in page
    await bench.post("/compose", with_fields(form_of(page), exercise="", headline="Suite", do="publish"))
    assert {str(stored.alert.status) for stored in await bench.stored_alerts()} == {"Exercise"}


async def test_the_districts_are_outlines_on_a_map(bench):
    async with bench.client.get("/desk/districts.geojson") as answer:
        assert answer.content_type == "application/geo+json"
        names = [each["properties"]["name"] for each in (await answer.json())["features"]]
    assert names[:2] == ["Centre-Bourg", "Les Tanneries"]


async def test_a_page_holds_no_script_or_style_of_its_own(bench):
    for page in (
        await bench.get("/compose"),
        await bench.get("/compose?hazard=flood"),
        await bench.post("/compose", await a_form(bench, "flood", do="publish"), 200),
    ):
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|<style", page)
