"""What every channel promises, run over all that speak the protocol, each on its sandbox over real sockets."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import timedelta

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from alerts.channels import KINDS
from alerts.config.kinds import channel_kind
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry, Unexplained
from alerts.model.ports import Deletes, DropsRepeats, Edits, Finds
from tests.contract.channels.conftest import (
    ALONE,
    LOOKS_FIRST,
    NO_THREADS,
    REPEATABLE,
    SECRETS,
    SETTINGS,
    WITHOUT_HTTP,
    WITHOUT_LIMITS,
    WITHOUT_NETWORK,
    Stage,
    message,
    told_by,
)
from tests.release import at_release
from tests.walls import in_one_test

WORDS = "Crue de l’Isère : évitez les berges & les quais <du centre>\n\n« Restez chez vous » 🌊 https://mairie.example/a?b=1&c=2"
HTML = WORDS.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
ODD = message(WORDS)


def those_that(can: str):
    """The kinds that promise a method beyond `Channel`; the others need not have it."""
    return pytest.mark.parametrize("kind", [kind for kind in SETTINGS if hasattr(channel_kind(kind).load(), can)])


@pytest.fixture(params=list(SETTINGS))
def kind(request):
    return request.param


@pytest.fixture
async def channel(stage: Stage, kind: str):
    channel = await stage.open(kind)
    yield channel
    await channel.close()


def odd(kind: str):
    """Words with everything that a platform gives back changed, in the channel's own markup."""
    return message(WORDS, html=HTML if channel_kind(kind).text.markup == "html" else WORDS)


async def raised(call) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await call
    assert not [secret for secret in SECRETS.values() if secret in told_by(caught.value)]
    assert "\n" not in str(caught.value.reason)
    return caught.value


def test_every_kind_that_ships_is_held_to_this():
    assert set(SETTINGS) == KINDS.keys() - WITHOUT_NETWORK


async def test_what_is_published_stands_in_the_timeline_as_the_receipt_says(stage, channel, kind):
    receipt = await channel.publish(odd(kind))
    [post] = await stage.timeline(kind)
    assert (post["id"], post["text"]) == (receipt.remote_id, WORDS)
    if kind in WITHOUT_HTTP | ALONE:
        return
    assert receipt.url.startswith("https://")
    assert receipt.url.endswith(receipt.remote_id.rpartition("/")[2])


async def test_opening_and_closing_ask_the_platform_nothing(stage, kind):
    channel = await stage.open(kind)
    await channel.close()
    assert await stage.requests(kind) == []


async def test_a_reply_stands_under_its_parent(stage, channel, kind):
    parent = await channel.publish(message("Alerte"))
    child = await channel.publish(message("Mise à jour"), parent.remote_id)
    posts = {post["id"]: post for post in await stage.timeline(kind)}
    assert posts[child.remote_id]["reply_to"] == (None if kind in NO_THREADS else parent.remote_id)
    assert posts[child.remote_id]["text"] == "Mise à jour"


@those_that("edit")
async def test_an_edit_changes_the_words_and_keeps_the_post(stage, channel, kind):
    assert isinstance(channel, Edits)
    first = await channel.publish(message("Alerte"))
    after = await channel.edit(first.remote_id, odd(kind))
    [post] = await stage.timeline(kind)
    assert (post["id"], post["text"], post["edits"]) == (after.remote_id, WORDS, ["Alerte"])


@those_that("edit")
async def test_an_edit_that_changes_nothing_is_done(stage, channel, kind):
    first = await channel.publish(message("Alerte"))
    after = await channel.edit(first.remote_id, message("Alerte") if kind != "twitter" else odd(kind))
    assert (after == first) is (kind != "twitter"), "an edit on X is a new post: it is never asked for the same words"


@those_that("delete")
async def test_deleting_twice_is_deleting(stage, channel, kind):
    assert isinstance(channel, Deletes)
    receipt = await channel.publish(message("Alerte"))
    await channel.delete(receipt.remote_id)
    await channel.delete(receipt.remote_id)
    [post] = await stage.timeline(kind)
    assert post["deleted"]


