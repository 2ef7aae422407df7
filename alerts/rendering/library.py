"""The templates on disk: a town's own folders before the shipped one, file by file; each compiled once.

    <language>/words.j2                         words for all posts: severities, levels, ends
    <language>/hazards/<hazard>.j2              the name, the advice and the ends of one hazard
    <language>/<channel kind>/<event or hazard>.<publish|update|end|answer>.j2
    <language>/<channel kind>/<publish|update|end|answer>.j2
    layouts/<channel kind>/<publish|update|end|answer>.j2
                                                the same for every language, with the words of its words.j2

The language is found by its exact tag, then by its primary subtag ("fr-FR", then "fr"), then English. A channel kind
without templates uses the folder `default`.

A template lays out named parts, each a piece of text that the fitting may shorten or drop as a whole. The optional `{%
short %}` half replaces a part that is too long. Text outside of parts is layout and stays.

    {% part "instruction", keep=true %}{{ instruction }}{% short %}{{ prepared }}{% endpart %}

`PartExtension` prints the parts between control characters, and `split` reads them back. No text of a feed can contain
these: cleaning removed them.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import CodeType, MappingProxyType
from typing import Any

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    nodes,
)
from jinja2.bccache import Bucket
from jinja2.ext import Extension
from jinja2.loaders import split_template_path
from jinja2.parser import Parser

from alerts.model.hazard import WATER_CUTS, Hazard, fold
from alerts.model.local import SMALL, read_file
from alerts.model.post import PostKind
from alerts.rendering.limited import LimitedEnvironment, fits, limits
from alerts.rendering.text import clean

FAULTS = (TemplateError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""The errors of reading or rendering a template: Jinja's own, and Python's from its expressions."""

GENERAL = "words.j2"
"""The file of a language that says what is said everywhere."""

LAYOUTS = "layouts"
"""The folder of what is laid out in one way for every language."""

FALLBACK_LANGUAGE = "en"
DEFAULT_KIND = "default"

WordTable = Mapping[str, Any]
"""The content of a file of words: names mapped to strings, lists and dictionaries of strings."""


