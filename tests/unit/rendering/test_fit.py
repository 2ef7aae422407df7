from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.post import TextFormat
from alerts.rendering import fit as fitting
from alerts.rendering.counting import count
from alerts.rendering.fit import at_clauses, at_sentences, at_words, fit, partly, sayings, well
from alerts.rendering.library import IMPORTANCE, KEPT, Part, Piece

WORDS = [
    "vent",
    "l’Isère",
    "à",
    "18\u00a0h",
    "👨‍👩‍👧‍👦",
    "🇫🇷",
    "déplacements.",
    "«\u00a0fort\u00a0»",
    "e\u0301té",
    "&",
    "<b>",
    "Très",
    "mairie.paris",
]
said_words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=60).map(" ".join)
X = TextFormat(280, "weighted")
LINK = "https://alertes.saint-martin.fr/alerts/7x3k"


def pieces(**texts: str) -> list[Piece]:
    laid_out: list[Piece] = []
    for name, text in texts.items():
        whole, _, short = text.partition("|")
        laid_out += [Part(name, whole, short, name in KEPT), "\n"]
    return laid_out


def test_what_fits_is_left_alone() -> None:
    fitted = fit(pieces(headline="Vent", area="Isère", sender=""), X)
    assert (fitted.text, fitted.count, fitted.cut, fitted.short) == ("Vent\nIsère", 10, (), ())


def test_a_part_without_text_takes_its_line_with_it_and_no_more() -> None:
    laid_out: list[Piece] = [
        "(",
        Part("area", ""),
        ") ",
        Part("time", ""),
        "\n",
        Part("sender", ""),
        "\n\n",
        Part("link", "x"),
    ]
    assert fit(laid_out, X).text == "()\n\nx"


def test_the_least_important_is_shortened_at_a_word_before_anything_else() -> None:
    long = TextFormat(1000)
    fitted = fit(pieces(headline="Vent violent", description="mot " * 300, sender="Météo", link=LINK), long)
    assert fitted.text.startswith("Vent violent\nmot mot")
    assert "mot…\nMétéo\n" in fitted.text
    assert fitted.text.endswith(LINK)
    assert (fitted.cut, fitted.count <= 1000) == (("description",), True)


def test_where_room_is_short_a_sentence_is_said_whole_or_not_at_all() -> None:
    fitted = fit(pieces(headline="Vent violent", description="mot " * 80, sender="Météo", link=LINK), X)
    assert fitted.text == f"Vent violent\nMétéo\n{LINK}"
    two = "Il vente fort. " + "Mot " * 80
    assert "Il vente fort.\nMétéo" in fit(pieces(headline="Vent", description=two, sender="Météo", link=LINK), X).text


def test_whole_sentences_stand_rather_than_half_of_the_next() -> None:
    said = "Un vent fort souffle sur toute la vallée jusqu’à ce soir. " * 6
    fitted = fit(pieces(headline="Vent", description=said), X)
    assert fitted.text.endswith("jusqu’à ce soir.")


def test_a_small_letter_after_a_full_stop_is_no_new_sentence() -> None:
    said = "Le 25 nov. à 18 h le vent tombe enfin sur toute la vallée de l’Isère et de la Drôme. " + "x " * 200
    assert "nov.\n" not in fit(pieces(description=said, link="x"), TextFormat(40)).text


def test_a_sender_is_whole_or_not_there() -> None:
    fitted = fit(pieces(headline="a" * 270, sender="Service météorologique"), X)
    assert (fitted.text, fitted.cut) == ("a" * 270, ("sender",))


def test_a_short_form_is_used_before_a_kept_part_is_cut() -> None:
    parts = pieces(headline="Vent", area="Isère, " * 60 + "|Isère +59", instruction="Rentrez.", link=LINK)
    fitted = fit(parts, X)
    assert fitted.text == f"Vent\nIsère +59\nRentrez.\n{LINK}"
    assert (fitted.cut, fitted.short) == ((), ("area",))


def test_the_area_takes_its_short_form_before_the_instruction_does() -> None:
    parts = pieces(area="Isère, " * 20 + "|Isère +19", instruction="Rentrez tout. " * 15 + "|Rentrez.")
    fitted = fit(parts, X)
    assert fitted.short == ("area",)
    assert fitted.text.count("Rentrez tout.") == 15


