"""What the tests of this room render: alerts, faces and the moment they share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.model.alert import Alert, Area, Info, NamedValue, Severity
from alerts.model.hazard import HAZARD_PARAMETER, Hazard
from alerts.model.post import PostKind, TextFormat
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.matter import Context
from alerts.rendering.templates import Rendered, Renderer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
X = ChannelConfig("x", "twitter", TextFormat(280, "weighted"))
FACEBOOK = ChannelConfig("page", "facebook", TextFormat(63206, link="field"))
TELEGRAM = ChannelConfig("telegram", "telegram", TextFormat(4096, "utf16", "html"))
OTHER = ChannelConfig("minitel", "minitel", TextFormat(500))
CHANNELS = (X, FACEBOOK, TELEGRAM, OTHER)
FRENCH = Town("Ville de Saint-Martin", public_url="https://alertes.saint-martin.fr")
ENGLISH = replace(FRENCH, name="Town of Saint-Martin", language="en-GB")
LINK = "https://alertes.saint-martin.fr/alerts/7x3k"


def an_info(**changes: Any) -> Info:
    info = Info(
        "Vent violent",
        severity=Severity.SEVERE,
        language="fr-FR",
        expires=NOW + timedelta(hours=6),
        headline="Coup de vent sur la vallée",
        description="Les rafales atteindront 110 km/h.",
        instruction="Rentrez le mobilier de jardin.",
        sender_name="Météo locale",
        areas=(Area("Isère"), Area("Savoie")),
    )
    return replace(info, **changes)


def an_alert(*infos: Info, **changes: Any) -> Alert:
    return replace(Alert("id-1", "meteo@example", NOW, infos=infos or (an_info(),)), **changes)


def about(hazard: Hazard, language: str) -> Alert:
    return an_alert(an_info(language=language, parameters=(NamedValue(HAZARD_PARAMETER, hazard.value),)))


def render(
    alert: Alert,
    kind: PostKind = PostKind.PUBLISH,
    channel: ChannelConfig = X,
    renderer: Renderer | None = None,
    **context: Any,
) -> Rendered:
    renderer = renderer or Renderer(FRENCH)
    return renderer.render(alert, kind, channel, context=Context("7x3k", NOW, **context))
