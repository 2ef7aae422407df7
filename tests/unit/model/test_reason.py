"""A reason is a code with values: it survives the store, and is worded in each language."""

import ast
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from alerts.model.alert import Severity
from alerts.model.catalogue import LOCALE
from alerts.model.errors import Misuse, Rejected
from alerts.model.reason import LONGEST, WORDS, because, in_words, kept_reason, read_reason, sentences
from alerts.rendering.i18n import reason_json, word

ROOT = Path(__file__).parents[3]
VALUE = re.compile(r"\{(\w+)(?::\w+)?\}")
MADE_ELSEWHERE = {
    "facebook_refuses",
    "facebook_trouble",
    "channel_is_gone",
    "channel_now_for_exercises",
    "channel_now_live",
    "database_moved",
    "database_unfinished",
    "vigicrues_older",
    "vigilance_older",
}
MAY_NOT = {f"telegram_may_not_{what}_messages" for what in ("post", "edit", "delete")}


def french():
    found = {}
    for file in (LOCALE / "fr").glob("*.po"):
        with file.open("rb") as lines:
            found |= {message.id: message.string for message in read_po(lines, locale="fr") if message.id}
    return found


@cache
def nodes_of_interest():
    """Every call and class of the package, with the name of its file."""
    files = (ROOT / "alerts").rglob("*.py")
    walked = ((file.name, node) for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    return [each for each in walked if isinstance(each[1], ast.Call | ast.ClassDef)]


@cache
def made():
    """Every `because("code", name=…)` of the package, as its codes and the names of its values."""
    found = []
    for name, node in nodes_of_interest():
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "because"
        if is_call and node.args and isinstance(node.args[0], ast.Constant | ast.IfExp):
            first = node.args[0]
            codes = [first] if isinstance(first, ast.Constant) else [first.body, first.orelse]
            found += [(name, code.value, {each.arg for each in node.keywords}) for code in codes]
    return found


class TestKept:
    def test_it_comes_back_as_it_was(self):
        inner = because("never_appeared_there")
        for reason in (
            because("waits_for_validation"),
            because("below_source_severity", severity=Severity.MINOR, least=Severity.SEVERE),
            because("no_posts", each=[because("no_post_on", channel="x", why=inner)]),
            because("bulk_done", sent=3, failed=0, skipped=1),
            because("outside_area", area='Île "d’en face" {}\n'),
        ):
            assert read_reason(reason.kept()) == reason

    def test_it_is_compact_json_that_begins_with_its_code(self):
        assert because("merged", into="a1", source="meteo").kept() == '{"code":"merged","into":"a1","source":"meteo"}'

    def test_a_row_of_before_is_shown_as_it_is(self):
        old = read_reason("outside our areas: Ailleurs")
        assert (old.code, str(old), word(old, "fr-FR")) == (WORDS, "outside our areas: Ailleurs", str(old))
        assert old.kept() == "outside our areas: Ailleurs", "it stays what an older version can read"

    @pytest.mark.parametrize("kept", ['{"code":"', '{"code":"x","a":' + "[" * 5000, '{"code":"x"}}', '{"code":' * 99])
    def test_what_is_no_reason_is_a_sentence(self, kept):
        assert read_reason(kept).code == WORDS

    def test_reasons_within_reasons_are_bounded(self):
        reason = because("left_us", why=in_words("a"), then=in_words("b"))
        for _ in range(20):
            reason = because("may_be_out", why=reason)
        assert read_reason(reason.kept()).code == WORDS

    def test_none_is_none(self):
        assert (read_reason(None), kept_reason(None)) == (None, None)

    def test_what_comes_from_outside_is_bounded(self):
        assert len(str(because("outside_area", area="x" * 100_000))) < LONGEST + 100

    def test_a_code_of_a_newer_version_is_shown_with_its_values(self):
        assert word(read_reason('{"code":"of_tomorrow","who":"ada"}'), "fr") == "of_tomorrow, who: ada"


class TestWorded:
    def test_in_english_and_in_french(self):
        reason = because("below_source_severity", severity=Severity.MINOR, least=Severity.SEVERE)
        assert str(reason) == "its severity is Minor, below the Severe that this source takes"
        assert word(reason, "fr-FR") == "sa gravité (mineure) est inférieure à ce que prend cette source (grave)"
        assert word(reason, "de-DE") == str(reason)

    def test_a_reason_within_is_worded_too(self):
        reason = because("maybe_out_decide", why=because("no_answer_within", platform="the receiver", seconds="10"))
        assert word(reason, "fr").endswith("abandonnez-la\u00a0: le destinataire n’a pas répondu en 10 s")

    def test_several_are_strung_together_as_the_language_has_it(self):
        each = [because("no_post_on", channel=name, why=because("end_told_there")) for name in ("x", "page")]
        said = "x\u00a0: sa fin y a déjà été annoncée\u00a0; page\u00a0: sa fin y a déjà été annoncée"
        assert word(because("no_posts", each=each), "fr") == said

    def test_times_are_in_the_reader_s_zone_or_in_their_own(self):
        reason = because("over_before_read", at=datetime(2026, 11, 25, 18, tzinfo=UTC))
        assert str(reason) == "it was over at 2026-11-25 18:00, before it was read"
        east = timezone(timedelta(hours=1))
        assert "le 25/11/2026 à 19\u00a0h\u00a000" in word(reason, "fr", east)

    def test_the_platform_s_own_words_are_quoted(self):
        assert (
            word(because("refused", platform="X", said="too long"), "fr") == "X la refuse\u00a0: «\u00a0too long\u00a0»"
        )

    def test_a_value_that_looks_like_a_placeholder_stays_text(self):
        assert str(because("outside_area", area="{why} %(x)s %")) == "outside our areas: {why} %(x)s %"

    def test_json_has_the_words_and_the_code(self):
        found = reason_json(because("waits_for_validation"), "fr-FR")
        assert found == {"reason": "elle attend une validation", "reason_code": "waits_for_validation"}
        assert reason_json(None, "fr") == {"reason": None, "reason_code": None}

    def test_an_error_carries_its_reason(self):
        assert Misuse(because("note_missing")).reason.code == "note_missing"
        assert str(Rejected(because("refused", platform="X", said="no"))) == "X refuses it: “no”"
        assert Misuse("a sentence").reason == in_words("a sentence")


class TestTheTable:
    """The one list of codes, what is said of each, and who says it."""

    def test_every_sentence_is_there_in_french_with_the_same_values(self):
        known = french()
        for code, sentence in sentences().items():
            if code != WORDS:
                assert sorted(VALUE.findall(known.get(sentence, ""))) == sorted(VALUE.findall(sentence)), code

    def test_french_sets_its_spaces(self):
        for said in french().values():
            assert not re.search(r"[^\u00a0][;!?](?:\s|$)| [:»]|«[^\u00a0]|'(?![{a-z ]*}?')", said), said

    def test_whoever_says_one_gives_the_values_that_its_sentence_names(self):
        found = made()
        assert len(found) > 150
        for file, code, names in found:
            assert code in sentences(), f"{file}: {code}"
            assert names == set(VALUE.findall(sentences()[code])), f"{file}: {code}"

    def test_no_error_that_people_read_is_a_sentence(self):
        """It would be English to every reader, whichever their language: such an error is raised with a reason."""
        nodes = [node for _, node in nodes_of_interest()]
        errors = {"TocsinError"}
        for _ in range(3):  # as deep as the family is
            errors |= {
                node.name
                for node in nodes
                if isinstance(node, ast.ClassDef) and errors & {getattr(base, "id", "") for base in node.bases}
            }
        raised = [
            ast.unparse(node)
            for node in nodes
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in errors and node.args
            if isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)
        ]
        assert raised == []

    def test_none_is_listed_that_nobody_says(self):
        said = {code for _, code, _ in made()} | MADE_ELSEWHERE | MAY_NOT | {WORDS}
        assert set(sentences()) == said
