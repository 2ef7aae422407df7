"""No English in what is said in French beside the desk's pages: faults of settings, notices, the bot, public pages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

import alerts
from alerts.access.audit import PROVING
from alerts.bot import report_words
from alerts.bot.chat import Command, On, Press, Say, commands
from alerts.bot.review_messages import sheets
from alerts.config import read_config
from alerts.desk.approve import MessageKind
from alerts.health.desk_events import word_change, word_unknown_posts
from alerts.health.monitor import HealthNotice, Phase, Trouble, What
from alerts.health.words import (
    Clashed,
    Corrected,
    EndingSoon,
    PendingApproval,
    word_clashed,
    word_corrected,
    word_ending,
    word_pending,
)
from alerts.health.words import word as word_warning
from alerts.model.alert import Info, Severity
from alerts.model.errors import ConfigurationError
from alerts.model.person import AuditEntry, Chained, Origin
from alerts.model.post import PostImage, Receipt
from alerts.model.reason import WORDS, Reason, because, sentences
from alerts.model.reports import BegunReport, CitizenReport, Closing, ReportState, ReportStep, Via, shipped_kinds
from alerts.rendering.i18n import word
from alerts.web.public.site import answers_of
from tests.unit.bot.talking import Chat, data_of
from tests.unit.bot.test_officers import RECORD, waiting
from tests.unit.desk.conftest import an_alert, cancelling, following
from tests.unit.french import english, visible, wrong_in
from tests.unit.test_config import FAULTY, STATION, TELEGRAM
from tests.unit.web.public.conftest import paper, town  # noqa: F401 fixtures
from tests.walls import in_one_test

PACKAGE = Path(alerts.__file__).parent
PARIS = ZoneInfo("Europe/Paris")
CYCLES = ("store", "lane x", "source meteo", "bulk x", "bot x", "watch", "pages")
AT = datetime(2026, 11, 25, 2, 5, tzinfo=UTC)
FULL = replace(
    RECORD.alert,
    note="Rien",
    restriction="Interne",
    infos=(
        Info("Vent", language="fr-FR", headline="Vent fort", audience="Tous", contact="05 00", web="https://a.example"),
    ),
)


def test_no_reason_has_a_word_of_english_in_french():
    for code, sentence in sentences().items():
        if code != WORDS:
            values = tuple(
                (name, "Severe" if spec == "term" else "x") for name, spec in re.findall(r"\{(\w+):?(\w*)\}", sentence)
            )
            said = word(Reason(code, values), "fr-FR")
            assert not english(said), f"{code}: {said}"


def test_a_reason_that_lost_its_french_is_found():
    """What isn't translated is said in English: whichever reason it is, the walk stumbles over it."""
    for code, sentence in sentences().items():
        bare = re.sub(r"\{\w+:?\w*\}|--\w+", "", sentence)
        if re.search(r"[a-z]{3}", bare):
            values = tuple((name, "x") for name in re.findall(r"\{(\w+):?\w*\}", sentence))
            assert wrong_in(word(Reason(code, values), "en")), code


@in_one_test
@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("locale/fr/*.po")), ids=lambda file: file.stem)
def test_no_catalogue_translates_into_english(file):
    found = []
    for message in read_po(BytesIO(file.read_bytes()), locale="fr"):
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        found += [each for each in said if message.id and english(re.sub(r"%\(\w+\)s|\{\w+(:\w+)?\}", "x", each))]
    assert found == []


BOT = TELEGRAM + "subscriptions = true\n"


