"""A stranger's text made plain: HTML, doubly escaped entities, tabs, hard-wrapped lines, invisible characters.

Feeds and calendars send all of these. `clean` is the one way from such a text to plain text: it reads entities (twice,
since feeds escape twice), takes HTML's tags out as a browser would, drops what can't be seen, and joins the lines that
a teleprinter's width broke. `clean_info` and `clean_alert` do so to every word of an alert before a template sees it;
they also drop what only fills a field ("None", "polygonal area"). Escaping for a channel comes after, and is Jinja's.
`tame` takes from a stranger's text what a platform would act on; `french` sets what is said in French.

Everything here takes time as the length of its text, of which no more than LONGEST characters are read: whoever writes
a feed must not be able to hold up the alerts of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

from alerts.model.alert import Alert, Info, size_of_info
from alerts.model.bounds import normal, seen, unescaped
from alerts.model.remembered import Remembered
from alerts.rendering.counting import spans

# A quick test: most texts need no cleaning.
_SUSPECT = re.compile(r"[<&\x00-\x1f\x7f-\x9f\u2028\u2029]|[^\S\n]{2}|\w\?\w")
# No character is tried a second time ("++"), and only a comment goes on past the next "<": a tag that never ends costs
# no more than one that does. A comment without an end reaches to the end of the text, as in a browser.
_MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z)
    | <(?P<end>/?)(?P<tag>[a-z][^\s<>/]*+)(?:(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+>|[^<>]*+>)
    | <[!?][^<>]*+>""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_BLOCKS = frozenset(
    ("blockquote", "br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "table", "tr", "ul")
)
# Elements without an end tag.
_ALONE = frozenset(("br", "hr"))
# Elements whose content isn't text.
_HIDDEN = frozenset(("head", "script", "style", "template", "title"))
_INLINE = frozenset({
    "a", "abbr", "address", "b", "big", "body", "center", "code", "dd", "dl", "dt", "em", "font", "form", "html",
    "i", "iframe", "img", "input", "ins", "link", "meta", "object", "pre", "q", "s", "small", "span", "strike",
    "strong", "sub", "sup", "svg", "tbody", "td", "tfoot", "th", "thead", "tt", "u", "video",
})  # fmt: skip
# Microsoft Word's own elements, pasted into some feeds.
_OF_WORD = re.compile(r"(?:o|v|w|m|st1):\w+")
_TAGS = _BLOCKS | _HIDDEN | _INLINE
"""The tags that are taken out, with Word's own; "Call <your council>" is no tag, and stays."""
# Météo-France's bulletins in MeteoAlarm have "?" where an apostrophe was lost: "d?ete".
_LOST_APOSTROPHE = re.compile(r"\b([cdjlmnst]|qu)\?(?=[a-zàâéèêëîïôûùh])", re.IGNORECASE)
_BLANKS = re.compile(r"[^\S\n]{2,}|\t")
# The beginning of a list item keeps its own line.
_BULLET = re.compile(r"(?:[*•·▪–—-]|\d{1,2}[.)])\s")
LONGEST = 20_000
"""Characters that are read of one text: nobody reads more of a post, and no text may take minutes."""
# Lines up to this width are taken for wrapped ones, and joined.
_WRAP_WIDTH = 85
_NOTHING = frozenset({
    "", "?", "n/a", "na", "nil", "none", "null", "unknown", "inconnu", "inconnue", "unbekannt", "undefined", "tbd",
    "not applicable", "not available", "not specified", "to be determined", "néant", "sans objet",
})  # fmt: skip
_NO_PLACE = re.compile(
    r"(?:an? |the )?(?:(?:polygonal|affected|warning|warned|event|alert|unnamed|drawn) )*(?:event )?"
    r"(?:area|areas|polygons?|circles?|region|zone|geometry|location|place|map)(?: \d+)?|see (?:the )?map"
    r"|voir (?:la )?carte",
    re.IGNORECASE,
)
"""Placeholders that programs write into a mandatory place name that nobody gave."""
_IN_UNKNOWN = re.compile(r" (?:in|at|near|à|en) \[(?:unknown|none|n/a|)\]", re.IGNORECASE)
_NO_BREAK = "\u00a0"
_WITH_PROTOCOL = re.compile(r"( ?)\b((?:https?|ftp|tg)://[^\s<>]+)", re.IGNORECASE)
_CALLS_MAYBE = re.compile("[@＠#＃$]")
_CALLS = re.compile(
    # As twitter-text has it: no letter before an @, but for "RT"; a # before a word that holds a letter; a cashtag.
    r"(?:(?<![A-Za-z0-9_])(?:[rR][tT]:?)?|(?<=[@＠]))[@＠](?=[A-Za-z0-9_])"
    r"|(?<![\w&])[#＃](?=\w*[^\W\d_])"
    r"|(?<!\S)\$(?=[A-Za-z]{1,6}(?![A-Za-z]))"
)
_BEHIND_AN_ADDRESS = "!?*'@();:+$%[].,~|"
_LINES = ("event", "headline", "sender_name", "contact", "audience")
_TEXTS = ("description", "instruction")


