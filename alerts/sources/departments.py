"""The departments of mainland France and Corsica, and by which name two feeds know that they tell of one event.

Météo-France warns by department, and its warnings come two ways: by its own interface (`vigilance`), and as CAP through
MeteoAlarm, under other identifiers, with other words and for several departments at once. Both are given the name of
the event (`event_of`), which says whose warning it is, where, and of what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from alerts.model.alert import EVENT_NAME, Alert, Named
from alerts.model.hazard import AWARENESS_TYPES, Hazard


@dataclass(frozen=True, slots=True)
class Department:
    """What it is called, and its NUTS 3 code of 2010, which MeteoAlarm's feeds have."""

    name: str
    nuts: str


DEPARTMENTS: dict[str, Department] = {
    "01": Department("Ain", "FR711"),
    "02": Department("Aisne", "FR221"),
    "03": Department("Allier", "FR721"),
    "04": Department("Alpes-de-Haute-Provence", "FR821"),
    "05": Department("Hautes-Alpes", "FR822"),
    "06": Department("Alpes-Maritimes", "FR823"),
    "07": Department("Ardèche", "FR712"),
    "08": Department("Ardennes", "FR211"),
    "09": Department("Ariège", "FR621"),
    "10": Department("Aube", "FR212"),
    "11": Department("Aude", "FR811"),
    "12": Department("Aveyron", "FR622"),
    "13": Department("Bouches-du-Rhône", "FR824"),
    "14": Department("Calvados", "FR251"),
    "15": Department("Cantal", "FR722"),
    "16": Department("Charente", "FR531"),
    "17": Department("Charente-Maritime", "FR532"),
    "18": Department("Cher", "FR241"),
    "19": Department("Corrèze", "FR631"),
    "2A": Department("Corse-du-Sud", "FR831"),
    "2B": Department("Haute-Corse", "FR832"),
    "21": Department("Côte-d’Or", "FR261"),
    "22": Department("Côtes-d’Armor", "FR521"),
    "23": Department("Creuse", "FR632"),
    "24": Department("Dordogne", "FR611"),
    "25": Department("Doubs", "FR431"),
    "26": Department("Drôme", "FR713"),
    "27": Department("Eure", "FR231"),
    "28": Department("Eure-et-Loir", "FR242"),
    "29": Department("Finistère", "FR522"),
    "30": Department("Gard", "FR812"),
    "31": Department("Haute-Garonne", "FR623"),
    "32": Department("Gers", "FR624"),
    "33": Department("Gironde", "FR612"),
    "34": Department("Hérault", "FR813"),
    "35": Department("Ille-et-Vilaine", "FR523"),
    "36": Department("Indre", "FR243"),
    "37": Department("Indre-et-Loire", "FR244"),
    "38": Department("Isère", "FR714"),
    "39": Department("Jura", "FR432"),
    "40": Department("Landes", "FR613"),
    "41": Department("Loir-et-Cher", "FR245"),
    "42": Department("Loire", "FR715"),
    "43": Department("Haute-Loire", "FR723"),
    "44": Department("Loire-Atlantique", "FR511"),
    "45": Department("Loiret", "FR246"),
    "46": Department("Lot", "FR625"),
    "47": Department("Lot-et-Garonne", "FR614"),
    "48": Department("Lozère", "FR814"),
    "49": Department("Maine-et-Loire", "FR512"),
    "50": Department("Manche", "FR252"),
    "51": Department("Marne", "FR213"),
    "52": Department("Haute-Marne", "FR214"),
    "53": Department("Mayenne", "FR513"),
    "54": Department("Meurthe-et-Moselle", "FR411"),
    "55": Department("Meuse", "FR412"),
    "56": Department("Morbihan", "FR524"),
    "57": Department("Moselle", "FR413"),
    "58": Department("Nièvre", "FR262"),
    "59": Department("Nord", "FR301"),
    "60": Department("Oise", "FR222"),
    "61": Department("Orne", "FR253"),
    "62": Department("Pas-de-Calais", "FR302"),
    "63": Department("Puy-de-Dôme", "FR724"),
    "64": Department("Pyrénées-Atlantiques", "FR615"),
    "65": Department("Hautes-Pyrénées", "FR626"),
    "66": Department("Pyrénées-Orientales", "FR815"),
    "67": Department("Bas-Rhin", "FR421"),
    "68": Department("Haut-Rhin", "FR422"),
    "69": Department("Rhône", "FR716"),
    "70": Department("Haute-Saône", "FR433"),
    "71": Department("Saône-et-Loire", "FR263"),
    "72": Department("Sarthe", "FR514"),
    "73": Department("Savoie", "FR717"),
    "74": Department("Haute-Savoie", "FR718"),
    "75": Department("Paris", "FR101"),
    "76": Department("Seine-Maritime", "FR232"),
    "77": Department("Seine-et-Marne", "FR102"),
    "78": Department("Yvelines", "FR103"),
    "79": Department("Deux-Sèvres", "FR533"),
    "80": Department("Somme", "FR223"),
    "81": Department("Tarn", "FR627"),
    "82": Department("Tarn-et-Garonne", "FR628"),
    "83": Department("Var", "FR825"),
    "84": Department("Vaucluse", "FR826"),
    "85": Department("Vendée", "FR515"),
    "86": Department("Vienne", "FR534"),
    "87": Department("Haute-Vienne", "FR633"),
    "88": Department("Vosges", "FR414"),
    "89": Department("Yonne", "FR264"),
    "90": Department("Territoire de Belfort", "FR434"),
    "91": Department("Essonne", "FR104"),
    "92": Department("Hauts-de-Seine", "FR105"),
    "93": Department("Seine-Saint-Denis", "FR106"),
    "94": Department("Val-de-Marne", "FR107"),
    "95": Department("Val-d’Oise", "FR108"),
}
"""By their code, which Météo-France's map has too."""

