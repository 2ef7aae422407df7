"""Every text that ships, as a citizen would read it: hazard by hazard, kind, channel, language and end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

import pytest

from alerts.model.hazard import Hazard
from alerts.model.post import EndReason, PostKind
from alerts.rendering.templates import ChannelFace, Renderer, StationFace
from tests.unit.rendering.sample_alerts import CHANNELS, ENGLISH, FRENCH, LINK, X, about, render

RENDERERS = {"fr-FR": Renderer(FRENCH), "en-GB": Renderer(ENGLISH)}
POSTS = [(PostKind.PUBLISH, None), (PostKind.UPDATE, None), *((PostKind.END, reason) for reason in EndReason)]
STATIONS = [FRENCH, ENGLISH]


@pytest.mark.parametrize(("hazard", "channel", "station"), list(product(Hazard, CHANNELS, STATIONS)), ids=str)
@pytest.mark.parametrize(("kind", "reason"), POSTS, ids=str)
def test_each_text_has_the_five_elements_and_fits(
    hazard: Hazard, channel: ChannelFace, station: StationFace, kind: PostKind, reason: EndReason | None
) -> None:
    alert = about(hazard, station.language)
    rendered = render(alert, kind, channel, RENDERERS[station.language], reason=reason, previous=alert)
    said = rendered.message.plain
    assert rendered.count <= rendered.limit
    assert "Météo locale" in said
    assert "Coup de vent sur la vallée" in said
    assert "Isère, Savoie" in said
    assert re.search(r"25 (nov|Nov)", said)
    assert rendered.message.link == LINK
    assert (LINK in said) is (channel.text.link == "text")
    if kind is PostKind.END:
        assert "Rentrez le mobilier de jardin." not in said
        assert re.search(r"[.!]", said if reason is EndReason.CORRECTED else said.split("25", 1)[1])
    else:
        assert "Rentrez le mobilier de jardin." in said
    assert rendered.warnings == ()
    assert rendered.cut == ()
    assert not re.search(r"\n{3}| \n|[{}]|None", said)


@pytest.mark.parametrize("station", STATIONS, ids=lambda station: station.language)
@pytest.mark.parametrize("hazard", list(Hazard))
def test_each_end_has_words_of_its_own(hazard: Hazard, station: StationFace) -> None:
    alert = about(hazard, station.language)
    texts = {
        render(alert, PostKind.END, X, RENDERERS[station.language], reason=reason, previous=alert).message.text
        for reason in EndReason
    }
    assert len(texts) == len(EndReason)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("hazard", list(Hazard))
def test_a_prepared_instruction_is_short_and_whole(hazard: Hazard, language: str) -> None:
    words = RENDERERS["fr-FR"]._library.words(language, f"hazards/{hazard}.j2")
    for severity, instruction in words["instruction"].items():
        if hazard is Hazard.GENERAL and severity == "default":
            assert instruction == "", "nothing that is right for a closed town hall as for a missing child"
            continue
        assert len(instruction) <= 90
        assert instruction.endswith(".")


def test_french_is_set_the_french_way() -> None:
    library = RENDERERS["fr-FR"]._library
    files = ["words.j2", *(f"hazards/{hazard}.j2" for hazard in Hazard)]
    for text in strings([library.words("fr", file) for file in files]):
        assert "'" not in text
        assert "\u202f" not in text
        assert not re.search(r"[^\u00a0][:;!?»](?!\S)|«[^\u00a0]", text)


def strings(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return strings(list(value.values()))
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [str(value)]