@lru_cache(maxsize=1024)
def clean(text: str) -> str:
    """Return `text` as plain text in NFC, one line per paragraph or list item, paragraphs set apart by an empty line.

    Known HTML tags go (`<br>` and blocks become line breaks, items of lists get a bullet), anything else between angle
    brackets stays, for "gusts < 90 km/h" is no tag.
    """
    text = normal("NFC", text[:LONGEST])
    if not _SUSPECT.search(text) and seen(text) == text:
        return text.strip()
    text = unescaped(unescaped(text))
    text = "".join(_without_markup(text)) if "<" in text else text
    text = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text)
    # Bidirectional controls and all else that can't be seen; joiners stay, for emoji need them.
    text = _LOST_APOSTROPHE.sub(r"\1’", seen(text))
    lines = [_BLANKS.sub(" ", line).strip() for line in text.split("\n")]
    paragraphs = re.split(r"\n{2,}", "\n".join(lines).strip("\n"))
    return "\n\n".join(_unwrap(paragraph) for paragraph in paragraphs)


def clean_line(text: str) -> str:
    """Return `text` cleaned and on one line: a headline, a name, an area."""
    cleaned = clean(text)
    return " ".join(cleaned.split("\n")).replace("  ", " ") if "\n" in cleaned else cleaned


def place(name: str) -> str:
    """Return the name of a place on one line, "" for what only fills the field: "polygonal event area", "None"."""
    said = clean_line(name)
    return "" if _unless_nothing(said) is None or _NO_PLACE.fullmatch(said) else said


def tame(text: str, *, keep_links: bool) -> str:
    """Return a stranger's text in a form that a post may carry: no mentions, no tags, links only as the post has them.

    A no-break space follows the sign that would start a mention or a tag on the platform ("@ mairie"); e-mail addresses
    stay as they are. Unless `keep_links`, addresses with a protocol are removed, and a blank after the last dot breaks
    a bare one: "M.Dupont", which X takes for a link, becomes "M. Dupont".
    """
    if not keep_links and ("." in text or "://" in text):
        text = _without_links(text)
    return _CALLS.sub(rf"\g<0>{_NO_BREAK}", text) if _CALLS_MAYBE.search(text) else text


def _without_links(text: str) -> str:
    text = _WITH_PROTOCOL.sub(_what_follows, text)
    # From the end, so that the positions of the others stay valid.
    for start, end in reversed(spans(text)):
        host, slash, rest = text[start:end].partition("/")
        name, _, domain = host.rpartition(".")
        text = f"{text[:start]}{name}.{_NO_BREAK}{domain}{slash}{rest}{text[end:]}"
    return text.strip()


def _what_follows(address: re.Match[str]) -> str:
    """Return the punctuation that follows an address, and the blank before it if none does."""
    end = address[2][len(address[2].rstrip(_BEHIND_AN_ADDRESS)) :]
    return end or address[1]


def clean_alert(alert: Alert, language: str) -> Alert:
    """Return the alert as templates may see it: the infos of the best language for `language`, every word cleaned."""
    best = alert.info_for(language)
    infos = (
        [best, *(info for info in alert.infos if info is not best and info.language == best.language)] if best else []
    )
    return replace(alert, infos=tuple(clean_info(info) for info in infos), note=alert.note and clean(alert.note))