def shipped_folder() -> Path:
    """Return the shipped templates' folder: `alerts/templates` in a wheel, `templates/` next to it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


_NOTHING: WordTable = MappingProxyType({})


class _Loader(FileSystemLoader):
    """Reads templates; with `within`, all but the shipped ones have to lie in that folder."""

    def __init__(self, folders: Sequence[Path], within: Path | None) -> None:
        super().__init__([str(folder) for folder in folders])
        self._folders = folders
        self._within = within

    def get_source(self, _: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """As Jinja asks for it. Raises TemplateNotFound."""
        parts = split_template_path(template)
        file = next((file for folder in self._folders if (file := folder.joinpath(*parts)).is_file()), None)
        if file is None:
            raise TemplateNotFound(template, f"{template!r} not found")
        return self.read(file), str(file), lambda: True

    def read(self, file: Path) -> str:
        """Return the content of a file. Raises TemplateNotFound if it may not be read."""
        within = None if file.is_relative_to(shipped_folder()) else self._within
        try:
            return read_file(file, within, SMALL).decode()
        except OSError as error:
            raise TemplateNotFound(str(file), error.strerror) from None


class Library:
    """The templates of `folders` (the first takes precedence), read and compiled at first use and kept.

    With `within`, files outside that folder after resolving links are ignored, except the shipped ones.
    """

    def __init__(self, folders: Sequence[Path], within: Path | None = None) -> None:
        self._folders = tuple(dict.fromkeys(folder.resolve() for folder in folders))
        self._loader = _Loader(self._folders, within)
        self._environments: dict[str, LimitedEnvironment] = {}
        self._words: dict[tuple[str, str], WordTable] = {}
        self._near: dict[str, list[str]] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every template there is, as paths with slashes."""
        return frozenset(name for name in self._loader.list_templates() if name.endswith(".j2"))

    @cached_property
    def _languages(self) -> frozenset[str]:
        return frozenset(name.split("/", 1)[0] for name in self.names if "/" in name) - {LAYOUTS}

    def languages(self, tag: str) -> list[str]:
        """Return the folders for `tag`, nearest first; only English if it has none."""
        if tag not in self._near:
            near = [name for name in (tag, tag.split("-", 1)[0]) if name in self._languages]
            self._near[tag] = list(dict.fromkeys(near)) or [FALLBACK_LANGUAGE]
        return self._near[tag]

    def find(self, language: str, channel_kind: str, topics: Sequence[str], kind: PostKind) -> str | None:
        """Return the name of the nearest template: by language, channel kind, then event, hazard, none; else None.

        The layout for all languages ranks after the last language's templates for the same channel kind: a town's own
        `default` isn't nearer to Telegram than the layout that ships for it.
        """
        files = [*(f"{topic}.{kind}.j2" for topic in topics), f"{kind}.j2"]
        *nearer, last = self.languages(language)
        folders = (channel_kind, DEFAULT_KIND)
        places = [(tag, folder) for tag in nearer for folder in folders]
        places += [(tag, folder) for folder in folders for tag in (last, LAYOUTS)]
        wanted = (f"{tag}/{folder}/{file}" for tag, folder in places for file in files)
        return next((name for name in wanted if name in self.names), None)

    def printed(self, name: str, markup: str, known: Mapping[str, Any]) -> str:
        """Return what the template called `name` prints for a channel of `markup`, within limits.

        Raises one of FAULTS.
        """
        template = self._environment(markup).get_template(name)
        with limits():
            text = template.render(known)
        fits(len(text))
        return text

    def words(self, language: str, file: str) -> WordTable:
        """Return the content of the nearest `file` of words (`words.j2`, `hazards/wind.j2`).

        A town's file may set only its changes: the rest comes from the file that it overrides. A hazard's file can use
        the telephone numbers (`numbers`) of its language's `words.j2`, so that a country sets them once. A name missing
        from the `words.j2` of a language comes from the next one (`fr-CA`, `fr`, English); a hazard's file needs only a
        name. Raises one of FAULTS.
        """
        if (language, file) not in self._words:
            # English has every name: a language that lacks one is told in two languages, not stopped.
            tags = (*self.languages(language), FALLBACK_LANGUAGE)
            near = [f"{tag}/{file}" for tag in dict.fromkeys(tags) if f"{tag}/{file}" in self.names]
            if file == GENERAL:
                said: WordTable = {}
                while len(near) > 1 and self._adds_nothing(near[-1], near[:-1]):
                    near.pop()
                for name in reversed(near):
                    said = self._read_words(name, {}, said)
            else:
                # 112, 18 and 15 are said in dozens of hazards and differ by country.
                numbers = self.words(language, GENERAL).get("numbers", {})
                said = {**_NOTHING_TO_SAY, **self._read_words(near[0], {"numbers": numbers})}
            self._words[language, file] = said
        return self._words[language, file]

    def _adds_nothing(self, name: str, nearer: Sequence[str]) -> bool:
        """True if a file is the shipped one alone, and a nearer one ships too: no language that ships lacks a name."""
        shipped = shipped_folder().resolve()
        here = [folder for folder in self._folders if (folder / name).is_file()]
        return here == [shipped] and any((shipped / each).is_file() for each in nearer)

    def _read_words(self, name: str, given: dict[str, Any], others: WordTable = _NOTHING) -> WordTable:
        words: dict[str, Any] = dict(others)
        for folder in reversed(self._folders):
            if (folder / name).is_file():
                environment = self._environment("plain")
                code = _COMPILED[False].code(environment, name, folder / name, self._loader.read(folder / name))
                with limits():
                    module = Template.from_code(environment, code, dict(given)).module
                words.update(_over(words, {k: v for k, v in vars(module).items() if not k.startswith("_")}))
        return words

    def _environment(self, markup: str) -> LimitedEnvironment:
        if markup not in self._environments:
            self._environments[markup] = _environment(self._loader, markup)
        return self._environments[markup]

    def where(self, fault: BaseException, name: str) -> str:
        """Return `folder/name.j2:line` of an error, as exactly as it is known."""
        if isinstance(fault, TemplateSyntaxError):
            return f"{fault.filename or fault.name or name}:{fault.lineno}"
        frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if frame.filename.endswith(".j2")]
        return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else self.path(name)

    def path(self, name: str) -> str:
        """Return the file that `name` is read from."""
        return str(next((folder / name for folder in self._folders if (folder / name).is_file()), name))


