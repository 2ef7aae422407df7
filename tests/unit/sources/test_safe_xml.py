from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.errors import Unreadable
from alerts.sources.safe_xml import parse
from tests.walls import in_one_test

DTD = "the XML has a document type declaration (DTD), which is never read"
BILLION_LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>"""
)
EXTERNAL = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"""


@in_one_test
@pytest.mark.parametrize(
    "hostile",
    [
        BILLION_LAUGHS,
        EXTERNAL,
        b"\xef\xbb\xbf\n" + EXTERNAL,
        b"<!-- quiet --><?a b?>" + EXTERNAL,
        EXTERNAL.replace(b"<!", b"<\x0b!", 1),
        EXTERNAL.decode().encode("utf-16"),
        EXTERNAL.decode().encode("utf-16-le"),
        EXTERNAL.decode().encode("utf-16-be"),
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
    ],
)
def test_a_document_type_is_refused_in_any_encoding(hostile: bytes) -> None:
    with pytest.raises(Unreadable, match=f"^{re.escape(DTD)}$"):
        parse(hostile)


def test_a_document_type_that_hides_in_an_odd_encoding_is_refused() -> None:
    body = b'<?xml version="1.0" encoding="IBM037"?>'.decode().encode("cp037") + EXTERNAL.decode().encode("cp037")
    with pytest.raises(Unreadable):
        parse(body)


@in_one_test
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "the document is empty; expected XML"),
        (b" \n ", "the document is empty; expected XML"),
        (b"<!DOCTYPE html><html><p>Maintenance</html>", "it is an HTML page; expected XML"),
        (b"<HTML><p>Maintenance</HTML>", "it is an HTML page; expected XML"),
        (b"Service unavailable", "it is no XML: it doesn't begin with a tag"),
        (b"<a><b></a>", "it is no well-formed XML: Opening and ending tag mismatch"),
        (b"<a>" * 300 + b"</a>" * 300, "it is no well-formed XML: Excessive depth in document"),
    ],
)
def test_what_is_no_xml_is_told_in_one_line(body: bytes, complaint: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(body)
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)


def test_more_tags_than_any_index_has_are_refused() -> None:
    assert len(parse(b"<a>" + b"<b/>" * 98 + b"</a>", max_tags=100)[0]) == 98
    with pytest.raises(Unreadable, match="more than 100 tags"):
        parse(b"<a>" + b"<b/>" * 99 + b"</a>", max_tags=100)


@in_one_test
@pytest.mark.parametrize(
    ("body", "text", "note"),
    [
        (b"<a>\xc3\xa9</a>", "é", None),
        (b"\xef\xbb\xbf<a>\xc3\xa9</a>", "é", None),
        (b'\r\n <?xml version="1.0"?><a>x</a>', "x", None),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', "é", None),
        ('<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode("utf-16"), "é", None),
        (b'<?xml version="1.0" encoding="UTF-8"?><a>l\x92\xe9t\xe9</a>', "l’été", "read as Windows-1252"),
        (b'<?xml version="1.0" encoding="iso-8859-2"?><a>\xb3 & \xb3</a>', "ł & ł", "undefined entities"),
        (b"<a>\xe9</a>", "é", "read as Windows-1252"),
        (b'<?xml version="1.0" encoding="utf-16"?><a>\xc3\xa9</a>', "é", "the declared encoding is wrong"),
        (b'<?xml version="1.0" encoding="x-own"?><a>\xc3\xa9</a>', "é", "the declared encoding is wrong"),
        (
            b"<a>x\x0by&#11;z&#x1F;&#65;&#xD800;&#99999999;&#%s;</a>" % (b"9" * 6000),
            "xyzA",
            "characters that XML forbids",
        ),
        (b'<?xml version="1.0" encoding="iso-8859-12"?><a>\xc3\xa9</a>', "é", "the declared encoding is wrong"),
        (b"<a>&eacute;&nbsp;5 &amp; 6</a>", "é\xa05 & 6", "undefined entities"),
        (b"<a>Crues & vent &foo; &amp;lt;</a>", "Crues & vent &foo; &lt;", "undefined entities"),
        (b"<a>&x<![CDATA[&eacute; & <b>]]>&y</a>", "&x&eacute; & <b>&y", "undefined entities"),
    ],
)
def test_what_senders_get_wrong_in_the_bytes_is_forgiven(body: bytes, text: str, note: str | None) -> None:
    root, notes = parse(body)
    assert root.text == text
    if note:
        assert any(note in str(line) for line in notes)
    else:
        assert notes == ()


def test_comments_and_instructions_are_no_children() -> None:
    root, _ = parse(b"<a><!-- c --><?p i?><b/></a>")
    assert [child.tag for child in root] == ["b"]


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"<a>&x;" + tail + b"</a>"))
def test_any_bytes_are_a_document_or_unreadable(body: bytes) -> None:
    try:
        root, _ = parse(body)
    except Unreadable:
        return
    assert isinstance(root.tag, str)


def test_the_repair_of_a_large_document_takes_time_in_proportion() -> None:
    """Unclosed CDATA sections by the thousand: a pattern that looks for each one's end would take minutes."""
    with pytest.raises(Unreadable):
        parse(b"<a>&x;" + b"<![CDATA[" * 100_000)