OVERSEAS = frozenset({"971", "972", "973", "974", "975", "976", "977", "978", "986", "987", "988"})
"""Territories that another service of Météo-France warns, mostly by PDF."""

FR_DEPARTMENT, _NUTS, _INSEE = "FR-DEP", "NUTS3", "INSEE"
_BY_NUTS = {department.nuts: code for code, department in DEPARTMENTS.items()}
_SENDERS = ("meteo.fr", "meteofrance.fr", "meteofrance.com")


def event_of(department: str, hazard: Hazard) -> str:
    """The name of what Météo-France warns that department of."""
    return f"{EVENT_NAME}meteo-france/{department}/{hazard}"


def departments_in(codes: Iterable[Named]) -> frozenset[str]:
    """The departments that geocodes name, or lie in."""
    found = set()
    for code in codes:
        scheme, value = code.name.upper(), code.value.strip().upper()
        if scheme == _NUTS:
            found.add(_BY_NUTS.get(value, ""))
        elif scheme in (_INSEE, FR_DEPARTMENT):
            found.add(value[:2])
    return frozenset(found & DEPARTMENTS.keys())


def named_event(alert: Alert, departments: frozenset[str]) -> Alert:
    """The same alert with its event's name, where Météo-France sent it and it is for one of these departments alone."""
    domain = alert.sender.rpartition("@")[2].lower()
    if not any(domain == each or domain.endswith(f".{each}") for each in _SENDERS):
        return alert
    here = departments & departments_in(code for area in alert.areas for code in area.geocodes)
    told = {(info.parameter("awareness_type") or "").partition(";")[0].strip() for info in alert.infos}
    hazards = {AWARENESS_TYPES.get(each, Hazard.GENERAL) for each in told} - {Hazard.GENERAL}
    if len(here) != 1 or len(hazards) != 1:
        return alert
    [department], [hazard] = here, hazards
    return replace(alert, incidents=(*alert.incidents, event_of(department, hazard)))
