"""Push without a network: the RFC's own example, which endpoints are taken, what a token proves."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pydantic import ValidationError

from alerts.channels.push.bulk import SHORTEST_BODY, payload_of
from alerts.channels.push.encryption import LARGEST, TownKey, encrypted, is_readable, new_key
from alerts.channels.push.services import PushAnswer, meaning_of, service_of
from alerts.channels.settings import PUSH_SERVICES, PushSettings
from alerts.model.delivery import Target
from alerts.model.errors import BadCredential
from alerts.model.hazard import Hazard
from alerts.model.subscriber import PushEndpoint
from tests.unit.store.bulk_turns import a_told
from tests.walls import in_one_test
from tocsin_sandbox.push import Browser, opened

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
# RFC 8291, section 5: the browser's keys.
PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def the_browser() -> Browser:
    private = ec.derive_private_key(int.from_bytes(raw(PRIVATE)), ec.SECP256R1())
    return Browser("one", private, raw(PUBLIC), raw(SECRET))


def test_the_sandbox_s_browser_reads_the_rfc_s_example_and_ours():
    aes = {"Content-Encoding": "aes128gcm"}
    assert opened(the_browser(), raw(SEALED), aes) == "When I grow up, I want to be a watermelon"
    endpoint = PushEndpoint("https://push.example/1", PUBLIC, SECRET)
    first, second = (encrypted(endpoint, b"Crue") for _ in range(2))
    assert opened(the_browser(), first, aes) == "Crue"
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86], "a key of its own for each"
    assert len(encrypted(endpoint, b"x" * LARGEST)) == 4096


@in_one_test
@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", SECRET),
        (PUBLIC, ""),
        (PUBLIC[:-2], SECRET),
        ("B" + "A" * 86, SECRET),
        (PUBLIC, SECRET + "AA"),
        (PUBLIC, "é"),
        (PUBLIC + "\0" * 4, SECRET),
        (PUBLIC[:40] + " " * 4 + PUBLIC[40:], SECRET),
        (PUBLIC, SECRET + "!" * 4),
        (PUBLIC, SECRET + "\n" * 4),
    ],
)
def test_keys_that_no_browser_has_are_known(p256dh, auth):
    assert is_readable(PUBLIC, SECRET)
    assert not is_readable(p256dh, auth)


def test_a_token_is_for_one_service_and_kept_for_half_a_day():
    key = TownKey.read(new_key())
    first = key.authorization("https://push.example", "mailto:a@b.example", NOW)
    assert key.authorization("https://push.example", "mailto:a@b.example", NOW + timedelta(hours=10)) == first
    assert key.authorization("https://push.example", "mailto:a@b.example", NOW + timedelta(hours=12)) != first
    token, public = first.removeprefix("vapid t=").split(", k=")
    signed, _, proof = token.rpartition(".")
    claims = json.loads(raw(signed.split(".")[1]))
    assert claims == {
        "aud": "https://push.example",
        "exp": int((NOW + timedelta(hours=12)).timestamp()),
        "sub": "mailto:a@b.example",
    }
    r, s = raw(proof)[:32], raw(proof)[32:]
    verifying = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(public))
    verifying.verify(
        encode_dss_signature(int.from_bytes(r), int.from_bytes(s)), signed.encode(), ec.ECDSA(hashes.SHA256())
    )


def test_made_up_hosts_are_not_kept_for_ever():
    key = TownKey.read(new_key())
    for number in range(1001):
        key.authorization(f"https://a{number}.notify.windows.com", "mailto:a@b.example", NOW)
    assert len(key._tokens) == 1
    assert key.authorization("https://a.example", "m", NOW) == key.authorization("https://a.example", "m", NOW)


def test_words_that_are_too_long_are_cut_and_the_picture_stays():
    told = a_told("b1", texts={"fr": f"Crue\n{'é' * LARGEST}"}, hazard=Hazard.FLOOD)
    words = payload_of(Target(1, "fr", (told,)))
    notification = json.loads(words)["notification"]
    assert len(words) <= LARGEST
    assert len(notification["body"]) == SHORTEST_BODY + 1
    assert notification["data"] == {"hazard": "flood", "severity": "Moderate"}
    assert words == payload_of(Target(2, "fr", (told,))), "the same for everybody"


@pytest.mark.parametrize("pem", ["", "no key", new_key().replace("PRIVATE", "PUBLIC")])
def test_what_is_no_key_is_told_with_what_to_do(pem):
    with pytest.raises(BadCredential, match="tocsin push keys"):
        TownKey.read(pem)


@in_one_test
@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc:def", "https://fcm.googleapis.com"),
        ("https://FCM.googleapis.com:443/x", "https://fcm.googleapis.com"),
        ("https://db5p.notify.windows.com/w/?token=a%3d", "https://db5p.notify.windows.com"),
        ("http://127.0.0.1:8081/wpush/x", "http://127.0.0.1:8081"),
        ("https://push.saint-martin.example:8443/x", "https://push.saint-martin.example:8443"),
        ("http://fcm.googleapis.com/x", None),
        ("https://fcm.googleapis.com:8443/x", None),
        ("https://fcm.googleapis.com.evil.example/x", None),
        ("https://notify.windows.com/x", None),
        ("https://evilnotify.windows.com/x", None),
        ("https://fcm.googleapis.com@evil.example/x", None),
        ("https://evil.example#@fcm.googleapis.com/x", None),
        ("https://evil.example\\@fcm.googleapis.com/x", None),
        ("https://xn--a.notify.windows.com/x", None),
        ("https://xn--zzzz--.notify.windows.com/x", None),
        ("https://..notify.windows.com/x", None),
        ("https://evil%2f.notify.windows.com/x", None),
        ("https://-.notify.windows.com/x", None),
        ("https://*.notify.windows.com/x", None),
        ("https://" + "a" * 64 + ".notify.windows.com/x", None),
        ("https://wns2-par02p.notify.windows.com/w/?token=x", "https://wns2-par02p.notify.windows.com"),
        ("https://push.saint-martin.example/x", None),
        ("http://push.saint-martin.example:8443/x", None),
        ("https://169.254.169.254/latest", None),
        ("https://[::1]/x", None),
        ("https://fcm.googleapis.com/x y", None),
        ("https://fcm.googleapis.com/" + "x" * 1000, None),
        ("https://fcm.googleapis.com:x/", None),
        ("ftp://fcm.googleapis.com/", None),
        ("fcm.googleapis.com", None),
    ],
)
def test_an_endpoint_is_at_a_service_that_is_named_or_nowhere(url, origin):
    services = (*PUSH_SERVICES, "127.0.0.1:8081", "push.saint-martin.example:8443")
    found = service_of(url, services)
    assert (found.origin if found else None) == origin


def test_only_a_host_that_the_town_named_may_be_private():
    assert service_of("http://127.0.0.1:8081/x", ("127.0.0.1:8081",)).named
    assert not service_of("https://fcm.googleapis.com/x", PUSH_SERVICES).named
    assert not service_of("https://a.notify.windows.com/x", PUSH_SERVICES).named
    assert not service_of("https://a.town.example/x", ("*.town.example",)).named


def test_what_a_service_s_answer_means():
    told = {201: "TAKEN", 404: "GONE", 410: "GONE", 413: "TOO_LONG", 429: "WAIT", 401: "KEY", 403: "KEY"}
    told |= {400: "REFUSED", 307: "REFUSED", 500: "TROUBLE", 503: "TROUBLE", 408: "TROUBLE"}
    assert {status: meaning_of(status).name for status in told} == told
    assert set(told.values()) == {each.name for each in PushAnswer}


def settings(**changes) -> PushSettings:
    return PushSettings.model_validate({"key": {"file": "push.pem"}, "subject": "mailto:a@b.example", **changes})


def test_the_services_are_those_of_browsers_unless_the_town_names_others():
    assert settings().services == PUSH_SERVICES
    assert settings(services=["localhost:8443", "*.push.example"]).services == ("localhost:8443", "*.push.example")


@in_one_test
@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "mairie@b.example"},
        {"services": []},
        {"services": ["https://fcm.googleapis.com"]},
        {"services": ["*"]},
    ],
)
def test_what_is_wrong_in_the_section_is_refused(changes):
    with pytest.raises(ValidationError):
        settings(**changes)