def test_an_instruction_of_one_endless_sentence_gives_way_to_the_prepared_one_and_the_rest_comes_back() -> None:
    parts = pieces(
        headline="Grand vent|Vent", area="Isère|I", instruction="mot " * 500 + "|Rentrez.", description="Il vente."
    )
    fitted = fit(parts, X)
    assert fitted.text == "Grand vent\nIsère\nRentrez.\nIl vente."
    assert fitted.short == ("instruction",)


def test_without_a_prepared_one_the_instruction_ends_at_a_sentence() -> None:
    parts = pieces(headline="Vent", area="Isère", time="jusqu’à 18 h", instruction="Rentrez tout. " * 100, link=LINK)
    fitted = fit(parts, X)
    assert fitted.text.startswith("Vent\nIsère\njusqu’à 18 h\nRentrez tout. ")
    assert fitted.text.endswith(f"Rentrez tout.\n{LINK}")
    assert (fitted.cut, fitted.count <= 280) == (("instruction",), True)


def test_the_sender_s_own_sentences_stand_before_the_prepared_ones() -> None:
    own = "Restez chez vous. Fermez les volets. " + "Ne prenez pas la route. " * 20
    fitted = fit(pieces(headline="Vent", instruction=f"{own}|Rentrez."), X)
    assert fitted.text.startswith("Vent\nRestez chez vous. Fermez les volets. Ne prenez pas la route. ")
    assert fitted.text.endswith(" Ne prenez pas la route.")
    assert fitted.count > 240
    assert (fitted.cut, fitted.short) == (("instruction",), ())


def test_an_instruction_is_whole_where_the_short_forms_of_all_else_make_room_for_it() -> None:
    own = "Rentrez tout ce que le vent emporte. " * 6
    parts = pieces(headline="Panne " * 12 + "|Panne", area="Lieu, " * 12 + "|Lieu +9", instruction=f"{own}|Rentrez.")
    fitted = fit([*parts, Part("description", "mot " * 20)], X)
    assert own.strip() in fitted.text
    assert "instruction" not in (*fitted.cut, *fitted.short)


def test_a_headline_without_a_short_form_is_cut_before_the_instruction() -> None:
    own = "Rentrez tout ce que le vent emporte. " * 5
    fitted = fit(pieces(headline="Panne totale " * 12, instruction=f"{own}|Rentrez."), X)
    assert own.strip() in fitted.text
    assert fitted.text.startswith("Panne totale Panne totale")
    assert fitted.cut == ("headline",)


def test_a_sentence_that_has_no_room_is_not_begun() -> None:
    own = "Restez chez vous. " + "Fermez les volets, rentrez les pots de fleurs et les chaises, " * 6 + "vite."
    assert fit(pieces(instruction=own), TextFormat(120)).text == "Restez chez vous."


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (70, "Débranchez les appareils sensibles, gardez le congélateur fermé…"),
        (100, "Débranchez les appareils sensibles, gardez le congélateur fermé…"),
        (65, "Débranchez les appareils sensibles, gardez le congélateur fermé…"),
    ],
)
def test_a_first_sentence_without_a_prepared_one_ends_at_a_clause(limit: int, said: str) -> None:
    own = "Débranchez les appareils sensibles, gardez le congélateur fermé et prévenez Madame Baudet au 04 76 00 00 00"
    fitted = fit(
        pieces(instruction=f"{own}, si vous avez besoin de l’aide d’une voisine ou d’un voisin."), TextFormat(limit)
    )
    assert fitted.text == said


def test_a_number_is_not_cut_in_its_middle() -> None:
    own = "Appelez sans attendre Madame Baudet au 04 76 00 00 00 si vous avez besoin de quelque chose"
    cuts = {fit(pieces(instruction=own), TextFormat(limit)).text for limit in range(40, 56)}
    assert cuts == {
        "Appelez sans attendre Madame Baudet au…",
        "Appelez sans attendre Madame Baudet au 04 76 00 00 00…",
    }


def test_a_word_that_ends_like_a_conjunction_is_no_clause() -> None:
    own = "Respectez sans aucun délai l’effet de la consigne " + "immédiat " * 20
    assert fit(pieces(instruction=own), TextFormat(40)).text == "Respectez sans aucun délai l’effet de…"


