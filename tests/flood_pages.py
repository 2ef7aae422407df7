"""Editions of Vigicrues for tests, in its two forms: the RSS of some sections, and the GeoJSON of all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

NAMES = {"GA6": "Vidourle", "GA1": "Cèze amont", "TL3": "Haut Tarn"}
WORDS = {1: "vert", 2: "jaune", 3: "orange", 4: "rouge"}
_PARIS = ZoneInfo("Europe/Paris")


def entry(code: str, colour: str, at: datetime | None = None, *, name: str | None = None, guid: str = "") -> str:
    """An entry of the RSS: the code is in its description, and in its link only where it isn't green."""
    name = name or NAMES.get(code, code)
    told = f"<p>Nom du tronçon : <b>{name}</b> ({code})<br/>Couleur de vigilance crues du tronçon : <b>{colour}</b></p>"
    told = told.replace("<", "&lt;").replace(">", "&gt;")
    link = "https://www.vigicrues.gouv.fr/territoire/20" + ("" if colour == "vert" else f"#{code}")
    date = f"<pubDate>{format_datetime(at.astimezone(_PARIS))}</pubDate>" if at else ""
    guid = f"<guid>{guid}</guid>" if guid else ""
    return (
        f"<item><title>{name} : {colour}</title><link>{link}</link>{guid}{date}<description>{told}</description></item>"
    )


def calm(at: datetime | None = None) -> str:
    """The one entry of a calm country."""
    date = f"<pubDate>{format_datetime(at.astimezone(_PARIS))}</pubDate>" if at else ""
    return f"<item><title>Pas de vigilance particulière requise</title>{date}<description>…</description></item>"


def feed_of(*entries: str) -> bytes:
    """A feed of these entries."""
    head = "<title>Vigicrues : niveau de vigilance des tronçons</title><link>https://www.vigicrues.gouv.fr/</link>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{"".join(entries)}</channel></rss>'.encode()


def an_rss(colours: Mapping[str, int], at: datetime | None) -> bytes:
    """The RSS of an edition: each section with its colour."""
    return feed_of(*(entry(code, WORDS[colour], at) for code, colour in colours.items()))


def a_geojson(colours: Mapping[str, Any], at: datetime | None, *, old: bool = False) -> bytes:
    """The GeoJSON of an edition; `old`: with capitals in its keys, and levels as texts, as it was years ago."""
    features = []
    for code, colour in colours.items():
        told = {"CdEntCru": code, "lbentcru": NAMES.get(code, code), "dhmentcru": "2020/12/17 15:00:00.000"}
        told = {{"lbentcru": "LbEntCru", "dhmentcru": "DhMEntCru"}[name] if old and name[0] in "ld" else name: each
                for name, each in told.items()}  # fmt: skip
        told["NivInfViCr"] = str(colour) if old else colour
        line = {"type": "MultiLineString", "coordinates": [[[4.1, 43.8], [4.2, 43.7]]]}
        features.append({"type": "Feature", "properties": told, "geometry": line})
    document: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if at is not None:
        document["RefInfoVigiCru"] = at.astimezone(_PARIS).strftime("%d%m%Y_%H")
        document |= {} if old else {"DtHrInfoVigiCru": at.isoformat()}
    return json.dumps(document).encode()
