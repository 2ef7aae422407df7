"""What people say, as the desk's pages show it: nothing unread out of sight, each ear with its age, who asked what."""

from __future__ import annotations

import asyncio
import itertools
import re
from datetime import timedelta

import pytest

from alerts.desk.officer import Officer
from alerts.listening.hearing import take
from alerts.listening.question_acts import AttributeQuestion, MergeQuestion
from alerts.model.events import HEARD, IncidentChanged, RemarkHeard
from alerts.model.listening import EarStatus, Kind, QuestionState, Remark, Understood
from alerts.model.person import Actor, Origin, Role
from alerts.model.post import PostKind, PostState
from alerts.model.reason import because
from alerts.web.console import heard, heard_view, validate, versions
from tests.unit.acting import by
from tests.unit.french import visible, wrong_in
from tests.unit.web.console.test_watch_pages import HOSTILE
from tests.unit.web.console.watching import LISTENING, WATCH, a_desk, as_role
from tests.walls import in_one_test

PARTS = (*WATCH, heard, validate, versions)
_numbers = itertools.count(1)


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path, parts=PARTS, town=LISTENING) as desk:
        yield desk


async def hear(desk, text, kind=Kind.QUESTION, channel="second", **more):
    """Somebody says that; returns it as it is kept."""
    asks = more.pop("asks", kind is Kind.QUESTION)
    said = Remark(
        more.pop("remote_id", f"-100:{next(_numbers)}"), text, desk.clock.now() - timedelta(minutes=2), **more
    )
    taken = await desk.service.act(lambda unit: take(unit, channel, [(said, Understood(kind, asks=asks))]))
    return taken.utterances[0]


async def test_a_town_that_listens_to_nothing_has_no_such_page(tmp_path):
    async with a_desk(tmp_path, parts=PARTS) as desk:
        await desk.text("/heard", status=404)
        assert "/desk/heard" not in await desk.text("/")


async def test_each_ear_tells_how_old_its_knowledge_is(desk):
    now = desk.clock.now()

    def listened(unit):
        unit.listening.put_ear(
            EarStatus("page", last_ok=now - timedelta(seconds=40), next_try=now + timedelta(minutes=1))
        )
        unit.listening.put_ear(
            EarStatus("presse", last_ok=now - timedelta(hours=3), failures=3, reason=because("not_read_lately"))
        )

    await desk.service.act(listened)
    page = " ".join((await desk.text("/heard")).split())
    assert re.search(r"listens</span>\s*<span>Facebook Page: heard <time[^>]*>40 seconds ago", page)
    assert re.search(r"doesn’t hear</span>\s*<span>presse: heard <time[^>]*>3 hours ago", page)
    assert re.search(r"off</span>\s*<span>Telegram channel \(x\)</span>", page)
    assert re.search(r"not yet</span>\s*<span>Telegram channel \(second\): nothing heard yet", page)


async def test_an_ear_that_should_have_listened_long_ago_is_late(desk):
    then = desk.clock.now() - timedelta(minutes=9)
    await desk.service.act(lambda unit: unit.listening.put_ear(EarStatus("page", last_ok=then, next_try=then)))
    assert re.search(r"late</span>\s*<span>Facebook Page", await desk.text("/heard"))


async def test_what_may_be_a_call_for_help_stands_first_with_a_word_and_a_sign(desk):
    await hear(desk, "Merci beaucoup", Kind.THANKS)
    said = await hear(desk, "Ma grand-mère est bloquée", Kind.HELP)
    page = await desk.text("/heard")

    assert page.index("Possibly a call for help") < page.index("Ma grand-mère") < page.index("Merci beaucoup")
    assert "⚠" in page
    assert f'href="/desk/heard/said/{said.id}"' in page


async def test_nothing_unread_is_out_of_sight(desk):
    kinds = itertools.cycle((Kind.THANKS, Kind.ANGER, Kind.OTHER, Kind.RUMOUR))
    for number in range(9):
        await hear(desk, f"Remark number {number}", next(kinds), asks=False)
    await hear(desk, "A headline of the press", Kind.OTHER, channel="presse", asks=False)
    page = await desk.text("/fragments/heard")

    assert [f"Remark number {number}" in page for number in range(9)] == [True] * 9
    assert page.index("Elsewhere") < page.index("A headline of the press")
    assert "10 unread" in page