_NOTHING_TO_SAY: WordTable = MappingProxyType({"instruction": {"default": ""}, "advice": [], "after": ""})

# Tables of words in which a town may set single lines.
_BY_LINES = frozenset(
    (
        "prepared",
        "numbers",
        "severities",
        "degrees",
        "levels",
        "colours",
        "changes",
        "ends",
        "over",
        "ended",
        "stamps",
        "events",
        "labels",
        "since",
        "weather",
        "moments",
        "calendar",
        "answers",
        "rumours",
        "coloured",
    )
)


def _over(words: WordTable, own: dict[str, Any]) -> dict[str, Any]:
    """Merge a folder's words over the next one's; of the tables it may set single lines.

    `instruction` and `advice` are replaced whole: a town that gives an order for a hazard gives all of them, since the
    words at one severity must fit those at another.
    """
    for name in _BY_LINES & own.keys():
        if isinstance(own[name], dict):
            own[name] = {**words.get(name, {}), **own[name]}
    return own


def hazard_file(hazard: Hazard) -> str:
    """Return the file of a language that holds the words of `hazard`."""
    return f"hazards/{hazard}.j2"


def reason_of(fault: BaseException) -> str:
    """Return what is wrong with a template, on one line: Jinja's words, or Python's error with its name."""
    said = " ".join(str(fault).split())
    return said if isinstance(fault, TemplateError) and said else f"{type(fault).__name__}: {said}".rstrip(": ")


@lru_cache(maxsize=256)
def topics_of(event: str, hazard: Hazard) -> tuple[str, ...]:
    """Return the names a template may be called by: the event's slug ("vigilance-orange-crues") and the hazard."""
    slug = re.sub(r"[^a-z0-9]+", "-", fold(event)).strip("-")
    either = Hazard.WATER_CUT.value if hazard in WATER_CUTS else hazard.value
    return tuple(dict.fromkeys(topic for topic in (slug, hazard.value, either) if topic))


def capital(text: str) -> str:
    """Return `text` with its first letter a capital, and the others as they are."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """Return `text` as a sentence: a capital first, a full stop last unless it has an end of its own."""
    said = text.strip()
    return capital(said) if not said or said[-1] in ".!?…:»" else capital(said) + "."


def as_sentences(texts: Iterable[str]) -> str:
    """Return texts one after the other as sentences, each ending as it ends: nothing follows "!" or "…" but a blank."""
    said = (text.strip() for text in texts)
    return " ".join(text if _ends(text) else f"{text.rstrip(',;:')}." for text in said if text)


def _ends(text: str) -> bool:
    """True if a text ends as a sentence does, even in quotes or brackets."""
    bare = text.rstrip('"”»)\u00a0 ')
    return bare[-1:] in tuple(".!?…。！？")


class CompiledTemplates(BytecodeCache):
    """Templates that were compiled once in this process, for every environment of the same settings.

    Jinja caches compiled templates in their environment; a process that serves several towns would compile each page
    once for each (a tenth of a second for the longer ones). A changed file has another checksum, and is compiled again.
    The key doesn't include settings: each kind of environment needs an instance of its own.
    """

    def __init__(self) -> None:
        self._code: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the code of the same file with the same content, if it was compiled before."""
        checksum, code = self._code.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled, in place of an older version of the file."""
        self._code[bucket.key] = (bucket.checksum, bucket.code)

    def code(self, environment: LimitedEnvironment, name: str, file: Path, source: str) -> CodeType:
        """Return the compiled `source` of a file, for callers without Jinja's loader. Raises one of FAULTS."""
        bucket = self.get_bucket(environment, name, str(file), source)
        if bucket.code is None:
            bucket.code = environment.compile(source, name, str(file))
            self.set_bucket(bucket)
        return bucket.code


_COMPILED = {True: CompiledTemplates(), False: CompiledTemplates()}
"""By whether values are escaped for HTML."""


