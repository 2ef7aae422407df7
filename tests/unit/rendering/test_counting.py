"""A text is as long as its platform counts it: Facebook, Telegram, and X by twitter-text's conformance cases."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from alerts.model.bounds import visible
from alerts.model.post import TextFormat
from alerts.rendering.counting import count, is_valid, links, spans, weighted
from alerts.rendering.text import tame
from tests.samples import conformance, shared
from tests.walls import in_one_test

HTML = TextFormat(4096, "utf16", "html")


@in_one_test
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
    with pytest.raises(ValueError, match="not as 'words'"):
        count("a", TextFormat(1, "words"))


def test_graphemes_are_what_a_reader_takes_for_one_character_and_bytes_are_of_utf_8() -> None:
    assert count("👨‍👩‍👧‍👧e\u0301🇫🇷", TextFormat(300, "graphemes")) == 3
    assert count("é€", TextFormat(4096, "bytes")) == 5


def test_what_a_reader_sees_of_markup() -> None:
    assert visible("<b>a</b> &lt;b&gt; &amp;amp;") == "a <b> &amp;"


VALIDATED = "twitter-text/conformance/validate.yml"

NOT_VERSION_3 = {
    # Cases written for an older configuration than version 3, which is what X counts by.
    "Invalid Tweet: 141 characters": "version 1: the limit was 140",
    "Invalid Tweet: 141 characters (due to newline)": "version 1: the limit was 140",
}
EMOJI_NOT_COUNTED_AS_ONE = "version 2: emoji were weighed by code point; the discounted section has the case again"


def validated(section: str) -> list[Any]:
    tests = conformance("validate")
    if tests is None:
        return [pytest.param(None, id="samples missing")]
    again = {case["description"] for case in tests["WeightedTweetsWithDiscountedEmojiCounterTest"]}
    skipped = set(NOT_VERSION_3) | (again if section == "WeightedTweetsCounterTest" else set())
    return [pytest.param(case, id=case["description"]) for case in tests[section] if case["description"] not in skipped]


@in_one_test
@pytest.mark.parametrize(
    "case",
    [
        *validated("WeightedTweetsCounterTest"),
        *validated("WeightedTweetsWithDiscountedEmojiCounterTest"),
        *validated("UnicodeDirectionalMarkerCounterTest"),
    ],
)
def test_a_text_weighs_what_twitter_text_says(case: dict[str, Any]) -> None:
    shared(VALIDATED)
    assert weighted(case["text"]) == case["expected"]["weightedLength"]
    assert is_valid(case["text"]) is case["expected"]["valid"]


@in_one_test
@pytest.mark.parametrize("case", validated("tweets"))
def test_a_text_is_valid_where_twitter_text_says_so(case: dict[str, Any]) -> None:
    shared(VALIDATED)
    assert is_valid(case["text"]) is case["expected"]


@in_one_test
@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("é œ « » ’ — \u00a0", 13),
        ("€", 2),
        ("…", 2),
        ("•", 2),
        ("→", 2),
        ("\u202f", 2),
        ("©", 1),
        ("©️", 2),
        ("⚠️", 2),
        ("🇫🇷", 2),
        ("mairie.paris", 23),
        ("x.example", 9),
        ("https://alertes.saint-martin.fr/alerts/0123456789", 23),
        ("e\u0301", 1),
    ],
)
def test_what_french_texts_are_made_of(text: str, weight: int) -> None:
    assert weighted(text) == weight


@in_one_test
@pytest.mark.parametrize("text", ["", "a\ufeff", "\ufffe", "\uffff", "a" * 281])
def test_what_x_refuses(text: str) -> None:
    assert not is_valid(text)


EXTRACTED = "twitter-text/conformance/extract.yml"


def extracted(section: str) -> list[Any]:
    tests = conformance("extract")
    if tests is None:
        return [pytest.param(None, id="samples missing")]
    return [pytest.param(case, id=case["description"]) for case in tests[section]]


@in_one_test
@pytest.mark.parametrize("case", [*extracted("urls"), *extracted("tco_urls_with_params")])
def test_the_links_that_twitter_text_finds(case: dict[str, Any]) -> None:
    shared(EXTRACTED)
    assert links(case["text"]) == case["expected"]


@in_one_test
@pytest.mark.parametrize("case", [*extracted("urls_with_indices"), *extracted("urls_with_directional_markers")])
def test_where_twitter_text_finds_them(case: dict[str, Any]) -> None:
    shared(EXTRACTED)
    assert [{"url": case["text"][start:end], "indices": [start, end]} for start, end in spans(case["text"])] == case[
        "expected"
    ]


@in_one_test
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Voir mairie.paris ou alerte.info", ["mairie.paris", "alerte.info"]),
        ("Appelez le 18h.Tel", ["18h.Tel"]),
        ("Le maire, M.Dupont", ["M.Dupont"]),
        ("C’est la fin.Le vent tombe", []),
        ("Écrire à a@b.fr", []),
        ("Voir x.example ou https://alertes.saint-martin.example/alerts/1", []),
        ("À 3.5 km le 25.11.2026", []),
        ("https://alertes.saint-martin.fr/alerts/1.", ["https://alertes.saint-martin.fr/alerts/1"]),
    ],
)
def test_the_traps_of_a_town_s_texts(text: str, expected: list[str]) -> None:
    assert links(text) == expected


def test_a_hostile_run_of_dots_takes_no_time_worth_speaking_of() -> None:
    assert links("a." * 3000 + "!") == []


def test_a_usual_post_does_not_read_the_list_of_domains() -> None:
    code = (
        "from alerts.model import domains;from alerts.rendering import counting;"
        "counting.links('Vent fort. Voir https://alertes.ville.fr/alerts/1');"
        "print(domains._known.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_a_name_of_more_labels_than_a_name_can_have_is_no_link():
    assert links("a." * 120 + "fr") != []
    assert links("a." * 8000 + "fr") == []


SIGNS = {"mentions": "@", "hashtags": "#", "cashtags": "$"}


@in_one_test
@pytest.mark.parametrize(
    ("case", "sign"),
    [
        (case, sign)
        for section, sign in (("mentions", "@"), ("hashtags", "#"), ("cashtags", "$"))
        for case in extracted(section)
    ],
)
def test_what_twitter_text_takes_for_a_mention_or_a_tag_is_none_any_more(case: Any, sign: str) -> None:
    shared(EXTRACTED)
    case = case.values[0] if hasattr(case, "values") else case
    tamed = tame(case["text"], keep_links=True)
    for name in case["expected"]:
        assert f"{sign}{name}" not in tamed.replace("＠", "@").replace("＃", "#")
    assert tamed.replace("\u00a0", "") == case["text"].replace("\u00a0", "")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Écrivez à mairie@ville.fr, n° #1, 5 $", "Écrivez à mairie@ville.fr, n° #1, 5 $"),
        ("@prefet38 dit #crue, RT @x", "@\u00a0prefet38 dit #\u00a0crue, RT @\u00a0x"),
        (
            "M.Dupont : voir https://vigilance.example/a?b=1. Puis meteo.fr/x",
            "M.\u00a0Dupont : voir. Puis meteo.\u00a0fr/x",
        ),
        ("Voir HTTP://192.0.2.1/x, ou tg://resolve?domain=x", "Voir, ou"),
    ],
)
def test_a_strangers_words_call_nobody_and_link_nowhere(said: str, told: str) -> None:
    assert tame(said, keep_links=False) == told
    assert links(told) == []
    assert tame(told, keep_links=False) == told
