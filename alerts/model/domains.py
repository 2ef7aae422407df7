"""Top-level domains: the last label of every rule in the ICANN half of the Public Suffix List."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

# The everyday ones are known without reading the list, so that a usual post doesn't pay for it (10 ms, once).
_EVERYDAY = frozenset(("fr", "com", "org", "net", "eu", "info", "gov", "paris", "bzh", "be", "ch", "uk", "us", "de"))


def is_tld(name: str) -> bool:
    """True if that is a top-level domain, as written or in ASCII; `name` is in small letters."""
    return name in _EVERYDAY or name in _known()


@cache
def _known() -> frozenset[str]:
    rules = (files("publicsuffixlist") / "public_suffix_list.dat").read_text("utf-8")
    official = rules.partition("===END ICANN DOMAINS===")[0].splitlines()
    names = {line.split()[0].rpartition(".")[2] for line in official if line.strip() and not line.startswith("//")}
    coded = {"xn--" + name.encode("punycode").decode("ascii") for name in names if not name.isascii()}
    return frozenset(names | coded)