async def test_a_question_is_shown_with_who_asked_it_where(desk):
    first = await hear(desk, "Is the water safe?")
    page = await desk.text("/heard")
    assert f'href="/desk/heard/questions/{first.question}"' in page
    assert re.search(
        r"asked once · Telegram channel \(second\) 1 · first <time[^>]*>2 minutes ago", " ".join(page.split())
    )

    one = await desk.text(f"/heard/questions/{first.question}")
    assert "Is the water safe?" in one
    await desk.text("/heard/questions/nothing", status=404)
    await desk.text("/heard/said/nothing", status=404)


async def test_what_a_stranger_says_is_text_and_nothing_else(desk):
    said = await hear(desk, HOSTILE, name=HOSTILE, url="javascript:alert(1)")
    for address in ("/heard", "/heard/all", f"/heard/said/{said.id}", f"/heard/questions/{said.question}"):
        page = await desk.text(address)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "javascript:" not in page


async def test_what_was_asked_on_the_towns_page_says_so(desk):
    said = await hear(desk, "Is it safe?", channel="web")
    for address in ("/heard", f"/heard/questions/{said.question}", f"/heard/said/{said.id}"):
        assert "the town’s page" in await desk.text(address)


async def test_everything_that_was_heard_is_listed_a_page_at_a_time(desk, monkeypatch):
    monkeypatch.setattr(heard, "MOST", 2)
    for number in range(3):
        await hear(desk, f"Remark {number}", Kind.OTHER, asks=False)
    newest = await desk.text("/heard/all")
    assert ("Remark 2" in newest, "Remark 0" in newest) == (True, False)
    [before] = re.findall(r"before=(\d+)", newest)
    assert "Remark 0" in await desk.text(f"/heard/all?before={before}")
    assert "Remark 2" in await desk.text("/heard/all?before=x")


async def test_the_stream_tells_what_is_heard_and_the_public_pages_are_not_told(desk):
    with desk.service.watch(heard=True) as pages, desk.service.watch() as public:
        desk.events.publish(RemarkHeard("second"))
        assert await asyncio.wait_for(anext(pages), 60) == HEARD
        desk.events.publish(IncidentChanged("one"))
        assert await asyncio.wait_for(anext(public), 60) == "one"


async def test_no_page_of_it_says_a_word_of_english(tmp_path):
    async with a_desk(tmp_path, parts=PARTS, town=LISTENING, language="fr-FR") as desk:
        desk.language = "fr"
        for kind in Kind:
            await hear(desk, "Fuite rue Haute", kind, name="Zoé")
        await hear(desk, "Eau coupée", remote_id="-100:x")
        gone = await hear(desk, "", remote_id="-100:x", gone=True)
        asked = (await hear(desk, "Eau potable", remote_id="-100:y")).question
        addresses = ["/heard", "/heard/all", f"/heard/said/{gone.id}", f"/heard/questions/{asked}"]
        found = {each: wrong for each in addresses if (wrong := wrong_in(visible(await desk.text(each))))}
    assert found == {}


BERTHE = Actor("Berthe", Role.ADMINISTRATOR, Origin.CONSOLE)


async def asked_about(desk, text="Is the water safe?", **more):
    """A question about an alert that is out; both."""
    stored = await desk.post("Water cut", channels=("x", "second"))
    await desk.settle(stored.id, PostState.SENT, remote_id="-100:7", sent_at=1)
    said = await hear(desk, text, **more)
    await desk.service.act(by(BERTHE, AttributeQuestion, said.question, stored.id))
    return stored, said


async def kept(desk, question):
    return await desk.service.ask(lambda unit: unit.listening.question(question))


async def log_of(desk) -> list[str]:
    lines = await desk.service.ask(lambda unit: unit.audit.newest(most=9))
    return [f"{line.entry.actor} {line.entry.act}" for line in lines]


