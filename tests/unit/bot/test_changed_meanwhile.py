"""What an officer may do is looked at when a button is pressed, whatever was true when the bot showed it.

Walks every button that the bot may have made, by declaration: of acts, and the three of an alert that waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from alerts.access.accounts import add_account, disable, enable, roles_of, set_role
from alerts.bot.acts import SEEN, act_named, data_of
from alerts.bot.chat import TownNow
from alerts.bot.reception import Bot, Reception
from alerts.desk.act import OfficerAct, every_act, fields_of, fingerprint_of
from alerts.desk.alert_acts import ApproveAlert, RejectAlert
from alerts.model.person import MAY, Act, Actor, Origin, Role
from alerts.model.subscriber import Linked
from tests.fakes import FakeLine
from tests.unit.bot.talking import TOWN
from tests.unit.test_acts import EXAMPLES, town  # noqa: F401 a fixture
from tests.unit.web.walking import LivelyTown
from tests.walls import in_one_test

CHANNEL, CHAT, OTHER_CHAT = "telegram", 811, 812
ZOE = Actor("Zoé", Role.ADMINISTRATOR, Origin.CONSOLE)
IRENE = "Irène"
SHE = {"id": CHAT, "language_code": "fr"}
BUTTONS = tuple(act for act in every_act() if act_named(act.name()))
PASSWORD = "quatre chevaux bleus"


@dataclass
class Phone:
    """Irène's chat: what is pressed in it, and what is typed, as Telegram tells it."""

    town: LivelyTown
    updates: int = 0

    async def presses(self, data: str, *, chat: int = CHAT, kind: str = "private") -> bool:
        """Whether it is done: neither refused nor somebody else's matter."""
        message = {"message_id": 7, "chat": {"id": chat, "type": kind}}
        return await self._does(callback_query={"id": "p", "from": SHE, "message": message, "data": data})

    async def types(self, text: str) -> bool:
        """Whether that is done for which it is the reason."""
        chat = {"id": CHAT, "type": "private"}
        return await self._does(message={"message_id": 8, "chat": chat, "from": SHE, "text": text})

    async def _does(self, **update: object) -> bool:
        self.updates += 1
        line = FakeLine()
        bot = Bot(CHANNEL, line, self.town.service, self._town, self.town.clock, self._remember)
        await Reception(bot).handle([{"update_id": self.updates, **update}])
        return any("✅" in said[1] or "❌" in said[1] for said in line.said)

    async def _town(self) -> TownNow:
        return TOWN

    async def _remember(self, key: str, value: str) -> None:
        pass


@pytest.fixture
async def phone(town):  # noqa: F811 the fixture
    await town.act(ZOE, add_account, IRENE, Role.ADMINISTRATOR, PASSWORD)
    await link(town, CHAT)
    return Phone(town)


async def link(town, chat: int) -> None:  # noqa: F811
    await town.service.keep(lambda unit: unit.officer_chats.link(Linked(CHANNEL, chat, IRENE)))


async def unlink(town) -> None:  # noqa: F811
    await town.service.keep(lambda unit: unit.officer_chats.unlink(CHANNEL, CHAT))


async def buttons_of(town, act: type[OfficerAct], subject: str) -> Sequence[str]:  # noqa: F811
    """The data of all buttons that lead to that act, as they are while nothing has changed."""
    shown = ""
    if any(each.key == "seen" for each in fields_of(act)):
        shown = fingerprint_of(await town.service.ask(act(subject).before))
    made = [data_of(act(subject), shown)]
    if act is ApproveAlert:
        made.append(f"ok:{subject}:{shown[:SEEN]}")
    if act.verb == "reject" and act.decides:
        made.append(f"why:{subject}:1")
    return made


Change = Callable[[LivelyTown], Awaitable[object]]
Undo = Change


def changes(permission: Act, roles: Sequence[Role]) -> dict[str, tuple[Change, Undo]]:
    """What may happen to Irène between what she is shown and what she presses, and how it is undone."""

    def to(role: Role) -> tuple[Change, Undo]:
        return (
            lambda town: town.act(ZOE, set_role, IRENE, role),  # noqa: F811
            lambda town: town.act(ZOE, set_role, IRENE, Role.ADMINISTRATOR),  # noqa: F811
        )

    lower = [role for role in roles if not role.at_least(MAY[permission])]
    return {
        **{f"{role}": to(role) for role in lower},
        "disabled": (
            lambda town: town.act(ZOE, disable, IRENE),  # noqa: F811
            lambda town: town.act(ZOE, enable, IRENE),  # noqa: F811
        ),
        "unlinked": (unlink, lambda town: link(town, CHAT)),  # noqa: F811
    }


