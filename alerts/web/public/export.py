"""The public side as files, for any web server: each edition whole, replaced atomically.

`DIR` is a link to the newest edition in its neighbouring folder (`DIR.editions/N`). An unchanged file is the same in
both (a hard link), and an edition that nobody reads any more is turned into the next one by the changes since: the
pages of incidents long over, by far the most, are touched once. A server of `DIR` sees one edition or the next, never a
mixture.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from alerts.model.errors import TocsinError
from alerts.model.reason import because
from alerts.web.public.answers import CachedResponse

KEPT = 3
"""Editions that stay: a server may still be reading the one before, and the one before that becomes the next."""
INDEX = "index.html"
_MAP = "alerts.geojson"
# The folders whose files stay when an edition has them no more; any other is of a language that went.
_PERMANENT = ("alerts", "cap", "static")
# The tag of a file that another process wrote.
_INHERITED = ""


class Export:
    """Writes editions; `languages` are those that have folders of their own.

    Raises TocsinError where `folder` is something else already.
    """

    def __init__(self, folder: Path, languages: Sequence[str] = ()) -> None:
        self.folder = folder
        self._languages = tuple(languages)
        self._editions = folder.with_name(f"{folder.name}.editions")
        self._tags: dict[str, Mapping[str, str]] = {}
        self._paged = self._paged_in(_files_in(folder))
        self._open = _open_in(folder)

    def look_again(self) -> None:
        """Another daemon may have written here since: take nothing for one of ours."""
        self._tags.clear()
        self._paged, self._open = self._paged_in(_files_in(self.folder)), _open_in(self.folder)

    def has(self, incident: str) -> bool:
        """True if the present edition has that incident's final pages.

        An incident that was open when it was written may have ended since, while no daemon wrote.
        """
        return incident in self._paged and incident not in self._open

    def write(self, answers: Mapping[str, CachedResponse]) -> None:
        """Put an edition in place; pages that are in it no more (of older incidents) stay as they were."""
        wanted = {_file_of(path, answer): answer for path, answer in answers.items()}
        before = self._current()
        tags = self._tags.get(before.name) or _files_in(before) if before is not None else {}
        # Nothing changed: the link stays, and whoever copies the folder has nothing to do.
        if before is not None and all(tags.get(name) == answer.etag for name, answer in wanted.items()):
            return
        stay = (*_PERMANENT, *self._languages)
        target = {name: tag for name, tag in tags.items() if "/" in name and name.partition("/")[0] in stay}
        target |= {name: answer.etag for name, answer in wanted.items()}
        place, has = self._begin(before)
        try:
            for name in has.keys() - target.keys():
                (place / name).unlink()
            for name in (name for name, tag in target.items() if has.get(name) != tag):
                is_same = tags.get(name) == target[name]
                _put(place / name, before / name if before is not None and is_same else wanted[name].body)
            _switch(self.folder, place)
        except BaseException:
            # What a failure left isn't known, so nothing is taken for one of ours again.
            self._tags.clear()
            shutil.rmtree(place, ignore_errors=True)  # a full disk gets no fuller by trying again
            raise
        self._tags[place.name] = target
        self._paged, self._open = self._paged_in(target), _open_in(place)
        self._sweep([place, before])

    def _begin(self, before: Path | None) -> tuple[Path, Mapping[str, str]]:
        """A folder for the next edition, and which files it has: a spare one of ours, or a new one."""
        # A number that no edition has: what a crash left half-written is in nobody's way.
        there = self._editions.iterdir() if self._editions.is_dir() else ()
        place = self._editions / str(max((int(each.name) for each in there if each.name.isdigit()), default=0) + 1)
        # A spare one is neither the one that stands nor the one that did before it: a server may be reading either.
        ours = [name for name in self._tags if before is None or name != before.name]
        if len(ours) < KEPT - 1:
            place.mkdir(parents=True)
            return place, {}
        has = self._tags.pop(ours[0])
        (self._editions / ours[0]).rename(place)
        return place, has

    def _current(self) -> Path | None:
        """The edition that the link leads to; None where there is none yet. Somebody else's place is left alone."""
        if self.folder.is_symlink():
            place = self.folder.resolve()
            if place.parent == self._editions.resolve():
                return place if place.is_dir() else None
        if self.folder.is_symlink() or self.folder.exists():
            raise TocsinError(because("export_not_ours", path=self.folder))
        return None

    def _sweep(self, stand: Iterable[Path | None]) -> None:
        """Keep the last two editions and the base of the next one; a crash's half-written one is deleted."""
        kept = {each.name for each in stand if each is not None} | self._tags.keys()
        for old in self._editions.iterdir():
            if old.name.isdigit() and old.name not in kept:
                shutil.rmtree(old, ignore_errors=True)

    def _paged_in(self, files: Iterable[str]) -> frozenset[str]:
        """The incidents that have their page in every language."""
        # One that lacks a language was written when there were fewer: its pages are made anew.
        names, tail = set(files), f"/{INDEX}"
        found = (
            name[len("alerts/") : -len(tail)] for name in names if name.startswith("alerts/") and name.endswith(tail)
        )
        return frozenset(
            each for each in found if all(f"{language}/alerts/{each}{tail}" in names for language in self._languages)
        )


def _files_in(folder: Path) -> dict[str, str]:
    """Every file of an edition, as another process wrote it."""
    return {
        Path(place, name).relative_to(folder).as_posix(): _INHERITED
        for place, _, names in os.walk(folder)
        for name in names
    }


def _open_in(folder: Path) -> frozenset[str]:
    """The incidents that were on or to come when an edition was written, as its map has them."""
    try:
        features = json.loads((folder / _MAP).read_bytes())["features"]
        return frozenset(feature["properties"]["incident"] for feature in features)
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def _put(file: Path, content: Path | bytes) -> None:
    """The same file under one more name, or one of its own; never into a file that other editions have too."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    if isinstance(content, Path):
        os.link(content, file)
    else:
        file.write_bytes(content)


def _file_of(path: str, answer: CachedResponse) -> str:
    """Return a server's file for a path: a page without a suffix is a folder's index."""
    name = path.lstrip("/")
    is_page = answer.kind.startswith("text/html") and not name.endswith(".html")
    return f"{name.rstrip('/')}/{INDEX}".lstrip("/") if is_page else name


def _switch(link: Path, place: Path) -> None:
    """Make `link` point to `place`, at once: a link of another name is renamed over it (rename(2) is atomic)."""
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(place, link.parent))
    new.replace(link)