class TestSettings:
    """Whatever is wrong with channels.toml is told in the station's language."""

    BROKEN = ("[station", "a = 1\na = 2", "x = [1,", 'x = "a', "[a\n]", "=", "x = 1 2", 'x = "\\q"', "x = 2026-13-01")
    BESIDE = (
        STATION + 'boundary = "absent.geojson"\n' + TELEGRAM,
        STATION + 'hazards = ["zzz"]\n' + TELEGRAM,
        STATION + '[notify]\nchannels = ["telegram"]\n' + TELEGRAM,
        STATION + '[sources.a]\nkind = "cap"\nurl = "x"\nspeaks_for = ["manual", "b"]\n' + TELEGRAM,
        STATION + TELEGRAM + 'subscriptions = true\nupdates = "webhook"\n',
        *(
            f'{STATION}public_url = "{url}"\n{TELEGRAM}subscriptions = true\nupdates = "webhook"\n'
            for url in ("http://a.example", "https://127.0.0.1", "https://a.example:99999", "https://a.example:8080")
        ),
        STATION
        + TELEGRAM
        + "subscriptions = true\n"
        + TELEGRAM.replace("telegram]", "autre]")
        + "subscriptions = true\n",
        STATION + TELEGRAM.replace('{ env = "TOKEN" }', '"123"'),
        STATION + TELEGRAM.replace('{ env = "TOKEN" }', '{ env = "A", file = "b" }'),
        STATION + '[web]\ntiles = "x"\nembed = ["x"]\nproxies = ["x"]\nconnections = 1\n[desk]\nurl = "x"\n',
        STATION + '[sources.a]\nkind = "cap"\nurl = "x"\ntitle = "' + "x" * 61 + '"\nevery = "99999999y"\n',
        STATION + TELEGRAM + 'limits = ["1/0s"]\n[notify]\nevery = "10ms"\nprobe = "zz"\n',
    )

    @in_one_test
    @pytest.mark.parametrize("text", [*dict.fromkeys(text for text, _ in FAULTY), *BROKEN, *BESIDE])
    def test_every_fault_is_told_without_a_word_of_english(self, tmp_path, text):
        with pytest.raises(ConfigurationError) as told:
            read_config(tmp_path / "channels.toml", text)
        lines = [word(each, "fr-FR").replace(", channels", "") for each in told.value.problems]
        assert [line for line in lines if wrong_in(line)] == []

    @pytest.mark.parametrize(("language", "told"), [(None, "fr-FR"), ("en-GB", "en-GB"), ("fr_FR", "en"), (5, "en")])
    def test_in_the_station_s_language_where_it_can_be_known(self, tmp_path, language, told):
        line = "" if language is None else f"language = {language!r}\n"
        with pytest.raises(ConfigurationError) as error:
            read_config(tmp_path / "channels.toml", f"[station]\n{line}")
        assert error.value.language == told

    def test_what_can_not_be_read_at_all_is_told_in_english(self, tmp_path):
        with pytest.raises(ConfigurationError) as error:
            read_config(tmp_path / "channels.toml", "[station")
        assert error.value.language == "en"


def troubles():
    reason = because("no_answer_within", platform="Telegram", seconds="10")
    told = [HealthNotice(say, Trouble(what, "meteo", reason, AT, 3), AT) for what in What for say in Phase]
    told += [HealthNotice(Phase.FIRING, Trouble(What.CYCLE, name, None, AT), AT) for name in CYCLES]
    return [word_warning(news, "fr-FR", PARIS) for news in told]


def of_alerts():
    endings = [EndingSoon("a1", "Crue", severity, ("Centre",), AT) for severity in Severity]
    clashes = [Clashed("Crue", "meteo", "Vent", "eau", kept_back, exercise=True) for kept_back in (True, False)]
    return [
        *(word_ending(each, "fr-FR", PARIS) for each in endings),
        *(word_clashed(each, "fr-FR") for each in clashes),
        word_corrected(Corrected("Crue", Severity.SEVERE, "Anne", "Rien", exercise=True), "fr-FR"),
        word_unknown_posts({"x": [Receipt("1", None)] * 9, "page": [Receipt("2", "https://p.example/2")]}, "fr-FR"),
    ]


def of_what_waits():
    link, ways = "https://garde.example/desk/waiting/a1", ("approve", "reject", "send back", "released", "replaced")
    waits = [
        awaited(kind=kind, goes_out_at=at, link=to) for kind in MessageKind for at, to in ((AT, link), (None, None))
    ]
    settled = [awaited(settled=settled, who="Paul") for settled in (*ways, "expired")]
    return [
        *(word_pending(each, say, "fr-FR", PARIS) for each in waits for say in (Phase.FIRING, Phase.REPEATED)),
        *(word_pending(each, Phase.RESOLVED, "fr-FR", PARIS) for each in settled),
    ]


def of_accounts():
    lines = [AuditEntry(AT, "Anne", "author", Origin.CONSOLE, "127.0.0.1", deed, "Anne", "") for deed in PROVING]
    told = [Chained(7, entry, "", "") for entry in lines]
    return [word_change(each, "fr-FR", PARIS, own=own) for each in told for own in (True, False)]


def awaited(**changes):
    values = {"headline": "Crue", "severity": Severity.SEVERE, "areas": ("Centre",), "since": AT, "until": AT}
    return PendingApproval("a1", **{**values, "brought_by": "meteo", "exercise": True, **changes})


@in_one_test
@pytest.mark.parametrize("notices", [troubles, of_alerts, of_what_waits, of_accounts])
def test_no_notice_to_those_on_duty_says_a_word_of_english(notices):
    found = [each for each in notices() if wrong_in("\n".join(filter(None, (each.headline, each.fix, each.detail))))]
    assert found == []


