"""What each platform may answer, whatever it did: every request of every kind that ships meets every answer.

The sandbox is asked through a server that answers instead of it. So what stands on the timeline and what was said of it
are two things, and a channel is judged by both: what it calls out is out, what it calls not out may be said again and
stands there once, and of all else it is in doubt, until a look at the healthy platform tells.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, get_args

import pytest

from alerts.channels import KINDS
from alerts.channels.answer import LONGEST_WAIT, RequestPurpose, ask
from alerts.channels.sms.settings import SmsSettings
from alerts.config.kinds import channel_kind, channel_kinds
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, DeliveryError, Gone, InDoubt, Rejected, Retry
from alerts.model.listening import HeardPost
from alerts.model.ports import Deletes, DropsRepeats, Edits, Finds, NeverRepeats
from alerts.model.post import About, PostKind
from tests.contract.channels.conftest import SETTINGS, WITHOUT_HTTP, WITHOUT_NETWORK, Stage, message, told_by
from tests.contract.channels.platform import Between, Told, Twist, between, platform
from tests.contract.channels.test_ears import LISTEN, LISTENER
from tests.contract.channels.test_sms import PROVIDERS
from tests.fakes import FakeClock
from tests.townsfolk import Townsfolk

YEAR = 366 * 86_400
LONGEST_LEFT = 601
"""Seconds after which whatever was refused is asked again."""
EMPTY = b"[]"
"""A list as some platforms have it. An empty one may be all that a lagging platform has: so it is looked for thrice."""
BY_STATUS_ALONE = frozenset({"webhook"})
"""Kinds that promise their receiver to read nothing but the status: whatever a 2xx says, the post was taken."""
SMS_PROVIDERS = set(get_args(SmsSettings.model_fields["provider"].annotation))
OVER_HTTP = sorted((SETTINGS.keys() - WITHOUT_HTTP - {"sms"}) | {f"sms.{name}" for name in SMS_PROVIDERS})
"""All kinds that ask by HTTP; of SMS each provider."""


def test_every_kind_is_in_the_walk():
    """A kind that speaks another protocol has its answers in tests of its own; a new one has to say that it does."""
    walked = {each.partition(".")[0] for each in OVER_HTTP}
    assert walked == KINDS.keys() - WITHOUT_HTTP - WITHOUT_NETWORK
    assert PROVIDERS.keys() == SMS_PROVIDERS


# --- what is answered -----------------------------------------------------------------------------------------------


def instead(status: int, body: bytes | str = b"", taken: bool | None = None, **headers: str) -> Twist:
    """This answer instead of the platform's own, which `taken` the request."""
    told = Told(
        status, body.encode() if isinstance(body, str) else body, {k.replace("_", "-"): v for k, v in headers.items()}
    )

    async def twist(_: Any, forwarded: Any) -> Told:
        if taken:
            await forwarded()
        return told

    return twist


