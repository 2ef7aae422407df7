"""Passkeys (WebAuthn): what the browser is asked, and whether its answer is good.

User verification is preferred, not asked for: the passkey is the second factor, the password was the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from alerts.access.answers import Site
from alerts.model.actor import fold_name
from alerts.model.person import Passkey

CHALLENGE_BYTES = 32
_FOUL = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What the library raises for what no authenticator sends."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a registration brought; `id` and `public_key` are base64url."""

    id: str
    public_key: str
    sign_count: int


def ask_to_register(name: str, issuer: str, known: Sequence[Passkey], challenge: bytes, site: Site) -> dict[str, Any]:
    """The options of `navigator.credentials.create`, as JSON can hold them; what is `known` isn't registered again."""
    options = generate_registration_options(
        rp_id=site.party,
        rp_name=issuer,
        user_name=name,
        user_id=hashlib.sha256(f"tocsin:{fold_name(name)}".encode()).digest(),
        challenge=challenge,
        exclude_credentials=_described(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json_dict(options)


def registered(answer: Mapping[str, Any], challenge: str, site: Site) -> NewKey | None:
    """The key that the browser's answer brings; None where the answer isn't one to this challenge and site."""
    try:
        new = verify_registration_response(
            credential=dict(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.party,
            expected_origin=site.origin,
        )
    except _FOUL:
        return None
    return NewKey(bytes_to_base64url(new.credential_id), bytes_to_base64url(new.credential_public_key), new.sign_count)


def ask_to_prove(known: Sequence[Passkey], challenge: bytes, site: Site) -> dict[str, Any]:
    """The options of `navigator.credentials.get`, as JSON can hold them."""
    options = generate_authentication_options(
        rp_id=site.party,
        challenge=challenge,
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return options_to_json_dict(options)


def proven(key: Passkey, answer: Mapping[str, Any], challenge: str, site: Site) -> int | None:
    """The new count of signatures where the key signed this challenge for this site; None where it didn't.

    A count that didn't grow is a copied key's, or a replay: refused (WebAuthn 2, 7.2, step 21).
    """
    try:
        proof = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.party,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
        )
    except _FOUL:
        return None
    return proof.new_sign_count


def _described(known: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.id)) for key in known]