async def test_a_question_is_answered_in_three_actions(desk):
    stored, said = await asked_about(desk)
    board = await desk.text("/heard")
    address = f"/heard/questions/{said.question}"
    assert f'href="/desk{address}"' in board
    page = await desk.text(address)
    assert f'action="/desk{address}/answer"' in page

    status, where, _ = await desk.press(f"{address}/answer", text="Yes, boil it.", words="Can I drink it?")
    assert (status, where) == (303, f"/desk{address}?done=questions-answer")
    page = await desk.text(f"{address}?done=questions-answer")
    assert "The answer is on its way." in page
    assert "Yes, boil it." in page
    assert "Can I drink it?" in page
    assert (await kept(desk, said.question)).state is QuestionState.ANSWERED
    assert [post.kind for post in await desk.posts(stored.id)].count(PostKind.ANSWER) == 1
    await desk.text("/timeline")
    assert "Answered lately" in await desk.text("/heard")


async def test_what_an_answer_lacks_is_told_beside_what_was_typed(desk):
    _, said = await asked_about(desk)
    status, _, page = await desk.press(f"/heard/questions/{said.question}/answer", text=" ", words="Mine <b>")
    assert status == 400
    assert 'role="alert"' in page
    assert "Mine &lt;b&gt;" in page


async def test_a_question_without_an_alert_is_given_one_first(desk):
    stored = await desk.post("Water cut", channels=("x",))
    said = await hear(desk, "Is it safe?")
    address = f"/heard/questions/{said.question}"
    page = await desk.text(address)
    assert "About which alert?" in page
    assert "/answer" not in page
    status, _, _ = await desk.press(f"{address}/attribute", about=stored.incident_id)
    assert status == 303
    assert f'action="/desk{address}/answer"' in await desk.text(address)


@in_one_test
@pytest.mark.parametrize(
    ("deed", "fields", "state"),
    [
        ("dismiss", {"reason": "it isn’t a question"}, QuestionState.DISMISSED),
        ("answer", {"text": "Yes."}, QuestionState.ANSWERED),
    ],
)
@pytest.mark.parametrize("role", ["viewer", "author"])
async def test_a_role_does_what_it_may_and_no_more(desk, deed, fields, state, role):
    may = role == "author"
    _, said = await asked_about(desk)
    as_role(desk, role)
    before = await log_of(desk)
    address = f"/heard/questions/{said.question}"
    assert (f"{address}/{deed}" in await desk.text(address)) is may
    status, _, _ = await desk.press(f"{address}/{deed}", **fields)
    assert status == (303 if may else 403)
    assert (await kept(desk, said.question)).state is (state if may else QuestionState.OPEN)
    if not may:
        assert await log_of(desk) == before


async def test_questions_are_merged_and_split(desk):
    _, first = await asked_about(desk)
    second = await hear(desk, "Can we drink it?")
    page = await desk.text(f"/heard/questions/{second.question}")
    assert f'value="{first.question}"' in page
    status, where, _ = await desk.press(f"/heard/questions/{second.question}/merge", into=first.question)
    assert (status, where) == (303, f"/desk/heard/questions/{first.question}?done=questions-merge")
    assert (await kept(desk, first.question)).asked == 2

    status, where, _ = await desk.press(f"/heard/questions/{first.question}/split", said=second.id)
    assert status == 303
    assert (await kept(desk, first.question)).asked == 1
    assert "Can we drink it?" in await desk.text(where.removeprefix("/desk"))


async def test_a_call_for_help_is_passed_on_or_taken_back_and_written_down(desk):
    first, second = await hear(desk, "Help", Kind.HELP), await hear(desk, "Help me", Kind.HELP)
    assert f"/heard/said/{first.id}/passed-on" in await desk.text("/heard")
    status, where, _ = await desk.press(f"/heard/said/{first.id}/passed-on")
    assert (status, where) == (303, "/desk/heard?done=said-passed-on")
    await desk.press(f"/heard/said/{first.id}/passed-on")
    assert (await log_of(desk)).count("Anne tend") == 2, "a second tap writes nothing"
    await desk.press(f"/heard/said/{second.id}/no-call")

    page = await desk.text("/heard")
    assert "Possibly a call for help" not in page
    assert "Help me" in page, "it is unread still"


async def test_what_was_seen_elsewhere_counts_like_the_rest(desk):
    stored = await desk.post("Water cut", channels=("x",))
    typed = {"text": "Is school on?", "place": "At the counter", "about": stored.id}
    status, where, _ = await desk.press("/heard/elsewhere", **typed)
    assert (status, where) == (303, "/desk/heard?done=elsewhere")
    page = await desk.text("/heard")
    assert "Is school on?" in page
    assert "At the counter" in page
    assert "typed in by Anne" in page

    status, _, page = await desk.press("/heard/elsewhere", text=" ", place="There")
    assert status == 400
    assert 'value="There"' in page


