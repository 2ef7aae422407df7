"""Sentences are data: read as translators' programs read them, each code once, and in every wheel."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pytest
from babel.messages.pofile import read_po
from hatchling.build import build_wheel

import alerts
from alerts.model.catalogue import LOCALE, read_catalogue
from alerts.model.reason import WORDS, sentences
from tests.walls import in_one_test

PACKAGE = Path(alerts.__file__).parent
CODED = [message for file in sorted(LOCALE.glob("fr/*.po")) for message in read_catalogue(file) if message.context]


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("locale/fr/*.po")), ids=lambda file: f"{file.parts[-4]}-{file.stem}"
)
def test_a_catalogue_is_read_as_babel_reads_it(file):
    with file.open("rb") as lines:
        known = {
            (*([each.id] if isinstance(each.id, str) else each.id),): (
                (each.string,) if isinstance(each.string, str) else each.string
            )
            for each in read_po(lines, locale="fr", abort_invalid=True)
            if each.id
        }
    read = {}
    for each in read_catalogue(file):
        if each.sentence:
            read.setdefault((each.sentence, each.plural) if each.plural else (each.sentence,), each.forms)
    assert read == known


def test_no_catalogue_has_a_sentence_twice_of_which_one_would_never_be_shown():
    twice = {
        (file.name, *each)
        for file in PACKAGE.rglob("locale/fr/*.po")
        for each, number in Counter((message.context, message.sentence) for message in read_catalogue(file)).items()
        if number > 1
    }
    assert twice == set()


def test_quotes_lines_and_comments_are_read(tmp_path):
    (tmp_path / "a.po").write_text(
        '# A comment\nmsgctxt "code"\nmsgid "one\\n\\"two\\""\nmsgstr ""\n"un\\n"\n"« deux »"\n\n#~ msgid "old"\n'
        '\n#, fuzzy\nmsgid "%(n)s post"\nmsgid_plural "%(n)s posts"\nmsgstr[0] "a"\nmsgstr[1] "b\\\\n"',
        encoding="utf-8",
    )
    first, second = read_catalogue(tmp_path / "a.po")
    assert first == ("code", 'one\n"two"', "", ("un\n« deux »",), False)
    assert second == ("", "%(n)s post", "%(n)s posts", ("a", "b\\n"), True)


@in_one_test
@pytest.mark.parametrize("wrong", ["what", 'msgid "a"', 'msgstr "b"', 'msgid "a"\n\nmsgstr "b"', "<<<<<<< HEAD"])
def test_what_is_no_message_is_refused_with_its_line(tmp_path, wrong):
    (tmp_path / "a.po").write_text(f'msgid "x"\nmsgstr "y"\n\n{wrong}\n\nmsgid "c"\nmsgstr "d"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.po, line 4"):
        list(read_catalogue(tmp_path / "a.po"))


def test_the_codes_are_those_of_the_catalogues():
    assert sentences() == {
        WORDS: "{text}",
        **{each.context: each.sentence for each in CODED if each.context.isidentifier()},
    }


def test_each_code_has_one_sentence_and_a_sentence_is_the_same_in_french_whichever_code_says_it():
    assert [code for code, many in Counter(each.context for each in CODED).items() if many > 1] == []
    french = {each.sentence: each.forms for each in CODED}
    assert [each.context for each in CODED if french[each.sentence] != each.forms] == []


def test_every_file_of_the_package_is_in_the_wheel(tmp_path, monkeypatch):
    monkeypatch.chdir(PACKAGE.parent)
    with ZipFile(tmp_path / build_wheel(str(tmp_path))) as packed:
        names = set(packed.namelist())
    files = {file.relative_to(PACKAGE.parent).as_posix() for file in PACKAGE.rglob("*") if file.is_file()}
    assert {each for each in files - names if "__pycache__" not in each} == set()
