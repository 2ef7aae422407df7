"""A post's text: against a bare Jinja template that prints the same words, uncounted and unfitted."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment

from alerts.channels.settings import FACEBOOK_TEXT, TELEGRAM_TEXT, TWITTER_TEXT
from alerts.model.post import PostKind
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer
from bench import samples
from bench.measure import Row, compare

STATION = Town("Ville de Saint-Martin", public_url="https://alertes.saint-martin.example")
FACES = (
    ChannelConfig("x", "twitter", TWITTER_TEXT),
    ChannelConfig("page", "facebook", FACEBOOK_TEXT),
    ChannelConfig("telegram", "telegram", TELEGRAM_TEXT),
)
BARE = """\
{{ headline }}

Où : {% for area in areas %}{{ area }}{% if not loop.last %}, {% endif %}{% endfor %}
Quand : {{ start.strftime("%d/%m %H:%M") }} – {{ end.strftime("%d/%m %H:%M") }}

Que faire : {{ instruction }}

{{ description }}

{{ sender }}
{{ link }}
"""


def measure() -> Iterator[Row]:
    """One row for each kind of channel."""
    alert = samples.an_alert()
    info = alert.infos[0]
    template = Environment(autoescape=True).from_string(BARE)
    known = {
        "headline": info.headline,
        "areas": [area.description for area in info.areas],
        "start": info.onset,
        "end": info.expires,
        "instruction": info.instruction,
        "description": info.description,
        "sender": info.sender_name,
        "link": "https://alertes.saint-martin.example/alerts/7x3k",
    }
    renderer = Renderer(STATION)
    context = Context("7x3k", samples.NOW)
    for face in FACES:

        def ours(face: ChannelConfig = face) -> None:
            renderer.render(alert, PostKind.PUBLISH, face, context=context)

        yield compare(
            f"rendering a post, {face.kind}, bare Jinja", lambda: template.render(known), ours, goal=10, times=20
        )