def test_a_clause_is_not_cut_off_from_its_condition() -> None:
    own = "Quittez vite votre logement, si les secours le demandent tous ensemble à haute voix"
    assert fit(pieces(instruction=own), TextFormat(40)).text == "Quittez vite votre logement, si les…"


def test_a_short_form_that_is_how_the_long_one_begins_is_used_without_an_ellipsis() -> None:
    fitted = fit(pieces(instruction="Le vent est tombé. " + "Merci à tous. " * 30 + "|Le vent est tombé."), X)
    assert fitted.text == "Le vent est tombé."


def test_when_all_is_endless_the_time_and_the_link_still_stand_whole() -> None:
    parts = pieces(
        headline="titre " * 200, area="lieu " * 200, time="jusqu’à 18 h", instruction="mot " * 500, link=LINK
    )
    fitted = fit(parts, X)
    assert fitted.count <= 280
    assert "\njusqu’à 18 h\n" in fitted.text
    assert fitted.text.endswith(LINK)
    assert set(fitted.cut) == {"headline", "area", "instruction"}


def test_advice_loses_whole_lines() -> None:
    fitted = fit(
        pieces(headline="Vent", advice="Conseils :\n• Fermez les volets.\n• Rentrez les pots de fleurs."),
        TextFormat(50),
    )
    assert fitted.text == "Vent\nConseils :\n• Fermez les volets."


def test_a_link_in_a_cut_text_is_not_lengthened_by_the_ellipsis() -> None:
    said = "Toutes les consignes sont sur https://ville.fr/a et sur la page de la ville"
    cut = at_words(said, lambda text: len(text) <= 50, markup=False)
    assert cut == "Toutes les consignes sont sur https://ville.fr/a …"


def test_tags_that_are_open_at_the_cut_are_closed() -> None:
    said = "<b>Un vent <i>très fort et encore plus fort que la veille</i> souffle</b>"
    html = TextFormat(44, "utf16", "html")
    assert (
        at_words(said, lambda text: count(text, html) <= 44, markup=True)
        == "<b>Un vent <i>très fort et encore plus fort que…</i></b>"
    )


def test_a_few_words_of_a_description_are_not_worth_the_room() -> None:
    fitted = fit(pieces(headline="Vent violent", description="Des phénomènes habituels dans la région"), TextFormat(40))
    assert (fitted.text, fitted.cut) == ("Vent violent", ("description",))


def test_a_text_without_blanks_is_cut_after_its_own_stops() -> None:
    said = "強い風が吹いています。今日は海岸に近づかないでください。" * 10
    fitted = fit(pieces(description=said), X)
    assert fitted.text[-1] in "。…"
    assert fitted.count > 200


def test_of_an_order_without_room_for_all_of_it_the_number_for_help_stays() -> None:
    order = "Partez maintenant vers le gymnase. Prenez vos papiers. Fermez à clé. Aide : 04 76 00 00 00 ou 112."
    cut = sayings(order, lambda said: len(said) <= 80, markup=False)
    assert cut == "Partez maintenant vers le gymnase. Aide : 04 76 00 00 00 ou 112."
    assert (
        sayings(order, lambda said: len(said) <= 60, markup=False)
        == "Partez maintenant vers le gymnase. Prenez vos papiers."
    )


def test_the_order_of_importance_begins_with_what_is_never_cut() -> None:
    assert set(IMPORTANCE[: len(KEPT)]) == set(KEPT)


@given(texts=st.tuples(said_words, said_words, said_words, said_words), limit=st.integers(150, 400))
@pytest.mark.parametrize("units", ["characters", "utf16", "weighted"])
def test_a_cut_text_fits_and_keeps_what_is_kept(units: str, texts: tuple[str, str, str, str], limit: int) -> None:
    headline, area, instruction, description = texts
    time, fmt = "jusqu’à 18 h", TextFormat(limit, units)
    parts = pieces(
        headline=f"{headline}|Vent", area=f"{area}|Isère +2", time=time, instruction=f"{instruction}|Rentrez.",
        description=description, link=LINK,
    )  # fmt: skip
    fitted = fit(parts, fmt)
    assert fitted.count == count(fitted.text, fmt) <= limit
    lines = fitted.text.split("\n")
    assert time in lines
    assert lines[-1] == LINK
    assert area in lines or "Isère +2" in lines
    own = [line for line in lines if line[-1] in ".!?…»" and instruction.startswith(line.rstrip("…").rstrip())]
    assert instruction in lines or "Rentrez." in lines or own


