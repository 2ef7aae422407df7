"""Numbers of mobile telephones, as people type them, in the international form (ITU-T E.164).

A French number may be typed as it is dialled in France: `06 12 34 56 78`; the ranges of mobiles are those of Arcep's
numbering plan, where 0690 is in Guadeloupe and 0692 in Réunion. Of other countries the plan isn't known here: whatever
has the right prefix and length is taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection

FRENCH = ("+33", "+262", "+508", "+590", "+594", "+596", "+681", "+687", "+689")
"""France and its territories."""
E164 = r"\+[1-9]\d{7,14}"
"""A regular expression for numbers in the international form."""
# 0700 is for machines; neither 089 nor a short number is a mobile's, so nothing dearer than an SMS can be asked for.
_MOBILES = {
    "+262": re.compile(r"(?:69[23]|639)\d{6}"),
    "+590": re.compile(r"69[01]\d{6}"),
    "+594": re.compile(r"694\d{6}"),
    "+596": re.compile(r"69[67]\d{6}"),
    "+33": re.compile(r"6\d{8}|7[1-9]\d{7}"),
}
_SEPARATORS = re.compile(r"[\s.()/-]+")


def mobile_number(typed: str, prefixes: Collection[str] = FRENCH) -> str | None:
    """Return the number in the international form. Returns None if no mobile of these prefixes can have it."""
    plain = _SEPARATORS.sub("", typed.strip())
    if plain.startswith("00"):
        plain = f"+{plain[2:]}"
    elif plain.startswith("0"):
        plain = _dialled_in_france(plain[1:]) or ""
    if plain.startswith("+330"):  # +33 (0)6 12 34 56 78
        plain = f"+33{plain[4:]}"
    if not plain.isascii() or not re.fullmatch(E164, plain):
        return None
    prefix = max((each for each in prefixes if plain.startswith(each)), key=len, default=None)
    plan = _MOBILES.get(prefix or "")
    if prefix is None or (plan is not None and not plan.fullmatch(plain.removeprefix(prefix))):
        return None
    return plain


def _dialled_in_france(rest: str) -> str | None:
    return next((f"{prefix}{rest}" for prefix, plan in _MOBILES.items() if plan.fullmatch(rest)), None)
