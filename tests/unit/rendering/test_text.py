from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.model.alert import Area, NamedValue
from alerts.rendering.text import LONGEST, address, clean, clean_alert, clean_info, clean_line
from tests.unit.rendering.sample_alerts import an_alert, an_info
from tests.walls import in_one_test


@in_one_test
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Rafales < 90 km/h, > 60 en plaine", "Rafales < 90 km/h, > 60 en plaine"),
        ("Un<br/>deux<BR>trois", "Un\ndeux\ntrois"),
        ("<p>Un</p><p>deux</p>", "Un\n\ndeux"),
        ("<ul><li>Un</li><li>deux</li></ul>", "• Un\n• deux"),
        ("<a href='https://x.fr' onclick=\"x()\">ici</a>", "ici"),
        ("Avant<script>alert('x < y')</script>après", "Avantaprès"),
        ("Avant<!-- caché -->après", "Avantaprès"),
        ("Le &quot;foehn&quot; &amp;amp; la pluie", 'Le "foehn" & la pluie'),
        ("&amp;quot;foehn&amp;quot;", '"foehn"'),
        ("&lt;br/&gt;suite", "suite"),
        ("prevus , \t\t   (ex. mistral)", "prevus , (ex. mistral)"),
        ("orage d?ete, l?evolution", "orage d’ete, l’evolution"),
        ("Prêts ? Partez", "Prêts ? Partez"),
        ("Sûrs?Oui", "Sûrs?Oui"),
        ("a\u202eb\u2066c\ufeffd\u200be\x00f\uffff\x1b", "abcdef"),
        ("a\ud800b", "ab"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("e\u0301", "é"),
        ("18\u00a0h", "18\u00a0h"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("1 < 2 et 3 > 2", "1 < 2 et 3 > 2"),
        ("Appelez <votre mairie>", "Appelez <votre mairie>"),
        ("Écrivez à <mairie-nord@ville.fr>", "Écrivez à <mairie-nord@ville.fr>"),
        ("caf&eacute; &amp; th&#233; &#xe9;", "café & thé é"),
        ("<b>https://ville.fr/?a=1&copy=2</b>", "https://ville.fr/?a=1&copy=2"),
        ("<p>Un</p><p>deux<br/>trois</p>", "Un\n\ndeux\ntrois"),
        ("<style>p > a {color: red}</style>Vu<script>if (a<b) x()</script>", "Vu"),
        ("<html><head><title>Vent</title></head><body>Vu", "Vu"),
        ("Vu<title>et lu", "Vuet lu"),
        ("Vu<script>non lu", "Vu"),
        ("<a title=\"a > b\" href='c>d'>lien</a>", "lien"),
        ('<a title="5 pouces>lien</a>', "lien"),
        ("Un<o:p></o:p>", "Un"),
        ("a<!-- > caché -->b<!DOCTYPE html><?xml x?><![if !mso]>c", "abc"),
        ("a<!-- ne finit pas <p>b", "a"),
        ("<b>x <![", "x <!["),
        ("<b>‹![…", "‹![…"),
        ("</style>Vu</div>", "Vu"),
        ("\n\n a \n\n\n\n b \n", "a\n\nb"),
    ],
)
def test_a_stranger_s_text_becomes_plain(said: str, meant: str) -> None:
    assert clean(said) == meant


def test_lines_that_a_teleprinter_broke_are_joined() -> None:
    said = (
        "* WHAT...South winds 25 to 35 mph, gusts up to 55 mph\n"
        "expected in the valley, at height and on every pass.\n"
        "* WHERE...The upper valley and the hills above 2000\n"
        "feet.\n\n"
        "Stay in."
    )
    assert clean(said).split("\n") == [
        "* WHAT...South winds 25 to 35 mph, gusts up to 55 mph expected in the valley, at height and on every pass.",
        "* WHERE...The upper valley and the hills above 2000 feet.",
        "",
        "Stay in.",
    ]


def test_lines_that_their_author_broke_stay_broken() -> None:
    said = "Rue Pasteur barrée.\nDéviation par le quai.\nLe stationnement est interdit des deux côtés de la rue."
    assert clean(said) == said


def test_a_headline_stays_on_one_line() -> None:
    assert clean_line("Coup de vent\nsur la <b>vallée</b>") == "Coup de vent sur la vallée"


def test_every_word_of_an_info_is_cleaned() -> None:
    info = clean_info(
        an_info(
            event="a<br>b",
            headline="a\x1cb",
            description="<i>c</i>",
            instruction="d\te",
            sender_name="f&amp;g",
            contact="<b>h</b>",
            web="javascript:alert(1)",
            areas=(Area("Is\u202eère"),),
            parameters=(NamedValue("x", "<b>y</b>"),),
        )
    )
    assert (info.event, info.headline, info.description, info.instruction) == ("a b", "ab", "c", "d e")
    assert (info.sender_name, info.contact, info.web) == ("f&g", "h", None)
    assert (info.areas[0].description, info.parameters[0].value) == ("Isère", "y")


def test_an_alert_keeps_the_infos_of_the_best_language_alone() -> None:
    german, french, more = an_info(language="de"), an_info(), an_info(areas=(Area("Drôme"),))
    tidy = clean_alert(an_alert(german, french, more, note="a\tb"), "fr-FR")
    assert [info.areas for info in tidy.infos] == [french.areas, more.areas]
    assert tidy.note == "a b"


@in_one_test
@pytest.mark.parametrize(
    ("web", "link"),
    [
        ("https://ville.fr/a?b=1&c", "https://ville.fr/a?b=1&c"),
        (" http://ville.fr ", "http://ville.fr"),
        ("javascript:alert(1)", None),
        ("ville.fr", None),
        ('https://ville.fr/"><b>', None),
        ("https://ville.fr/ a", None),
        (None, None),
    ],
)
def test_only_a_web_address_is_a_link(web: str | None, link: str | None) -> None:
    assert address(web) == link


@given(st.text())
def test_no_text_can_hold_the_marks_of_a_part_or_deceiving_characters(said: str) -> None:
    cleaned = clean(said)
    assert not set(cleaned) & set("\x1c\x1d\x1e\x1f\x00\t\r\u202e\u2066\ufeff\uffff")
    cleaned.encode("utf-8")


def test_no_text_costs_more_than_its_first_pages():
    assert len(clean("mot " * LONGEST)) <= LONGEST
    assert clean("x <br" + " " * 60_000 + "y") == "x <br"


@in_one_test
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
        "<title>",
        "</title",
        " ",
        "<li>",
        "\n",
    ],
)
@pytest.mark.parametrize("start", ["<b>", "<b", "<!--", "<a '"])
def test_no_text_takes_long(start, piece):
    text = start + piece * 50_000

    begun = time.process_time()
    clean(text)
    assert time.process_time() - begun < 5


@given(st.text(st.sampled_from("<>!-/[]?\"'= &#;bp\nx‹…\ud800\0"), max_size=60))
@example("<b>x <![")
def test_no_text_is_refused(text):
    clean(text)
