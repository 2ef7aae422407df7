"""The webhook on its face and on a receiver of the test's own: what arrives there, and what its answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.post import About, PostImage, PostKind
from tests.contract.channels.conftest import SECRETS, message
from tests.contract.channels.platform import platform
from tests.walls import in_one_test

ABOUT = About(
    post="post-1",
    alert="alert-1",
    incident="incident-1",
    channel="bornes",
    kind=PostKind.UPDATE,
    severity=Severity.SEVERE,
    expires=datetime(2026, 11, 25, 18, tzinfo=UTC),
    exercise=True,
)
TAKEN = (200, b'{"id": "r-7", "url": "https://bornes.example/r-7"}')


async def to(stage, receiver, **more):
    return await stage.open("webhook", api_url=receiver.url, url="https://bornes.example/in?key=1", **more)


async def test_the_letter_says_all_that_is_known(stage):
    async with platform(TAKEN) as receiver:
        channel = await to(stage, receiver)
        receipt = await channel.publish(message("Crue", about=ABOUT, link="https://mairie.example/a"), "r-6")

    [asked] = receiver.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/in", {"key": "1"})
    assert json.loads(asked.body) == {
        "type": "post.update",
        "timestamp": "2026-11-25T12:00:00+00:00",
        "data": {
            "id": "post-1",
            "kind": "update",
            "alert": "alert-1",
            "incident": "incident-1",
            "channel": "bornes",
            "severity": "Severe",
            "expires": "2026-11-25T18:00:00+00:00",
            "exercise": True,
            "text": "Crue",
            "link": "https://mairie.example/a",
            "language": "fr-FR",
            "reply_to": "r-6",
            "image": None,
        },
    }
    assert (receipt.remote_id, receipt.url) == ("r-7", "https://bornes.example/r-7")


async def test_it_is_signed_after_standard_webhooks_with_each_attempts_own_time(stage):
    async with platform(TAKEN) as receiver:
        channel = await to(stage, receiver)
        await channel.publish(message("Crue", about=ABOUT))
        await stage.clock.advance(600)
        await channel.publish(message("Crue", about=ABOUT))

    key = base64.b64decode(SECRETS["WEBHOOK_SECRET"].removeprefix("whsec_"))
    times = []
    for asked in receiver.asked:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        assert headers["webhook-id"] == "post-1"
        times.append(int(headers["webhook-timestamp"]))
        signed = f"post-1.{times[-1]}.".encode() + asked.body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
    assert times[1] - times[0] == 600


async def test_a_small_picture_goes_along_and_a_large_one_stays_behind(stage, picture, tmp_path):
    (tmp_path / "large.png").write_bytes((tmp_path / picture).read_bytes() + bytes(300_000))
    async with platform(TAKEN) as receiver:
        channel = await to(stage, receiver)
        for name in (picture, "large.png"):
            await channel.publish(message("Crue", image=PostImage(name, "La zone inondée")))

    small, large = [json.loads(asked.body)["data"]["image"] for asked in receiver.asked]
    assert small | {"data": None} == {
        "name": "picture.png",
        "type": "image/png",
        "alt": "La zone inondée",
        "data": None,
    }
    assert base64.b64decode(small["data"]) == (tmp_path / picture).read_bytes()
    assert large is None


@in_one_test
@pytest.mark.parametrize("answer", [b"", b"ok", b"[]", b'{"id": null}', b'{"id": "", "url": "javascript:x"}'])
async def test_any_2xx_is_taken_and_the_posts_own_id_stands_for_it(stage, answer):
    async with platform((202, answer)) as receiver:
        receipt = await (await to(stage, receiver)).publish(message("Crue", about=ABOUT))

    assert (receipt.remote_id, receipt.url) == ("post-1", None)


@in_one_test
@pytest.mark.parametrize(
    ("status", "headers", "meaning"),
    [
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}, BadCredential),
        (308, {"Location": "/elsewhere"}, BadCredential),
        (400, {}, Rejected),
        (401, {}, BadCredential),
        (403, {}, BadCredential),
        (404, {}, BadCredential),
        (408, {}, Retry),
        (410, {}, BadCredential),
        (413, {}, Rejected),
        (422, {}, Rejected),
        (429, {}, Retry),
        (500, {}, InDoubt),
        (503, {}, InDoubt),
        (503, {"Retry-After": "5"}, Retry),
    ],
)
async def test_what_an_answer_means(stage, status, headers, meaning):
    async with platform((status, b'{"error": "no"}', headers)) as receiver:
        channel = await to(stage, receiver)
        with pytest.raises(DeliveryError) as caught:
            await channel.publish(message("Crue", about=ABOUT))

    assert type(caught.value) is meaning
    assert len(receiver.asked) == 1, "no redirect is followed, nothing repeated here"
    assert "key=1" not in str(caught.value.reason)


async def test_a_ping_is_signed_and_shown_to_nobody(stage):
    async with platform((200, b'{"name": "Bornes du centre"}')) as receiver:
        probe = await (await to(stage, receiver)).probe()

    assert json.loads(receiver.asked[0].body)["type"] == "ping"
    assert probe.account == "Bornes du centre"


async def test_a_short_secret_is_warned_of(stage, monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", "geheim")
    async with platform(TAKEN) as receiver:
        probe = await (await to(stage, receiver)).probe()

    assert "shorter than 24 bytes" in str(probe.warnings[0])


async def test_a_secret_that_says_base64_and_is_none_is_told_on_opening(stage, monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", "whsec_no!base64")
    with pytest.raises(BadCredential, match="no base64"):
        await stage.open("webhook")


async def test_the_face_refuses_a_wrong_secret_and_takes_each_post_once(stage, monkeypatch):
    channel = await stage.open("webhook")
    first = await channel.publish(message("Crue", about=ABOUT))
    assert await channel.publish(message("Crue, une autre fois", about=ABOUT)) == first
    assert [post["text"] for post in await stage.timeline("webhook")] == ["Crue"]

    monkeypatch.setenv("WEBHOOK_SECRET", "a-quite-different-secret-of-ours")
    with pytest.raises(BadCredential):
        await (await stage.open("webhook")).publish(message("Autre"))


async def test_a_letter_of_yesterday_is_refused_by_the_face(stage):
    body = b'{"type":"ping"}'
    key = base64.b64decode(SECRETS["WEBHOOK_SECRET"].removeprefix("whsec_"))
    for age, status in ((0, 200), (299, 200), (301, 401), (-301, 401)):
        at = int(stage.clock.now().timestamp()) - age
        signature = base64.b64encode(hmac.new(key, f"x.{at}.".encode() + body, hashlib.sha256).digest()).decode()
        headers = {"webhook-id": "x", "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}
        async with stage.session.post(f"{stage.sandbox.url}/webhook", data=body, headers=headers) as answer:
            assert answer.status == status
