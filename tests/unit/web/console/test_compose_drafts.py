"""What is typed at the compose page is kept: drafts, pictures, updates that wait; over HTTP, on the real desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import aiohttp
import pytest

from alerts.desk.approve import fingerprint
from alerts.model.incident import SavedDraft
from alerts.web.console.drafts import MOST, fields_of_alert
from tests.unit.web.console.composing import PNG, START, a_form, form_of, open_bench, posted, preview, with_fields
from tests.walls import in_one_test

CONFIRM = 'class="confirm-form"'


@pytest.fixture
async def bench(tmp_path):
    async with open_bench(tmp_path) as opened:
        yield opened


async def test_what_is_wrong_is_shown_as_typed_with_its_error_and_kept(bench):
    form = await a_form(bench, headline="", expires="soonish", description="<b>Rue</b> & place", do="publish")

    page = await bench.post("/compose", form, 422)

    assert 'id="f-headline-error"' in page
    assert 'id="f-expires-error"' in page
    assert ("expires", "soonish") in form_of(page)
    assert ("description", "<b>Rue</b> & place") in form_of(page)
    [kept] = await bench.drafts()
    assert kept.fields["expires"] == "soonish"
    assert await bench.stored_alerts() == []


async def test_a_draft_is_kept_as_typed_and_found_again(bench):
    form = await a_form(bench, headline="", place="Rue de la Gare", area=["SM-01", "SM-03"], do="save")

    await bench.post("/compose", form, 200)
    page = await bench.get(f"/compose?draft={dict(form)['draft']}")
    start = await bench.get("/compose")

    assert [pair for pair in form_of(page) if pair[0] in ("place", "area")] == [
        ("area", "SM-01"), ("area", "SM-03"), ("place", "Rue de la Gare"),
    ]  # fmt: skip
    assert f"draft={dict(form)['draft']}" in start


async def saved(bench, draft, revision, headline, status=200):
    said = {"draft": draft, "revision": revision, "fields": {"headline": headline}}
    return await bench.json("/compose/draft", said, status)


async def headline_of(bench, draft):
    return (await bench.service.ask(lambda unit: unit.drafts.draft(draft))).fields["headline"]


async def test_an_older_page_doesn_t_write_over_a_newer_one(bench):
    await saved(bench, "draft0001", 1, "a")
    await saved(bench, "draft0001", 3, "abc")

    late = await saved(bench, "draft0001", 2, "ab", 409)
    same_number = await saved(bench, "draft0001", 3, "other page", 409)
    repeated = await saved(bench, "draft0001", 3, "abc")

    assert late == same_number == {"revision": 3, "fields": {"headline": "abc"}}
    assert repeated["revision"] == 3
    assert await headline_of(bench, "draft0001") == "abc"


async def test_an_older_form_is_kept_as_a_copy(bench):
    form = await a_form(bench, headline="Old")
    draft = dict(form)["draft"]
    await saved(bench, draft, 7, "New")

    page = await bench.post("/compose", with_fields(form, do="publish"))

    assert await headline_of(bench, draft) == "New"
    [stored] = await bench.stored_alerts()
    assert page.endswith(stored.id)
    assert stored.alert.infos[0].headline == "Old"
    assert [each.id for each in await bench.drafts()] == [draft]


async def test_a_form_without_scripts_may_be_sent_again_and_again(bench):
    page = await bench.get("/compose?hazard=works")
    for word in ("one", "two", "three"):
        page = await bench.post("/compose", with_fields(form_of(page), headline=word, do="save"), 200)
    [kept] = await bench.drafts()

    assert kept.fields["headline"] == "three"


async def test_what_isn_t_a_draft_is_refused(bench):
    for wrong in ({}, {"draft": "x", "revision": 1}, {"draft": "draft0001"}, {"draft": "draft0001", "revision": "1"},
                  {"draft": "draft0001", "revision": 0}, {"draft": "../../../x", "revision": 1}):  # fmt: skip
        await bench.json("/compose/draft", {"fields": {}, **wrong}, 400)
    async with bench.client.post("/desk/compose/draft", data="[]") as answer:
        assert answer.status == 400


async def test_somebody_else_s_draft_is_theirs(bench):
    await saved(bench, "draft0001", 1, "Anne's")
    bench.name = "Bruno"

    await bench.get("/compose?draft=draft0001", 403)
    await bench.post("/compose", {"draft": "draft0001", "headline": "x", "do": "publish"}, 403)
    await bench.post("/compose/confirm", {"draft": "draft0001"}, 403)
    await bench.post("/compose/discard", {"draft": "draft0001"}, 403)
    for address in ("/compose/preview", "/compose/draft"):
        said = {"draft": "draft0001", "revision": 9, "fields": {}}
        async with bench.client.post(f"/desk{address}", json=said) as told:
            assert told.status == 403
    assert await headline_of(bench, "draft0001") == "Anne's"


async def test_a_draft_is_thrown_away(bench):
    await saved(bench, "draft0001", 1, "a")

    assert await bench.post("/compose/discard", {"draft": "draft0001"}) == "/desk/compose"
    assert await bench.drafts() == []


async def test_an_update_that_waits_in_a_draft_still_knows_what_it_is_about(bench):
    first = await posted(bench)
    form = form_of(await bench.get(f"/compose?update={first}"))
    await bench.post("/compose", with_fields(form, headline="L’eau revient à 18 h", do="save"), 200)

    later = form_of(await bench.get(f"/compose?draft={dict(form)['draft']}"))
    seen = await bench.json("/compose/preview", {"draft": dict(form)["draft"], "fields": {"headline": "L’eau revient"}})
    await bench.post("/compose", with_fields(later, do="publish"))

    assert seen["does"] == "Publish the update on 3 channels"
    assert [str(stored.alert.msg_type) for stored in await bench.stored_alerts()] == ["Alert", "Update"]


async def test_an_update_that_was_kept_as_it_came_or_sent_back_is_an_update_again(bench):
    first = await posted(bench)
    came = {**dict(form_of(await bench.get(f"/compose?update={first}"))), "headline": "L’eau revient", "area": "SM-01"}
    draft = SavedDraft("draft0007", "Anne", START, fields={**came, "do": "publish"})
    await bench.service.act(lambda unit: unit.drafts.put_draft(draft))
    await bench.post("/compose", [*form_of(await bench.get("/compose?draft=draft0007")), ("do", "publish")])

    newest = (await bench.stored_alerts())[-1]
    back = SavedDraft("draft0008", "Anne", START, fields=fields_of_alert(newest, bench.station), note="Bruno: où ?")
    await bench.service.act(lambda unit: unit.drafts.put_draft(back))
    form = form_of(await bench.get("/compose?draft=draft0008"))
    await bench.post("/compose", with_fields(form, headline="L’eau est revenue", do="publish"))

    stored_alerts = await bench.stored_alerts()
    assert [str(stored.alert.msg_type) for stored in stored_alerts] == ["Alert", "Update", "Update"]
    assert len({stored.incident_id for stored in stored_alerts}) == 1
    assert [area.description for area in newest.alert.areas] == ["Centre-Bourg"]


async def test_an_approver_s_note_stands_on_top(bench):
    draft = SavedDraft("draft0009", "Anne", START, fields={"headline": "Fuite"}, note="Bruno: <i>rue ?</i>")
    await bench.service.act(lambda unit: unit.drafts.put_draft(draft))

    page = await bench.get("/compose?draft=draft0009")

    assert "Bruno: &lt;i&gt;rue ?&lt;/i&gt;" in page
    assert ("headline", "Fuite") in form_of(page)


async def with_picture(bench, content, name="photo.png", **changes):
    data = aiohttp.FormData()
    for field, value in await a_form(bench, **changes):
        data.add_field(field, value)
    data.add_field("file", BytesIO(content), filename=name, content_type="image/png")
    return data


async def test_a_picture_is_kept_with_the_draft_and_goes_out_with_its_words(bench):
    page = await bench.post(
        "/compose", await with_picture(bench, PNG, alt="La vanne", expires="soonish", do="publish"), 422
    )
    form = form_of(page)
    name = dict(form)["picture"]
    async with bench.client.get(f"/desk/compose/pictures/{name}") as answer:
        assert (await answer.read(), answer.content_type) == (PNG, "image/png")

    await bench.post("/compose", with_fields(form, expires="3h", do="publish"))

    [stored] = await bench.stored_alerts()
    posts = await bench.posts(stored.id)
    assert {post.message.image.alt for post in posts} == {"La vanne"}
    before = fingerprint(stored, posts)
    assert before == fingerprint(stored, posts)
    assert all(name in post.message.image.path for post in posts)


@in_one_test
@pytest.mark.parametrize(
    "content", [b"GIF89a...", b"<svg onload=alert(1)>", PNG + b"\0" * 5 * 1024**2, b"x", b"\xff\xd8\xff"]
)
async def test_what_is_no_picture_is_refused_and_the_form_stays(bench, content):
    page = await bench.post("/compose", await with_picture(bench, content, headline="Fuite", do="publish"), 422)

    assert "Allowed: a JPEG or PNG picture of up to 5 MB." in page
    assert ("headline", "Fuite") in form_of(page)
    assert await bench.stored_alerts() == []
    async with bench.client.post("/desk/compose/picture", data=BytesIO(content)) as answer:
        assert answer.status == 422


async def test_a_picture_that_a_script_sends_is_kept(bench):
    async with bench.client.post("/desk/compose/picture", data=PNG) as answer:
        name = (await answer.json())["name"]

    seen = await preview(bench, picture=name, alt="La vanne")

    assert seen["html"].count(f"/desk/compose/pictures/{name}") == 3
    assert "La vanne" in seen["html"]


async def test_no_name_of_a_picture_leads_to_another_file(bench):
    for name in ("areas.geojson", "..%2Fchannels.toml", f"{'0' * 64}.png"):
        await bench.get(f"/compose/pictures/{name}", 404)
    seen = await preview(bench, picture="/etc/passwd")
    assert set(seen["problems"]) == {"picture"}


async def test_drafts_never_stand_in_the_way_of_a_new_alert(bench):
    await saved(bench, "sentback1", 1, "renvoyé")
    kept = await bench.service.ask(lambda unit: unit.drafts.draft("sentback1"))
    await bench.service.act(lambda unit: unit.drafts.put_draft(replace(kept, note="Précisez.")))
    for number in range(MOST):
        bench.clock.set(bench.clock.now() + timedelta(seconds=1))
        await saved(bench, f"full{number:06}", 1, f"brouillon {number}")

    bench.clock.set(bench.clock.now() + timedelta(seconds=1))
    where = await bench.post("/compose", await a_form(bench, headline="Crue", severity="Moderate", do="publish"))

    assert where.startswith("/desk/alerts/")
    left = {each.id for each in await bench.drafts()}
    assert len(left) == MOST - 1
    assert "sentback1" in left, "somebody else's words go last"
    assert not left & {"full000000", "full000001"}
    assert f"The newest {MOST} are kept, each for 30 days" in await bench.get("/compose")


async def test_what_nobody_goes_on_with_is_thrown_away_after_thirty_days(bench):
    await saved(bench, "old000001", 1, "ancien")
    bench.clock.set(bench.clock.now() + timedelta(days=29))
    await saved(bench, "old000002", 1, "moins ancien")
    bench.clock.set(bench.clock.now() + timedelta(days=2))
    await saved(bench, "new000001", 1, "nouveau")

    assert {each.id for each in await bench.drafts()} == {"old000002", "new000001"}


LONG = "mot " * 5_001


async def test_a_field_that_is_too_long_is_told_beside_it_and_its_words_stay(bench):
    form = await a_form(bench, headline="Trop long", description=LONG, severity="Moderate")

    for do in ("publish", "save"):
        page = await bench.post("/compose", with_fields(form, do=do), 422)
        assert 'id="f-description-error"' in page
        assert "at most 20000 characters" in page
        assert dict(form_of(page))["description"] == LONG
        assert dict(form_of(page))["headline"] == "Trop long"
    assert await bench.stored_alerts() == await bench.drafts() == []


async def test_a_script_is_told_why_nothing_was_saved(bench):
    said = {"draft": "draft0001", "revision": 1, "fields": {"description": LONG}}

    told = await bench.json("/compose/draft", said, 422)

    assert told == {"error": "Not saved: a field holds more than 20000 characters."}
    assert set((await preview(bench, description=LONG))["problems"]) == {"description"}


async def test_the_time_of_saving_is_the_station_s(bench):
    assert (await saved(bench, "draft0001", 1, "Fuite"))["at"] == "03:00"


async def test_an_update_can_take_the_picture_away(bench):
    published = await with_picture(bench, PNG, severity="Moderate", expires="6h", do="publish")
    alert = (await bench.post("/compose", published)).rpartition("/")[2]
    form = form_of(await bench.get(f"/compose?update={alert}"))
    assert dict(form)["picture"]

    page = await bench.post("/compose", with_fields(form, do="no-picture"), 200)
    newer = (await bench.post("/compose", with_fields(form_of(page), do="publish"))).rpartition("/")[2]

    assert newer != alert
    [stored] = [each for each in await bench.stored_alerts() if each.id == newer]
    assert [info.resources for info in stored.alert.infos] == [()]


async def test_an_update_by_an_older_alert_begins_from_the_newest_words(bench):
    first = await posted(bench)
    page = await bench.get(f"/compose?update={first}")
    await bench.post("/compose", with_fields(form_of(page), instruction="Buvez de l’eau en bouteille.", do="publish"))

    again = await bench.get(f"/compose?update={first}")
    assert ("instruction", "Buvez de l’eau en bouteille.") in form_of(again)
    assert 'id="newer"' not in again


async def test_what_somebody_else_updated_meanwhile_stays_and_is_told(bench):
    first = await posted(bench)
    mine = form_of(await bench.get(f"/compose?update={first}"))
    theirs = form_of(await bench.get(f"/compose?update={first}"))
    await bench.post("/compose", with_fields(theirs, instruction="Buvez de l’eau en bouteille.", do="publish"))
    newer = (await bench.stored_alerts())[-1]

    page = await bench.post("/compose", with_fields(mine, headline="L’eau revient à 18 h", do="preview"), 200)
    assert 'id="newer"' in page
    assert f"/desk/alerts/{newer.id}" in page
    await bench.post("/compose", [*form_of(page), ("do", "publish")])
    info = (await bench.stored_alerts())[-1].alert.infos[0]
    assert (info.headline, info.instruction) == ("L’eau revient à 18 h", "Buvez de l’eau en bouteille.")


async def test_an_update_of_what_was_rejected_meanwhile_says_all_that_its_form_says(bench):
    first = await posted(bench)
    form = form_of(await bench.get(f"/compose?update={first}"))
    await bench.post("/compose", with_fields(form, instruction="Buvez de l’eau en bouteille.", do="publish"))
    update = (await bench.stored_alerts())[-1]
    mine = form_of(await bench.get(f"/compose?update={update.id}"))
    await bench.database.write(
        lambda db: db.execute("UPDATE alert SET state = 'rejected' WHERE id = ?", (update.id,)) and None
    )

    await bench.post("/compose", with_fields(mine, headline="L’eau revient à 18 h", do="publish"))
    newest = (await bench.stored_alerts())[-1].alert
    assert newest.infos[0].instruction == "Buvez de l’eau en bouteille."
    assert newest.references[-1].identifier == (await bench.stored_alerts())[0].alert.identifier
