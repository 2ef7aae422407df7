"""The channels of those on call: a room on Matrix, a topic of ntfy."""

from __future__ import annotations

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import InDoubt, Rejected
from alerts.model.post import About, PostKind
from tests.contract.channels.conftest import message
from tests.contract.channels.platform import platform


def about(severity: Severity = Severity.SEVERE) -> About:
    return About("p1", "alert", "incident", "here", PostKind.PUBLISH, severity)


async def test_a_room_takes_a_post_once_from_any_process(stage):
    await stage.fault("matrix", "error_after", times=1)
    with pytest.raises(InDoubt):
        await (await stage.open("matrix")).publish(message("Crue", about=about()))
    again = await (await stage.open("matrix")).publish(message("Crue", about=about()))
    assert [post["id"] for post in await stage.timeline("matrix")] == [again.remote_id]


async def test_what_goes_on_stands_in_the_thread_of_the_first_event(stage):
    async with platform(b'{"event_id":"$2"}') as there:
        channel = await stage.open("matrix", api_url=there.url)
        await channel.publish(message("Fin"), "$1")
    assert b'"rel_type": "m.thread", "event_id": "$1"' in there.asked[0].body
    assert channel.two_levels


@pytest.mark.parametrize(
    ("severity", "priority"), [(Severity.EXTREME, "5"), (Severity.SEVERE, "4"), (Severity.MINOR, "3")]
)
async def test_what_is_grave_rings_louder_and_leads_to_the_page(stage, severity, priority):
    channel = await stage.open("ntfy")
    await channel.publish(message("Crue", about=about(severity), link="https://mairie.example/alerts/1"))
    [post] = await stage.timeline("ntfy")
    assert (post["kind"], post["link"]) == (priority, "https://mairie.example/alerts/1")


async def test_words_that_would_come_as_a_file_are_not_sent(stage):
    channel = await stage.open("ntfy")
    await channel.publish(message("é" * 2048))
    with pytest.raises(Rejected):
        await channel.publish(message("é" * 2048 + "a"))
    assert len(await stage.requests("ntfy")) == 1