def clean_info(info: Info) -> Info:
    """Return `info` with all its words cleaned; headline, event and names on one line each.

    Remembered, since each channel's post and each page of an alert asks for the same.
    """
    return _cleaned(info)


def _clean(info: Info) -> Info:
    lines = {name: clean_line(said) for name in _LINES if (said := getattr(info, name))}
    tidy: dict[str, Any] = {name: _unless_nothing(_IN_UNKNOWN.sub("", line)) for name, line in lines.items()}
    tidy["event"] = tidy.get("event") or ""
    tidy |= {name: _unless_nothing(clean(said)) for name in _TEXTS if (said := getattr(info, name))}
    # MeteoAlarm's form takes no accents, so Météo-France's fixed sentences come without.
    if info.language.lower().startswith("fr"):
        tidy |= {name: _accented(said) for name in _TEXTS if (said := tidy.get(name))}
    tidy["web"] = address(info.web)
    # Some feeds put all their areas into one, between semicolons.
    named = ("; ".join(filter(None, map(place, area.description.split(";")))) for area in info.areas)
    tidy["areas"] = tuple(replace(area, description=name) for area, name in zip(info.areas, named, strict=True))
    tidy["parameters"] = tuple(replace(pair, value=clean(pair.value)) for pair in info.parameters)
    news = {name: said for name, said in tidy.items() if said != getattr(info, name)}
    return replace(info, **news) if news else info


_cleaned = Remembered(_clean, size_of_info, 2_000_000)


_UNACCENTED = {
    "activites": "activités",
    "meteorologique": "météorologique",
    "meteorologiques": "météorologiques",
    "exposees": "exposées",
    "exposes": "exposés",
    "phenomenes": "phénomènes",
    "phenomene": "phénomène",
    "region": "région",
    "regions": "régions",
    "prevus": "prévus",
    "prevu": "prévu",
    "evolution": "évolution",
    "deplacements": "déplacements",
    "evitez": "évitez",
    "securite": "sécurité",
    "interessees": "intéressées",
    "regulierement": "régulièrement",
    "intensite": "intensité",
    "tres": "très",
    "etre": "être",
    "emises": "émises",
    "emis": "émis",
    "degats": "dégâts",
}
"""Words that Météo-France's fixed sentences spell without accents, since MeteoAlarm's form takes none."""
_UNACCENTED_WORD = re.compile(rf"\b(?:{'|'.join(_UNACCENTED)})\b", re.IGNORECASE)


def _accented(text: str) -> str:
    """Return a French text that has no accent at all with those of the fixed sentences."""
    if not text.isascii():
        return text

    def put(found: re.Match[str]) -> str:
        word = _UNACCENTED[found[0].lower()]
        return word.capitalize() if found[0][0].isupper() else word

    return _UNACCENTED_WORD.sub(put, text).replace("; si ", " si ").replace("; ", "\u00a0; ")


def _unless_nothing(text: str) -> str | None:
    """Return `text` unless it only says that there is none, as forms that want every field filled in make feeds do."""
    return None if text.strip(".- ").lower() in _NOTHING else text


def address(web: str | None) -> str | None:
    """Return `web` if it is a web address a reader can follow, else None. Its spelling is left alone."""
    link = (web or "").strip()
    return (
        link
        if seen(link) == link
        and re.fullmatch(r"https?://[^\s<>\"'\x00-\x20\x7f-\xa0\u200b-\u202e\ufeff]+", link, re.IGNORECASE)
        else None
    )


