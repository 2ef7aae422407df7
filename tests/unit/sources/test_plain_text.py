"""HTML from strangers: its words alone, whatever it is made of, and never at length."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.sources.plain_text import LONGEST_TEXT, plain_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Rue haute", "Rue haute"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("caf&eacute; &amp; th&#233; &#xe9;", "café & thé é"),
        ("<b>https://town.example/?a=1&copy=2</b>", "https://town.example/?a=1&copy=2"),
        ("&lt;b&gt; is a tag", "<b> is a tag"),
        ("<p>One</p><p>Two<br/>three</p>", "One\n\nTwo\nthree"),
        ("<UL><LI>One</LI><LI>Two</LI></UL>", "• One\n• Two"),
        ("<style>p > a {color: red}</style>Seen<script>if (a<b) x()</script>", "Seen"),
        ("<a title=\"a > b\" href='c>d'>link</a>", "link"),
        ('<a title="5 inch>link</a>', "link"),
        ("a<!-- > unseen -->b<!DOCTYPE html><?xml x?><![if !mso]>c", "abc"),
        ("a<!-- it never ends <p>b", "a"),
        ("<b>x <![", "x <!["),
        ("<b>‹![…", "‹![…"),
        ("</style>Seen</div>", "Seen"),
    ],
)
def test_what_a_browser_would_show(text, words):
    assert plain_text(text) == words


@pytest.mark.parametrize(
    "piece",
    [
        "<b ",
        "</b",
        "<!--",
        "<![",
        "<?",
        "<!",
        '<b x="',
        "<b '\"",
        "<a",
        "a",
        '"',
        "<b x='<b \"",
        "&",
        "&#",
        "<li>",
        "\n",
    ],
)
@pytest.mark.parametrize("start", ["<b>", "<b", "<!--", "<a '"])
def test_no_text_takes_long(start, piece):
    text = start + piece * 50_000

    begun = time.process_time()
    plain_text(text)
    assert time.process_time() - begun < 0.5


@given(st.text(st.sampled_from("<>!-/[]?\"'= &#;bp\nx‹…\ud800\0"), max_size=60))
@example("<b>x <![")
def test_no_text_is_refused(text):
    plain_text(text)


def test_a_text_beyond_what_anybody_reads_is_cut():
    assert plain_text("x" * (LONGEST_TEXT + 1)) == "x" * LONGEST_TEXT