def cut(after: int | None) -> Twist:
    """The platform's own answer to what it took, which breaks off after so many bytes (-1: before any; None: half)."""

    async def twist(_: Any, forwarded: Any) -> Told:
        told = await forwarded()
        return replace(told, cut=len(told.body) // 2 if after is None else after)

    return twist


PAGE = "<html><head><title>Maintenance</title></head><body>" + "come back later " * 20 + "</body></html>"
ERRORS = (
    {"error": "internal trouble"},
    {"error": {"code": 1, "message": "An unknown error occurred", "type": "OAuthException"}},
    {"errors": [{"title": "Service Unavailable", "detail": "Over capacity", "code": 130}]},
    {"ok": False, "error_code": 500, "description": "Internal Server Error"},
    {"errcode": "M_UNKNOWN", "error": "Internal server error"},
    {"error": "InternalServerError", "message": "Internal Server Error"},
    {"code": 50001, "http": 500, "error": "internal server error"},
    {"class": "Server::InternalServerError", "message": "Internal server error"},
    {"code": 105, "message": "Something went wrong"},
    {"status": 500, "title": "Internal error"},
    {},
    [],
    None,
)
"""The shapes in which these platforms name an error of their own, each told to all of them; and nothing at all."""


def _unclear(taken: bool) -> Iterator[tuple[str, Twist]]:
    """Answers that say nothing of what was done."""
    for said in ERRORS:
        yield f"200 with {json.dumps(said)}", instead(200, json.dumps(said), taken)
    yield "200 with a page", instead(200, PAGE, taken, Content_Type="text/html")
    yield "200 with a long page", instead(200, PAGE * 400, taken, Content_Type="text/html")
    yield "200 with 8 MB of a page", instead(200, b"<" * 8_000_000, taken)
    yield "200 with 8 MB of blanks in JSON", instead(200, b'{"is": "9"' + b" " * 8_000_000 + b"}", taken)
    yield "200 with nothing", instead(200, b"", taken)
    yield "200 with bytes", instead(200, b"\x00\xff\xfe", taken)
    yield "204", instead(204, b"", taken)
    yield "500", instead(500, '{"error": "trouble"}', taken)
    yield "502 with a page", instead(502, PAGE, taken)
    yield "503 with a year", instead(503, PAGE, taken, Retry_After=str(YEAR))


def _refusals() -> Iterator[tuple[str, Twist]]:
    """Answers to what was certainly not taken."""
    yield "304", instead(304)
    yield "404 with a page", instead(404, PAGE)
    yield "401", instead(401, '{"error": "no"}')
    yield "429", instead(429, "{}")
    for name, value in waits(FakeClock()).items():
        yield f"429, Retry-After {name}", instead(429, "{}", Retry_After=value)


def waits(clock: FakeClock) -> dict[str, str]:
    """What stands in a `Retry-After` (RFC 9110, section 10.2.3), and what doesn't belong there."""
    now = clock.now()
    return {
        "a year": str(YEAR),
        "a year as a date": format_datetime(now + timedelta(days=366), usegmt=True),
        "ages": "9" * 5000,
        "of the past": format_datetime(now - timedelta(days=366), usegmt=True),
        "less than nothing": "-5",
        "a fraction": "1.5",
        "no number": "NaN",
        "infinite": "1e999",
        "words": "soon",
        "no date": "Mon, 99 Foo 20261 25:61:61 +9999",
        "empty": "",
    }


TAKEN = [
    ("cut before a byte", cut(-1)),
    ("cut after the headers", cut(0)),
    ("cut within", cut(None)),
    *_unclear(taken=True),
]
NOT_TAKEN = [*_unclear(taken=False), *_refusals()]


# --- the walk -------------------------------------------------------------------------------------------------------


@dataclass
class Walk:
    """One kind at its sandbox, asked through `way`; each try says words of its own."""

    stage: Stage
    kind: str
    way: Between
    channel: Any = None
    number: int = 0

    async def open(self, **settings: Any) -> None:
        """Open a new channel, which knows what was stored alone."""
        kind, _, provider = self.kind.partition(".")
        more = {**PROVIDERS[provider], "daily_budget": 1_000_000, "monthly_budget": 1_000_000} if provider else {}
        self.channel = await self.stage.open(kind, api_url=self.way.url, **more, **settings)

    def words(self) -> Any:
        self.number += 1
        about = About(
            f"post-{self.number}",
            "alert",
            "incident",
            "here",
            PostKind.PUBLISH,
            Severity.SEVERE,
            ready_at=self.stage.clock.now(),
        )
        return message(f"Crue lente, avis {self.number}.", about=about)

    async def wound(self, call: Any) -> Any:
        """What comes of a call, while the clock is wound that it waits by."""
        task = asyncio.ensure_future(call)
        while not task.done():
            await asyncio.wait([task], timeout=0.005)
            await self.stage.clock.advance(1.0)
        return task.result()

    async def ended(self, call: Any) -> Any:
        """The receipt, or the error that it ended with, which tells the reason on one line and no credential."""
        try:
            return await self.wound(call)
        except DeliveryError as error:
            came = error
        assert "\n" not in str(came.reason)
        assert 0 < len(str(came.reason)) < 1500
        assert "sandbox-" not in told_by(came)
        if isinstance(came, Retry) and came.after is not None:
            assert came.after <= self.stage.clock.now() + LONGEST_WAIT
        return came

    async def count(self, said: Any) -> int:
        return sum(said.text in each["text"] for each in await self.stage.timeline(self.kind.partition(".")[0]))

    async def heal(self) -> None:
        self.way.set(None)
        # Longer than an old doubt, or a refused credential, is left alone.
        await self.stage.clock.advance(LONGEST_LEFT)
        await self.wound(self.channel.probe())


@pytest.fixture(params=OVER_HTTP)
async def walk(request, make_stage, tmp_path):
    stage = await make_stage()
    (tmp_path / "numbers").write_text("+33612345678\n+33712345678")
    async with between(stage.sandbox.url, stage.session) as way:
        made = Walk(stage, request.param, way)
        await made.open()
        yield made
        await made.channel.close()


async def tried(walk: Walk, call: Any, of: Any) -> None:
    """Try `of(name, twist, at, is_taken)` for each request of a call, and each answer."""
    failed = []
    walk.way.set(None)
    await walk.wound(call)
    many = len(walk.way.asked)
    assert many
    for at in range(many):
        for is_taken, answers in ((True, TAKEN), (False, NOT_TAKEN)):
            for name, twist in answers:
                try:
                    await of(twist, at)
                except Exception as error:  # noqa: BLE001 told together with the others
                    case = f"request {at + 1} of {many}, {'taken' if is_taken else 'not taken'}, {name}"
                    failed.append(f"{case}: {type(error).__name__} {error}".splitlines()[0])
                assert len(walk.way.asked) <= 12, "it asks on and on"
    assert not failed, "\n".join([f"{len(failed)}:", *failed])


async def test_whatever_is_answered_a_post_is_neither_lost_nor_said_twice(walk):
    """Each request of a publication, one after the other, is answered with each; then the platform is well again."""
    first = await walk.wound(walk.channel.publish(walk.words()))

    async def once(twist: Twist, at: int) -> None:
        await _published_once(walk, twist, at, first.remote_id)

    await tried(walk, walk.channel.publish(walk.words()), once)


async def _published_once(walk: Walk, twist: Twist, at: int, known: str) -> None:
    since, said, channel = walk.stage.clock.now(), walk.words(), walk.channel
    walk.way.set(twist, at)
    came = await walk.ended(channel.publish(said))
    out = await walk.count(said)
    await walk.heal()
    if isinstance(came, Rejected | Gone):
        assert not out, f"out, and told as refused: {came.reason}"
        return
    if isinstance(came, InDoubt) and not (isinstance(channel, DropsRepeats) and channel.drops_repeats):
        # Without a search it waits for an officer.
        if not isinstance(channel, Finds):
            return
        found = await walk.ended(channel.find(said, since, known, frozenset({known})))
        if isinstance(found, DeliveryError):
            assert isinstance(found, InDoubt), found
            return
        assert (found is not None) == bool(out), "the look is wrong"
        if out or (isinstance(channel, NeverRepeats) and channel.never_repeats):
            return
        came = found
    if came is None or isinstance(came, DeliveryError):
        again = await walk.ended(channel.publish(said))
        assert not isinstance(again, DeliveryError), f"{came!r}, then {again!r}"
        assert await walk.count(said) == 1, f"after {came!r}: {await walk.count(said)}"
        return
    assert out == 1 or walk.kind in BY_STATUS_ALONE, f"{out} out, and told as out"


def those_that(can: str) -> Any:
    """The kinds that promise a method beyond `Channel`."""
    kinds = [each for each in OVER_HTTP if hasattr(channel_kind(each.partition(".")[0]).load(), can)]
    return pytest.mark.parametrize("walk", kinds, indirect=True)


@those_that("edit")
async def test_whatever_is_answered_an_edit_is_called_done_only_where_it_is(walk):
    assert isinstance(walk.channel, Edits)

    async def edited(twist: Twist, at: int) -> None:
        receipt, said = await walk.ended(walk.channel.publish(walk.words())), walk.words()
        walk.way.set(twist, at)
        came = await walk.ended(walk.channel.edit(receipt.remote_id, said))
        done = await walk.count(said)
        await walk.heal()
        if isinstance(came, Rejected | Gone):
            assert not done, came
        elif not isinstance(came, DeliveryError):
            assert done == 1, "called done"
        # Whoever edits by a post of another id looks for it, as after a publication.
        elif not isinstance(came, InDoubt):
            await walk.wound(walk.channel.edit(receipt.remote_id, said))
            assert await walk.count(said) == 1

    receipt = await walk.wound(walk.channel.publish(walk.words()))
    await tried(walk, walk.channel.edit(receipt.remote_id, walk.words()), edited)


@those_that("delete")
async def test_whatever_is_answered_a_post_is_called_deleted_only_where_it_is(walk):
    assert isinstance(walk.channel, Deletes)
    shown = walk.kind.partition(".")[0]

    async def is_gone(remote_id: str) -> bool:
        return all(each["deleted"] for each in await walk.stage.timeline(shown) if each["id"] == remote_id)

    async def deleted(twist: Twist, at: int) -> None:
        receipt = await walk.ended(walk.channel.publish(walk.words()))
        walk.way.set(twist, at)
        came = await walk.ended(walk.channel.delete(receipt.remote_id))
        done = await is_gone(receipt.remote_id)
        await walk.heal()
        if not isinstance(came, DeliveryError):
            assert done, "called done"
        # What a platform will not delete is said in a reply.
        elif isinstance(came, Rejected | Gone | InDoubt):
            assert not done, came
        else:
            await walk.wound(walk.channel.delete(receipt.remote_id))
            assert await is_gone(receipt.remote_id)

    receipt = await walk.wound(walk.channel.publish(walk.words()))
    await tried(walk, walk.channel.delete(receipt.remote_id), deleted)


@those_that("find")
@pytest.mark.parametrize("is_out", [True, False])
async def test_whatever_is_answered_a_look_finds_what_is_out_and_nothing_else(walk, is_out):
    if walk.kind == "sms.octopush":
        pytest.skip("it says of nothing whether it is out")
    known = await walk.wound(walk.channel.publish(walk.words()))
    since, said = walk.stage.clock.now(), walk.words()
    receipt = await walk.wound(walk.channel.publish(said)) if is_out else None
    given = said, since, known.remote_id, frozenset({known.remote_id})

    async def looked(twist: Twist, at: int) -> None:
        # As after a restart: it knows nothing of what it found.
        await walk.open()
        walk.way.set(twist, at)
        came = await walk.ended(walk.channel.find(*given))
        is_empty = EMPTY in [each.body for each in walk.way.said]
        await walk.heal()
        if not isinstance(came, DeliveryError):
            right = (came and came.remote_id) == (receipt and receipt.remote_id)
            assert right or (came is None and is_empty), f"found: {came!r}"
            return
        # Nothing else is looked at again: what nobody can look for is sent once more, or is an officer's.
        assert isinstance(came, Retry | BadCredential), f"{came!r}"
        await walk.open()
        again = await walk.wound(walk.channel.find(*given))
        assert (again and again.remote_id) == (receipt and receipt.remote_id)

    await tried(walk, walk.channel.find(*given), looked)


@those_that("listed")
async def test_whatever_is_answered_nothing_is_missing_in_a_list_of_our_posts(walk):
    known = await walk.wound(walk.channel.publish(walk.words()))
    await walk.stage.clock.advance(3600)
    since = walk.stage.clock.now()
    receipt = await walk.wound(walk.channel.publish(walk.words()))

    async def listed(twist: Twist, at: int) -> None:
        await walk.open()
        walk.way.set(twist, at)
        came = await walk.ended(walk.channel.listed(since, known.remote_id))
        is_empty = EMPTY in [each.body for each in walk.way.said]
        await walk.heal()
        if isinstance(came, Retry | BadCredential) or (came == [] and is_empty):
            return
        assert [each.remote_id for each in came] == [receipt.remote_id], came

    await tried(walk, walk.channel.listed(since, known.remote_id), listed)


async def test_whatever_is_answered_a_probe_ends_and_the_next_one_is_well(walk):
    async def probed(twist: Twist, at: int) -> None:
        walk.way.set(twist, at)
        await walk.ended(walk.channel.probe())
        await walk.heal()

    await tried(walk, walk.channel.probe(), probed)


async def test_one_id_for_two_posts_loses_none_and_says_none_twice(walk):
    """What was answered to each request of a post is answered to the same one of the next, which is taken."""
    walk.way.set(None)
    first = await walk.wound(walk.channel.publish(walk.words()))
    said = list(walk.way.said)
    for at, told in enumerate(said):
        await _published_once(walk, instead(told.status, told.body, taken=True), at, first.remote_id)


UNFIT = ("a\r\nX-Evil: 1", "\x00", "\ud800", "\u202eclé", "x" * 9000)
"""Texts that no header can carry, and no address."""


def saying(words: str) -> Twist:
    """The platform's own answer, with these words for each text in it."""

    def said(value: Any) -> Any:
        match value:
            case str():
                return words
            case list():
                return [said(each) for each in value]
            case dict():
                return {key: said(each) for key, each in value.items()}
            case _:
                return value

    async def twist(_: Any, forwarded: Any) -> Told:
        told = await forwarded()
        return replace(told, body=json.dumps(said(json.loads(told.body or b"null"))).encode())

    return twist


def holding(value: Any) -> Twist:
    """The platform's own answer, with this for each value in it but yes and no."""

    async def twist(_: Any, forwarded: Any) -> Told:
        told = await forwarded()
        said = json.loads(told.body or b"null")
        if isinstance(said, dict):
            said = {key: each if isinstance(each, bool) else value for key, each in said.items()}
        return replace(told, body=json.dumps(said).encode())

    return twist


UNSHAPED: tuple[Any, ...] = ({}, [], [{}], "x", 7, -1, 2**70, None, [None], {"id": {}}, [["x"]])


async def test_whatever_is_in_an_answer_each_call_ends_as_one_that_a_platform_answers(walk):
    """Tokens, cursors and ids are sent back: one that can't be sent is no answer, and no fault of ours."""
    first = await walk.wound(walk.channel.publish(walk.words()))
    twists = {**{repr(each): saying(each) for each in UNFIT}, **{repr(each): holding(each) for each in UNSHAPED}}
    failed = []
    for said, twist in twists.items():
        for number in itertools.count():
            await walk.open()
            calls = list(_calls(walk, first.remote_id))
            for each in calls[:number] + calls[number + 1 :]:
                each.close()
            if number >= len(calls):
                break
            walk.way.set(twist)
            try:
                await walk.ended(calls[number])
            except Exception as error:  # noqa: BLE001 told together with the others
                failed.append(f"call {number + 1}, {said[:40]}: {type(error).__name__} {error}".splitlines()[0])
            await walk.heal()
    assert not failed, "\n".join([f"{len(failed)}:", *failed])


@pytest.mark.parametrize("secret", ["two\nlines", "clé", "\x00"])
async def test_a_credential_that_no_header_can_carry_is_told_and_nothing_is_sent(make_stage, secret):
    stage = await make_stage()
    with pytest.raises(BadCredential) as caught:
        await ask(
            stage.session,
            "GET",
            stage.sandbox.url,
            platform="X",
            act=RequestPurpose.PUBLISH,
            timeout=timedelta(seconds=1),
            headers={"Authorization": f"Bearer {secret}"},
        )
    assert caught.value.reason.code == "credential_unsendable"
    assert secret not in told_by(caught.value)


async def test_a_redirect_is_followed_by_no_request_and_no_credential(walk):
    first = await walk.wound(walk.channel.publish(walk.words()))
    async with platform((200, b"{}")) as stranger:
        for status in (301, 302, 303, 307, 308):
            for call in _calls(walk, first.remote_id):
                walk.way.set(instead(status, "", Location=f"{stranger.url}/elsewhere"))
                assert isinstance(await walk.ended(call), BadCredential | InDoubt | Retry)
                await walk.heal()
        assert stranger.asked == []


def _calls(walk: Walk, known: str) -> Iterator[Any]:
    yield walk.channel.publish(walk.words())
    yield walk.channel.probe()
    for can, given in (
        ("edit", lambda: (known, walk.words())),
        ("delete", lambda: (known,)),
        ("find", lambda: (walk.words(), walk.stage.clock.now(), known, frozenset({known}))),
    ):
        if hasattr(walk.channel, can):
            yield getattr(walk.channel, can)(*given())


def _graph(name: str) -> Callable[[str, str], Any]:
    return lambda at, after: {"data": [{"id": "7", name: at}], "paging": {"cursors": {"after": after}, "next": "x"}}


def _of_x(at: str, after: str) -> Any:
    return {"data": [{"id": "7", "created_at": at, "text": "x"}], "meta": {"result_count": 1, "next_token": after}}


LOOPS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "twitter": ("/tweets$", _of_x),
    "facebook": ("/published_posts$", _graph("created_time")),
    "instagram": ("/media$", _graph("timestamp")),
    "mastodon": ("/statuses$", lambda at, after: [{"id": after, "created_at": at, "in_reply_to_id": "8"}]),
    "bluesky": (
        "listRecords$",
        lambda at, after: {"records": [{"uri": "at://x/y/7", "value": {"createdAt": at}}], "cursor": after},
    ),
    "matrix": ("/messages$", lambda at, after: {"chunk": [{"origin_server_ts": 9 * 10**15}], "end": after}),
}
"""By kind: where it lists our own posts, and a page of others' with the cursor of the next one."""
NO_PAGES = frozenset({"telegram", "sms.ovh", "sms.octopush", "sms.smsmode"})
"""Kinds that look for a post by its number or its reference."""


