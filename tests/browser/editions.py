"""The town's page and screen in every state, as files: no daemon runs, and time stands still at 13 h."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from alerts.config import load_config
from alerts.daemon.desk import build_renderer
from alerts.model.alert import Alert, Area, NamedValue, Severity, Urgency
from alerts.web.public.answers import CachedResponse
from alerts.web.public.export import Export
from alerts.web.public.site import answers_of
from alerts.web.public.snapshot import Freshness, Setting
from tests.browser.town import CHANNELS, ROOT, SOURCES, STATION
from tests.browser.whole_town import MORE
from tests.unit.desk.conftest import NOW, TownDesk, an_alert, cancelling
from tests.unit.web.public.conftest import Paper

SENDER = "alertes@saint-martin.example"
CREST = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 76">
<path d="M4 4h56v38c0 16-12 26-28 30C16 68 4 58 4 42z" fill="#123f73" stroke="#c9a227" stroke-width="4"/>
<path d="M16 50l16-32 16 32z" fill="#fff"/>
<path d="M12 56q10-8 20 0t20 0" stroke="#8fc1ff" stroke-width="4" fill="none"/>
</svg>"""
LOOKS = """logo = "blason.svg"
accent = "#123f73"
streets = "streets.csv"
numbers = ["Mairie: 04 76 00 00 00", "Astreinte de nuit: 04 76 00 00 01"]
"""
STREETS = """street,district
Rue Basse,Centre-Bourg
Rue de l’Église,Centre-Bourg
Rue Haute,Centre-Bourg
Rue Haute,SM-05
Avenue du Général-Leclerc,SM-02
Chemin des Vignes,Les Coteaux
"""
HERE = (NamedValue("INSEE", "38185"),)


def _ours(**changes: object) -> Alert:
    return an_alert(**{"sender": SENDER, "areas": (_all(),), **changes})


def _all() -> Area:
    return Area("Saint-Martin", geocodes=HERE)


def _in(*codes: tuple[str, str]) -> tuple[Area, ...]:
    return tuple(Area(name, geocodes=(NamedValue("district", code),)) for name, code in codes)


@dataclass(frozen=True)
class State:
    """What is on, what is over since, and whether the source is behind its time."""

    on: Sequence[Callable[[], Alert]] = ()
    over: Sequence[Callable[[], Alert]] = ()
    stale: bool = False
    hours: int = 0


def _water() -> Alert:
    return _ours(
        event="Eau non potable",
        headline="Eau non potable",
        severity=Severity.SEVERE,
        description="Une analyse a trouvé des bactéries dans le réseau des Coteaux.",
        instruction="Ne buvez pas l’eau du robinet. Des bouteilles sont distribuées à la mairie.",
    )


def _street() -> Alert:
    return _ours(
        event="Travaux",
        headline="Rue Basse fermée à la circulation",
        severity=Severity.MINOR,
        description="Rupture d’une conduite d’eau au droit du n° 12.",
        instruction="Passez par la rue Haute.",
        areas=_in(("Centre-Bourg", "SM-01")),
    )


def _flood() -> Alert:
    return _ours(
        event="Crue",
        headline="Crue soudaine de la Vive",
        severity=Severity.EXTREME,
        urgency=Urgency.IMMEDIATE,
        description="L’eau monte très vite. Les berges sont évacuées.",
        instruction="Montez à l’étage et restez-y. Ne prenez pas la voiture. Laissez vos enfants à l’école.",
    )


def _works() -> Alert:
    return _ours(
        event="Travaux",
        headline="Travaux rue Haute",
        severity=Severity.MINOR,
        onset=NOW + timedelta(days=2),
        expires=NOW + timedelta(days=4),
        instruction="Stationnement interdit des deux côtés.",
        areas=_in(("Les Coteaux", "SM-05")),
    )


def _park() -> Alert:
    return _ours(
        event="Vent violent",
        headline="Parc de la Halle fermé",
        severity=Severity.MODERATE,
        instruction="N’entrez pas dans le parc.",
        areas=_in(("Centre-Bourg", "SM-01")),
    )


