from __future__ import annotations

import pytest

from alerts.model.characters import visible
from alerts.model.post import TextFormat
from alerts.rendering.count import count

HTML = TextFormat(4096, "utf16", "html")


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("abc", 3),
        ("<b>é</b>", 1),
        ("a &amp; b", 5),
        ("&#39;", 1),
        ("😀", 2),
        ('<a href="https://ville.fr">ici</a>', 3),
        ("5 &lt; 6", 5),
    ],
)
def test_telegram_counts_utf16_units_of_what_is_seen(text: str, units: int) -> None:
    assert count(text, HTML) == units


def test_facebook_counts_code_points_and_x_weighs() -> None:
    assert count("😀…<b>", TextFormat(10)) == 5
    assert count("😀…<b>", TextFormat(280, "weighted")) == 7


def test_an_unknown_way_to_count_is_told() -> None:
    with pytest.raises(ValueError, match="not as 'bytes'"):
        count("a", TextFormat(1, "bytes"))


def test_what_a_reader_sees_of_markup() -> None:
    assert visible("<b>a</b> &lt;b&gt; &amp;amp;") == "a <b> &amp;"