@given(description=said_words, limit=st.integers(60, 200))
def test_a_cut_text_ends_with_a_whole_word(description: str, limit: int) -> None:
    fitted = fit(pieces(headline="Vent", description=description, link=LINK), TextFormat(limit, "weighted"))
    said = [line for line in fitted.text.split("\n") if line not in ("Vent", LINK)]
    if said and said[0] != description:
        kept = said[0].rstrip("…").rstrip()
        assert description.startswith(kept)
        rest = description[len(kept) :]
        assert rest == "" or rest.lstrip("«\u00a0").startswith(" ") or rest.startswith("«")


@given(description=said_words, limit=st.integers(40, 160))
def test_cut_markup_is_markup_still(description: str, limit: int) -> None:
    written = " ".join(
        f"<b>{html.escape(word)}</b>" if place % 3 else html.escape(word)
        for place, word in enumerate(description.split(" "))
    )
    fitted = fit(pieces(headline="<b>Vent</b>", description=f"<i>{written}</i>"), TextFormat(limit, "utf16", "html"))
    open_tags: list[str] = []
    for closing, tag in re.findall(r"<(/?)(\w+)>", fitted.text):
        if closing:
            assert open_tags.pop() == tag
        else:
            open_tags.append(tag)
    assert not open_tags
    assert re.fullmatch(r"(?:[^<>&]|</?\w+>|&(?:amp|lt|gt|quot|#x?\w+);)*", fitted.text)
    assert fitted.count <= limit


SPOKEN = [
    "Une phrase.",
    "vent,",
    "et",
    "<b>",
    "</b>",
    '<a href="x. y">',
    "</a>",
    "très",
    "fort.",
    "\n",
    "強い。",
    "<",
    ">",
    "1 2",
]
texts = st.lists(st.sampled_from(SPOKEN), max_size=80).map(" ".join)
ENDS = {at_sentences: fitting._SENTENCE_END, at_clauses: fitting._CLAUSE_END}


def place_by_place(text: str, ends: re.Pattern[str]) -> list[tuple[int, str]]:
    """The same said simply: for each end, all that stands before it is read anew."""
    cuts = []
    for end in ends.finditer(text):
        place, stack = end.start(), []
        for token in fitting._TOKEN.finditer(text, 0, place):
            if token[2] and not token[1]:
                stack.append(token[2])
            elif token[2] and stack and stack[-1] == token[2]:
                stack.pop()
        if text.rfind("<", 0, place) <= text.rfind(">", 0, place):
            cuts.append((place, "".join(f"</{name}>" for name in reversed(stack))))
    return cuts


@given(text=texts, which=st.sampled_from(list(ENDS.values())))
def test_a_text_is_cut_where_reading_each_beginning_would_cut_it(text: str, which: re.Pattern[str]) -> None:
    assert fitting._cuts_at(text, which, markup=True) == place_by_place(text, which)
    assert fitting._cuts_at(text, which, markup=False) == [(end.start(), "") for end in which.finditer(text)]


@pytest.mark.parametrize("cut", [at_sentences, at_clauses, sayings, partly, well])
@pytest.mark.parametrize("said", ["Une phrase, ", "強い。", "a.\n", "<b>Vent.</b> ", "mot "])
def test_no_long_text_is_read_again_and_again(monkeypatch: pytest.MonkeyPatch, cut: fitting.Cut, said: str) -> None:
    read = [0]

    class Counted:
        def finditer(self, text: str, *place: int) -> list[re.Match[str]]:
            found = list(token.finditer(text, *place))
            read[0] += len(found)
            return found

    token = fitting._TOKEN
    monkeypatch.setattr(fitting, "_TOKEN", Counted())
    text = said * (20_000 // len(said))
    cut(text, lambda short: len(short) <= 4096, markup=True)

    assert read[0] <= 3 * len(text)
