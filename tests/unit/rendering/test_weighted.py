from __future__ import annotations

from typing import Any

import pytest

from alerts.rendering.weighted import is_valid, weighted
from tests.samples import conformance, shared

CONFORMANCE = "twitter-text/conformance/validate.yml"

NOT_VERSION_3 = {
    # Cases written for an older configuration than version 3, which is what X counts by.
    "Invalid Tweet: 141 characters": "version 1: the limit was 140",
    "Invalid Tweet: 141 characters (due to newline)": "version 1: the limit was 140",
}
EMOJI_NOT_COUNTED_AS_ONE = "version 2: emoji were weighed by code point; the discounted section has the case again"


def cases(section: str) -> list[Any]:
    tests = conformance("validate")
    if tests is None:
        return [pytest.param(None, id="samples missing")]
    again = {case["description"] for case in tests["WeightedTweetsWithDiscountedEmojiCounterTest"]}
    skipped = set(NOT_VERSION_3) | (again if section == "WeightedTweetsCounterTest" else set())
    return [pytest.param(case, id=case["description"]) for case in tests[section] if case["description"] not in skipped]


@pytest.mark.parametrize(
    "case",
    [
        *cases("WeightedTweetsCounterTest"),
        *cases("WeightedTweetsWithDiscountedEmojiCounterTest"),
        *cases("UnicodeDirectionalMarkerCounterTest"),
    ],
)
def test_a_text_weighs_what_twitter_text_says(case: dict[str, Any]) -> None:
    shared(CONFORMANCE)
    assert weighted(case["text"]) == case["expected"]["weightedLength"]
    assert is_valid(case["text"]) is case["expected"]["valid"]


@pytest.mark.parametrize("case", cases("tweets"))
def test_a_text_is_valid_where_twitter_text_says_so(case: dict[str, Any]) -> None:
    shared(CONFORMANCE)
    assert is_valid(case["text"]) is case["expected"]


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


@pytest.mark.parametrize("text", ["", "a\ufeff", "\ufffe", "\uffff", "a" * 281])
def test_what_x_refuses(text: str) -> None:
    assert not is_valid(text)