@those_that("find")
async def test_a_post_that_is_out_is_found_by_its_words(stage, channel, kind):
    assert isinstance(channel, Finds)
    known = await channel.publish(message("Alerte d’avant"))
    since = stage.clock.now()
    other = await stage.open(kind)  # a process that was killed knows nothing of it
    receipt = await other.publish(odd(kind))
    found = await channel.find(odd(kind), since, known.remote_id, frozenset())
    assert found is not None
    assert found.remote_id == receipt.remote_id


@those_that("find")
async def test_what_is_not_out_is_not_found(stage, channel, kind):
    known = await channel.publish(message("Alerte d’avant"))
    assert await channel.find(odd(kind), stage.clock.now(), known.remote_id, frozenset()) is None


@those_that("find")
async def test_an_older_post_with_these_words_is_another_one(stage, channel, kind):
    older = await channel.publish(odd(kind))
    await stage.clock.advance(3600)
    assert await channel.find(odd(kind), stage.clock.now(), older.remote_id, frozenset()) is None


@those_that("listed")
async def test_what_is_out_is_listed_from_a_time_on(stage, channel, kind):
    old = await channel.publish(message("Hier"))
    await stage.clock.advance(3600)
    since = stage.clock.now()
    new = [await channel.publish(message(words)) for words in ("Un", "Deux")]

    later = await stage.open(kind)
    listed = await later.listed(since, old.remote_id)

    assert {each.remote_id for each in listed} == {each.remote_id for each in new}
    assert all(each.url for each in listed)


async def test_a_dead_credential_is_told_whatever_is_done(stage, channel, kind):
    receipt = await channel.publish(message("Alerte"))
    await stage.fault(kind, "revoked")
    calls = [channel.publish(message("Autre")), channel.publish(message("Autre"), receipt.remote_id), channel.probe()]
    if isinstance(channel, Edits):
        calls.append(channel.edit(receipt.remote_id, message("Autre")))
    if isinstance(channel, Deletes):
        calls.append(channel.delete(receipt.remote_id))
    if isinstance(channel, Finds):
        calls.append(channel.find(message("Autre"), stage.clock.now(), receipt.remote_id, frozenset()))
    for call in calls:
        assert type(await raised(call)) is BadCredential


@in_one_test
@pytest.mark.parametrize("missing", [None, "", "two\nlines", "clé"])
async def test_a_credential_that_is_missing_or_none_is_told_on_opening(stage, kind, monkeypatch, missing):
    for name in SECRETS:
        monkeypatch.delenv(name) if missing is None else monkeypatch.setenv(name, missing)
    error = await raised(stage.open(kind))
    assert type(error) is BadCredential
    assert any(name in str(error.reason) for name in SECRETS)


@pytest.mark.parametrize("kind", sorted(SETTINGS.keys() - WITHOUT_LIMITS))
async def test_a_limit_holds_the_whole_channel_until_the_time_that_the_platform_names(stage, channel, kind):
    await stage.fault(kind, "rate_limit", retry_after=120)
    error = await raised(channel.publish(message()))
    assert isinstance(error, Retry)
    assert (error.whole_channel, error.sent) == (True, True)
    if kind in WITHOUT_HTTP:
        assert error.after is None
        return
    assert error.after == stage.clock.now() + timedelta(seconds=120)


@pytest.mark.parametrize(
    ("fault", "act"),
    [("hang", "publish"), ("drip", "edit"), *at_release([("hang", "edit"), ("drip", "publish")])],
)
async def test_silence_ends_within_the_time_out(stage, channel, kind, fault, act):
    receipt = await channel.publish(message("Alerte"))
    channel = await stage.open(kind, timeout="1s" if kind == "mail" else "2s")
    await channel.probe()  # a kind that signs in has done so
    await stage.fault(kind, fault, seconds=30 if fault == "drip" else None)
    began = time.monotonic()
    edits = act == "edit" and isinstance(channel, Edits)
    error = await raised(channel.edit(receipt.remote_id, message()) if edits else channel.publish(message()))
    assert time.monotonic() - began < 20
    assert type(error) is (Retry if edits and kind != "twitter" else InDoubt)


