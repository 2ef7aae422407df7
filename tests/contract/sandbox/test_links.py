"""How X weighs and finds links, against twitter-text's own conformance cases and the words of French towns."""

import pytest
import yaml

from tests.samples import shared
from tests.walls import in_one_test
from tocsin_sandbox.twitter.text import find_links, weigh


def conformance(name):
    return yaml.safe_load(shared(f"twitter-text/conformance/{name}.yml").read_text())["tests"]


def found(text):
    return [text[link.start : link.end] for link in find_links(text)]


def test_weights_are_twitter_texts():
    tests = conformance("validate")
    cases = tests["WeightedTweetsWithDiscountedEmojiCounterTest"] + tests["UnicodeDirectionalMarkerCounterTest"]
    wrong = [case["description"] for case in cases if weigh(case["text"]) != case["expected"]["weightedLength"]]
    assert len(cases) > 20
    assert wrong == []


@pytest.mark.parametrize("name", ["urls", "tco_urls_with_params"])
def test_links_are_twitter_texts(name):
    cases = conformance("extract")[name]
    wrong = [case["description"] for case in cases if found(case["text"]) != case["expected"]]
    assert cases
    assert wrong == []


def test_links_in_right_to_left_texts_stand_where_they_should():
    for case in conformance("extract")["urls_with_directional_markers"]:
        spans = [[link.start, link.end] for link in find_links(case["text"])]
        assert spans == [each["indices"] for each in case["expected"]]


@in_one_test
@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Voir mairie.paris.", ["mairie.paris"]),
        ("(alerte.info)", ["alerte.info"]),
        ("à 18h.Tel 04", ["18h.Tel"]),
        ("M.Dupont", ["M.Dupont"]),
        ("la fin.Le reste", []),
        ("écrire à a@b.fr", []),
        ("alerte.example", []),
        ("l’alerte.info", ["alerte.info"]),
        ("https://a.example.fr/x(1), puis", ["https://a.example.fr/x(1)"]),
        ("https://a.example.fr/x.", ["https://a.example.fr/x"]),
        ("« https://a.example.fr/x »", ["https://a.example.fr/x"]),
    ],
)
def test_links_in_french_texts(text, links):
    assert found(text) == links


@in_one_test
@pytest.mark.parametrize(
    ("text", "weight"),
    [("é œ « » ’ —", 11), ("\u00a0", 1), ("\u202f", 2), ("€…•→", 8), ("🌊", 2), ("🇫🇷", 2), ("e\u0301", 1), ("漢", 2)],
)
def test_weights_of_french_characters(text, weight):
    assert weigh(text) == weight