@in_one_test
@pytest.mark.parametrize("act", BUTTONS)
async def test_a_button_does_nothing_for_who_may_no_longer_and_works_again_once_they_may(phone, act):
    town = phone.town  # noqa: F811
    subject, _ = await EXAMPLES[act].made(town)
    buttons = await buttons_of(town, act, subject)
    for name, (change, undo) in changes(act.permission, roles_of(town.config)).items():
        await change(town)
        before = await town.state()
        for data in buttons:
            assert not await phone.presses(data), (name, data)
            assert not await phone.presses(data, chat=OTHER_CHAT), (name, data)
            assert not await phone.presses(data, kind="supergroup"), (name, data)
        assert await town.state() == before, name
        await undo(town)
    lines = await town.lines()
    assert await phone.presses(buttons[-1])
    assert await town.lines() > lines


@in_one_test
@pytest.mark.parametrize("act", [act for act in every_act() if act.verb == "reject" and act.decides])
async def test_a_reason_is_taken_of_nobody_who_lost_the_right_since_they_were_asked(phone, act):
    town = phone.town  # noqa: F811
    subject, _ = await EXAMPLES[act].made(town)
    # Whoever may post may take back a word of their own alone; an alert that another wrote needs the right to reject.
    needed = Act.REJECT if act is RejectAlert else act.permission
    for name, (change, undo) in changes(needed, roles_of(town.config)).items():
        await phone.presses(f"no:{subject}:-")
        await change(town)
        before = await town.state()
        assert not await phone.types("trop tôt"), name
        assert not await phone.types("trop tôt"), name
        assert await town.state() == before, name
        await undo(town)
        assert not await phone.types("trop tôt"), "the question ended with the refusal"
    await phone.presses(f"no:{subject}:-")
    lines = await town.lines()
    assert await phone.types("trop tôt")
    assert await town.lines() > lines


@in_one_test
@pytest.mark.parametrize("name", ["viewer", "disabled", "unlinked"])
async def test_a_press_and_the_loss_of_the_right_at_once_are_one_after_the_other(phone, name):
    town = phone.town  # noqa: F811
    change, undo = changes(Act.APPROVE, roles_of(town.config))[name]
    decided = set()
    for delay in range(8):
        subject, _given = await EXAMPLES[ApproveAlert].made(town)
        ok = (await buttons_of(town, ApproveAlert, subject))[-1]

        async def lose(delay=delay) -> None:
            for _ in range(delay):  # the press reads before it writes: a loss comes ahead of each of its steps
                await town.service.ask(lambda unit: unit.now)
            await change(town)

        is_done, _lost = await asyncio.gather(phone.presses(ok), lose())
        assert await states_of(town, subject) == ({"queued"} if is_done else {"waiting"})
        lines = await town.rows("SELECT act FROM audit ORDER BY seq DESC LIMIT 2")
        assert (Act.APPROVE in [act for (act,) in lines[name != "unlinked" :]]) is is_done, "never after the loss"
        decided.add(is_done)
        await undo(town)
    assert decided == {True, False}


async def test_of_two_who_decide_at_once_one_does(phone):
    town = phone.town  # noqa: F811
    await link(town, OTHER_CHAT)
    for other in ("ok", "why"):
        for _ in range(4):
            subject, _given = await EXAMPLES[ApproveAlert].made(town)
            ok = (await buttons_of(town, ApproveAlert, subject))[-1]
            second = ok if other == "ok" else f"why:{subject}:1"
            lines = await town.lines()
            done = await asyncio.gather(phone.presses(ok), phone.presses(second, chat=OTHER_CHAT), phone.presses(ok))
            assert done == [True, False, False]
            assert await states_of(town, subject) == {"queued"}
            assert await town.lines() == lines + 1


async def states_of(town, alert: str) -> set[str]:  # noqa: F811
    posts = await town.service.ask(lambda unit: unit.alerts.posts_of(alert))
    return {str(post.state) for post in posts}
