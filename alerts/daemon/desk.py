"""The desk, built from the configuration: what decides about a message, and what writes and draws its posts.

A card is drawn once for the same words and kept as a file beside the pictures that officers add; its name is made of
its content, so that each lane that needs it finds the same file.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Lock

from alerts.config import Config
from alerts.config.station import station_face, station_of
from alerts.desk.actions import Desk
from alerts.desk.posting import Pen
from alerts.model.ids import new_id
from alerts.rendering.card import Card
from alerts.rendering.templates import Renderer
from alerts.store.pictures import keep_picture, picture_folder

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


def build_renderer(config: Config) -> Renderer:
    """What writes the texts, in the station's own templates before those that ship."""
    return Renderer(station_face(config), [config.template_folder])


def build_desk(config: Config, now: Callable[[], datetime], new_id: Callable[[], str] = new_id) -> Desk:
    """The desk, ready to act within any transaction."""
    station = station_of(config)
    cards = Cards(picture_folder(config.database)) if any(outlet.card for outlet in station.outlets) else None
    pen = Pen(station, build_renderer(config), new_id, cards.path_of if cards else None)
    return Desk(station, pen, new_id, now)
