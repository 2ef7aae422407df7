"""What is said of citizens' reports: why one isn't taken, why it is held, and what became of it.

Reasons like any other (`reason.py` is where they are read).
"""

from __future__ import annotations

from collections.abc import Mapping

REPORTED: Mapping[str, str] = {
    # Not taken
    "no_such_kind": "'{name}' is no kind of report; known: {known}",
    "report_stopped": "{stop}",
    "report_without_place": "where is it? Give a position or an address",
    "report_off_globe": "{lat}, {lon} is no place on the globe",
    "report_text_long": "the text has {count} characters; allowed: {most}",
    "report_at_when": "it can be told of the last {hours} hours, not of later than now",
    "reports_too_many": "too many reports come in at once; please try again in a minute",
}
"""By code; `SENTENCES` holds them with all others."""
