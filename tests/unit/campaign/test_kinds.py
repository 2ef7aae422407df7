"""Every kind takes part in the campaign of kills, or is named with the mode that kills it."""

from __future__ import annotations

import tomllib

from alerts.channels import KINDS as CHANNEL_KINDS
from alerts.sources import KINDS as SOURCE_KINDS
from campaign.kinds import CHANNELS, OTHERWISE
from campaign.town import SECTIONS
from simulation.faces import FACES


def test_every_kind_of_channel_and_of_source_is_in_the_campaign():
    sections = tomllib.loads("".join(SECTIONS[name] for name in CHANNELS).format(sandbox="http://127.0.0.1:1"))
    told = {each["kind"] for each in sections["channels"].values()}
    assert told | OTHERWISE.keys() >= CHANNEL_KINDS.keys()
    assert FACES.keys() | OTHERWISE.keys() >= SOURCE_KINDS.keys()
    assert not OTHERWISE.keys() & (told | FACES.keys())
