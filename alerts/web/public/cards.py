"""The cards of shared links: drawn when they are first asked for, for drawing is what takes longest of all."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator

from alerts.rendering.card import card_of, draw_card
from alerts.web.public.answers import Answer, answer
from alerts.web.public.site import Key, Lasting
from alerts.web.public.told import Told

CARD = "/card.png"
KEPT = 256
"""Cards kept in memory, some 20 kB each."""


class Cards:
    """Draws one at a time in a thread, however many ask, and each once for the same words."""

    def __init__(self) -> None:
        self._drawn: OrderedDict[str, tuple[Key, Answer]] = OrderedDict()
        self._drawing = asyncio.Lock()

    async def at(self, path: str, lasting: Lasting) -> Answer | None:
        """The card at this path, of this incident."""
        told = dict(cards_of(lasting)).get(path)
        if told is None:
            return None
        async with self._drawing:
            key, drawn = self._drawn.get(path, (None, None))
            if drawn is None or key != lasting.key:
                drawn = await asyncio.to_thread(card_answer, told)
                self._drawn[path] = lasting.key, drawn
            self._drawn.move_to_end(path)
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        return drawn


def cards_of(lasting: Lasting) -> Iterator[tuple[str, Told]]:
    """Where the cards of an incident are, and of which words, in each language."""
    for told in lasting.told.values():
        yield f"{told.path}{CARD}", told


def card_answer(told: Told) -> Answer:
    """Draw the card."""
    said = told.end.facts if told.end else told.facts
    return answer(draw_card(card_of(said, told.severity)), "image/png")
