"""What is done from an incident's page: by whose role, to what, and what it comes to."""

from __future__ import annotations

import re
from html import unescape

import pytest

from alerts.desk.officer import Officer
from alerts.model.hazard import Hazard
from alerts.model.person import Actor, Origin, Role
from alerts.model.ports import Memory
from alerts.model.post import PostState
from alerts.model.reason import in_words
from tests.unit.web.console.test_watch_pages import is_sent
from tests.unit.web.console.watching import a_desk, as_role
from tests.walls import in_one_test


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path) as desk:
        yield desk


async def out(desk, **changes):
    stored = await desk.post("Water cut", channels=("x", "second"))
    await desk.settle(stored.id, PostState.SENT, **{**is_sent(desk), **changes})
    return stored


async def written(desk) -> list[str]:
    lines = await desk.service.ask(lambda unit: unit.audit.newest(most=9))
    return [f"{line.entry.actor} {line.entry.act} {line.entry.subject}" for line in lines]


async def test_a_failed_post_is_tried_again_alone(desk):
    stored = await desk.post(channels=("x", "second"))
    await desk.settle(stored.id, PostState.FAILED, reason="no")
    first, second = await desk.posts(stored.id)
    assert f'id="retry-{first.id}"' in await desk.text(f"/alerts/{stored.id}")

    status, where, _ = await desk.press(f"/alerts/{stored.id}/retry", post=first.id)
    assert (status, where) == (303, f"/desk/alerts/{stored.id}?done=retry")
    assert [post.state for post in await desk.posts(stored.id)] == [PostState.QUEUED, PostState.FAILED]
    assert (await written(desk))[0] == f"Anne retry {stored.id}"

    await desk.press(f"/alerts/{stored.id}/drop", post=second.id)
    assert [post.state for post in await desk.posts(stored.id)] == [PostState.QUEUED, PostState.DROPPED]


async def test_without_a_post_all_that_failed_is_meant(desk):
    stored = await desk.post(channels=("x", "second"))
    await desk.settle(stored.id, PostState.IN_DOUBT)
    await desk.press(f"/alerts/{stored.id}/drop")

    assert {post.state for post in await desk.posts(stored.id)} == {PostState.DROPPED}


async def test_the_post_of_another_incident_is_not_reached_from_here(desk):
    mine, other = await desk.post("Mine", channels=("x",)), await desk.post("Other", channels=("x",))
    await desk.settle(other.id, PostState.FAILED)
    [post] = await desk.posts(other.id)

    status, _, page = await desk.press(f"/alerts/{mine.id}/retry", post=post.id)
    assert status == 400
    assert "no post of" in page
    assert (await desk.posts(other.id))[0].state is PostState.FAILED


@pytest.mark.parametrize(("how", "urgency"), [("cancel", "Cancel"), ("all_clear", "Update")])
async def test_an_end_is_an_end_with_its_reason(desk, how, urgency):
    stored = await out(desk)
    status, where, _ = await desk.press(f"/alerts/{stored.id}/end", how=how, reason=" Repaired ")
    newest = await desk.service.ask(lambda unit: unit.alerts.incident(stored.incident_id)[-1])

    assert (status, where) == (303, f"/desk/alerts/{newest.id}?done=end")
    assert newest.alert.msg_type == urgency
    assert newest.alert.note == "Repaired"
    assert "Repaired" in await desk.text(f"/alerts/{newest.id}")


async def test_how_it_ends_has_to_be_said(desk):
    stored = await out(desk)
    status, _, page = await desk.press(f"/alerts/{stored.id}/end", reason="Because <b>")

    assert status == 400
    assert 'role="alert"' in page
    assert 'value="Because &lt;b&gt;"' in page
    assert "<details" in page