_STORM = (
    ("Vent violent", "Rafales à 110 km/h attendues", Severity.SEVERE, "Éloignez-vous des arbres. Rentrez le mobilier."),
    ("Coupure d’électricité", "Coupure d’électricité aux Coteaux", Severity.SEVERE, "Ne touchez aucun fil à terre."),
    ("Route coupée", "Route de Grenoble coupée", Severity.MODERATE, "Passez par le pont Neuf."),
    ("École fermée", "École Jules-Ferry fermée demain", Severity.MODERATE, "Gardez vos enfants à la maison."),
    ("Coupure d’eau", "Coupure d’eau rue Haute", Severity.MODERATE, "Des bouteilles sont à la mairie."),
    ("Pluie-inondation", "Fortes pluies cette nuit", Severity.MODERATE, "Ne descendez pas à la cave."),
    ("Froid", "Grand froid dès vendredi", Severity.MODERATE, "Prenez des nouvelles de vos voisins."),
    ("Qualité de l’air", "Air pollué par les fumées", Severity.MINOR, "Fermez vos fenêtres."),
    ("Travaux", "Travaux avenue de la Gare", Severity.MINOR, "Stationnement interdit."),
    ("Marché", "Marché du samedi annulé", Severity.MINOR, "Il reprend la semaine prochaine."),
    ("Parc fermé", "Parc de la Halle fermé", Severity.MINOR, "N’entrez pas dans le parc."),
    ("Bibliothèque", "Bibliothèque fermée jusqu’à lundi", Severity.MINOR, "Les prêts sont prolongés."),
)


def _in_a_storm(event: str, headline: str, severity: Severity, instruction: str) -> Alert:
    where = _in((("Centre-Bourg", "SM-01"), ("Les Coteaux", "SM-05"))[len(headline) % 2])
    return _ours(event=event, headline=headline, severity=severity, instruction=instruction, areas=where)


STATES: Mapping[str, State] = {
    "calm": State(over=(_park,)),
    "minor": State(on=(_street, _works)),
    "severe": State(on=(_water, _street, _works), over=(_park,)),
    "extreme": State(on=(_flood, _water, _street)),
    "storm": State(on=(_flood, _water, _street, *(partial(_in_a_storm, *each) for each in _STORM))),
    "stale": State(stale=True),
    "stale-on": State(on=(_water,), stale=True),
    "night": State(on=(_water,), hours=10),
}
"""What the page, its easy form, the small page and the screen are looked at in."""


def whole_setting(folder: Path) -> Setting:
    """A town with its crest and colour, and every way to be told, as its channels.toml has it."""
    (folder / "blason.svg").write_text(CREST, encoding="utf-8")
    (folder / "streets.csv").write_text(STREETS, encoding="utf-8")
    for name in ("areas.geojson", "travaux.ics"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    station = STATION.format(port=8080, desk="").replace("\n[store]", LOOKS + "\n[store]", 1)
    more = MORE.replace("PORT", "2525").replace("HOST", "push.example").format()
    file = folder / "channels.toml"
    file.write_text(
        station.replace("\n[desk]", '\nlanguages = ["en"]\n\n[desk]')
        + SOURCES.format(publish="auto", feed="https://meteo.example/feed").replace('"veto"\nveto = "10m"', '"auto"')
        + CHANNELS.format(sandbox="http://127.0.0.1:9")
        + more,
        encoding="utf-8",
    )
    town = load_config(file)
    return Setting(town, build_renderer(town))


@dataclass
class Printed:
    """A state as files, with the addresses of what is in it."""

    folder: Path
    shown: Sequence[str]
    cards: Mapping[str, CachedResponse]
    paths: frozenset[str]


def printed(folder: Path, name: str, setting: Setting) -> Printed:
    """Write that state out, into a folder of its own."""
    state, place = STATES[name], folder / name
    place.mkdir()
    town = TownDesk(place / "town.db", setting.town)
    try:
        filed = [town.hear(make()) for make in state.on]
        for make in state.over:
            filed.append(ended := town.hear(alert := make()))
            town.deliver(ended)
            town.hear(replace(cancelling(alert), sender=alert.sender))
        town.clock.set(NOW + timedelta(hours=state.hours))
        # Relative addresses: wherever these files are served, they lead to each other.
        paper = Paper(town, replace(setting, town=replace(setting.town, public_url="")))
        if state.stale:
            paper.freshness = Freshness("Météo", NOW - timedelta(hours=2), stale=True)
        edition = paper.print(*filed)
        Export(place / "site", ["en"]).write(answers_of(edition))
        paths = [f"/alerts/{each.stored.incident_id}" for each in filed]
        cards = {f"{path}/card.png": paper.card(path) for path in paths}
        return Printed(place / "site", paths, cards, frozenset(edition.paths) | set(cards))
    finally:
        town.db.close()
