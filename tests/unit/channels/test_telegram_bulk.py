"""One message to one chat over real HTTP: what is asked, what the answer means, and that no token stands in a log."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from alerts.channels.answer import Answer
from alerts.channels.settings import TelegramSettings
from alerts.channels.telegram.bulk import BETWEEN, LONGEST, Overdue, TelegramBulk, body_for, number_in
from alerts.model.alert import Severity
from alerts.model.delivery import Bulk, BulkState, SendOutcome, Target
from alerts.model.errors import BadCredential, Retry
from alerts.model.ports import Resources
from alerts.model.post import PostKind
from alerts.model.subscriber import Notice, Topic
from tests.fakes import FakeClock
from tests.walls import in_one_test

TOKEN = "1234567:never-in-a-log"
CHAT = 987654321


def a_bulk(name: str = "b1", **changes) -> Bulk:
    bulk = Bulk(
        id=name,
        channel="telegram",
        incident=f"i-{name}",
        alert_id="a1",
        kind=PostKind.PUBLISH,
        state=BulkState.SENDING,
        notice=Notice(Topic.WEATHER, Severity.MODERATE),
        texts={"fr": "<b>Vent</b> &amp; pluie", "en": "<b>Wind</b>"},
        links={"fr": "https://alertes.example/alerts/i1"},
        stored_at=FakeClock().now(),
    )
    return replace(bulk, **changes)


class Api:
    """What answers, as its script says, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict]] = []
        self.bots: list[str] = []
        self.answers: list[tuple[int, dict | str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.bots.append(request.match_info["bot"])
        self.asked.append((request.path.rpartition("/")[2], await request.json()))
        status, told = self.answers.pop(0) if self.answers else (200, {"ok": True, "result": {"message_id": 42}})
        return web.Response(status=status, text=told if isinstance(told, str) else json.dumps(told))

    def refuse(self, status: int, words: str, **parameters: int) -> None:
        told = {"ok": False, "error_code": status, "description": words, "parameters": parameters}
        self.answers.append((status, told))


@pytest.fixture
def api():
    return Api()


@pytest.fixture
async def bulk(api, tmp_path):
    app = web.Application()
    app.router.add_post("/{bot}/{method}", api.answer)
    (tmp_path / "token").write_text(TOKEN)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        settings = TelegramSettings.model_validate(
            {"kind": "telegram", "api_url": str(server.make_url("")), "chat": "@town", "token": {"file": "token"}}
        )

        async def remember(_: str, __: str) -> None: ...

        yield TelegramBulk("telegram", settings, Resources(session, FakeClock(), tmp_path, lambda _: None, remember))


def target(**changes) -> Target:
    return replace(Target(CHAT, "fr", (a_bulk(),)), **changes)


async def test_the_words_of_its_language_go_to_the_chat_with_the_alert_s_own_page_below(bulk, api):
    result = await bulk.tell(target())
    assert (result.outcome, result.message) == (SendOutcome.SENT, 42)
    preview = {"url": "https://alertes.example/alerts/i1", "prefer_small_media": True}
    words = "<b>Vent</b> &amp; pluie"
    asked = {"chat_id": CHAT, "text": words, "parse_mode": "HTML", "link_preview_options": preview}
    assert api.asked == [("sendMessage", asked)]


async def test_what_they_have_is_answered_or_changed(bulk, api):
    await bulk.tell(target(message=7))
    await bulk.tell(target(message=7, edits=True))
    (first, answered), (second, changed) = api.asked
    assert (first, answered["reply_parameters"]) == (
        "sendMessage",
        {"message_id": 7, "allow_sending_without_reply": True},
    )
    assert (second, changed["message_id"]) == ("editMessageText", 7)


async def test_what_is_to_be_changed_and_is_gone_is_told_anew(bulk, api):
    api.refuse(400, "Bad Request: message to edit not found")
    result = await bulk.tell(target(message=7, edits=True))
    assert [method for method, _ in api.asked] == ["editMessageText", "sendMessage"]
    assert result.message == 42


async def test_what_is_the_same_already_is_done(bulk, api):
    api.refuse(400, "Bad Request: message is not modified: specified new message content …")
    result = await bulk.tell(target(message=7, edits=True))
    assert (result.outcome, result.message) == (SendOutcome.SENT, 7)


@in_one_test
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (400, "Bad Request: chat not found"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
    ],
)
async def test_who_left_is_known(bulk, api, status, words):
    api.refuse(status, words)
    assert (await bulk.tell(target())).outcome is SendOutcome.LEFT


async def test_a_429_names_its_time(bulk, api):
    api.refuse(429, "Too Many Requests: retry after 7", retry_after=7)
    with pytest.raises(Retry) as raised:
        await bulk.tell(target())
    assert raised.value.after == FakeClock().now() + timedelta(seconds=7)
    assert raised.value.whole_channel


@pytest.mark.parametrize("answer", [(502, "<html>Bad Gateway</html>"), (500, {"ok": False, "description": "restart"})])
async def test_an_answer_that_says_nothing_leaves_it_in_doubt(bulk, api, answer):
    api.answers.append(answer)
    assert (await bulk.tell(target())).outcome is SendOutcome.DOUBT


async def test_a_chat_that_moved_is_followed_at_once(bulk, api):
    api.refuse(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1005)
    result = await bulk.tell(target(message=7))
    assert (result.outcome, result.moved_to) == (SendOutcome.SENT, -1005)
    assert api.asked[-1][1]["chat_id"] == -1005


async def test_markup_that_is_not_taken_is_left_out(bulk, api):
    api.refuse(400, "Bad Request: can't parse entities: unsupported start tag")
    assert (await bulk.tell(target())).outcome is SendOutcome.SENT
    assert api.asked[-1][1]["text"] == "Vent & pluie"
    assert "parse_mode" not in api.asked[-1][1]


async def test_a_token_that_is_not_taken_is_read_anew(bulk, api, tmp_path):
    api.refuse(401, "Unauthorized")
    with pytest.raises(BadCredential):
        await bulk.tell(target())
    (tmp_path / "token").write_text(TOKEN + "2")
    assert (await bulk.tell(target())).outcome is SendOutcome.SENT
    assert api.bots == [f"bot{TOKEN}", f"bot{TOKEN}2"]


async def test_neither_the_chat_nor_the_token_stands_in_a_line_or_an_error(bulk, api):
    with capture_logs() as lines:
        for status, words in ((400, "Bad Request: message is too long"), (400, "Bad Request: can't parse entities")):
            api.refuse(status, words)
            await bulk.tell(target())
    assert [line["event"] for line in lines] == ["bulk.refused", "bulk.without_markup"]
    said = repr(lines) + repr(target()) + repr(await bulk.tell(target()))
    assert str(CHAT) not in said
    assert TOKEN not in said


def test_several_alerts_are_one_message_without_a_preview():
    letter = body_for(target(bulks=(a_bulk(), a_bulk("b2", texts={"fr": "Eau coupée"}))))
    told = json.loads(letter.to(target(), as_edit=False))
    assert told["text"] == f"<b>Vent</b> &amp; pluie{BETWEEN}Eau coupée"
    assert told["link_preview_options"] == {"is_disabled": True}


def test_of_several_that_are_too_long_together_each_keeps_its_first_lines():
    long = "\n".join([f"<b>ligne {number}</b> &amp; la suite" for number in range(150)])
    letter = body_for(target(bulks=tuple(a_bulk(f"b{number}", texts={"fr": long}) for number in range(3))))
    text = json.loads(letter.to(target(), as_edit=False))["text"]
    assert len(text) <= LONGEST
    assert text.count("ligne 0 &amp; la suite") == 3
    assert text.endswith("la suite")


def test_a_number_is_found_in_an_answer_of_any_order():
    quick = b'{"ok":true,"result":{"message_id":5,"text":"."}}'
    slow = b'{"result":{"reply_to_message":{"message_id":1},"message_id":5},"ok":true}'
    assert [number_in(Answer(200, {}, body)) for body in (quick, slow, b"<html>", b'{"ok":true,"result":true}')] == [
        5,
        5,
        None,
        None,
    ]
    assert number_in(Answer(500, {}, quick)) is None


# What takes too long ends with a TimeoutError, and only that.


async def waits_within(overdue: Overdue) -> None:
    with overdue:
        await asyncio.Event().wait()


async def test_what_lasts_too_long_ends():
    with pytest.raises(TimeoutError):
        await waits_within(Overdue(timedelta(0)))
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_what_ends_in_time_is_left_alone():
    overdue = Overdue(timedelta(0))
    quick = asyncio.Event()
    quick.set()
    with overdue:
        await quick.wait()
    with pytest.raises(TimeoutError):
        await waits_within(overdue)


async def begun(overdue: Overdue) -> asyncio.Task[None]:
    task = asyncio.create_task(waits_within(overdue))
    await asyncio.sleep(0)
    return task


async def test_what_has_time_left_goes_on_after_a_look():
    overdue = Overdue(timedelta(hours=1))
    task = await begun(overdue)
    overdue._look(asyncio.get_running_loop())
    assert task.cancelling() == 0
    task.cancel()
    await asyncio.wait([task])


async def test_who_is_cancelled_from_outside_hears_of_that():
    task = await begun(Overdue(timedelta(hours=1)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_from_outside_too_hears_of_that_alone():
    overdue = Overdue(timedelta(0))
    task = await begun(overdue)
    overdue._look(asyncio.get_running_loop())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
