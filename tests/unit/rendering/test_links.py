from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from alerts.rendering.links import links, spans, tame
from tests.samples import conformance, shared

CONFORMANCE = "twitter-text/conformance/extract.yml"


def cases(section: str) -> list[Any]:
    tests = conformance("extract")
    if tests is None:
        return [pytest.param(None, id="samples missing")]
    return [pytest.param(case, id=case["description"]) for case in tests[section]]


@pytest.mark.parametrize("case", [*cases("urls"), *cases("tco_urls_with_params")])
def test_the_links_that_twitter_text_finds(case: dict[str, Any]) -> None:
    shared(CONFORMANCE)
    assert links(case["text"]) == case["expected"]


@pytest.mark.parametrize("case", [*cases("urls_with_indices"), *cases("urls_with_directional_markers")])
def test_where_twitter_text_finds_them(case: dict[str, Any]) -> None:
    shared(CONFORMANCE)
    assert [{"url": case["text"][start:end], "indices": [start, end]} for start, end in spans(case["text"])] == case[
        "expected"
    ]


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
        "from alerts.rendering import links;"
        "links.links('Vent fort. Voir https://alertes.ville.fr/alerts/1');"
        "print(links._known_tlds.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_a_name_of_more_labels_than_a_name_can_have_is_no_link():
    assert links("a." * 120 + "fr") != []
    assert links("a." * 8000 + "fr") == []


SIGNS = {"mentions": "@", "hashtags": "#", "cashtags": "$"}


@pytest.mark.parametrize(
    ("case", "sign"),
    [
        (case, sign)
        for section, sign in (("mentions", "@"), ("hashtags", "#"), ("cashtags", "$"))
        for case in cases(section)
    ],
)
def test_what_twitter_text_takes_for_a_mention_or_a_tag_is_none_any_more(case: Any, sign: str) -> None:
    shared(CONFORMANCE)
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
