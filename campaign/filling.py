"""`python -m campaign.filling CONFIG`: subscribes a crowd, by whichever version of the program is first on the path.

It imports what has been in every version since there are subscribers, so that an earlier one can fill its database
before a later one takes it over. Standard input says whom, as JSON: `Crowd`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

from alerts.config import load_config
from alerts.daemon.desk import Control
from alerts.model.alert import Severity
from alerts.model.subscriber import PushEndpoint, Quiet, Subscriber, Topic

FIRST = 5_550_000_000
"""The first chat; the others follow."""
OTHERS = 10
"""One in so many chose something else: another topic, what is extreme alone, or nothing for now."""
STORED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many chats, and as many browsers of one machine: with the same `keys`, shared out among the services `urls`.

    One in ten wants to be left alone in the hours of `quiet` (HH:MM, from and to), if there are any.
    """

    people: int
    urls: list[str]
    keys: dict[str, str]
    quiet: tuple[str, str] | None = None

    def has_chosen(self, number: int) -> bool:
        """True if this one chose what is told."""
        return bool(number % OTHERS)

    def chat(self, number: int) -> Subscriber:
        """This one's chat."""
        return Subscriber(FIRST + number, **self._choices(number))

    def browser(self, number: int) -> Subscriber:
        """This one's browser."""
        endpoint = PushEndpoint(f"{self.urls[number % len(self.urls)]}/wpush/{number}", **self.keys)
        token = hashlib.sha256(endpoint.url.encode()).hexdigest()
        return Subscriber(endpoint.number, endpoint=endpoint, token=token, **self._choices(number))

    def telephone(self, number: int) -> Subscriber:
        """This one's telephone."""
        from alerts.model.subscriber import Telephone  # noqa: PLC0415 earlier versions have none

        endpoint = Telephone(f"+336{number:08}", f"{number:012}")
        token = hashlib.sha256(endpoint.token.encode()).hexdigest()
        return Subscriber(endpoint.number, endpoint=endpoint, token=token, **self._choices(number))

    def _choices(self, number: int) -> dict[str, Any]:
        if number % OTHERS == 1 and self.quiet is not None:
            start, end = map(time.fromisoformat, self.quiet)
            return {"quiet": Quiet(start, end)}
        if self.has_chosen(number):
            return {}
        others: tuple[dict[str, Any], ...] = (
            {"topics": frozenset({Topic.WATER})},
            {"severity": Severity.EXTREME},
            {"on": False},
        )
        return others[number // OTHERS % len(others)]


def fill(config: Path, crowd: Crowd, *, texted: bool = False) -> None:
    """Subscribe them all, a thousand in each transaction: chats and browsers, or telephones."""
    control = Control(load_config(config))
    for first in range(0, crowd.people, STORED_AT_ONCE):
        numbers = range(first, min(first + STORED_AT_ONCE, crowd.people))

        def put(unit: Any, numbers: range = numbers) -> None:
            for number in numbers:
                if texted:
                    unit.subscribers.put("sms", crowd.telephone(number))
                    continue
                unit.subscribers.put("telegram", crowd.chat(number))
                unit.subscribers.put("push", crowd.browser(number))

        control.act(put)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), Crowd(**json.load(sys.stdin)))