@those_that("find")
@pytest.mark.parametrize(("fault", "out"), [("cut_before", False), ("cut_after", True), ("half", True)])
async def test_a_cut_leaves_a_post_in_doubt_and_looking_tells(stage, channel, kind, fault, out):
    known = await channel.publish(message("Alerte d’avant"))
    since = stage.clock.now()
    # aiohttp itself repeats a PUT whose connection was kept open and is closed: on Matrix it is the same event.
    await stage.fault(kind, fault, times=2 if kind == "matrix" and fault != "half" else 1)
    assert type(await raised(channel.publish(odd(kind)))) is InDoubt
    found = await channel.find(odd(kind), since, known.remote_id, frozenset())
    assert (found is not None) == out
    if found:
        assert found.remote_id == (await stage.timeline(kind))[-1]["id"]


@those_that("find")
@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "half"])
async def test_a_cut_of_what_may_be_repeated_is_only_a_retry(stage, channel, kind, fault):
    receipt = await channel.publish(message("Alerte"))
    await stage.fault(kind, fault)
    for call in (
        *([channel.delete(receipt.remote_id)] if isinstance(channel, Deletes) else []),
        channel.find(message(), stage.clock.now(), receipt.remote_id, frozenset()),
    ):
        error = await raised(call)
        assert type(error) is Retry
        assert not error.whole_channel


@pytest.mark.parametrize("fault", [{"kind": "error_html", "status": 502}, {"kind": "error_json", "status": 500}])
async def test_trouble_there_is_in_doubt_on_publishing_and_a_retry_else(stage, channel, kind, fault):
    receipt = await channel.publish(message("Alerte"))
    await stage.fault(kind, **fault)
    expected = Retry if kind in WITHOUT_HTTP else InDoubt
    assert type(await raised(channel.publish(message()))) is expected
    on_reply = Retry if kind in LOOKS_FIRST else expected
    assert type(await raised(channel.publish(message(), receipt.remote_id))) is on_reply
    if isinstance(channel, Deletes):
        assert type(await raised(channel.delete(receipt.remote_id))) is Retry
    if isinstance(channel, Finds):
        assert type(await raised(channel.find(message(), stage.clock.now(), receipt.remote_id, frozenset()))) is Retry
    assert type(await raised(channel.probe())) is Retry


@pytest.mark.parametrize("kind", sorted(REPEATABLE))
@pytest.mark.parametrize("fault", ["cut_after", "half", "error_after"])
async def test_what_may_be_repeated_is_taken_once(stage, channel, kind, fault):
    await channel.probe()  # a kind that signs in has done so
    await stage.fault(kind, fault, times=1)
    assert type(await raised(channel.publish(odd(kind)))) is InDoubt
    assert isinstance(channel, DropsRepeats)
    again = await channel.publish(odd(kind))
    assert [post["id"] for post in await stage.timeline(kind)] == [again.remote_id]


@those_that("find")
async def test_an_error_though_the_post_was_made_is_in_doubt_and_found(stage, channel, kind):
    known = await channel.publish(message("Alerte d’avant"))
    await stage.fault(kind, "error_after", times=1)
    assert type(await raised(channel.publish(odd(kind)))) is InDoubt
    assert await channel.find(odd(kind), stage.clock.now(), known.remote_id, frozenset())


async def test_too_long_a_text_is_refused_for_good(stage, channel, kind):
    error = await raised(channel.publish(message("mot " * 20_000)))
    # X gives no reason: another text tells whether this one is at fault.
    assert type(error) is (Unexplained if kind == "twitter" else Rejected)


