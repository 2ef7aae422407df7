"""What is particular to Instagram: two steps of which one can be in doubt, the picture, the refusals by subcode."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta

import pytest
from aiohttp import web
from PIL import Image
from pydantic import ValidationError

from alerts.channels.instagram import InstagramSettings
from alerts.config import load_config
from alerts.config.kinds import channel_kind
from alerts.health.checkup import check_at_rest
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, InDoubt, Rejected, Retry
from alerts.model.post import Means, PostImage
from alerts.rendering.card import Card, draw_card
from tests.contract.channels.conftest import SETTINGS, message

CARD = Card(Severity.SEVERE, "Vigilance orange", "Crue", "Centre-Bourg", "Jusqu’à 18 h", "Ville de Saint-Martin")
NAME = f"{'a1' * 32}.jpg"
TOWN = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
areas = ["INSEE:38185"]
public_url = "https://alertes.saint-martin.example"

[channels.instagram]
kind = "instagram"
account_id = "17841400000000001"
token = { env = "INSTAGRAM_TOKEN" }
"""


def said(text: str = "Crue de l’Isère"):
    return message(text, image=PostImage(f"/var/lib/tocsin/pictures/{NAME}", "Vigilance orange – Crue."))


@pytest.fixture
async def channel(stage):
    return await stage.open("instagram")


async def wound(stage, sending):
    task = asyncio.ensure_future(sending)
    while not task.done():
        await stage.clock.advance(1.0)
    return await task


async def made(stage):
    """How many containers were asked for."""
    return [each["path"].rpartition("/")[2] for each in await stage.requests("instagram") if each["method"] == "POST"]


async def test_the_picture_is_fetched_at_the_town_s_address_under_the_name_of_its_content(stage, channel):
    await channel.publish(said())
    [post] = await stage.timeline("instagram")
    assert post["link"] == f"https://alertes.saint-martin.example/pictures/{NAME}"
    assert post["text"] == "Crue de l’Isère"


@pytest.mark.parametrize("fault", ["error_html", "error_json", "cut_before", "cut_after", "half"])
async def test_a_container_that_is_in_doubt_is_nothing(stage, channel, fault):
    await stage.fault("instagram", fault, route="POST .*/media$", times=1)
    with pytest.raises(Retry) as raised:
        await channel.publish(said())
    assert not raised.value.sent
    await channel.publish(said())
    assert len(await stage.timeline("instagram")) == 1


async def test_it_is_published_once_it_is_ready(stage, channel):
    await stage.control("rules", instagram_waits=3)
    await wound(stage, channel.publish(said()))
    assert await made(stage) == ["media", "media_publish"]


async def test_a_picture_that_takes_long_is_waited_for_with_the_same_container(stage, channel):
    await stage.control("rules", instagram_waits=20)
    with pytest.raises(Retry) as waits:
        await wound(stage, channel.publish(said()))
    assert waits.value.after == stage.clock.now() + timedelta(seconds=10)
    await stage.clock.advance(30)
    await channel.publish(said())
    assert await made(stage) == ["media", "media_publish"]