async def test_one_tap_corrects_at_once_and_tells_what_it_cannot_mend(desk):
    stored = await out(desk)
    assert 'action="/desk/alerts/' + stored.id + '/correct"' in await desk.text(f"/alerts/{stored.id}")

    status, where, _ = await desk.press(f"/alerts/{stored.id}/correct")
    assert status == 303
    page = await desk.text(where.removeprefix("/desk"))
    assert "The correction is on its way" in page
    assert "What the correction can’t mend" in page
    assert re.search(r'x: the wrong post stays readable above its correction: <a href="https://t.example/7"', page)
    assert "second: the wrong post" in page
    assert (await written(desk))[0].startswith("Anne correct ")


async def test_a_false_alarm_upon_which_people_hid_is_taken_back_with_what_is_right(desk):
    stored = await desk.post("Attack under way", hazard=Hazard.ATTACK, channels=("x", "second"))
    await desk.settle(stored.id, PostState.SENT, **is_sent(desk))
    page = await desk.text(f"/alerts/{stored.id}")
    assert re.search(r'<input id="f-right"[^>]* required', page)

    for act, fields in (("correct", {}), ("foresee", {"how": "correct"})):
        status, _, page = await desk.press(f"/alerts/{stored.id}/{act}", reason=" ", **fields)
        assert (status, "what is right was not said" in page) == (400, True)
    status, _, _ = await desk.press(f"/alerts/{stored.id}/correct", reason="There is no attack.")
    assert status == 303


async def test_a_second_tap_is_told_that_it_was_done(desk):
    stored = await out(desk)
    await desk.press(f"/alerts/{stored.id}/correct")
    status, _, page = await desk.press(f"/alerts/{stored.id}/correct")

    assert (status, page.count('role="alert"')) == (422, 1)
    stored_alerts = await desk.service.ask(lambda unit: unit.alerts.incident(stored.incident_id))
    assert len(stored_alerts) == 2


ACTS = [("retry", {}), ("drop", {}), ("end", {"how": "cancel"}), ("correct", {})]


@in_one_test
@pytest.mark.parametrize(("act", "fields"), ACTS)
@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("author", True), ("administrator", True)])
async def test_a_role_does_what_it_may_and_no_more(desk, act, fields, role, may):
    stored = await desk.post(channels=("x", "second"))
    state = PostState.FAILED if act in ("retry", "drop") else PostState.SENT
    await desk.settle(stored.id, state, **(is_sent(desk) if state is PostState.SENT else {}))
    as_role(desk, role)
    before = await written(desk)

    page = await desk.text(f"/alerts/{stored.id}")
    assert (f"/alerts/{stored.id}/{act}" in page) is may
    status, _, _ = await desk.press(f"/alerts/{stored.id}/{act}", **fields)
    assert status == (303 if may else 403)
    if not may:
        assert {post.state for post in await desk.posts(stored.id)} == {state}
        assert await written(desk) == before


@in_one_test
@pytest.mark.parametrize(("act", "fields"), ACTS)
async def test_what_is_not_there_is_not_found(desk, act, fields):
    status, _, _ = await desk.press(f"/alerts/nothing/{act}", **fields)
    assert status == 404


async def test_what_is_over_offers_nothing_to_end(desk):
    stored = await out(desk)
    await desk.press(f"/alerts/{stored.id}/end", how="cancel")

    assert "/correct" not in await desk.text(f"/alerts/{stored.id}")
    status, _, page = await desk.press(f"/alerts/{stored.id}/retry")
    assert status == 422
    assert "nothing failed" in page


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_what_is_gone_from_a_calendar_at_once_is_called_off_by_one_tap(desk, language):
    desk.language = language
    now = desk.clock.now()
    memory = Memory(state={"gone": {"key": "gone-1", "entries": 5}})
    await desk.database.write(
        lambda unit: unit.sources.remember("meteo", memory, now, now, trouble=in_words("5 entries are gone"))
    )
    page = await desk.text("/channels")
    assert "cancel them" in page or "les annuler" in page

    as_role(desk, Role.VIEWER)
    assert "/sources/meteo/gone" not in await desk.text("/channels")
    as_role(desk, Role.AUTHOR)
    status, where, _ = await desk.press("/sources/meteo/gone")
    assert (status, where) == (303, "/desk/channels#source-meteo")
    assert (await written(desk))[0] == "Anne cancel meteo"
    assert await desk.database.read(lambda unit: unit.sources.known("meteo", ["gone-1"])) == {"gone-1"}
    assert "/sources/meteo/gone" not in await desk.text("/channels")
    assert (await desk.press("/sources/meteo/gone"))[0] == 303, "somebody was faster"


