from __future__ import annotations

import re
from pathlib import Path

from alerts.model.alert import Area
from alerts.model.hazard import Hazard
from alerts.model.post import EndReason, PostKind
from alerts.rendering import library
from alerts.rendering.checking import check_templates, sample_alert
from alerts.rendering.facts import facts
from alerts.rendering.library import IMPORTANCE, KEPT, shipped_folder
from alerts.rendering.matter import Context, Matter
from alerts.rendering.templates import Renderer
from tests.unit.rendering.sample_alerts import FRENCH, NOW, X, an_alert, an_info, render

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "templates.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def storm() -> object:
    return an_info(
        event="Orages",
        headline="Orages violents",
        description="Des orages forts traversent la vallée.",
        instruction="Abritez-vous dans un bâtiment.",
        areas=(Area("Isère"),),
    )


def test_the_example_renders_as_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "fr" / "twitter" / "publish.j2"
    path.parent.mkdir(parents=True)
    path.write_text(block("jinja"), "utf-8")
    rendered = render(an_alert(storm()), renderer=Renderer(FRENCH, [tmp_path]))
    assert rendered.message.text.replace("\u00a0", " ") == block("text").strip()
    assert (rendered.cut, rendered.warnings, check_templates(FRENCH, [tmp_path])) == ((), (), [])


def test_every_variable_is_on_the_page_and_every_one_on_the_page_exists() -> None:
    words = library.Library([shipped_folder()])
    known: set[str] = set()
    for kind in PostKind:
        alert = sample_alert(Hazard.WIND, "fr")
        files = words.words("fr", "words.j2"), words.words("fr", "hazards/wind.j2")
        matter = Matter(alert, alert.infos[0], kind, Hazard.WIND, "fr", *files)
        known |= set(facts(matter, FRENCH, X, Context("1", NOW, EndReason.EXPIRED), "https://x.fr"))
    table = PAGE.partition("| variable |")[2].partition("\n\n")[0]
    named = {
        name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    told = named | {"day", "time", "moment"}
    assert known == told


def test_the_hazards_and_the_order_of_importance_are_on_the_page() -> None:
    for hazard in Hazard:
        assert f"`{hazard}`" in PAGE
    order = PAGE.partition("### The order of importance")[2].partition("and then every name")[0]
    assert tuple(re.findall(r"`(\w+)`", order)) == IMPORTANCE
    kept = PAGE.partition("left out. ")[2].partition("are\n  kept")[0]
    assert set(re.findall(r"`(\w+)`", kept)) == KEPT


def test_the_filters_on_the_page_exist() -> None:
    environment = library.Library([shipped_folder()])._environment("plain")
    for name in re.findall(r"`(\w+)` \(", PAGE.partition("Filters,")[2].partition("\n\n")[0]):
        assert name in environment.filters