class TestTheBot:
    """All that can be reached by its commands and buttons."""

    def test_no_screen_says_a_word_of_english(self):
        chat, seen, found = Chat(), set(), []
        chat.subscribes()
        todo = [Command(name) for name in (*commands("fr"), "help", "nonsense")]
        while todo:
            what = todo.pop()
            answer = chat.does(what)
            found += [line for say in answer.says for line in wrong_in(spoken(say))]
            new = [data for data in data_of(answer) if data not in seen]
            seen |= set(new)
            todo += [Press(data, "id", 7) for data in new if not data.startswith("l:")]
        chat.is_at(0.5, 0.5)
        chat.is_at(80, 80)
        chat.says_something()
        found += [line for answer in chat.replies[-3:] for say in answer.says for line in wrong_in(spoken(say))]
        assert found == []
        assert len(seen) > 40

    @in_one_test
    @pytest.mark.parametrize(
        "shown",
        [
            waiting("Crue"),
            waiting("Crue", may_approve=False),
            waiting("🌊" * 40_000),
            waiting("Crue", image=PostImage("/absente.png", "Carte")),
            replace(waiting("Crue"), twins=(replace(RECORD, alert=FULL, id="b" * 26, source="vigilance"),)),
            replace(waiting("🌊" * 40_000), desk_url="https://garde.example/desk"),
        ],
    )
    def test_nothing_that_an_officer_is_shown_says_a_word_of_english(self, shown):
        shown = replace(shown, stored=replace(RECORD, alert=FULL))
        assert [line for say in sheets(shown, "fr") for line in wrong_in(spoken(say))] == []

    def test_no_command_is_told_in_english(self):
        assert not wrong_in("\n".join(commands("fr", hears=True, reports=True).values()))

    def test_nothing_that_is_said_of_a_report_has_a_word_of_english(self):
        """Each question, each answer, and each step that a report may take."""
        at, on = datetime(2026, 11, 25, 12, tzinfo=UTC), On("Crue", "", "https://alertes.example/a")
        begun = BegunReport("telegram", 1, "k", "tree", at, 45.19, 5.71)
        report = CitizenReport(
            "r", "SM-26-0001", "tree", ReportState.RECEIVED, at, at, at, "", Via.BOT, place="rue Pasteur"
        )
        steps = [ReportStep("r", at, state, said="Merci", incident="i") for state in ReportState]
        steps += [ReportStep("r", at, ReportState.CLOSED, closing) for closing in Closing]
        kinds = shipped_kinds("fr")
        says = [
            report_words.ask_kind(kinds, "fr"),
            *(report_words.ended(kind, 1) for kind in kinds if kind.stop),
            *(report_words.chosen(kind, "fr", 1) for kind in kinds),
            *(report_words.ask_place("fr", by_address=by_address) for by_address in (True, False)),
            *(report_words.place_found(begun, "fr", is_here=is_here) for is_here in (True, False)),
            report_words.ask_more("fr", report_words.known(on, "fr"), [("rue Pasteur, 25/11", "x")]),
            *(Say(report_words.nothing_begun(sent, "fr")) for sent in (None, report)),
            report_words.sent(report, "https://alertes.example/r", on, "fr"),
            *(report_words.news(step, report, "Arbre", on, "fr") for step in steps),
        ]
        assert [line for say in says for line in wrong_in(spoken(say))] == []


def spoken(say) -> str:
    """A message and its buttons, without its markup and without what is called by another language's own name."""
    keys = [key["text"] for row in (say.keyboard or {}).get("inline_keyboard", []) for key in row]
    return unescape(re.sub(r"<[^>]+>", "", "\n".join([say.text, *keys]))).replace("English", "")


def test_no_public_page_says_a_word_of_english(town, paper):  # noqa: F811 the fixtures
    mild = town.hear(an_alert(event="Gel", headline="Verglas", severity=Severity.MINOR))
    first = town.hear(alert := an_alert(headline="Coup de vent"))
    town.deliver(first)
    town.deliver(town.hear(following(alert, headline="Tempête", severity=Severity.EXTREME)))
    gone = town.hear(over := an_alert(event="Crue", headline="Crue"))
    town.deliver(gone)
    town.hear(cancelling(over))
    found = {}
    for filed in ((), (mild, first, gone)):
        paper.print(*filed)
        for path, answer in answers_of(paper.edition).items():
            is_page = not path.startswith("/en") and answer.kind.startswith("text/html")
            if is_page and (wrong := wrong_in(visible(answer.body.decode()))):
                found[path] = wrong
    assert found == {}
