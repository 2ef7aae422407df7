"""A lively day: something in every state that a page can show. For the checks of each page, and for the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.model.alert import Alert, Area, Category, Info, NamedValue, Severity, Urgency
from tests.browser.town import DeskTown

HERE = NamedValue("INSEE", "38185")
ELSEWHERE = NamedValue("INSEE", "99999")


@dataclass(frozen=True)
class Day:
    """The alerts of the day, by what is to be seen in them."""

    thread: str
    waiting: str
    exercise: str
    failed: str
    vetoed: str


def warning(identifier: str, headline: str, *, where: NamedValue = HERE, severity: Severity = Severity.SEVERE) -> Alert:
    """What a weather service says."""
    now = datetime.now(UTC)
    info = Info(
        "Vent violent",
        categories=(Category.MET,),
        severity=severity,
        urgency=Urgency.EXPECTED,
        language="fr-FR",
        headline=headline,
        description="Rafales à 110 km/h attendues en soirée sur l’ensemble de la commune.",
        instruction="Rentrez le mobilier de jardin et éloignez-vous des arbres.",
        expires=now + timedelta(hours=9),
        areas=(Area("Saint-Martin", geocodes=(where,)),),
    )
    return Alert(identifier, "meteo@example", now, infos=(info,))


def lively(town: DeskTown) -> Day:
    """Let the day pass: about ten commands, and a feed. The accounts anne and berthe are there, and one subscriber."""
    done = town.tocsin("subscribers", "import", "-", "--channel", "telegram", stdin='{"chat": 4711}\n')
    assert done.returncode == 0, done.stderr
    town.feed.tell(warning("meteo-1", "Coup de vent cette nuit"))
    town.feed.tell(warning("meteo-2", "Orage sur le canton voisin", where=ELSEWHERE))
    thread = _posted(
        town,
        "Rue Basse fermée à la circulation",
        ("--description", "Rupture d’une conduite d’eau au droit du n° 12. La chaussée est affaissée."),
        ("--instruction", "Passez par la rue Haute.", "--area", "Centre-Bourg", "--severity", "Moderate"),
    )
    _done(town, "approve", thread, "--as", "berthe")
    town.fault("facebook", "code", code=100, route="POST", times=2)
    failed = _posted(town, "Marché du samedi annulé", ("--severity", "Minor", "--channel", "page"))
    _done(town, "approve", failed, "--as", "berthe")
    [update] = town.objects("update", thread, "--instruction", "Passez par le quai.", "--as", "anne")
    _done(town, "approve", update["alert"], "--as", "berthe")
    exercise = _posted(town, "Exercice d’évacuation de l’école", ("--exercise", "--severity", "Severe"))
    waiting = _posted(
        town,
        "Eau non potable aux Coteaux",
        ("--description", "Une analyse a trouvé des bactéries dans le réseau des Coteaux."),
        ("--instruction", "Ne buvez pas l’eau du robinet. Des bouteilles sont distribuées à la mairie."),
        ("--area", "Les Coteaux", "--severity", "Severe", "--urgency", "Immediate"),
    )
    [vetoed] = town.until(
        lambda: [each["alert"] for each in shown(town) if each["headline"] == "Coup de vent cette nuit"]
    )
    return Day(thread, waiting, exercise, failed, vetoed)


def shown(town: DeskTown) -> list[dict]:
    """The alerts of `status --all`."""
    return [each for each in town.objects("status", "--all") if "identifier" in each]


def _posted(town: DeskTown, headline: str, *options: tuple[str, ...]) -> str:
    flat = [each for group in options for each in group]
    return str(town.post(headline, "--as", "anne", *flat)["alert"])


def _done(town: DeskTown, *arguments: str) -> str:
    done = town.tocsin(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout
