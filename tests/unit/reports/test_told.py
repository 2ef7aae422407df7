"""What a draft made of reports says: what was seen, that nobody confirmed it, and no other hazard's order or end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.channels.settings import MAIL_TEXT, PUSH_TEXT
from alerts.model.alert import MsgType
from alerts.model.hazard import Hazard
from alerts.model.post import EndReason, PostKind
from alerts.model.reports import ClusterRule, ReportKind, shipped_kinds
from alerts.model.town import ChannelConfig
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer
from tests.unit.rendering.sample_alerts import FACEBOOK, OTHER, TELEGRAM, X
from tests.unit.reports.conftest import house_of, reporting_town
from tests.unit.reports.test_drafting import crowd, drafts

KINDS = [kind for kind in shipped_kinds("fr") if kind.cluster] + [
    ReportKind("own", {"fr": "Nid de frelons", "en": "Hornets’ nest"}, hazard=Hazard.WIND, cluster=ClusterRule()),
    ReportKind(
        *("longest", {"fr": "Chutes", "en": "Falling"}, "other", True, Hazard.WIND, ClusterRule()),
        descriptions={
            "fr": "Chutes de tuiles et d’ardoises sur les trottoirs et chaussées",
            "en": "Tiles and slates falling on pavements, cars and on roadways",
        },
        instruction={"fr": "Ne passez pas au pied des murs. " * 3, "en": "Don’t walk along the walls of houses. " * 2},
    ),
]
PUSH, MAIL = ChannelConfig("push", "push", PUSH_TEXT), ChannelConfig("mail", "mail", MAIL_TEXT)
CHANNELS = (X, PUSH, MAIL, TELEGRAM, FACEBOOK, OTHER)
ORDERS = {
    "fr": ("attacher", "attachez", "cette route", "vos robinets", "vent violent", "fermeture de route"),
    "en": ("tie down", "this road", "your taps", "strong wind", "road closure"),
}
"""What the hazards' own words would say, of which nobody knows whether it is so."""
ENDED = {
    "fr": (
        "Terminé – «\u00a0{told}\u00a0»",
        "Fin prévue – «\u00a0{told}\u00a0»",
        "Annonce retirée – «\u00a0{told}",
        "{told}",
    ),
    "en": ("Over – “{told}”", "Planned end – “{told}”", "Notice withdrawn – “{told}”", "{told}"),
}


@pytest.mark.parametrize("language", ["fr-FR", "en-GB"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
async def test_a_draft_says_what_was_seen_and_that_nobody_confirmed_it_on_every_channel(tmp_path, kind, language):
    path = tmp_path / "tocsin.db"
    town = reporting_town(path, language=language, kinds=(kind,))
    house = await house_of(path, town)
    await crowd(house, kind=kind.code)
    [draft] = await drafts(house)
    await house.database.close()
    renderer, [info], told = Renderer(town), draft.alert.infos, kind.description(language)
    unsure, others = {"fr-FR": ("(à confirmer)", ORDERS["fr"]), "en-GB": ("(not confirmed)", ORDERS["en"])}[language]

    assert (info.event, info.instruction) == (told, kind.what_to_do(language))
    for channel in CHANNELS:
        for kind_of in (PostKind.PUBLISH, PostKind.UPDATE):
            context = Context("1", house.clock.now(), previous=draft.alert)
            said = renderer.render(draft.alert, kind_of, channel, context=context).message.plain
            assert unsure in said, channel.name
            assert told in said
            assert not [order for order in others if order in said]
        for reason, lead in zip(EndReason, ENDED[language[:2]], strict=True):
            context = Context("1", house.clock.now(), reason, draft.alert)
            bare = replace(draft.alert, infos=(), msg_type=MsgType.CANCEL)
            ended = renderer.render(bare, PostKind.END, channel, context=context).message.plain
            assert lead.format(told=told) in ended, (channel.name, reason)
            assert unsure not in ended
