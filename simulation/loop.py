"""An asyncio event loop whose time is virtual: where nothing is ready, it leaps to what is due next."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

from alerts.apart.parser import HERE
from simulation.agenda import Agenda

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class PowerCut(BaseException):
    """The machine is off: nothing of the process runs any more, not even what would clean up."""


class Stuck(Exception):
    """Nothing is ready and nothing will ever be due."""


class _Leaps:
    """Stands where a loop waits for its sockets: there are none, so the time leaps."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self.steps_left = math.inf
        self.frozen = False

    def select(self, timeout: float | None) -> list[Any]:
        """Move the time by `timeout`, or to what the world does before that. Raises PowerCut after the last step."""
        if self.frozen:
            return []
        self.steps_left -= 1
        if self.steps_left < 0:
            raise PowerCut
        if timeout is None and self._agenda.next == math.inf:
            raise Stuck("nothing is ready and nothing will ever be due")
        if timeout != 0:
            self._agenda.leap(math.inf if timeout is None else self._agenda.seconds + timeout)
        return []

    def close(self) -> None:
        """There is nothing to close."""


class VirtualLoop(asyncio.BaseEventLoop):
    """One life's loop. Threads are none: what asks for one is run at once."""

    def __init__(self, agenda: Agenda) -> None:
        super().__init__()
        self._agenda = agenda
        self._selector = _Leaps(agenda)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._agenda.seconds

    def cut_after(self, steps: int) -> None:
        """Cut the power after so many rounds of the loop, wherever every task is then."""
        self._selector.steps_left = steps

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:  # noqa: ARG002
        """Run it here and now."""
        future: asyncio.Future[T] = self.create_future()
        here = HERE.set(True)  # nor are there other processes
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 handed to whoever awaits it
            future.set_exception(error)
        finally:
            HERE.reset(here)
        return future

    def bury(self) -> None:
        """Let go of every task of a dead life; the time stands still, and whatever they still say is unheard."""
        self._selector.frozen = True
        self.set_exception_handler(lambda _, __: None)
        for _ in range(100):
            left = asyncio.all_tasks(self)
            if not left:
                break
            for task in left:
                task.cancel()
            self.run_until_complete(asyncio.sleep(0))
        self.close()

    def _process_events(self, event_list: list[Any]) -> None:
        """No sockets, no events."""

    def _write_to_self(self) -> None:
        """Nobody is outside to wake it."""
