"""Polls at the desk: asked in five actions, closed in two, published in two, and no number before."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from alerts.model.person import Role
from alerts.model.poll import Ballot, PollCount, PollState
from alerts.model.post import PostKind
from tests.unit.french import visible, wrong_in
from tests.unit.web.console.composing import open_bench

TYPED = {
    "question": "Fermer la place le samedi ?",
    "option1": "Oui",
    "option2": "Non",
    "until": "2026-11-26T12:00",
    "channel": ["telegram", "page"],
}


@pytest.fixture
async def bench(tmp_path):
    async with open_bench(tmp_path) as bench:
        yield bench


@pytest.fixture
async def careful(tmp_path):
    async with open_bench(tmp_path, publish="approve") as bench:
        yield bench


def hidden(page, action):
    """What the form of that action carries."""
    form = page[page.index(f'action="/desk{action}"') :]
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', form[: form.index("</form>")])
    found = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return {name: values if name == "channel" else values[0] for name, values in found.items()}


async def asked(bench, **changes):
    page = await bench.post("/polls/new", TYPED | changes, 200)
    return (await bench.post("/polls/open", hidden(page, "/polls/open"))).rpartition("/")[2]


async def poll_of(bench, identity):
    return await bench.service.ask(lambda unit: unit.polls.poll(identity))


async def test_a_poll_is_looked_at_with_its_counts_and_then_asked(bench):
    form = await bench.get("/polls/new")
    assert 'value="2026-11-26T03:00"' in form, "tomorrow, in the town's zone"
    page = await bench.post("/polls/new", TYPED, 200)
    assert "27 of 4096 characters" in page
    assert "3 of 25 characters" in page
    where = await bench.post("/polls/open", hidden(page, "/polls/open"))
    poll = await poll_of(bench, where.rpartition("/")[2])
    assert (poll.state, poll.author, poll.options) == (PollState.OPEN, "Anne", ("Oui", "Non"))
    assert f"{poll.closes_at:%H:%M}" == "11:00"
    assert await bench.post("/polls/open", hidden(page, "/polls/open")) == where, "pressed twice"
    assert len(await bench.service.ask(lambda unit: list(unit.polls.newest()))) == 1


async def test_what_is_wrong_is_told_and_nothing_is_lost(bench):
    changes = {"option2": "", "question": "<b>?</b>", "until": "2026-11-25T03:01"}
    page = await bench.post("/polls/new", TYPED | changes, 422)
    assert "2 to 4 options" in page
    assert "5 minutes to 7 days" in page
    assert 'value="&lt;b&gt;?&lt;/b&gt;"' in page
    assert 'action="/desk/polls/open"' not in page
    await bench.post("/polls/new", TYPED | {"until": "tomorrow"}, 422)


async def test_no_page_has_a_number_before_the_end(bench):
    identity = await asked(bench)
    poll = await poll_of(bench, identity)
    for number in range(7):
        await bench.service.act(
            lambda unit, number=number: unit.polls.vote(poll, Ballot("web", str(number), 0), unit.now)
        )
    for role in (Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.ADMINISTRATOR):
        bench.role = role
        page = await bench.get(f"/polls/{identity}")
        assert "7 answers on the page" in page
        assert "<table" not in page
        assert ">7<" not in await bench.get("/polls")
        await bench.get(f"/polls/{identity}/picture.png", 404)
        await bench.get(f"/polls/{identity}/publish", 303)


async def test_it_is_closed_published_and_told_what_came_of_it(bench):
    identity = await asked(bench)
    await bench.post(f"/polls/{identity}/close", {})
    await bench.service.act(lambda unit: unit.polls.counted(identity, "telegram", PollCount((5, 2)), unit.now))
    page = await bench.get(f"/polls/{identity}")
    assert '<th scope="row">Oui</th><td>5</td><td>0</td><td>5</td>' in page
    before = await bench.get(f"/polls/{identity}/publish")
    assert "Oui : 5 (telegram 5, page 0)" in before.replace("\u00a0", " ")
    async with bench.client.get(f"/desk/polls/{identity}/picture.png") as picture:
        assert (await picture.read())[:4] == b"\x89PNG"
    await bench.post(f"/polls/{identity}/publish", hidden(before, f"/polls/{identity}/publish"))
    posts = await bench.service.ask(lambda unit: list(unit.alerts.thread(identity)))
    results = [post for post in posts if post.kind is PostKind.RESULT]
    assert {post.channel for post in results} == {"telegram", "page"}
    assert all(post.message.image is not None for post in results)
    await bench.post(f"/polls/{identity}/outcome", {"outcome": "Elle ferme."})
    assert "Elle ferme." in await bench.get(f"/polls/{identity}")


async def test_numbers_that_changed_since_are_not_published(bench):
    identity = await asked(bench)
    await bench.post(f"/polls/{identity}/close", {})
    seen = hidden(await bench.get(f"/polls/{identity}/publish"), f"/polls/{identity}/publish")
    await bench.service.act(lambda unit: unit.polls.counted(identity, "telegram", PollCount((5, 2)), unit.now))
    assert "not what was shown" in await bench.post(f"/polls/{identity}/publish", seen, 409)


async def test_four_eyes_at_the_desk(careful):
    identity = await asked(careful)
    careful.role = Role.APPROVER
    own = await careful.get(f"/polls/{identity}")
    assert f"/polls/{identity}/approve" not in own
    assert ">Validate</h2>" not in own, "a heading without its button"
    await careful.post(f"/polls/{identity}/approve", {}, 409)
    careful.name = "Paul"
    page = await careful.get(f"/polls/{identity}")
    assert f"/polls/{identity}/approve" in page
    assert ">Validate</h2>" in page
    assert "/desk/polls/" in await careful.get("/waiting")
    seen = re.search(r'name="seen" value="([^"]+)"', page)[1]
    await careful.post(f"/polls/{identity}/approve", {"seen": "0" * 64}, 409)
    await careful.post(f"/polls/{identity}/approve", {"seen": seen})
    assert (await poll_of(careful, identity)).state is PollState.OPEN


async def test_who_only_looks_decides_nothing(bench):
    identity = await asked(bench)
    bench.role = Role.VIEWER
    await bench.post(f"/polls/{identity}/close", {}, 403)
    await bench.post("/polls/open", TYPED | {"id": "abcdefghjkmn"}, 403)
    assert (await poll_of(bench, identity)).state is PollState.OPEN


async def test_all_of_it_is_there_in_french(bench):
    bench.language = "fr"
    identity = await asked(bench)
    pages = [
        await bench.get("/polls"),
        await bench.get("/polls/new"),
        await bench.post("/polls/new", TYPED, 200),
        await bench.post("/polls/new", TYPED | {"option1": "a" * 30, "option2": ""}, 422),
        await bench.get(f"/polls/{identity}"),
    ]
    await bench.post(f"/polls/{identity}/close", {})
    pages += [await bench.get(f"/polls/{identity}"), await bench.get(f"/polls/{identity}/publish")]
    assert [wrong_in(visible(page)) for page in pages] == [[]] * len(pages)


async def test_a_poll_at_its_hour_waits(bench):
    identity = await asked(bench, opens="2026-11-26T08:00")
    assert "opens later" in await bench.get(f"/polls/{identity}")
    assert (await poll_of(bench, identity)).opens_at - bench.clock.now() == timedelta(hours=29)
    await bench.get("/polls/nothing", 404)
