"""Where the cards of posts are kept: drawn once for the same words, beside the pictures that officers add."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from alerts.rendering.card import Card
from alerts.store.pictures import keep_picture

REMEMBERED = 512


class Cards:
    """Gives each card a file, named by its content. May be asked from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drawn: OrderedDict[Card, Path] = OrderedDict()
        self._lock = Lock()

    def path_of(self, card: Card) -> str:
        """The card's file, on the disk when this returns."""
        with self._lock:
            file = self._drawn.get(card)
            if file is None or not file.is_file():
                file = self._drawn[card] = self._draw(card)
                if len(self._drawn) > REMEMBERED:
                    self._drawn.popitem(last=False)
            return str(file)

    def _draw(self, card: Card) -> Path:
        from alerts.rendering.card_picture import draw_card  # noqa: PLC0415 Pillow: only who has cards pays for it

        return self._folder.resolve() / keep_picture(self._folder, draw_card(card), "image/png")