def _environment(loader: FileSystemLoader, markup: str) -> LimitedEnvironment:
    environment = LimitedEnvironment(
        loader=loader,
        extensions=[PartExtension],
        # A misspelt variable is a fault that is told with its line; else it would be a gap in an alert.
        undefined=StrictUndefined,
        autoescape=markup == "html",
        lstrip_blocks=True,
        # Read once: what somebody edits meanwhile must not be in one half of the posts of an alert.
        auto_reload=False,
        bytecode_cache=_COMPILED[markup == "html"],
        # There are as many templates as files, and each is needed again.
        cache_size=-1,
    )
    environment.let(capital=capital, sentence=sentence, clean=clean)
    return environment


# --- parts ---------------------------------------------------------------------------------------------------------

# ASCII separators, which cleaning removes from every feed's text.
_OPEN, _FIELD, _SHORT, _CLOSE = "\x1c", "\x1d", "\x1f", "\x1e"
_PART = re.compile(f"{_OPEN}([^{_FIELD}]*){_FIELD}([^{_FIELD}]*){_FIELD}([^{_SHORT}]*){_SHORT}([^{_CLOSE}]*){_CLOSE}")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)

IMPORTANCE = (
    "exercise",
    "link",
    "instruction",
    "caution",
    "time",
    "area",
    "headline",
    "mark",
    "sender",
    "station",
    "change",
    "reason",
    "severity",
    "language",
    "description",
    "advice",
    "contact",
)
"""The parts by importance, most important first; a name that isn't here comes after all of them.

The instruction comes first, then the end, the place and the event: a reader who gets four words must get these. The
link and the exercise mark can't be cut at all.
"""

KEPT = frozenset(("exercise", "link", "instruction", "caution", "time", "area", "headline", "mark"))
"""The parts that are never dropped, with or without `keep=true` in the template."""


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


# A label without its value, as in "Where:".
_LABEL_ALONE = re.compile(r"(?:<b>)?\w{1,20}[ \u00a0\u202f]?:(?:</b>)?")
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
        if any(_OPEN in data.data for node in (*text, *short) for data in node.find_all(nodes.TemplateData)):
            parser.fail("a part can't stand inside another part: end the first one before", line)
        opening = nodes.Output([_mark(_OPEN), name, _mark(_FIELD), keep, _mark(_FIELD)], lineno=line)
        between, closing = (nodes.Output([_mark(mark)], lineno=line) for mark in (_SHORT, _CLOSE))
        return [opening, *text, between, *short, closing]

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
        text, short = _without_label(text.strip()), _without_label(short.strip())
        pieces.append(Part(name, text, short if len(short) < len(text) or not text else "", bool(keep) or name in KEPT))
        place = found.end()
    pieces.append(printed[place:])
    return pieces


def _without_label(said: str) -> str:
    return "" if said.endswith((":", ":</b>")) and _LABEL_ALONE.fullmatch(said) else said


def lay_out(texts: Sequence[str], pieces: Sequence[Piece]) -> str:
    """Join `texts`, one for each of `pieces`.

    A line that held nothing but empty parts goes as a whole, and so does the blank behind an empty part.
    """
    marked = [text if text or isinstance(piece, str) else _CLOSE for text, piece in zip(texts, pieces, strict=True)]
    joined = "".join(marked)
    # Looked for first: fitting calls this for every cut that it tries, and most texts have nothing to tidy.
    if _CLOSE in joined:
        lines = joined.split("\n")
        joined = "\n".join(said for line in lines if (said := _without_empty_part(line)) or not line)
        joined = joined.replace(f"{_CLOSE} ", "").replace(_CLOSE, "")
    if " \n" in joined or "\t\n" in joined:
        joined = _TRAILING.sub("", joined)
    while "\n\n\n" in joined:
        joined = joined.replace("\n\n\n", "\n\n")
    return joined.strip()


def _without_empty_part(line: str) -> str:
    begun = line.lstrip(" \t")
    return begun.lstrip(f" \t{_CLOSE}") if begun.startswith(_CLOSE) else line


def _mark(mark: str) -> nodes.TemplateData:
    return nodes.TemplateData(mark)
