"""RFC 4287 as RELAX NG: what our feeds use of it, each element as its section has it, and nothing beside that."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from lxml import etree

_ATOM = "http://www.w3.org/2005/Atom"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+\-]\d\d:\d\d)"
_KIND = r".+/.+"


def _element(name: str, content: str) -> str:
    return f'<element name="{name}"><ref name="common"/>{content}</element>'


def _times(how: str, *elements: str) -> str:
    return "".join(f"<{how}>{each}</{how}>" for each in elements)


_SOME = '<data type="string"><param name="minLength">1</param></data>'
_TEXT = (
    '<optional><attribute name="type"><choice><value>text</value><value>html</value></choice></attribute></optional>'
    + _SOME
)
_IRI = '<data type="anyURI"><param name="minLength">1</param></data>'
_DATE = f'<data type="dateTime"><param name="pattern">{_TIME}</param></data>'
_PERSON = (
    "<interleave>" + _element("name", '<data type="string"><param name="minLength">1</param></data>') + "</interleave>"
)
_LINK = (
    f'<attribute name="href">{_IRI}</attribute><optional><attribute name="rel"><data type="string">'
    '<param name="minLength">1</param></data></attribute></optional><optional><attribute name="type">'
    f'<data type="string"><param name="pattern">{_KIND}</param></data></attribute></optional>'
    '<optional><attribute name="hreflang"><data type="language"/></attribute></optional><empty/>'
)
_BOTH = _times("zeroOrMore", _element("link", _LINK), _element("author", _PERSON)) + "".join(
    (_element("id", _IRI), _element("title", _TEXT), _element("updated", _DATE))
)
_ENTRY = _element(
    "entry",
    "<interleave>"
    + _BOTH
    + _times("optional", _element("published", _DATE), _element("summary", _TEXT), _element("rights", _TEXT))
    + "</interleave>",
)
_FEED = _element("feed", f"<interleave>{_BOTH}<zeroOrMore>{_ENTRY}</zeroOrMore></interleave>")
_GRAMMAR = f"""
<grammar xmlns="http://relaxng.org/ns/structure/1.0" ns="{_ATOM}"
         datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <start>{_FEED}</start>
  <define name="common">
    <optional><attribute name="xml:lang" ns=""><data type="language"/></attribute></optional>
  </define>
</grammar>
"""


@cache
def _schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.fromstring(_GRAMMAR.replace('name="xml:lang" ns=""', 'name="xml:lang"')))


def faults(body: bytes) -> list[str]:
    """What RFC 4287 has against a feed; what its grammar can't say is looked at after it (4.1.1, 4.1.2, 4.2.6)."""
    feed = etree.fromstring(body)
    schema = _schema()
    found = [] if schema.validate(feed) else [str(error) for error in schema.error_log]
    names = {"a": _ATOM}
    entries = feed.findall("a:entry", names)
    identities = [entry.findtext("a:id", "", names) for entry in entries]
    found += [
        f"{each!r} is no absolute IRI"
        for each in [feed.findtext("a:id", "", names), *identities]
        if not urlsplit(each).scheme
    ]
    found += [f"{each!r} twice" for each in {each for each in identities if identities.count(each) > 1}]
    if feed.find("a:author", names) is None and any(entry.find("a:author", names) is None for entry in entries):
        found.append("nobody is its author")
    for each in (feed, *entries):
        alternates = [
            (link.get("type"), link.get("hreflang")) for link in each.findall("a:link[@rel='alternate']", names)
        ]
        if len(set(alternates)) != len(alternates) or (each is not feed and not alternates):
            found.append("an alternate twice, or none")
    if not feed.findall("a:link[@rel='self']", names):
        found.append("no link to itself")
    return found
