"""docs/glossary.md can't lie: what it names exists, no state is missing, and given-up words stay given up."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import alerts
from alerts.model.incident import AlertState
from alerts.model.person import Role
from alerts.model.post import PostState
from alerts.store.schema import metadata
from tests.walls import in_one_test

PACKAGE = Path(alerts.__file__).parent
PAGE = (PACKAGE.parent / "docs" / "glossary.md").read_text(encoding="utf-8")
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables, without their heads."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[-1] not in ("where it lives", "but"):
            yield [cell.strip("| ") for cell in cells]


WORDS = list(rows(PAGE.partition("## Words that are not used")[0]))
GIVEN_UP = list(rows(PAGE.partition("## Words that are not used")[2].partition("## Stems")[0]))
STEMS = {
    stem: frozenset(re.findall(r"`([\w./]+)`", cells[2]))
    for cells in rows(PAGE.partition("## Stems")[2])
    if len(cells) == 3 and cells[0] != "stem"
    for stem in cells[0].split(", ")
}


def found(name: str) -> object:
    """The module, class, function or member of that dotted name."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing: object = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise ModuleNotFoundError(name)


@cache
def catalogue() -> dict[str, set[str]]:
    """What the desk's pages say in French, by the English."""
    said: dict[str, set[str]] = {}
    for path in (PACKAGE / "web" / "console" / "locale" / "fr").glob("*.po"):
        for message in read_po(io.BytesIO(path.read_bytes())):
            said.setdefault(str(message.id), set()).add(str(message.string))
    return said


def test_every_word_has_four_cells_and_one_plain_sentence():
    for cells in WORDS:
        assert len(cells) == 4, cells
        assert cells[2].endswith("."), cells


def test_a_word_stands_for_one_thing():
    """States aside: an alert waits, and so do its posts."""
    names = [cells[0] for cells in rows(PAGE.partition("## States of an alert")[0])]
    assert len(names) == len(set(names))


@in_one_test
@pytest.mark.parametrize("cells", WORDS, ids=lambda cells: cells[0])
def test_what_a_word_names_is_there(cells):
    where, pages = cells[-1], catalogue()
    logged = {text for source in SOURCES.values() for text in re.findall(r'"([a-z_]+\.[a-z_]+)"', source)}
    assert where
    for name in re.findall(r"`((?:alerts|tocsin_sandbox)\.[\w.]+)`", where):
        found(name)
    for name in re.findall(r"table `(\w+)`", where):
        assert name in metadata.tables
    for name in re.findall(r"log `([\w.]+)`", where):
        assert name in logged
    for name in re.findall(r"page \*([^*]+)\*", where):
        assert name in pages


@pytest.mark.parametrize(("heading", "states"), [("an alert", AlertState), ("a post", PostState)])
def test_every_state_is_told_with_the_word_that_the_desk_shows(heading, states):
    part = PAGE.partition(f"## States of {heading}\n")[2].partition("\n## ")[0]
    told = {cells[0]: cells for cells in rows(part)}
    assert list(told) == [state.replace("_", " ") for state in states]
    for english, cells in told.items():
        assert cells[1] in catalogue()[english]


def test_every_role_is_told_with_the_word_that_the_desk_shows():
    told = {cells[0]: cells[1] for cells in WORDS}
    for role in Role:
        assert told[role] in catalogue()[role]


def test_no_identifier_is_a_word_that_was_given_up():
    given_up = {word for cells in GIVEN_UP for word in re.findall(r"`(\w+)`", cells[0])}
    assert {"House", "jot", "Furnish"} <= given_up
    for path, source in SOURCES.items():
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        used = {token.string for token in tokens if token.type == tokenize.NAME}
        assert not used & given_up, path


def words_of(name: str) -> set[str]:
    """The words of a name in small letters, whether it is written with underscores or with capitals."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def defined(path: Path) -> Iterator[str]:
    """The names that a module defines, folders and file included; a field has its class before it."""
    *folders, file = path.relative_to(PACKAGE).with_suffix("").parts
    yield from (file, *(f"{folder}/" for folder in folders))
    tree = ast.parse(SOURCES[path])
    fields = {
        target: f"{owner.name}.{target.id}"
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for line in owner.body
        for target in ([line.target] if isinstance(line, ast.AnnAssign) else getattr(line, "targets", ()))
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield fields.get(node, node.id)
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr


def test_no_name_has_a_stem_that_was_given_up():
    assert {"told", "held", "standings", "letter"} <= STEMS.keys()
    found = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in SOURCES
        for name in defined(path)
        for stem in words_of(name.rpartition(".")[2]) & STEMS.keys()
        if name not in STEMS[stem]
    }
    assert not found


def test_each_name_that_keeps_its_stem_is_there():
    there = {name for path in SOURCES for name in defined(path)}
    assert {name for names in STEMS.values() for name in names} <= there


def test_no_log_event_has_a_word_that_was_given_up():
    endings = {word for cells in GIVEN_UP for word in re.findall(r"`[*.]*([a-z_]+)[*.]*`", cells[0])}
    for path, source in SOURCES.items():
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith(("log.", "_log.", "self._log.")):
                event = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
                assert not endings & set(re.split(r"[._]", str(event))), (path, event)
