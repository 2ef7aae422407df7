"""The cards that previews name: drawn when a browser asks for them, of alerts that nobody has published yet.

A preview is made with each word that is typed, and most of them change no card: so a page only names the card by a
digest of its words, and the browser asks for those it shows and hasn't yet. The newest few hundred are known, in this
process alone; of another one's the words beside the picture, and its alternative, say the same.
"""

from __future__ import annotations

import asyncio
import hashlib

from alerts.model.remembered import Newest
from alerts.rendering.card import Card, draw_card

_KEPT = 256
_DRAWN = 32


class CardPictures:
    """The cards that previews named. One is drawn at a time, in a thread."""

    def __init__(self) -> None:
        self._named: Newest[str, Card] = Newest(_KEPT)
        self._drawn: Newest[str, bytes] = Newest(_DRAWN)
        self._drawing = asyncio.Lock()

    def name(self, card: Card) -> str:
        """What its picture is asked for by."""
        digest = hashlib.sha256(repr(card).encode(errors="surrogatepass")).hexdigest()
        self._named.keep(digest, card)
        return digest

    async def picture(self, digest: str) -> bytes | None:
        """The card as PNG; None where no preview of this process named it."""
        async with self._drawing:
            if digest not in self._drawn and (card := self._named.get(digest)) is not None:
                self._drawn.keep(digest, await asyncio.to_thread(draw_card, card))
            return self._drawn.get(digest)