async def test_what_nobody_waits_for_wakes_open_pages_too(desk):
    said = await hear(desk, "Thanks", Kind.THANKS)
    with desk.service.watch(heard=True) as told:
        await desk.press(f"/heard/said/{said.id}/handled")
        assert await asyncio.wait_for(anext(told), 60) == HEARD


async def test_deeds_to_what_is_not_there_are_told(desk):
    for address in ("/heard/questions/nothing0/withdraw", "/heard/said/nothing0/handled", "/words/nothing0/reject"):
        assert (await desk.press(address))[0] == 404


async def test_an_incident_shows_what_people_say_about_it(desk):
    stored, said = await asked_about(desk)
    page = await desk.text(f"/alerts/{stored.id}")
    assert "Is the water safe?" in page
    assert f'href="/desk/heard/all?incident={stored.incident_id}"' in page
    assert "Is the water safe?" in await desk.text(f"/heard/all?incident={stored.incident_id}")
    assert said.id not in await desk.text("/heard/all?incident=another")


async def test_what_ten_people_ask_and_the_alert_does_not_say_is_added_to_it_in_two_taps(desk):
    stored, said = await asked_about(desk, "Is the water safe?")
    more = [await hear(desk, "Is the water safe?", author=f"person {n}") for n in range(10)]

    def joined(unit):
        for each in more:
            MergeQuestion(each.question, said.question).done_by(Officer(unit, BERTHE))

    await desk.service.act(joined)
    assert "people ask what the alert doesn’t say" in await desk.text("/heard")
    address = f"/heard/questions/{said.question}"
    assert f'action="/desk{address}/become"' in await desk.text(address)

    status, where, _ = await desk.press(f"{address}/become", sentence="Boil the water.")
    assert (status, where) == (303, f"/desk{address}?done=questions-become")
    newest = await desk.service.ask(lambda unit: unit.alerts.incident(stored.incident_id)[-1])
    assert "Boil the water." in newest.alert.infos[0].description
    assert "The alert’s update is on its way" in await desk.text(f"{address}?done=questions-become")


async def test_a_rumour_gets_a_verdict_as_an_update_of_the_alert(desk):
    stored, said = await asked_about(desk, "Is it true that the dam broke?", kind=Kind.RUMOUR, asks=True)
    address = f"/heard/questions/{said.question}"
    board = await desk.text("/heard")
    assert board.index("Rumours") < board.index("Is it true that the dam broke?")
    assert f'action="/desk{address}/verdict"' in await desk.text(address)

    status, _, page = await desk.press(f"{address}/verdict", sentence="The dam holds.")
    assert status == 400
    assert "The dam holds." in page
    status, _, _ = await desk.press(f"{address}/verdict", verdict="false", sentence="The dam holds.")
    assert status == 303
    newest = await desk.service.ask(lambda unit: unit.alerts.incident(stored.incident_id)[-1])
    assert "The dam holds." in newest.alert.infos[0].description


async def test_an_answer_waits_for_a_second_person_where_the_town_wants_one(tmp_path):
    town = LISTENING.replace('every = "60s"', 'every = "60s"\nanswers = "approve"')
    async with a_desk(tmp_path, parts=PARTS, town=town) as desk:
        _, said = await asked_about(desk)
        address = f"/heard/questions/{said.question}"
        _, where, _ = await desk.press(f"{address}/answer", text="Boil it.")
        page = await desk.text(where.removeprefix("/desk"))
        assert "The answer is waiting for a second person to validate it." in page
        assert "on its way" not in page
        page = await desk.text("/heard")
        assert page.index("Waiting for a second person") < page.index("Boil it.")
        [waiting] = await desk.service.ask(lambda unit: unit.listening.waiting_answers())
        approve = f"/words/{waiting.id}/approve"
        assert approve not in await desk.text(address), "not by who wrote it"
        as_role(desk, "approver", "Bob")
        seen = re.search(r'name="seen" value="([^"]+)"', page := await desk.text(address))[1]
        assert approve in page
        assert "Boil it." in await desk.text("/waiting")
        assert (await desk.press(approve))[0] == 409, "what wasn't shown is not validated"
        as_role(desk, "author", "Bob")
        assert (await desk.press(approve, seen=seen))[0] == 403
        as_role(desk, "approver", "Bob")
        assert (await desk.press(approve, seen=seen))[0] == 303
        assert (await desk.press(approve, seen=seen))[0] == 409
        assert "Waiting for a second person" not in await desk.text("/heard")


