"""The public side as files, for any web server: each edition whole, put in place at once.

`DIR` is a link to the newest edition beside it (`DIR.editions/N`). A file that didn't change is the same file in both
(a hard link), so an edition costs what changed. Whoever serves `DIR` sees one edition or the next, never a mixture.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from alerts.model.errors import TocsinError
from alerts.web.public.answers import Answer

KEPT = 2
"""Editions that stay: a server may still be reading the one before."""
INDEX = "index.html"


class Export:
    """Writes editions. Raises TocsinError where `folder` is something else already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._editions = folder.with_name(f"{folder.name}.editions")
        self._written: dict[str, str] = {}
        self._incidents = _incidents_in(folder)

    def has(self, incident: str) -> bool:
        """Whether that incident has its page in the edition that stands."""
        return incident in self._incidents

    def write(self, answers: Mapping[str, Answer]) -> None:
        """Put an edition in place; pages that are in it no more (of older incidents) stay as they were."""
        wanted = {_file_of(path, answer): answer for path, answer in answers.items()}
        if self.folder.is_dir() and all(self._written.get(name) == answer.etag for name, answer in wanted.items()):
            return
        if self.folder.exists() and not self.folder.is_symlink():
            raise TocsinError(f"[web] export: {self.folder} is there already and no link of ours; name a new folder")
        before = self.folder.resolve() if self.folder.is_symlink() else None
        place = self._editions / str(self._next_number(before))
        place.mkdir(parents=True)
        if before is not None and before.is_dir():
            _link_tree(before, place, but=wanted)
        for name, answer in wanted.items():
            is_same = before is not None and self._written.get(name) == answer.etag
            _put(place / name, answer, before / name if before is not None and is_same else None)
        _switch(self.folder, place)
        self._written = {name: answer.etag for name, answer in wanted.items()}
        self._incidents = _incidents_in(place)
        self._sweep(place)

    def _next_number(self, before: Path | None) -> int:
        """A number that no edition has: what a crash left half-written is in nobody's way."""
        there = [before] if before is not None else []
        there += self._editions.iterdir() if self._editions.is_dir() else []
        return max((int(each.name) for each in there if each.name.isdigit()), default=0) + 1

    def _sweep(self, newest: Path) -> None:
        """Keep the newest two that stood; a half-written one counts as none."""
        numbers = [each for each in self._editions.iterdir() if each.name.isdigit()]
        older = sorted(numbers, key=lambda each: int(each.name), reverse=True)[KEPT:]
        for old in older:
            if old != newest:
                shutil.rmtree(old, ignore_errors=True)


def _incidents_in(folder: Path) -> frozenset[str]:
    return frozenset(page.parent.name for page in folder.glob(f"alerts/*/{INDEX}"))


def _put(file: Path, answer: Answer, same: Path | None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if same is not None and same.is_file():
        os.link(same, file)
    else:
        file.write_bytes(answer.body)


def _file_of(path: str, answer: Answer) -> str:
    """Where a server looks for a path: a page without a suffix is a folder's index."""
    name = path.lstrip("/")
    is_page = answer.kind.startswith("text/html") and not name.endswith(".html")
    return f"{name.rstrip('/')}/{INDEX}".lstrip("/") if is_page else name


def _link_tree(source: Path, target: Path, *, but: Iterable[str]) -> None:
    for place, _, names in os.walk(source):
        inside = Path(place).relative_to(source)
        for name in names:
            if (inside / name).as_posix() not in but:
                (target / inside).mkdir(parents=True, exist_ok=True)
                os.link(Path(place, name), target / inside / name)


def _switch(link: Path, place: Path) -> None:
    """Make `link` point to `place`, at once: a link of another name is renamed over it (rename(2) is atomic)."""
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(place, link.parent))
    new.replace(link)
