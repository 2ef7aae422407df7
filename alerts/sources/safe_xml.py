"""XML from strangers, parsed without a DTD, entities or network; senders' errors in its bytes are forgiven.

A document is checked as bytes first (`_refuse`), for a bomb has to be refused before a parser sees it. Then lxml reads
it unchanged. Only a malformed document is decoded, repaired and read once more: repairing a sound one would cost more
than reading it, and could change its content.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from lxml import etree

from alerts.model.errors import Unreadable
from alerts.model.reason import Reason, because

Element = etree._Element  # noqa: SLF001 - lxml has no public name for the type of what it parses

MAX_TAGS = 1_000_000
"""More markup than this in one document is refused: an index of 10,000 entries has half of it."""

# Everything that may precede the root element but a DTD.
_PROLOG = re.compile(rb"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_DECLARATION = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)
_ENCODING = re.compile(r"""encoding\s*=\s*["']([\w.-]{1,20})["']""")
# Encodings in which ASCII's bytes mean ASCII, so that the raw bytes can be checked.
_ASCII_SUPERSET = re.compile(r"utf-?8|(us-)?ascii|iso-8859-\d{1,2}|windows-125\d|gb18030|gbk|gb2312|big5|koi8-r")
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#[xX][0-9a-fA-F]+);)(?:(\w{1,32});)?")
_FORBIDDEN_REFERENCE = re.compile(r"&#(?:(\d+)|[xX]([0-9a-fA-F]+));")
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 (section 2.2) has no place for."""


_LONGEST_LINE = 1000


def one_line(text: str) -> str:
    """Return a stranger's text for a message or a log: no control characters or surrogates, one line."""
    return " ".join(FORBIDDEN.sub("", text[:_LONGEST_LINE]).split())


def parse(body: bytes, *, max_tags: int = MAX_TAGS) -> tuple[Element, tuple[Reason, ...]]:
    """The root of the document in `body`, and notes of what was forgiven in its bytes.

    Forgiven: blank lines before the declaration, a byte order mark, UTF-16, bytes that are not in the declared encoding
    (read as Windows-1252), control characters, HTML's named entities and bare ampersands. Raises Unreadable for what is
    no XML, has a DTD, is nested deeper than 256 elements or holds more than `max_tags` tags.
    """
    document = _as_ascii_superset(body)
    _refuse(document, max_tags)
    try:
        return _parse(document), ()
    except etree.XMLSyntaxError as error:
        repaired, notes = _repair(document)
        if not notes:
            raise Unreadable(_complaint(error)) from None
    _refuse(repaired, max_tags)
    try:
        return _parse(repaired), notes
    except etree.XMLSyntaxError as error:
        raise Unreadable(_complaint(error)) from None


def _parse(document: bytes) -> Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(document, parser)
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable(because("xml_dtd"))
    return root


def _as_ascii_superset(body: bytes) -> bytes:
    """UTF-16 as UTF-8, so that what is refused is refused in every encoding; anything else as it came."""
    if not body.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")):
        return body.lstrip(b"\xef\xbb\xbf \t\r\n")
    encoding = "utf-16" if body[0] in b"\xff\xfe" else "utf-16-le" if body[1] == 0 else "utf-16-be"
    return _DECLARATION.sub("", body.decode(encoding, "replace")).encode()


def _refuse(document: bytes, max_tags: int) -> None:
    if not document:
        raise Unreadable(because("xml_empty"))
    # A DTD is refused before lxml sees it, which would read all of it first; what hides behind the head, after.
    start = _PROLOG.match(document)
    begins = start.end() if start else 0
    head = document[begins : begins + 15].lower()
    if head.startswith((b"<!doctype html", b"<html")):
        raise Unreadable(because("xml_is_html"))
    if head.startswith(b"<!doctype"):
        raise Unreadable(because("xml_dtd"))
    if not head.startswith(b"<"):
        raise Unreadable(because("xml_no_tag"))
    if document.count(b"<") > max_tags:
        raise Unreadable(because("xml_many_tags", most=max_tags))


def _repair(document: bytes) -> tuple[bytes, tuple[Reason, ...]]:
    """The document as UTF-8 without what made it malformed, and notes; no notes when there was nothing to repair."""
    text, notes = _decode(document)
    cleaned = FORBIDDEN.sub("", text)
    if cleaned != text:
        notes.append(because("bytes_forbidden"))
    joined = "".join(_repair_markup(cleaned))
    if joined != cleaned:
        notes.append(because("bytes_entities"))
    return joined.encode(), tuple(notes)


def _decode(document: bytes) -> tuple[str, list[Reason]]:
    """The text without its XML declaration, by the encoding it declares, else UTF-8, else Windows-1252."""
    head = _DECLARATION.match(document[:200].decode("latin-1"))
    named = _ENCODING.search(head.group()) if head else None
    declared = named[1].lower() if named else "utf-8"
    # UTF-8 that is declared as something else is as common as Latin-1 that is declared as UTF-8 (feeds.md).
    attempts: list[tuple[str, list[Reason]]] = [("utf-8", [because("bytes_utf8")])]
    if _ASCII_SUPERSET.fullmatch(declared):
        attempts.insert(0, (declared, []))
    for encoding, notes in attempts:
        try:
            return _DECLARATION.sub("", document.decode(encoding), count=1), notes
        except (UnicodeDecodeError, LookupError):
            continue
    text = document.decode("cp1252", "replace")
    return _DECLARATION.sub("", text, count=1), [because("bytes_windows")]


def _repair_markup(text: str) -> Iterator[str]:
    """The text with its references repaired, but not within CDATA sections, where none are."""
    place = 0
    while (start := text.find("<![CDATA[", place)) >= 0:
        end = text.find("]]>", start)
        yield _repair_references(text[place:start])
        yield text[start:] if end < 0 else text[start:end]
        place = len(text) if end < 0 else end
    yield _repair_references(text[place:])


def _repair_references(text: str) -> str:
    def numeric(match: re.Match[str]) -> str:
        character = html.unescape(f"&{match[1]};") if match[1] else ""
        return character if len(character) == 1 else match.group().replace("&", "&amp;", 1)

    def permitted(match: re.Match[str]) -> str:
        digits = match[1] or match[2]
        code = int(digits, 10 if match[1] else 16) if len(digits) < 9 else 0
        return match.group() if code < 0x110000 and not FORBIDDEN.match(chr(code)) else ""

    return _AMPERSAND.sub(numeric, _FORBIDDEN_REFERENCE.sub(permitted, text))


def _complaint(error: etree.XMLSyntaxError) -> Reason:
    return because("xml_malformed", said=str(error.msg).strip()[:200])
