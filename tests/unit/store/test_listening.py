"""What people say in the store, in a file and on a server: whose it is, how an ear does, what is forgotten of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.model.listening import EarStatus, Kind, Utterance, UtteranceState
from alerts.model.reason import because
from tests.unit.store.conftest import NOW

ASKED = Utterance(
    id="u1",
    channel="telegram",
    remote_id="4711:8",
    said_at=NOW,
    heard_at=NOW,
    text="L’eau est potable ?",
    kind=Kind.QUESTION,
    incident="i1",
    author="a" * 64,
    sealed="4711",
    private=True,
    asks=True,
)


async def test_what_somebody_asked_the_bot_is_theirs_alone_and_goes_when_they_say_so(database):
    others = (
        replace(ASKED, id="u2", remote_id="47111:8"),
        replace(ASKED, id="u3", remote_id="-100:9", private=False),
        replace(ASKED, id="u4", channel="team"),
        replace(ASKED, id="u5", remote_id="4711:9", text=None, state=UtteranceState.GONE),
    )
    await database.write(lambda unit: [unit.listening.add(each) for each in (ASKED, *others)])

    async def theirs():
        return [each.id for each in await database.read(lambda unit: unit.listening.said_to_bot("telegram", 4711))]

    assert await theirs() == ["u1"]
    await database.write(lambda unit: unit.listening.forget(ASKED, NOW))
    assert await theirs() == []
    [left] = [each for each in await database.read(lambda unit: unit.listening.heard(9)) if each.id == "u1"]
    assert "4711" not in str(left)
    assert await database.read(lambda unit: unit.listening.is_forgotten("telegram", "4711:8"))


async def test_an_ear_is_kept_as_it_is_and_tells_reactions_of_what_it_remembers(database):
    status = EarStatus(
        "telegram",
        {"threads": {"7": "12"}, "reactions": {"12": {"👍": 3}}},
        last_try=NOW,
        last_ok=NOW - timedelta(hours=1),
        failures=2,
        next_try=NOW + timedelta(seconds=85),
        reason=because("telegram_privacy_mode", account="@tocsin_bot"),
        gap=because("telegram_gap", since=NOW - timedelta(hours=30), until=NOW - timedelta(hours=24)),
    )
    await database.write(lambda unit: unit.listening.put_ear(status))
    assert await database.read(lambda unit: unit.listening.ear("telegram")) == status
    told = [
        await database.read(lambda unit, id_=id_: unit.listening.reactions("telegram", id_)) for id_ in ("12", "13")
    ]
    assert told == [{"👍": 3}, {}]
    assert await database.read(lambda unit: unit.restored.newest_known("telegram", NOW)) is None