async def test_what_was_published_and_is_not_listed_yet_stays_in_doubt(stage, channel):
    since = stage.clock.now()
    await stage.fault("instagram", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(said())
    await stage.fault("instagram", "read_lag", seconds=3600)
    with pytest.raises(Retry):
        await channel.find(said(), since, None, frozenset())
    with pytest.raises(InDoubt):
        await channel.publish(said())
    await stage.heal()
    [post] = await stage.timeline("instagram")
    assert (await channel.find(said(), since, None, frozenset())).remote_id == post["id"]


async def test_a_killed_process_leaves_the_container_to_the_next_which_sends_nothing_again(stage, channel):
    since = stage.clock.now()
    await stage.fault("instagram", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(said())
    await stage.fault("instagram", "read_lag", seconds=3600)
    successor = await stage.open("instagram")
    with pytest.raises(InDoubt):
        await successor.publish(said())
    await stage.clock.advance(180)
    assert (await successor.find(said(), since, None, frozenset())).url is None, "it is out, wherever"
    assert await made(stage) == ["media", "media_publish"]


async def test_the_same_words_may_be_said_again(stage, channel):
    await channel.publish(said())
    await channel.publish(said())
    assert len(await stage.timeline("instagram")) == 2


async def test_what_was_not_published_goes_out_with_the_same_container(stage, channel):
    await stage.fault("instagram", "cut_before", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(said())
    assert await channel.find(said(), stage.clock.now(), None, frozenset()) is None
    await channel.publish(said())
    assert await made(stage) == ["media", "media_publish", "media_publish"]
    assert len(await stage.timeline("instagram")) == 1


async def test_a_container_of_yesterday_is_made_anew(stage, channel):
    await stage.fault("instagram", "cut_before", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(said())
    await stage.clock.advance(25 * 3600)
    with pytest.raises(Retry):
        await channel.publish(said())
    await channel.publish(said())
    assert (await made(stage)).count("media") == 2


async def test_words_without_a_picture_are_refused_here(stage):
    kind = channel_kind("instagram")
    told = {"kind": "instagram", **stage.place("instagram"), **SETTINGS["instagram"]}
    channel = kind.load()("here", kind.settings.model_validate(told), stage.resources())
    await channel.open()
    with pytest.raises(Rejected) as refused:
        await channel.publish(message("Crue"))
    assert refused.value.reason.code == "instagram_no_picture"
    assert await stage.requests("instagram") == []


@pytest.mark.parametrize(
    ("fault", "error", "whole", "code"),
    [
        ({"code": 9, "subcode": 2207042}, Retry, True, "limit_until"),
        ({"code": 4, "subcode": 2207051}, Retry, True, "instagram_holds_back"),
        ({"code": 25, "subcode": 2207050}, BadCredential, None, "instagram_permission"),
        ({"code": 10}, BadCredential, None, "instagram_permission"),
        ({"code": 9007, "subcode": 2207027}, Retry, False, "instagram_not_ready"),
        ({"code": 24, "subcode": 2207008}, InDoubt, None, "may_be_out"),
        ({"code": 100, "subcode": 33}, InDoubt, None, "may_be_out"),
        ({"code": -1, "subcode": 2207001}, InDoubt, None, "may_be_out"),
        ({"code": 100}, Rejected, None, "content_refused"),
    ],
)
async def test_a_refusal_means_what_its_subcode_says(stage, channel, fault, error, *, whole, code):
    await stage.fault("instagram", "code", route="media_publish", **fault)
    with pytest.raises(error) as raised:
        await channel.publish(said())
    assert type(raised.value) is error
    assert raised.value.reason.code == code
    assert getattr(raised.value, "whole_channel", None) == whole


async def test_an_account_that_is_not_there_is_told_by_the_first_step(stage, channel):
    await stage.fault("instagram", "code", route="media$", code=100, subcode=33)
    with pytest.raises(BadCredential) as raised:
        await channel.publish(said())
    assert raised.value.reason.code == "instagram_account_unknown"


async def test_a_picture_of_a_day_when_fifty_are_out_waits(make_stage):
    stage = await make_stage(limits=True)
    channel = await stage.open("instagram")
    for number in range(50):
        await channel.publish(said(f"Alerte {number}"))
    with pytest.raises(Retry) as waits:
        await channel.publish(said("Encore une"))
    assert waits.value.whole_channel


async def test_the_probe_warns_of_a_smaller_number_of_posts(stage):
    channel = await stage.open("instagram", limits=["100/24h"])
    probe = await channel.probe()
    assert (probe.account, probe.followers) == ("@saintmartin.sandbox", 640)
    assert [each.code for each in probe.warnings] == ["instagram_fewer_posts"]


def png() -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(draw_card(CARD))).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "goes"), [(draw_card(CARD, as_jpeg=True), True), (png(), False), (b"<html>", False), (None, False)]
)
async def test_the_card_is_a_picture_that_it_takes(stage, content, goes):
    async def serve(request):
        return web.Response(body=content) if content is not None else web.Response(status=404)

    app = web.Application()
    app.router.add_get(f"/pictures/{NAME}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await stage.control("rules", instagram_fetches=True)
    here = f"http://127.0.0.1:{runner.addresses[0][1]}"
    kind = channel_kind("instagram")
    told = {"kind": "instagram", **stage.place("instagram"), **SETTINGS["instagram"]}
    channel = kind.load()("here", kind.settings.model_validate(told), stage.resources(pages=here))
    await channel.open()
    try:
        if goes:
            await wound(stage, channel.publish(said()))
            [post] = await stage.timeline("instagram")
            assert post["media"]
        else:
            with pytest.raises(Retry) as refused:
                await wound(stage, channel.publish(said()))
            assert refused.value.reason.code == "instagram_picture_unfetched"
    finally:
        await runner.cleanup()


def settings(**more):
    told = {"kind": "instagram", "account_id": "17841400000000001", "token": {"env": "INSTAGRAM_TOKEN"}, **more}
    return InstagramSettings.model_validate(told)


def test_it_takes_what_is_severe_and_each_step_is_a_post():
    it = settings()
    assert (it.severity, it.on_update, it.on_end, it.card) == (Severity.SEVERE, Means.NEW, Means.NEW, True)
    assert settings(on_end="none", severity="Minor").on_end is Means.NONE


@pytest.mark.parametrize(
    "wrong", [{"on_update": "edit"}, {"on_update": "reply"}, {"on_end": "delete"}, {"on_end": "edit"}, {"card": False}]
)
def test_what_nobody_can_do_there_is_refused(wrong):
    with pytest.raises(ValidationError) as refused:
        settings(**wrong)
    reason = refused.value.errors()[0]["ctx"]["error"].args[0]
    assert reason.code in ("instagram_stays", "instagram_needs_card")


def test_check_says_what_it_takes_and_that_it_stays(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    findings = [str(each) for each in check_at_rest(load_config(tmp_path / "channels.toml")) if each.note]
    told = "note  channels.instagram: il prend ce qui est de gravité grave ou plus\u00a0; "
    assert any(each.startswith(told) for each in findings)
