"""Connections to a relay that carry many letters: reused, and renewed where the relay closes one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from alerts.channels.mail.answers import OneAnswer
from alerts.channels.mail.bulk import RelayConnections
from alerts.channels.mail.mime import Email
from alerts.channels.settings import MailSettings
from alerts.model.errors import InDoubt, Retry
from alerts.model.town import Secret
from tests.mail_relay import USER, Relay

NOBODY = {"RCPT": "550 5.1.1 no such user"}
TAKEN = OneAnswer.TAKEN


class Town:
    """A relay and our connections to it."""

    def __init__(self, relay: Relay, connections: RelayConnections) -> None:
        self.relay, self.connections = relay, connections

    async def send(self, *names: str, password: str = "secret") -> list[OneAnswer]:
        return [await self.send_one(name, password=password) for name in names]

    async def send_one(self, name: str, *, password: str = "secret") -> OneAnswer:
        content = f"Message-ID: <{name}@town.example>\r\nSubject: {name}\r\n\r\n.{name}\r\n".encode()
        return await self.connections.hand_over(Email(name, content), f"{name}@quais.example", Secret(password))

    @property
    def took(self) -> list[str]:
        assert all(each.to == [f"{each.letter['Subject']}@quais.example"] for each in self.relay.taken)
        return [each.letter["Subject"] for each in self.relay.taken]

    def hang_up(self) -> None:
        """The relay closes all its connections."""
        for each in self.relay.conversations:
            each.cut()


@pytest.fixture
async def town(request):
    relay = await Relay("secret").start()
    told = {"kind": "mail", "host": "127.0.0.1", "port": relay.port, "tls": "none", "sender": USER, "user": USER}
    secret = {"password": {"file": "password"}, "subscriptions": True, "timeout": "60s", "in_flight": 3}
    how = getattr(request, "param", {})
    connections = RelayConnections(MailSettings.model_validate({**told, **secret}), **how)
    yield Town(relay, connections)
    connections.close()
    await relay.stop()


async def until(what: Callable[[], bool]) -> None:
    while not what():  # noqa: ASYNC110 the relay tells nobody
        await asyncio.sleep(0)


async def test_a_run_of_letters_signs_in_once(town):
    assert await town.send("a", "b", "c") == [TAKEN] * 3
    assert (town.took, town.relay.connections) == (["a", "b", "c"], 1)
    assert [each for each in town.relay.verbs if each not in ("MAIL", "RCPT", "DATA")] == ["EHLO", "AUTH PLAIN"]
    assert town.relay.taken[0].content.endswith(b"\r\n.a\r\n")


@pytest.mark.parametrize("town", [{"emails": 2}], indirect=True)
async def test_a_connection_has_so_many_letters_and_no_more(town):
    await town.send("a", "b", "c", "d", "e")
    assert (len(town.took), town.relay.connections) == (5, 3)


@pytest.mark.parametrize("town", [{"idle": 0.0}], indirect=True)
async def test_one_that_nobody_needs_is_closed(town):
    await town.send("a")
    await until(lambda: all(each.transport is None for each in town.relay.conversations))
    await town.send("b")
    assert town.relay.connections == 2


async def test_no_more_are_open_than_letters_may_be_under_way(town):
    names = [f"n{number}" for number in range(20)]
    assert await asyncio.gather(*map(town.send_one, names)) == [TAKEN] * 20
    assert sorted(town.took) == sorted(names)
    assert town.relay.connections <= 3


async def test_what_the_relay_closed_meanwhile_is_opened_again_and_the_letter_goes_once(town):
    await town.send("a")
    town.hang_up()
    assert await town.send("b", "c") == [TAKEN] * 2
    assert (town.took, town.relay.connections) == (["a", "b", "c"], 2)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_relay_that_wants_no_more_over_this_connection_gets_the_letter_over_another(town, verb):
    await town.send("a")
    town.relay.set(says={verb: "421 4.7.0 too many letters over this connection"}, times=1)
    assert await town.send("b", "c") == [TAKEN] * 2
    assert (town.took, town.relay.connections) == (["a", "b", "c"], 2)


async def test_what_is_lost_before_the_dot_is_not_out_and_goes_over_another(town):
    await town.send("a")
    town.relay.set(does="cut_data", times=1)
    assert await town.send("b") == [TAKEN]
    assert (town.took, town.relay.connections) == (["a", "b"], 2)


async def test_a_relay_that_refuses_us_on_a_fresh_one_too_is_left_alone(town):
    await town.send("a")
    town.relay.set(says={"MAIL": "421 4.3.2 closing"})
    with pytest.raises(Retry):
        await town.send("b")
    assert (town.took, town.relay.connections) == (["a"], 2)


async def test_what_is_lost_after_the_dot_is_in_doubt_and_is_not_sent_again_by_itself(town):
    await town.send("a")
    town.relay.set(does="cut_after", times=1)
    with pytest.raises(InDoubt):
        await town.send("b")
    assert town.took == ["a", "b"]
    assert await town.send("c") == [TAKEN]
    assert town.relay.connections == 2


@pytest.mark.parametrize(
    ("says", "answer"),
    [
        (NOBODY, OneAnswer.NOBODY),
        ({"RCPT": "550 5.7.1 not here"}, OneAnswer.REFUSED),
        ({"RCPT": "451 4.7.1 later"}, OneAnswer.LATER),
    ],
)
async def test_one_mailbox_that_is_refused_costs_the_others_nothing(town, says, answer):
    await town.send("a")
    town.relay.set(says=says, times=1)
    assert await town.send("b", "c", "d") == [answer, TAKEN, TAKEN]
    assert (town.took, town.relay.connections) == (["a", "c", "d"], 1)
    assert town.relay.verbs.count("RSET") == 1


async def test_a_relay_that_can_t_forget_a_letter_is_greeted_anew(town):
    town.relay.set(says=NOBODY, times=1)
    await town.send("a")
    town.relay.set(says={"RSET": "502 5.5.1 what?"}, times=1)
    assert await town.send("b") == [TAKEN]
    assert (town.took, town.relay.connections) == (["b"], 2)


async def test_another_password_is_tried_over_a_connection_of_its_own(town):
    await town.send("a")
    town.relay.password = "other"
    assert await town.send("b", password="other") == [TAKEN]
    assert town.relay.connections == 2


async def test_who_is_called_off_leaves_no_half_of_a_letter_to_the_next(town):
    await town.send("a")
    town.relay.set(does="hang")
    task = asyncio.create_task(town.send_one("b"))
    await until(lambda: len(town.relay.taken) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    town.relay.set()
    assert await town.send("c") == [TAKEN]
    assert (town.took, town.relay.connections) == (["a", "b", "c"], 2)
