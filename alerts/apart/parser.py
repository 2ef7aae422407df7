"""A function that reads what a stranger wrote, and how it is called so that it is read in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextvars import ContextVar
from functools import partial, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints
from urllib.parse import urlsplit

from alerts.apart.pool import POOL, Pool
from alerts.apart.wire import Limits
from alerts.model.bounds import READ_HERE
from alerts.model.errors import TocsinError, Unreadable
from alerts.model.plain import shaped

P = ParamSpec("P")
T = TypeVar("T")

PARSERS: dict[str, Parser[Any, Any]] = {}
"""All of them that were imported, by the names under which a process finds them (`module:function`)."""

HERE: ContextVar[bool] = ContextVar("here", default=False)
"""True if parsers run in this process: in a simulated world, in which there is no other."""


class Parser(Generic[P, T]):
    """A function marked by `parser`: call `read` or `in_subprocess` in the daemon.

    A direct call reads in this process: that is for the reading process itself, and for tests of the parser.
    """

    def __init__(
        self, function: Callable[P, T], what: str, limits: Limits, refuses: type[TocsinError], pool: Pool
    ) -> None:
        update_wrapper(self, function)
        self.what = what
        self.name = f"{function.__module__}:{function.__qualname__}"
        self.limits = limits
        self.refuses = refuses
        self._function = function
        self._pool = pool
        PARSERS[self.name] = self

    def __call__(self, *given: P.args, **named: P.kwargs) -> T:
        """Read it here."""
        return self._function(*given, **named)

    def in_subprocess(self, *given: P.args, **named: P.kwargs) -> T:
        """Have it read in another process, and wait for that; in a thread, since it may take as long as its limits.

        Raises what the function refuses by, with the function's reason or with that of a limit.
        """
        assert not named  # noqa: S101 what is given goes by its place
        if HERE.get():
            return self(*given, **named)
        shape: Callable[[Any], T] = shaped(self.types()["return"])
        return self._pool.run(self, given, shape)

    def turns_of(self, owner: str) -> Executor:
        """The turns of whoever these bytes are from: an address, or who sends; of an address its host counts."""
        return self._pool.turns_of(urlsplit(owner).hostname or owner, self.refuses)

    async def read(self, owner: str, *given: P.args, **named: P.kwargs) -> T:
        """As `in_subprocess`, off the loop, when it is the turn of this `owner`: whose bytes they are."""
        work = partial(self.in_subprocess, *given, **named)
        return await asyncio.get_running_loop().run_in_executor(self.turns_of(owner), work)

    async def read_in_turn(self, owner: str, body: bytes, *given: Any) -> T:
        """As `read`, for bytes that are short as a rule (`READ_HERE`): these are read at once, and keep no process."""
        if len(body) <= READ_HERE:
            return self._function(body, *given)  # type: ignore[arg-type, call-arg]
        return await self.read(owner, body, *given)  # type: ignore[arg-type, call-arg]

    def types(self) -> Mapping[str, Any]:
        """The types of what it is given, in order, and of what it returns."""
        return get_type_hints(self._function)


def parser(
    what: str, *, seconds: float, memory: int = 512, refuses: type[TocsinError] = Unreadable, pool: Pool = POOL
) -> Callable[[Callable[P, T]], Parser[P, T]]:
    """Have this function read apart, within so many `seconds` of computing and so many MB of `memory`.

    `what` names its input in a word, for metrics and the log. Its annotations are the types of arguments and result:
    texts, numbers, bytes, times, our dataclasses and enums of these. It raises `refuses` for unreadable input, and so
    does the caller when a limit was exceeded. `pool` has the processes that read it: those for strangers, or the one
    for officers.
    """
    return lambda function: Parser(function, what, Limits(seconds, memory), refuses, pool)
