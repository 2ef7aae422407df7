"""Our signatures against oauthlib's, and the time that they carry."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st
from oauthlib.oauth1 import Client

from alerts.channels.twitter.wire import Signer, encode
from alerts.model.town import Secret

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
URL = "https://api.x.com/2/users/42/tweets"
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
SIGNER = Signer(Secret("key&1"), Secret("s+ecret"), Secret("42-token"), Secret("tok%en"))


@settings(deadline=None, derandomize=True)
@example({"oauth_nonce": ""}, "GET")
@given(st.dictionaries(words.filter(bool), words, max_size=5), st.sampled_from(["GET", "POST", "DELETE"]))
def test_it_is_what_oauthlib_signs(query, method):
    ours = SIGNER.sign(method, URL, query, NOW, nonce="n0nce")
    oracle = Client("key&1", "s+ecret", "42-token", "tok%en", nonce="n0nce", timestamp=str(int(NOW.timestamp())))
    _, headers, _ = oracle.sign(f"{URL}?{encode(query.items())}" if query else URL, method)
    assert parse(ours) == parse(headers["Authorization"])


def test_each_request_has_its_own_nonce():
    assert SIGNER.sign("GET", URL, {}, NOW) != SIGNER.sign("GET", URL, {}, NOW)


def test_a_query_is_sent_as_it_is_signed():
    assert (
        encode([("start_time", "2026-11-25T12:00:00Z"), ("a", "b c")]) == "a=b%20c&start_time=2026-11-25T12%3A00%3A00Z"
    )
    assert urlsplit(f"{URL}?{encode([('a', 'é')])}").query == "a=%C3%A9"


def test_the_signer_s_repr_holds_no_secret():
    assert repr(SIGNER) == "Signer(consumer_key=***, consumer_secret=***, token=***, token_secret=***)"


def parse(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    assert scheme == "OAuth"
    return dict(part.strip().split("=", 1) for part in rest.split(","))
