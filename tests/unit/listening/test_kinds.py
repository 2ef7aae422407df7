"""What an utterance is taken for, and by what sign."""

import pytest

from alerts.listening.kinds import classify, examples, like_a_call
from alerts.listening.lexicon import LONGEST, SHORT_FORMS, lexicon, plain
from alerts.model.listening import Kind
from alerts.rendering.i18n import word
from tests.unit.listening.measure import SETS, calls, others
from tests.walls import in_one_test


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Ma grand-mère est bloquée au premier étage, l'eau monte", Kind.HELP),
        ("my grandmother is stuck upstairs and the water is rising", Kind.HELP),
        ("il parait que le barrage va lâcher, info ou intox ?", Kind.RUMOUR),
        ("C’est une honte", Kind.ANGER),
        ("Bravo la mairie, comme d'habitude 🙄", Kind.ANGER),
        ("kan est ce ke l'ecole rouvre svp", Kind.QUESTION),
        ("Où trouver de l'eau en bouteille", Kind.QUESTION),
        ("Is the tap water safe to drink?", Kind.QUESTION),
        ("mercii à tous", Kind.THANKS),
        ("12 cm de neige ici", Kind.OTHER),
        ("Quel dommage pour le lac", Kind.OTHER),
        ("", Kind.OTHER),
        ("👍", Kind.OTHER),
    ],
)
def test_the_kind(text, kind):
    assert classify(text).kind is kind


def test_each_short_form_is_spelled_out():
    assert {short: plain(short) for short in SHORT_FORMS} == SHORT_FORMS


@in_one_test
@pytest.mark.parametrize(
    "more", ["Merci !", "mdr", "C'est une honte", "il paraît que c'est fini ?", "😂", "Je partage."]
)
def test_nothing_that_is_said_besides_takes_a_sign_of_help_back(more):
    assert classify(f"Ma mère est coincée dans l'ascenseur. {more}").kind is Kind.HELP
    assert classify(f"{more} Ma mère est coincée dans l'ascenseur.").kind is Kind.HELP


def test_an_angry_question_asks_too():
    found = classify("C'est une honte, quand est-ce que l'eau revient ?")
    assert (found.kind, found.asks) == (Kind.ANGER, True)
    assert not classify("C'est une honte").asks


def test_the_reason_names_our_signs_and_never_what_was_said():
    found = classify("Ma tante Berthe est coincée au 14 rue Pasteur, elle saigne")
    told = word(found.reason, "fr-FR")
    assert told == "peut-être un appel à l’aide\u00a0: quelqu’un ne peut pas sortir, une blessure ou un malaise"
    assert str(found.reason).startswith("possibly a call for help: somebody who can't get out, an injury")
    assert "Berthe" not in found.reason.kept()
    assert "Pasteur" not in found.reason.kept()


def test_every_sign_is_worded_in_french():
    names = {sign.name for sign in lexicon().help} | {"somebody, and a word of harm", "words like those of other calls"}
    said = {name: word(classify("à l'aide").reason, "fr") for name in names}
    assert len(said) == len(names)
    for text in calls():
        told = word(classify(text).reason, "fr")
        assert not [name for name in names if name in told], told


def test_one_call_is_found_among_five_hundred_thanks():
    said = ["Merci pour tout !", "merci bcp", "Bravo aux équipes", "Un grand merci", "thank you"] * 100
    said.insert(317, "Ma grand-mère est bloquée au premier étage")
    assert [at for at, text in enumerate(said) if classify(text).kind is Kind.HELP] == [317]


def test_what_a_stranger_may_write_is_bounded():
    assert plain("x" * 100_000) == "xx"
    assert len(plain("mot " * 10_000)) <= LONGEST
    assert classify("?" * 5000 + "\x00\u202e").kind is Kind.QUESTION
    assert classify("bloquée " * 5000).kind is Kind.OTHER


@in_one_test
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L’eau est-elle POTABLE ?", "l eau est elle potable"),
        ("kan c koi", "quand c est quoi"),
        ("Où ça ?? https://x.example/a @mairie", "ouu ca mairie"),
        ("nooooon", "noon"),
        ("C'est quand, c'était où", "c est quand c etait ouu"),
        ("Cœur", "coeur"),
    ],
)
def test_words_are_made_alike(text, words):
    assert plain(text) == words


def test_the_examples_are_none_of_the_sentences_that_measure_them():
    measured = {*calls(), *calls("later_calls"), *calls("last_calls")}
    measured |= {text for name in ("others", "later_others", "last_others") for _, text in others(name)}
    assert not measured & {text for _, text in examples()}


def test_what_stands_in_calls_weighs_for_one():
    assert (
        like_a_call("le plancher a cédé, mon oncle est passé à travers") > 0 > like_a_call("merci pour votre travail")
    )


def test_the_sets_are_as_large_as_they_are_said_to_be():
    assert len(calls()) >= 100
    assert len(others()) >= 300
    assert {of for of, _ in SETS.values()} == {"", "later_", "last_"}