async def test_the_form_that_ends_it_offers_what_would_be_said(desk):
    stored = await out(desk)
    page = await desk.text(f"/alerts/{stored.id}")
    form = page[page.index('id="ending"') :]
    assert "Water is back. Run it until it is clear." in form or "L’eau est rétablie. Laissez-la couler" in form
    assert "withdrawn" in form or "Annonce retirée" in form


@pytest.mark.parametrize(
    ("how", "title", "act"),
    [
        ("all_clear", "How the all clear will look", "end"),
        ("cancel", "How the cancellation will look", "end"),
        ("correct", "How the correction will look", "correct"),
    ],
)
async def test_an_end_is_looked_at_before_it_is_told_and_is_told_as_it_was_looked_at(desk, how, title, act):
    as_role(desk, Role.APPROVER, "Berthe")
    stored = await out(desk)
    status, _, page = await desk.press(f"/alerts/{stored.id}/foresee", how=how, reason=" Repaired at <noon> ")

    assert status == 200
    assert f"<h1>{title}</h1>" in page
    assert "Nothing has been done yet." in page
    assert len(await desk.service.ask(lambda unit: unit.alerts.incident(stored.incident_id))) == 1
    hidden = dict(re.findall(r'<input type="hidden" name="(how|reason)" value="([^"]*)">', page))
    assert hidden == {"how": how, "reason": "Repaired at &lt;noon&gt;"}
    assert f'action="/desk/alerts/{stored.id}/{act}"' in page
    shown = [unescape(re.sub(r"<[^>]+>", "", each)) for each in re.findall(r'<p class="post".*?</p>', page, re.DOTALL)]

    await desk.press(f"/alerts/{stored.id}/{act}", how=how, reason="Repaired at <noon>")
    [*_, end] = await desk.service.ask(lambda unit: unit.alerts.incident(stored.incident_id))
    assert [post.message.plain for post in await desk.posts(end.id)] == shown
    assert any("Repaired at <noon>" in each for each in shown)


async def test_who_may_not_end_it_and_who_does_not_say_how_see_why(desk):
    stored = await out(desk)
    status, _, page = await desk.press(f"/alerts/{stored.id}/foresee", reason="Because")
    assert (status, 'value="Because"' in page) == (400, True)
    as_role(desk, Role.VIEWER)
    assert (await desk.press(f"/alerts/{stored.id}/foresee", how="cancel"))[0] == 403


async def test_who_may_not_call_it_off_is_told_so(desk):
    as_role(desk, Role.VIEWER)
    status, _, page = await desk.press("/sources/meteo/gone")
    assert (status, "takes author or more" in page) == (403, True)


async def test_an_end_that_waits_is_told_as_one_that_waits(tmp_path):
    async with a_desk(tmp_path, publish="approve") as desk:
        as_role(desk, Role.AUTHOR)
        stored = await desk.post("Water cut", channels=("x",))
        paul = Actor("Paul", Role.APPROVER, Origin.CONSOLE)
        await desk.service.act(lambda unit: Officer(unit, paul).approve(stored.id))
        await desk.settle(stored.id, PostState.SENT, **is_sent(desk))

        _, where, _ = await desk.press(f"/alerts/{stored.id}/end", how="cancel", reason="Repaired")

        page = await desk.text(where.removeprefix("/desk"))
        assert "Its end is waiting to be validated by somebody else." in page
        assert "Its end is on its way" not in page
