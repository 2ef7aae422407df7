"""No English on a French page, no bare key, French spacing: every page of the desk, in every state that is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from alerts.daemon.warnings import furnish_warnings
from alerts.delivery.monitor import HealthNotice, Phase, Trouble, What
from alerts.desk.officer import Officer
from alerts.model.actor import Actor, Origin, Role
from alerts.model.alert import Alert, Area, Info, Severity, Status
from alerts.model.post import PostState
from alerts.model.reason import SENTENCES, WORDS, Reason, because
from alerts.rendering.words import word
from alerts.store.books import StoredBooks
from alerts.store.schema import stamp
from alerts.web.console import compose, own_account, people, record, report, validate, watch
from tests.unit.web.console.watching import a_desk

ENGLISH = frozenset(
    """the of and is are was were not with for this that has have its to be by from waits wait failed queued waiting
    dropped rejected superseded expired accepted somebody nobody until since there here what who which when channel
    channels update updates end ends alerts more left approve reject retry""".split()  # noqa: SIM905 a list to read
)
"""Words that no French text has."""
OURS = ("code", "pre", "script", "style", "svg", "input", "textarea")
"""What is typed or spelled for a program stands there as it is."""
BOSS = Actor("Paul", Role.ADMINISTRATOR, Origin.CONSOLE)


def visible(page: str) -> str:
    """What is read, without what is somebody's own words in another language."""
    tree = html.fromstring(page)
    for each in tree.xpath("//*[@lang='en'] | " + " | ".join(f"//{tag}" for tag in OURS)):
        each.drop_tree()
    told = [*tree.xpath("//body//text()"), *tree.xpath("//@aria-label | //@placeholder | //title/text()")]
    return "\n".join(text for text in told if text.strip())


def wrong_in(text: str) -> list[str]:
    """The lines that hold English, a code or state that nobody worded, or a sign without its space."""
    return [line for line in text.split("\n") if english(line) or _BARE.search(line) or _ILL_SPACED.search(line)]


def english(text: str) -> list[str]:
    named = re.sub(
        r"`[^`]*`|\[[^\]]*\]|“[^”]*”|[A-Z]+:[A-Z]+|\w+ = \S+|--\w+|\w+\.toml", "", re.sub("«[^»]*»", "", text)
    )
    return sorted({each for each in re.findall(r"[^\W\d_]+", named) if each.lower() in ENGLISH})


_BARE = re.compile(r"\b(?!page_id|api_url)[a-z]+_[a-z_]+\b")
_ILL_SPACED = re.compile(r"[^\s\u202f\u00a0/:][?!;](?=\s|$)|[^\s\u00a0\u202f\d]:(?=\s|$)|«[^\u00a0\u202f]")


async def filled(desk) -> list[str]:
    """An alert in every state; the pages that show them."""
    now = desk.clock.now()
    out = await desk.post("Fuite rue Haute", channels=("x", "second"), instruction="Restez chez vous.")
    await desk.office.act(lambda sitting: Officer(sitting, BOSS).approve(out.id))
    sent = {"remote_id": "7", "url": "https://t.example/7", "sent_at": stamp(now), "tries": 2}
    await desk.settle(out.id, PostState.SENT, **sent)
    bad = await desk.post("Pont fermé", channels=("x", "second"))
    await desk.office.act(lambda sitting: Officer(sitting, BOSS).approve(bad.id))
    why = because("maybe_out_decide", why=because("no_answer_within", platform="Telegram", seconds="10")).kept()
    await desk.settle(bad.id, PostState.IN_DOUBT, reason=why, tries=1)
    gone = await desk.post("Arbre tombé", channels=("second",))
    await desk.office.act(lambda sitting: Officer(sitting, BOSS).reject(gone.id, "Erreur de rue"))
    waits = await desk.post("Marché annulé", channels=("x",))
    await desk.press(f"/alerts/{out.id}/end", how="cancel", reason="Réparée")
    info = Info("Vent", severity=Severity.MODERATE, headline="Vent fort", areas=(Area("Lyon"),))
    info = replace(info, expires=now + timedelta(hours=1), language="fr-FR")
    left = await desk.hear(Alert("urn-9", "meteo@example", now, status=Status.DRAFT, infos=(info,)))
    warnings = replace(furnish_warnings(desk.config, iter("abcdefgh").__next__), outlets=desk.desk.station.outlets[:1])
    news = HealthNotice(Phase.FIRING, Trouble(What.FEED, "meteo", because("not_read_lately")), now)

    def troubled(db):
        warnings.file(StoredBooks(db), [news], now)
        db.execute(
            "INSERT INTO source (name, memory, last_ok, failures, reason) VALUES ('meteo', '{}', ?, 3, ?)",
            (stamp(now - timedelta(hours=3)), because("reader_stumbled", error="OSError").kept()),
        )
        db.execute(
            "INSERT INTO channel (name, state, reason, quotas) VALUES ('second', 'blocked', ?, '[]')",
            (because("telegram_token_refused", said="Unauthorized").kept(),),
        )

    await desk.database.write(troubled)
    alerts = [f"/alerts/{each.id}" for each in (out, bad, gone, waits, left)]
    reports = [f"/alerts/{each.id}/report" for each in (out, bad, left)]
    return [
        *("/", "/alerts", "/left-out", "/notices", "/timeline", "/calendar", "/channels", "/record", "/account"),
        *(
            "/waiting",
            f"/waiting/{waits.id}",
            f"/waiting/{gone.id}",
            "/compose",
            "/compose?hazard=general",
            "/accounts",
        ),
        *(f"/compose?update={out.id}", *alerts, *reports),
    ]


@pytest.fixture
async def desk(tmp_path):
    parts = (watch, validate, compose, own_account, people, record, report)
    async with a_desk(tmp_path, publish="approve", parts=parts, language="fr-FR") as desk:
        desk.language, desk.role = "fr", Role.ADMINISTRATOR
        yield desk


async def test_no_page_of_the_desk_says_a_word_of_english(desk):
    found = {}
    for address in await filled(desk):
        if wrong := wrong_in(visible(await desk.text(address))):
            found[address] = wrong
    assert found == {}


@pytest.mark.parametrize(
    ("address", "fields", "told"),
    [
        ("/accounts/enable", {"name": "Zoé"}, "n’est pas un compte"),
        ("/accounts/disable", {"name": "Zoé"}, "connus\u00a0:"),
        ("/tokens/revoke", {"token": "zzz"}, "connus\u00a0:"),
        (
            "/compose",
            {"draft": "d" * 20, "headline": "F" * 1001, "span": "6h", "do": "publish"},
            "1\u202f001 caractères",
        ),
        ("/compose", {"draft": "d" * 20, "headline": "Ok", "web": "ici", "span": "6h", "do": "publish"}, "https://"),
    ],
)
async def test_no_refusal_of_a_form_says_a_word_of_english(desk, address, fields, told):
    await desk.sign_in()
    page = visible((await desk.press(address, **fields))[2])
    assert told in page, page
    assert wrong_in(page) == []


def test_no_reason_has_a_word_of_english_in_french():
    for code, sentence in SENTENCES.items():
        if code != WORDS:
            values = tuple(
                (name, "Severe" if spec == "term" else "x") for name, spec in re.findall(r"\{(\w+):?(\w*)\}", sentence)
            )
            said = word(Reason(code, values), "fr-FR")
            assert not english(said), f"{code}: {said}"
