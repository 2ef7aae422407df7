"""A CAP message is read in the daemon: in time as its length, whatever stands where in it."""

from __future__ import annotations

import pytest

from tests.unit.apart.readings import messages

MESSAGE = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"{attributes}>
<identifier>x</identifier><sender>m</sender><sent>2026-11-25T12:00:00+00:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>fr</language><category>Met</category><event>{event}</event><urgency>Expected</urgency>
<severity>Severe</severity><certainty>Likely</certainty><onset>{onset}</onset><description>{words}</description>
<area><areaDesc>Ici</areaDesc><polygon>{polygon}</polygon><circle>{circle}</circle></area></info></alert>"""
PLACES = ("attributes", "event", "onset", "words", "polygon", "circle")
UNITS = [
    "\n",
    "\xa0",
    "a",
    "&",
    "&amp;",
    "<?a?>",
    "<!-- -->",
    "<a>",
    "<a/>",
    "1,1 ",
    "&#1;",
    "<![CDATA[",
    ".",
    "-",
    "9",
    "a='' ",
    "(,",
]


@pytest.mark.parametrize("place", ["before", *PLACES])
def test_a_run_of_anything_costs_as_its_length(place):
    """Two hundred kilobytes of each: less than a second in all; what went over them again and again takes minutes."""
    bodies = []
    for unit in UNITS:
        run = unit * (200_000 // len(unit))
        said = dict.fromkeys(PLACES, "")
        bodies.append(
            (run if place == "before" else "") + MESSAGE.format(**said | {place: f" {run}"} if place in said else said)
        )

    assert messages.in_subprocess(tuple(each.encode() for each in bodies)) == len(UNITS)
