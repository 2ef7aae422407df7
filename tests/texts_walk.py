"""The walk behind `make texts`: each place where words of ours stand, so that none is read by nobody.

Sentences of the catalogues with the files that say them; words of the templates, and whether a text printed them; and
words that stand in the code itself, in French and English side by side. All of it is found by reading the sources.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, nodes

import alerts
from alerts.model.catalogue import read_catalogue
from alerts.rendering.library import PartExtension, shipped_folder

PACKAGE = Path(alerts.__file__).parent
CATALOGUES = sorted(PACKAGE.rglob("locale/fr/*.po"))
_CALLS = frozenset(("_", "_n", "gettext", "ngettext", "plural", "because"))
_FRENCH = re.compile("[àâçéèêëîïôùûœÀÂÇÉÈÊÎÔŒ«»’\u00a0]")
# Expressions, tables of letters and single signs are no words.
_NO_WORDS = re.compile(r"\\[bswd]|\(\?|\[\^|\w\|\w|^\W*$|[à-ÿÀ-Ý]{4}|\bEEEE\b")
_WORD = re.compile(r"[^\W\d_]{3}")
_ENVIRONMENT = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols", PartExtension])
_HOLDS = (ast.Dict, ast.Tuple, ast.List, ast.Set, ast.Call, ast.IfExp, ast.BinOp, ast.BoolOp, ast.JoinedStr)


def pages() -> Iterator[Path]:
    """The templates of the package: pages of the desk and the town, with the words that they share."""
    yield from sorted(file for file in PACKAGE.rglob("pages/*") if file.suffix in (".html", ".j2", ".txt"))


def asked() -> Mapping[str, tuple[str, ...]]:
    """Every sentence, and every reason's code, that some call puts into words, with the files where it stands."""
    return _read()[0]


def spelled() -> Mapping[str, tuple[str, ...]]:
    """Every text that stands in the code or on a page, with its files: some are put into words by their name alone."""
    return _read()[1]


@cache
def _read() -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]]:
    calls, texts = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for file in sorted(PACKAGE.rglob("*.py")):
        place = _place(file)
        # No tree is kept: so many nodes would cost more to collect than to read once more.
        for each in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(each, ast.Constant):
                if isinstance(each.value, str):
                    texts[each.value].add(place)
            elif isinstance(each, ast.Call) and each.args and _name(each.func) in _CALLS:
                first = each.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    calls[first.value].add(place)
    for sentence, place in _on_pages():
        calls[sentence].add(place)
        texts[sentence].add(place)
    asked_in, stands_in = ({text: tuple(sorted(where)) for text, where in each.items()} for each in (calls, texts))
    return asked_in, stands_in


def _on_pages() -> Iterator[tuple[str, str]]:
    for file in pages():
        for call in _ENVIRONMENT.parse(file.read_text("utf-8")).find_all(nodes.Call):
            first = call.args[0] if call.args else None
            if isinstance(call.node, nodes.Name) and call.node.name in _CALLS and isinstance(first, nodes.Const):
                yield str(first.value), _place(file)


def place_of(sentence: str, code: str | None = None) -> str:
    """Where a sentence of a catalogue stands, or the code that it words; "" if nowhere."""
    return ", ".join(spelled().get(code or sentence, ()))


def words_of(language: str) -> Mapping[str, str]:
    """Each text of a language's templates, with its file: words of posts, hazards, their ends."""
    found: dict[str, str] = {}
    for file in sorted((shipped_folder() / language).rglob("*.j2")):
        tree = _ENVIRONMENT.parse(file.read_text("utf-8"))
        names = {id(pair.key) for pair in tree.find_all(nodes.Pair)} | {
            id(item.arg) for item in tree.find_all(nodes.Getitem)
        }
        for const in tree.find_all(nodes.Const):
            if isinstance(const.value, str) and id(const) not in names and _WORD.search(const.value):
                found.setdefault(const.value, str(file.relative_to(shipped_folder())))
    return found


def unsaid(language: str, printed: str) -> Iterator[str]:
    """The texts of a language's templates of which no line of `printed` has the words, with the file of each."""
    heard = _folded(printed)
    for text, file in words_of(language).items():
        pieces = [_folded(piece) for piece in re.split(r"\{[^}]*\}|%\w?|\n", text)]
        if not all(piece in heard for piece in pieces if _WORD.search(piece)):
            yield f"{' / '.join(text.split(chr(10)))} [{file}]"


def _folded(text: str) -> str:
    return re.sub(r"[\s|/]+", " ", text).strip(" .,:;–").casefold()


def in_code() -> Iterator[str]:
    """Words that the code says without a catalogue, French and English side by side, with their file."""
    for file in sorted(PACKAGE.rglob("*.py")):
        source = file.read_text("utf-8")
        if not _FRENCH.search(source) and "\\u00a0" not in source:
            continue
        tree = ast.parse(source)
        holders = {id(child): parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
        shown: set[int] = set()
        for each in ast.walk(tree):
            if not (isinstance(each, ast.Constant) and isinstance(each.value, str) and _FRENCH.search(each.value)):
                continue
            if not _is_said(each.value) or isinstance(holders.get(id(each)), ast.Expr):
                continue
            if each.value in _catalogued():
                continue
            holder = _holder(each, holders)
            if id(holder) not in shown:
                shown.add(id(holder))
                told = [text for text in _texts(holder) if _is_said(text)]
                yield f"{' ‖ '.join(' / '.join(text.split(chr(10))) for text in told)} [{_place(file)}]"


def _holder(text: ast.AST, holders: Mapping[int, ast.AST]) -> ast.AST:
    """What holds a text with those beside it: the outermost table or expression of its statement."""
    found, above = text, holders.get(id(text))
    while isinstance(above, (*_HOLDS, ast.FormattedValue, ast.keyword, ast.Starred, ast.Subscript, ast.Attribute)):
        found, above = above, holders.get(id(above))
    return found


def _texts(holder: ast.AST) -> Iterable[str]:
    return dict.fromkeys(e.value for e in ast.walk(holder) if isinstance(e, ast.Constant) and isinstance(e.value, str))


def _is_said(text: str) -> bool:
    return bool(_WORD.search(text)) and not _NO_WORDS.search(text)


def bare() -> Iterator[str]:
    """Words that a page says in one language alone, since nothing translates them, with their file."""
    for file in pages():
        page = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "\0", file.read_text("utf-8"), flags=re.DOTALL)
        page = re.sub(r"<(style|script|svg|code|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
        for said in re.split(r"<[^<>]*>|\0|\n", re.sub(r"[\w-]+=\"[^\"]*\"", " ", page)):
            if _WORD.search(said) and not re.search(r"[<>]|^/|^&\w+;$", said.strip()):
                yield f"{said.strip()} [{_place(file)}]"


def unasked() -> Iterator[str]:
    """Sentences that a call puts into words, and that no catalogue has."""
    coded = {each.context for file in CATALOGUES for each in read_catalogue(file) if each.context}
    for sentence, places in asked().items():
        if sentence not in _catalogued() and sentence not in coded and _WORD.search(sentence):
            yield f"{sentence} [{', '.join(places)}]"


@cache
def _catalogued() -> frozenset[str]:
    return frozenset(
        text for file in CATALOGUES for each in read_catalogue(file) for text in (each.sentence, each.plural)
    )


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _place(file: Path) -> str:
    return str(file.relative_to(PACKAGE))
