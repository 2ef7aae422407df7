"""What the demo shows of reports: five people at one place report the same, which makes a draft that an officer reads.

The sandbox has them report by the daemon's API, as an app would. Nothing is out by that: the draft waits, and leaves
once somebody at the desk lets it.
"""

from __future__ import annotations

from secrets import token_bytes

import aiohttp

from alerts.access.accounts import add_token
from alerts.app import Daemon
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import REPORTS

PEOPLE, KIND = 5, "flooding"


async def report(daemon: Daemon, sandbox: str, who: str) -> StoredAlert:
    """Have five people report; the draft that waits."""

    def give_token(unit: DeskUnit) -> str:
        officer = Officer(unit, Actor(who, Role.ADMINISTRATOR, Origin.COMMAND))
        return add_token(officer, "sandbox", Role.REPORTER, token_bytes(32))[1].reveal()

    token = await daemon.service.act(give_token)
    told = {"kind": KIND, "count": PEOPLE, "spread": 150, "town": daemon.url, "token": token}
    async with aiohttp.ClientSession() as session, session.post(f"{sandbox}/sandbox/reports", json=told) as done:
        done.raise_for_status()
    return await daemon.service.ask(_waiting)


def _waiting(unit: DeskUnit) -> StoredAlert:
    return next(
        each for each in unit.views.on_now(unit.now) if each.source == REPORTS and each.state is AlertState.WAITING
    )


async def approve(daemon: Daemon, draft: StoredAlert, who: str) -> int:
    """Let it go out; by how many posts it does."""

    def action(unit: DeskUnit) -> int:
        _, posts = Officer(unit, Actor(who, Role.ADMINISTRATOR, Origin.COMMAND)).approve(draft.id)
        return len(posts)

    return await daemon.service.act(action)


def headline_of(draft: StoredAlert) -> str:
    """What it says first."""
    return (draft.alert.infos[0].headline if draft.alert is not None else None) or ""