@those_that("find")
@pytest.mark.parametrize("circle", [["7"], ["7", "8"], ["7", "8", "9", "7"]], ids=len)
async def test_pages_that_lead_in_a_circle_are_left_and_nothing_is_told_of_them(walk, circle):
    if walk.kind in NO_PAGES:
        pytest.skip("it reads no pages")
    where, page = LOOPS[walk.kind]
    first = await walk.wound(walk.channel.publish(walk.words()))
    since = walk.stage.clock.now()
    cursors = itertools.cycle(circle)

    async def twist(asked: Any, forwarded: Any) -> Told:
        if asked.method != "GET" or not re.search(where, asked.path):
            return await forwarded()
        return Told(200, json.dumps(page((since + timedelta(seconds=1)).isoformat(), next(cursors))).encode())

    asked_for = ("listed",) if walk.kind == "bluesky" else ("find", "listed")
    calls = {"find": (walk.words(), since, first.remote_id, frozenset({first.remote_id})), "listed": (since, None)}
    for name in asked_for:
        if not hasattr(walk.channel, name):
            continue
        walk.way.set(twist)
        came = await walk.ended(getattr(walk.channel, name)(*calls[name]))
        assert isinstance(came, InDoubt), came
        assert came.reason.code == "list_too_long"
        assert len(walk.way.asked) <= len(circle) * 2 + 3
        await walk.heal()


