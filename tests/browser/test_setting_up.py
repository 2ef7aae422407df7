"""A newcomer's whole way by `tocsin setup`, on a phone and in French, with the sandbox, to a station that is ready."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import PATIENCE, SIZES
from tests.process.town import town_in

pytestmark = pytest.mark.process
STEPS = (
    "Votre commune",
    "Canaux",
    "Sources",
    "Habitants",
    "Permanence et exercices",
    "Les lignes",
    "Comptes",
    "Prêt ?",
)


@pytest.fixture
def sandbox(tmp_path) -> Iterator[str]:
    (tmp_path / "town").mkdir()
    for town in town_in(tmp_path / "town"):
        town.start_sandbox("--no-limits")
        yield town.sandbox


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "new").mkdir()
    return tmp_path / "new"


@pytest.fixture
def address(folder) -> Iterator[str]:
    for town in town_in(folder):
        yield town.start("setup", "--listen", "127.0.0.1:0").wait_for(r"http\S+code=\S+")[0]


def to(page: Page, step: str) -> None:
    page.get_by_role("navigation", name="Étapes").get_by_role("button", name=step).click()
    expect(page.get_by_role("navigation", name="Étapes").locator("[aria-current=step]")).to_contain_text(step)


def add_channel(page: Page, chat: str, sandbox: str) -> None:
    form = page.locator("#entry")
    form.locator("[name='key.chat']").fill(chat)
    secret, chat_field = (form.locator(f"[name='key.{name}']").bounding_box() for name in ("token", "chat"))
    assert secret["width"] == chat_field["width"]
    assert secret["y"] + secret["height"] < chat_field["y"], "the place of the secret doesn't reach into the next field"
    form.locator("[name='key.token']").fill("TELEGRAM_TOKEN")
    form.get_by_label("Une autre adresse de la plateforme").fill(sandbox)
    form.get_by_role("button", name="Enregistrer").click()


def test_a_newcomer_ends_with_a_file_an_account_an_exercise_and_a_green_list(chromium, sandbox, folder, address):
    faults: list[str] = []
    context = chromium.new_context(**SIZES["phone"], locale="fr-FR", permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.goto(address)
    page.locator("#f-name").fill("Ville de Saint-Martin")
    page.locator("#f-sender").fill("alertes@saint-martin.example")
    page.locator("#f-public_url").fill("https://alertes.saint-martin.example")
    page.locator("#f-proxies").fill("127.0.0.1")
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_label("Type de canal").select_option("Canal Telegram")
    page.get_by_role("button", name="Ajouter un canal").click()
    add_channel(page, "@saintmartin", sandbox)
    ours = (("Ajouter un groupe Telegram pour la permanence", "-1009"), ("Ajouter un canal d’exercice", "-1008"))
    for button, chat in ours:
        to(page, "Permanence et exercices")
        page.get_by_role("button", name=button).click()
        add_channel(page, chat, sandbox)
    to(page, "Permanence et exercices")
    expect(page.get_by_label("equipe")).to_be_checked()
    page.get_by_role("button", name="Enregistrer").click()
    to(page, "Les lignes")
    lines = page.get_by_label("channels.toml").input_value()
    page.get_by_role("button", name="Copier").click()
    expect(page.get_by_role("button", name="Copié")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == lines
    with page.expect_download() as got:
        page.get_by_role("button", name="Télécharger").click()
    assert Path(got.value.path()).read_text().replace("\r\n", "\n") == lines
    page.get_by_role("button", name="Écrire channels.toml").click()
    expect(page.get_by_text(str(folder / "channels.toml"))).to_be_visible()
    assert (folder / "channels.toml").read_text() == lines
    to(page, "Comptes")
    page.locator("#f-person").fill("Camille Roy")
    page.get_by_role("button", name="Ajouter le compte").click()
    expect(page.locator("main")).to_contain_text("Premier mot de passe de Camille Roy")
    to(page, "Prêt ?")
    page.get_by_role("button", name="Tester chaque canal").click()
    for step in STEPS:
        to(page, step)
        assert page.evaluate(SIDEWAYS) <= 0, step
        assert violations(page) == [], step
    expect(page.locator(".mark.open")).to_have_count(0)
    page.get_by_role("button", name="Envoyer un exercice sur exercices").click()
    expect(page.get_by_text("L’exercice est parti")).to_be_visible()
    page.goto(sandbox)
    expect(page.get_by_text("EXERCICE – un essai de Tocsin")).to_be_visible()
    context.close()
    assert faults == []
