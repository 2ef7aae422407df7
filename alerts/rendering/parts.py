"""The named parts a template lays out: `{% part "area" %}…{% short %}…{% endpart %}`.

A part is a piece of text that the fitting may shorten or drop as a whole, and the optional `{% short %}` half is what
to say instead where the whole is too long. What stands outside of parts is layout and always stays.

    {% part "instruction", keep=true %}{{ instruction }}{% short %}{{ prepared }}{% endpart %}

The extension prints the parts between control characters, and `split` reads them back. No text of a feed can hold one
of these: cleaning took them out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

_OPEN, _FIELD, _SHORT, _CLOSE = "\x1c", "\x1d", "\x1f", "\x1e"
_PART = re.compile(f"{_OPEN}([^{_FIELD}]*){_FIELD}([^{_FIELD}]*){_FIELD}([^{_SHORT}]*){_SHORT}([^{_CLOSE}]*){_CLOSE}")
_EMPTY_LINE = re.compile(f"^[ \t]*{_CLOSE}[ \t{_CLOSE}]*\n?", re.MULTILINE)
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_GAP = re.compile(r"\n{3,}")

IMPORTANCE = (
    "exercise",
    "link",
    "instruction",
    "time",
    "area",
    "headline",
    "sender",
    "station",
    "change",
    "severity",
    "language",
    "description",
    "advice",
    "contact",
)
"""The parts by importance, most important first; a name that isn't here comes after all of them.

What to do stands first, then until when, then where, then what: a reader who gets four words must get these. The link
and the exercise mark can't be cut at all.
"""

KEPT = frozenset(("exercise", "link", "instruction", "time", "area", "headline"))
"""What is never dropped, whether the template says `keep=true` or not."""


@dataclass(frozen=True, slots=True)
class Part:
    """One named piece: `text` in the channel's markup, `short` what to say where that is too long ("": no more)."""

    name: str
    text: str
    short: str = ""
    keep: bool = False

    @property
    def importance(self) -> int:
        """The place in IMPORTANCE: 0 is the most important."""
        return _PLACES.get(self.name, len(IMPORTANCE))


_LABEL_ALONE = re.compile(r"^(?:<b>)?\w{1,20}[ \u00a0\u202f]?:(?:</b>)?$")
_PLACES = {name: place for place, name in enumerate(IMPORTANCE)}
Piece = str | Part
"""A part, or the layout between two of them."""


class PartExtension(Extension):
    """`{% part NAME, keep=false %}text{% short %}shorter text{% endpart %}`; parts don't nest."""

    tags = {"part"}  # noqa: RUF012 - declared so by Jinja

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Turn the tag into its text between marks; raises TemplateSyntaxError where it is written wrong."""
        line = next(parser.stream).lineno
        name = parser.parse_expression()
        keep = self._keep(parser)
        text = parser.parse_statements(("name:short", "name:endpart"), drop_needle=False)
        short: list[nodes.Node] = []
        if next(parser.stream).value == "short":
            short = parser.parse_statements(("name:endpart",), drop_needle=True)
        if any(_OPEN in data.data for node in (*text, *short) for data in _data_of(node)):
            parser.fail("a part can't stand inside another part: end the first one before", line)
        opening = nodes.Output([_mark(_OPEN), name, _mark(_FIELD), keep, _mark(_FIELD)], lineno=line)
        return [opening, *text, _output(_SHORT, line), *short, _output(_CLOSE, line)]

    def _keep(self, parser: Parser) -> nodes.Expr:
        if not parser.stream.skip_if("comma"):
            return nodes.Const("")
        option = parser.stream.expect("name")
        if option.value != "keep":
            parser.fail(f"a part knows no option {option.value!r}: only keep=true or keep=false", option.lineno)
        parser.stream.expect("assign")
        return nodes.CondExpr(parser.parse_expression(), nodes.Const("keep"), nodes.Const(""))


def split(printed: str) -> list[Piece]:
    """Read back what a template printed: parts, and the layout between them. A label alone is an empty part."""
    pieces: list[Piece] = []
    place = 0
    for found in _PART.finditer(printed):
        pieces.append(printed[place : found.start()])
        name, keep, text, short = found.groups()
        text, short = (_LABEL_ALONE.sub("", said.strip()) for said in (text, short))
        pieces.append(Part(name, text, short if len(short) < len(text) or not text else "", bool(keep) or name in KEPT))
        place = found.end()
    pieces.append(printed[place:])
    return pieces


def lay_out(texts: Sequence[str], pieces: Sequence[Piece]) -> str:
    """Join `texts`, one for each of `pieces`; a line that held nothing but empty parts goes as a whole."""
    marked = [text if text or isinstance(piece, str) else _CLOSE for text, piece in zip(texts, pieces, strict=True)]
    joined = "".join(marked)
    if _CLOSE in joined:
        joined = _EMPTY_LINE.sub("", joined).replace(_CLOSE, "")
    if " \n" in joined or "\t\n" in joined:
        joined = _TRAILING.sub("", joined)
    return (_GAP.sub("\n\n", joined) if "\n\n\n" in joined else joined).strip()


def _data_of(node: nodes.Node) -> list[nodes.TemplateData]:
    return list(node.find_all(nodes.TemplateData))


def _mark(mark: str) -> nodes.TemplateData:
    return nodes.TemplateData(mark)


def _output(mark: str, line: int) -> nodes.Output:
    return nodes.Output([_mark(mark)], lineno=line)