async def test_what_a_platform_refused_is_tried_again_from_its_question(desk):
    stored, said = await asked_about(desk)
    address = f"/heard/questions/{said.question}"
    await desk.press(f"{address}/answer", text="Boil it.")
    [post] = [each for each in await desk.posts(stored.id) if each.answer]
    await desk.database.write(lambda db: db.execute("UPDATE post SET state = 'failed' WHERE id = ?", (post.id,)))
    assert "failed" in await desk.text("/heard")
    assert f'id="retry-{post.id}"' in await desk.text(address)
    other = next(each.id for each in await desk.posts(stored.id) if not each.answer)
    assert (await desk.press(f"{address}/retry", post=other))[0] == 400
    assert (await desk.press(f"{address}/retry", post=post.id))[0] == 303
    assert next(each for each in await desk.posts(stored.id) if each.id == post.id).state is PostState.QUEUED
    # An answer doesn't stand in the place of the alert itself.
    listed = re.findall(r"<ol.*</ol>", await desk.text("/alerts"), re.DOTALL)[0]
    assert (listed.count("sent</span>"), listed.count("queued</span>")) == (2, 0)


async def test_what_is_hidden_or_blocked_names_its_clause_and_a_block_takes_two(desk):
    said = await hear(desk, "Insults", Kind.ANGER, channel="page", author="77")
    page = await desk.text(f"/heard/said/{said.id}")
    assert "Hide it there" in page
    assert "criticism isn’t a reason" in page
    assert (await desk.press(f"/heard/said/{said.id}/hide"))[0] == 400
    assert (await desk.press(f"/heard/said/{said.id}/hide", clause="insult"))[0] == 303
    assert (await desk.press(f"/heard/said/{said.id}/block", clause="hatred"))[0] == 303
    records = await desk.service.ask(lambda unit: unit.listening.moderations_of(said.id))
    assert {(each.act, each.clause, each.state) for each in records} == {
        ("hide", "insult", "wanted"),
        ("block", "hatred", "waiting"),
    }
    [block] = [each for each in records if each.act == "block"]
    agree = f"/heard/blocks/{block.id}/agree"
    assert agree not in await desk.text("/heard"), "not by who asked for it"
    assert (await desk.press(agree))[0] == 403

    as_role(desk, "approver", "Bob")
    page = await desk.text("/heard")
    assert "Block the author of this, because of: hatred" in page
    assert agree in page
    assert (await desk.press(agree))[0] == 303
    assert "Block the author" not in await desk.text("/heard")
    assert (await desk.press(agree))[0] == 409


async def test_somebody_may_say_otherwise_of_what_kind_it_is(desk):
    said = await hear(desk, "My cellar is full of water", Kind.OTHER)
    assert (await desk.press(f"/heard/said/{said.id}/kind", kind="help"))[0] == 303
    assert "Possibly a call for help" in await desk.text("/heard")
    assert (await desk.press(f"/heard/said/{said.id}/kind", kind="nonsense"))[0] == 400


async def test_what_many_ask_hides_nothing_that_somebody_else_said(desk, monkeypatch):
    monkeypatch.setattr(heard_view, "MOST", 2)
    for number in range(5):
        await hear(desk, f"Is it safe, {number}?")
    for number in range(3):
        await hear(desk, f"Remark {number}", Kind.OTHER, asks=False)
    page = await desk.text("/heard")
    assert ("Remark 0" in page, "Remark 1" in page, "Remark 2" in page) == (True, True, False)
    [onward] = re.findall(r"/heard\?after=(\d+)#rest", page)
    page = await desk.text(f"/heard?after={onward}")
    assert ("Remark 0" in page, "Remark 2" in page) == (False, True)
    assert f"/fragments/heard?after={onward}" in page
    assert "Remark 0" in await desk.text("/heard?after=nonsense")