def _without_markup(text: str) -> Iterator[str]:
    """Yield what a browser would show of `text`, piece by piece, with a line break for each block.

    What is hidden (a script, a page's head) goes up to the tag that ends it. Where that never comes a script or a style
    hides the rest, as in a browser; anything else hides nothing, for the rest may be the alert.
    """
    # Searched once: from each tag the search would read the rest of the text again.
    last = {tag: text.lower().rfind(f"</{tag}") for tag in _HIDDEN}
    place, hidden = 0, ""
    for markup in _MARKUP.finditer(text):
        tag, is_end = (markup["tag"] or "").lower(), bool(markup["end"])
        if hidden:
            if is_end and tag == hidden:
                place, hidden = markup.end(), ""
            continue
        if tag and tag not in _TAGS and not _OF_WORD.fullmatch(tag):
            continue
        yield text[place : markup.start()]
        place = markup.end()
        if tag in _HIDDEN and not is_end and (last[tag] > markup.start() or tag in ("script", "style")):
            hidden = tag
        elif tag in _BLOCKS and not (is_end and tag in _ALONE):
            yield "" if is_end and tag == "li" else "\n• " if tag == "li" else "\n"
    yield "" if hidden else text[place:]


def _unwrap(paragraph: str) -> str:
    """Join the lines that a teleprinter's width broke: where the next word would not have fitted any more."""
    lines = paragraph.split("\n")
    width = max(map(len, lines))
    if len(lines) == 1 or width > _WRAP_WIDTH:
        return paragraph
    joined = [lines[0]]
    for before, line in pairwise(lines):
        # NWS and others break lines at some 66 columns: a line is full where the next word would not have fitted.
        full = len(before) + 1 + len(line.split(" ", 1)[0]) > width and len(before) > width // 2 > 20
        if full and not _BULLET.match(line):
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return "\n".join(joined)


# --- set as French is set ------------------------------------------------------------------------------------------

# Addresses and e-mail addresses are exempt from typography.
_KEPT_AS_TYPED = re.compile(r"(https?://\S+|(?<!\S)\S[^\s@]*+@\S+)")
# A quick test for text with anything to set.
_TO_SET = re.compile(r"\b0\d \d\d|['\"«»;!?:]|\.\.\.|\d\s?[hH]")


def in_french(alert: Alert) -> Alert:
    """Return what the station typed itself, set as French is set."""
    return replace(
        alert, note=alert.note and french(alert.note), infos=tuple(info_in_french(info) for info in alert.infos)
    )


def info_in_french(info: Info) -> Info:
    """Return `info` with its words set as French is set."""
    said: dict[str, Any] = {
        name: well
        for name in ("event", "headline", "description", "instruction")
        if (text := getattr(info, name)) and (well := french(text)) != text
    }
    if any(french(area.description) != area.description for area in info.areas):
        said["areas"] = tuple(replace(area, description=french(area.description)) for area in info.areas)
    return replace(info, **said) if said else info


@lru_cache(maxsize=512)
def french(text: str) -> str:
    """Return `text` as French is set: ’ and « », a no-break space before ; : ! ?, and hours as "18 h 30".

    Addresses stay as they were typed. The space is U+00A0: the narrow one weighs 2 on X.
    """
    if not _TO_SET.search(text):
        return text
    pieces = _KEPT_AS_TYPED.split(text)
    return "".join(piece if place % 2 else _set(piece) for place, piece in enumerate(pieces))


def _set(text: str) -> str:
    text = re.sub(r"(?<=\w)'(?=\w)", "’", text)
    text = re.sub(r'"([^"\n]+)"', "«\u00a0\\1\u00a0»", text).replace("...", "…")
    text = re.sub(r"«[ \u00a0\u202f]*", "«\u00a0", text)
    text = re.sub(r"(?<![ \u00a0\u202f])[ \u00a0\u202f]*+»", "\u00a0»", text)
    text = re.sub(r"(?<=[\w)»…])[ \u00a0\u202f]*([;!?]+|:)(?=\s|$)", "\u00a0\\1", text)
    text = re.sub(r"\b([01]?\d|2[0-3])[ \u00a0]?[hH][ \u00a0]?([0-5]\d)\b", "\\1\u00a0h\u00a0\\2", text)
    text = re.sub(r"\b([01]?\d|2[0-3])[ \u00a0]?[hH](?![\w’'])", "\\1\u00a0h", text)
    return re.sub(r"\b0\d(?: \d\d){4}\b", lambda number: number[0].replace(" ", "\u00a0"), text)
