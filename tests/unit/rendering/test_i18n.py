"""A catalogue's own plural rule decides, in whatever language: nothing here knows how many forms there are."""

from __future__ import annotations

from pathlib import Path

import pytest

import alerts
from alerts.model.catalogue import read_catalogue
from alerts.rendering.i18n import read_words

BRETON = """msgid ""
msgstr ""
"Language: br\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=5; plural=(n%10==1 && n%100!=11 && n%100!=71 && n%100!=91 ? 0 : n%10==2 && n%100!=12 && "
"n%100!=72 && n%100!=92 ? 1 : (n%10==3 || n%10==4 || n%10==9) && n%100!=13 && n%100!=14 && n%100!=19 && "
"n%100!=73 && n%100!=74 && n%100!=79 && n%100!=93 && n%100!=94 && n%100!=99 ? 2 : n!=0 && n%1000000==0 ? 3 : 4);\\n"

msgid "%(n)s house"
msgid_plural "%(n)s houses"
msgstr[0] "%(n)s ti"
msgstr[1] "%(n)s di"
msgstr[2] "%(n)s zi"
msgstr[3] "%(n)s a dier"
msgstr[4] "%(n)s ti all"

msgid "%(n)s post"
msgid_plural "%(n)s posts"
msgstr[0] "%(n)s kemennadenn"
msgstr[1] "%(n)s gemennadenn"
msgstr[2] ""
msgstr[3] ""
msgstr[4] ""

msgid "Good evening"
msgstr "Noz vat"

#, fuzzy
msgid "Good day"
msgstr "Noz vat"
"""


@pytest.fixture
def locale(tmp_path):
    (tmp_path / "br").mkdir()
    (tmp_path / "br" / "desk.po").write_text(BRETON, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 ti all"),
        (1, "1 ti"),
        (2, "2 di"),
        (3, "3 zi"),
        (5, "5 ti all"),
        (11, "11 ti all"),
        (12, "12 ti all"),
        (21, "21 ti"),
        (22, "22 di"),
        (29, "29 zi"),
        (71, "71 ti all"),
        (1_000_000, "1000000 a dier"),
    ],
)
def test_a_language_with_five_forms_comes_out_right(locale, number, said):
    assert read_words(locale, "br").ngettext("%(n)s house", "%(n)s houses", number) == said


def test_what_is_not_translated_stays_english(locale):
    words = read_words(locale, "br")

    assert words.gettext("Good evening") == "Noz vat"
    assert words.gettext("Good day") == "Good day"  # fuzzy: nobody has looked at it yet
    assert words.gettext("") == ""
    assert words.ngettext("%(n)s post", "%(n)s posts", 1) == "1 post"
    assert words.ngettext("%(n)s post", "%(n)s posts", 3) == "3 posts"
    assert words.ngettext("%(n)s alert of %(of)s", "%(n)s alerts of %(of)s", 0, of=2) == "0 alerts of 2"


def test_a_catalogue_without_a_rule_has_the_one_of_its_language(tmp_path):
    one, many = 'msgstr[0] "%(n)s eins"\n', 'msgstr[1] "%(n)s mehr"\n'
    for language, forms in (("ja", one), ("de", one + many)):
        (tmp_path / language).mkdir()
        (tmp_path / language / "desk.po").write_text(
            f'msgid "%(n)s post"\nmsgid_plural "%(n)s posts"\n{forms}', encoding="utf-8"
        )

    of_none = {
        language: read_words(tmp_path, language).ngettext("%(n)s post", "%(n)s posts", 0) for language in ("ja", "de")
    }
    assert of_none == {"ja": "0 eins", "de": "0 mehr"}


def test_what_a_folder_has_comes_before_what_the_others_have_and_keeps_its_own_rule(locale, tmp_path):
    other = tmp_path / "other"
    (other / "br").mkdir(parents=True)
    (other / "br" / "cli.po").write_text(
        'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
        'msgid "%(n)s line"\nmsgid_plural "%(n)s lines"\nmsgstr[0] "%(n)s linenn"\nmsgstr[1] "%(n)s linennou"\n\n'
        'msgid "Good evening"\nmsgstr "Nozvezh vat"\n',
        encoding="utf-8",
    )

    words = read_words(locale, "br", other)
    assert words.gettext("Good evening") == "Noz vat"
    assert words.ngettext("%(n)s line", "%(n)s lines", 2) == "2 linennou"
    assert words.ngettext("%(n)s house", "%(n)s houses", 2) == "2 di"


def test_a_catalogue_with_marks_of_a_conflict_is_refused(tmp_path):
    (tmp_path / "br").mkdir()
    ours, theirs = 'msgid "Good day"\nmsgstr "Devezh mat"', 'msgid "Good day"\nmsgstr "Demat"'
    marked = f"{BRETON}\n<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> main\n"
    (tmp_path / "br" / "desk.po").write_text(marked, encoding="utf-8")

    with pytest.raises(ValueError, match=r"desk\.po, line 32: no line of a catalogue"):
        read_words(tmp_path, "br")


@pytest.mark.parametrize("file", sorted(Path(alerts.__file__).parent.rglob("*.po")), ids=lambda file: file.name)
def test_each_catalogue_of_ours_says_how_it_counts(file):
    """Babel's own rule for French has had two forms, and three from 2.19 on: what lacks one stays English."""
    header = next(each.forms[0] for each in read_catalogue(file) if not each.sentence)
    assert "Plural-Forms: nplurals=2; plural=(n > 1);" in header