EARS = sorted(kind for kind in channel_kinds() if (found := channel_kind(kind)) is not None and found.ear)
"""All kinds where people are listened to under our posts."""


@pytest.mark.parametrize("walk", EARS, indirect=True)
async def test_whatever_is_answered_an_ear_calls_nothing_gone_and_misses_nothing(walk, monkeypatch):
    for name, value in LISTENER.items():
        monkeypatch.setenv(f"X_LISTENER_{name.upper()}", value)
    await walk.open(**({**LISTEN, "budget": 10_000.0} if walk.kind == "twitter" else {"hears": True}))
    people, since = Townsfolk(walk.stage.session, walk.stage.sandbox.url), walk.stage.clock.now()
    receipt = await walk.wound(walk.channel.publish(walk.words()))
    posts, memory, number = [HeardPost(receipt.remote_id, since, "incident")], dict[str, Any](), 0

    async def hear() -> Any:
        nonlocal memory
        await walk.stage.clock.advance(900)
        heard = await walk.ended(walk.channel.hear(posts, memory, walk.stage.clock.now()))
        if isinstance(heard, DeliveryError):
            return heard, []
        memory = json.loads(json.dumps(heard.memory))
        return heard, list(heard.remarks)

    async def listened(twist: Twist, at: int) -> None:
        nonlocal number
        number += 1
        await people.say(walk.kind, f"Question {number}", under=receipt.remote_id)
        walk.way.set(twist, at)
        _, remarks = await hear()
        assert len(walk.way.asked) <= 12, "it asks on and on"
        await walk.stage.clock.advance(LONGEST_LEFT)
        for _ in range(4):
            walk.way.set(None)
            heard, more = await hear()
            remarks += more
        assert not isinstance(heard, DeliveryError), heard
        assert not [each for each in remarks if each.gone], "called gone"
        assert [each.text for each in remarks] == [f"Question {number}"]

    await people.say(walk.kind, "Première", under=receipt.remote_id)
    await hear()
    await tried(walk, hear(), listened)
