"""The desk, built from the configuration, and a command's use of it.

A command carries its act out in one transaction on the database's file, then rings the daemon that works on it.

A card is drawn once for the same words and stored as a file among the pictures that officers add; its name is made of
its content, so that each lane that needs it finds the same file. Where a channel takes JPEG alone, all cards are that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TypeVar

from alerts.desk.actions import Desk
from alerts.desk.posts import PostWriter
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Alert
from alerts.model.incident import new_id
from alerts.model.remembered import Newest
from alerts.model.town import Town
from alerts.rendering.card import Card
from alerts.rendering.templates import Renderer
from alerts.store.connection import migrate, notify
from alerts.store.pictures import keep_drawing, picture_folder, with_kept_pictures
from alerts.store.unit import Unit, acting, asking, rehearsing, scratch_unit

# Cards already drawn, by their words: updates and several channels share them.
REMEMBERED = 512


class CardFiles:
    """Gives each card a file, named by its content. May be asked from any thread."""

    def __init__(self, folder: Path, *, as_jpeg: bool = False) -> None:
        self._folder = folder
        self._as_jpeg = as_jpeg
        self._drawn: Newest[Card, Path] = Newest(REMEMBERED)
        self._lock = Lock()

    def path_of(self, card: Card) -> str:
        """The card's file, on the disk when this returns."""
        with self._lock:
            file = self._drawn.get(card)
        if file is None or not file.is_file():
            # Not under the lock: a transaction that asks for a drawn card would wait for others' drawings, and lanes
            # for it. A card that two draw at once is one file.
            file = self._draw(card)
            with self._lock:
                self._drawn.keep(card, file)
        return str(file)

    def _draw(self, card: Card) -> Path:
        from alerts.rendering.card import draw_card  # noqa: PLC0415 Pillow: only who has cards pays for it

        drawn, kind = draw_card(card, as_jpeg=self._as_jpeg), "image/jpeg" if self._as_jpeg else "image/png"
        return self._folder.resolve() / keep_drawing(self._folder, drawn, kind)


def build_renderer(town: Town) -> Renderer:
    """Return the renderer, with the town's own templates before the shipped ones."""
    return Renderer(town, [town.template_folder])


def build_desk(town: Town, now: Callable[[], datetime], new_id: Callable[[], str] = new_id) -> Desk:
    """The desk, ready to act within any transaction."""
    channels, folder = town.channels.values(), picture_folder(town.beside)
    as_jpeg = any(each.card_alone for each in channels)
    cards = CardFiles(folder, as_jpeg=as_jpeg) if any(each.card for each in channels) else None
    writer = PostWriter(town, build_renderer(town), new_id, cards.path_of if cards else None)
    return Desk(town, writer, new_id, now)


T = TypeVar("T")
Action = Callable[[DeskUnit], T]


def now() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


class Control:
    """How a command acts at the desk, whether a daemon runs or not: each call is one transaction of this process.

    `desk` is the daemon's own, where it does what a command handed over: its templates are compiled, and its database
    is up to date.
    """

    def __init__(self, town: Town, now: Callable[[], datetime] = now, desk: Desk | None = None) -> None:
        if desk is None:
            # A command may be the first of this version to open the database: no daemon need have run.
            migrate(town.database)
        self.town = town
        self.now = now
        self.desk = desk or build_desk(town, now)

    def warm(self, alert: Alert) -> None:
        """Do what takes long before the transaction, in which lanes would have to wait for it."""
        self.desk.warm(alert)

    def keep_pictures(self, alert: Alert) -> Alert:
        """The alert with copies of its pictures, which nobody changes: what is validated is what goes out."""
        return with_kept_pictures(alert, picture_folder(self.town.beside))

    def act(self, action: Action[T]) -> tuple[T, int]:
        """Carry `action` out durably; returns what it returns and how many daemons heard of it."""
        with acting(self.town.database) as unit:
            result = action(self._sit(unit))
        # After the commit: a lane that looks sooner finds nothing, and sleeps again.
        return result, notify(self.town.database, self.now())

    def rehearse(self, action: Action[T]) -> T:
        """Return the result of `action` without storing anything."""
        with rehearsing(self.town.database) as unit:
            return action(self._sit(unit))

    def sketch(self, action: Action[T]) -> T:
        """Return the result of `action` in an empty store."""
        with scratch_unit() as unit:
            return action(self._sit(unit))

    def daemons(self) -> int:
        """How many daemons work on the database now."""
        return notify(self.town.database, self.now())

    def ask(self, question: Action[T]) -> T:
        """Read what is stored."""
        with asking(self.town.database) as unit:
            return question(self._sit(unit))

    def _sit(self, unit: Unit) -> DeskUnit:
        return DeskUnit(unit, self.desk, self.now(), new_id)