async def test_a_refused_connection_was_never_sent(stage, kind):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        channel = await stage.open(kind, **stage.place(kind, taken.getsockname()[1]))
        await never_sent(channel)


async def test_a_connection_without_tls_was_never_sent(stage, kind):
    await never_sent(await stage.open(kind, **stage.place(kind, tls=True)))


CONNECTED_WITHIN = 30.0
"""Seconds that a request's connection may take: half of what the whole may."""


class NoNames(AbstractResolver):
    """A resolver that knows no name, or never answers: then the loop's time goes on until nobody waits any more."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs
        self._ahead = 0.0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        if self._hangs:
            self._ahead += CONNECTED_WITHIN + 2.0
            await asyncio.Event().wait()
        raise OSError("no such name")

    def hurry(self, monkeypatch) -> None:
        loop = asyncio.get_running_loop()
        time = loop.time
        monkeypatch.setattr(loop, "time", lambda: time() + self._ahead)

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("kind", sorted(SETTINGS.keys() - WITHOUT_HTTP))
@pytest.mark.parametrize("hangs", [False, True])
async def test_a_name_that_is_not_resolved_was_never_sent(stage, kind, hangs, monkeypatch):
    names = NoNames(hangs=hangs)
    # By a wound loop: on a busy machine both of a request's times may be over at once, and then nothing is certain.
    # Without a cache each request asks for the name itself, and so winds it.
    names.hurry(monkeypatch)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=names, use_dns_cache=False)) as session:
        within = f"{2 * CONNECTED_WITHIN:.0f}s"
        await never_sent(await stage.open(kind, session, api_url="http://platform.example", timeout=within))


async def never_sent(channel) -> None:
    calls = [channel.publish(message()), channel.publish(message(), "1")]
    if isinstance(channel, Edits):
        calls.append(channel.edit("1", message()))
    for call in calls:
        error = await raised(call)
        assert type(error) is Retry
        assert not error.sent
        assert not error.whole_channel


async def test_a_probe_tells_the_account_and_publishes_nothing(stage, channel, kind):
    probe = await channel.probe()
    assert probe.account == {"twitter": "@tocsin_sandbox", "telegram": "@tocsin_sandbox_bot"}.get(kind, probe.account)
    assert probe.warnings == ()
    assert await stage.timeline(kind) == []


@pytest.mark.parametrize("kind", sorted(SETTINGS.keys() - WITHOUT_HTTP))
async def test_nothing_goes_by_another_session_than_the_shared_one(stage, kind):
    asked: list[str] = []
    trace = aiohttp.TraceConfig()

    async def note(session, context, parameters):
        asked.append(parameters.method)

    trace.on_request_start.append(note)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        channel = await stage.open(kind, session)
        receipt = await channel.publish(message())
        if isinstance(channel, Finds):
            await channel.find(message("Autre"), stage.clock.now(), receipt.remote_id, frozenset())
        if isinstance(channel, Deletes):
            await channel.delete(receipt.remote_id)
        await channel.probe()
        await channel.close()
        assert not session.closed
    assert len(asked) == len(await stage.requests(kind)) >= 2


@those_that("find")
async def test_a_post_that_is_known_is_never_the_one_looked_for(stage, channel, kind):
    before = await channel.publish(message("Alerte d’avant"))
    receipt = await channel.publish(odd(kind))
    other = await stage.open(kind)
    assert await other.find(odd(kind), stage.clock.now(), before.remote_id, frozenset({receipt.remote_id})) is None


async def test_a_renewed_credential_is_taken_by_the_probe(stage, kind, monkeypatch):
    for name in SECRETS:
        monkeypatch.setenv(name, "expired")
    channel = await stage.open(kind)
    assert type(await raised(channel.publish(message()))) is BadCredential
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    await channel.probe()
    assert await channel.publish(message())


async def test_an_unopened_channel_says_so(stage, kind):
    channel = await stage.open(kind)
    await channel.close()
    assert type(await raised(channel.publish(message()))) is BadCredential
