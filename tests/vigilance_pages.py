"""The two documents of Météo-France's Vigilance for tests, in its form: a map of some departments, and a bulletin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

MORNING = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
"""Six o'clock in Paris: when the first edition of a day comes."""
KEY = "sandbox-vigilance-key"
HOUR = timedelta(hours=1)
TONIGHT = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)
Hours = Sequence[tuple[int, int, int]]
"""Colours by the hours after `MORNING` at which they begin and end."""


def spelled(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def phenomenon(name: str, hours: Hours, begin: datetime, end: datetime) -> dict[str, Any]:
    """A phenomenon within a period: green but for these hours, as the map has it."""
    told = [
        (max(MORNING + first * HOUR, begin), min(MORNING + last * HOUR, end), colour)
        for first, last, colour in hours
        if MORNING + first * HOUR < end and MORNING + last * HOUR > begin
    ]
    lapses, at = [], begin
    for first, last, colour in told:
        lapses += [(at, first, 1)] if first > at else []
        lapses.append((first, last, colour))
        at = last
    lapses += [(at, end, 1)] if at < end else []
    return {
        "phenomenon_id": name,
        "phenomenon_max_color_id": max((colour for *_, colour in told), default=1),
        "timelaps_items": []
        if name == "4"  # floods have no hours
        else [{"begin_time": spelled(a), "end_time": spelled(b), "color_id": c} for a, b, c in lapses],
    }


def a_map(
    colours: Mapping[str, Hours],
    *,
    updated: datetime = MORNING,
    department: str = "38",
    coast: Mapping[str, Hours] | None = None,
) -> bytes:
    """An edition of the map: `colours` of a department's phenomena; all the others are green."""
    periods = []
    for name, begin, end in (("J", updated, TONIGHT), ("J1", TONIGHT, TONIGHT + 24 * HOUR)):
        domains = [(department, {each: colours.get(each, ()) for each in "312567489"}), ("26", {"3": [(0, 48, 4)]})]
        domains += [(f"{department}10", coast)] if coast else []
        periods.append({
            "echeance": name,
            "begin_validity_time": spelled(begin),
            "end_validity_time": spelled(end),
            "timelaps": {
                "domain_ids": [
                    {
                        "domain_id": domain,
                        "max_color_id": 1,
                        "phenomenon_items": [phenomenon(each, hours, begin, end) for each, hours in told.items()],
                    }
                    for domain, told in domains
                ]
            },
        })  # fmt: skip
    product = {"warning_type": "vigilance", "type_cdp": "cdp_carte_externe", "update_time": spelled(updated)}
    return json.dumps({"product": {**product, "global_max_color_id": "4", "periods": periods}}).encode()


def a_bulletin(
    texts: Mapping[str, Mapping[str, Sequence[str]]], *, updated: datetime = MORNING, department: str = "38"
) -> bytes:
    """A bulletin: of each phenomenon paragraphs under their headings."""
    items = [
        {
            "hazard_code": name,
            "hazard_name": "…",
            "term_items": [
                {
                    "term_names": "J+J1",
                    "risk_code": "3",
                    "subdivision_text": [
                        {"underline_text": "", "bold_text": f"{heading} :", "text": ["", *lines]}
                        for heading, lines in sections.items()
                    ],
                }
            ],
        }
        for name, sections in texts.items()
    ]
    blocs = [
        {"domain_id": "FRA", "bloc_id": "BULLETIN_NATIONAL", "bloc_items": []},
        {"domain_id": department, "bloc_items": [{"id": "DEP_SUIVI", "text_items": items}]},
        {"domain_id": "26", "bloc_items": "none of ours"},
    ]
    return json.dumps({"product": {"update_time": spelled(updated), "text_bloc_items": blocs}}).encode()


def an_edition(
    windows: Mapping[str, Sequence[tuple[datetime, datetime, int]]],
    updated: datetime,
    until: datetime,
    department: str = "38",
) -> bytes:
    """An edition of the map of any day, in one period: the colours of a department's phenomena by their windows."""
    items = [
        {
            "phenomenon_id": name,
            "phenomenon_max_color_id": max((colour for *_, colour in windows.get(name, ())), default=1),
            "timelaps_items": [
                {"begin_time": a.isoformat(), "end_time": b.isoformat(), "color_id": colour}
                for a, b, colour in windows.get(name, ())
            ],
        }
        for name in "123456789"
    ]
    period = {
        "begin_validity_time": updated.isoformat(),
        "end_validity_time": until.isoformat(),
        "timelaps": {"domain_ids": [{"domain_id": department, "max_color_id": 1, "phenomenon_items": items}]},
    }
    return json.dumps({"product": {"update_time": updated.isoformat(), "periods": [period]}}).encode()
