"""Who a Graph API call is from: the tokens of the sandbox, their proof, and what is told about them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from tocsin_sandbox.exchange import Answer, Asked
from tocsin_sandbox.facebook.answers import failed, told
from tocsin_sandbox.settings import (
    FACEBOOK_APP_ID,
    FACEBOOK_APP_SECRET,
    FACEBOOK_PAGE_ID,
    FACEBOOK_PAGE_TOKEN,
    FACEBOOK_USER_TOKEN,
)

SCOPES = ("pages_manage_posts", "pages_read_engagement", "pages_manage_engagement", "pages_show_list")
APP_TOKEN = f"{FACEBOOK_APP_ID}|{FACEBOOK_APP_SECRET}"
USER_ID = "9876543210"
DATA_ACCESS_SPAN = 60 * 86_400
_EXCHANGED_SPAN = 5_183_944


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is: "page", "user" or "app"; `page` is None for a token that speaks for any page."""

    kind: str
    id: str
    page: str | None = None

    def may_write(self, page: str) -> bool:
        """Whether it may publish as this page."""
        return self.kind == "page" and self.page in {None, page}


def who_calls(token: str) -> Caller | None:
    """The caller that a token stands for: `sandbox-page-token` for every page, `sandbox-page-token-42` for page 42."""
    if token == FACEBOOK_PAGE_TOKEN:
        return Caller("page", FACEBOOK_PAGE_ID)
    page = token.removeprefix(f"{FACEBOOK_PAGE_TOKEN}-")
    if page != token and page.isdecimal():
        return Caller("page", page, page)
    return {APP_TOKEN: Caller("app", FACEBOOK_APP_ID), FACEBOOK_USER_TOKEN: Caller("user", USER_ID)}.get(token)


def token_of(asked: Asked) -> str:
    """The token by header, else by query or form."""
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "oauth"}:
        return token.strip()
    return str(asked.arguments().get("access_token", ""))


def admit(asked: Asked) -> Caller | Answer:
    """The caller, or the error that the call gets."""
    token = token_of(asked)
    if not token:
        return failed(104, "An access token is required to request this resource.")
    caller = who_calls(token)
    if caller is None:
        return failed(190, "Invalid OAuth access token - Cannot parse access token")
    proof = asked.arguments().get("appsecret_proof")
    if proof is not None and not hmac.compare_digest(str(proof).encode(), _prove(token)):
        return failed(100, "Invalid appsecret_proof provided in the API argument")
    return caller


def debug_token(asked: Asked, error: tuple[int, str, int | None] | None = None) -> Answer:
    """`GET /debug_token`: what is known of `input_token`; `error` tells of one that was valid and is no more."""
    caller = who_calls(str(asked.arguments().get("input_token", "")))
    if caller is None:
        error = (190, "The access token could not be decrypted", None)
    if error:
        code, message, subcode = error
        told_error = {"code": code, "message": message, **({"subcode": subcode} if subcode else {})}
        return told({"data": {"is_valid": False, "app_id": FACEBOOK_APP_ID, "error": told_error, "scopes": []}})
    data = {
        "app_id": FACEBOOK_APP_ID,
        "application": "Tocsin sandbox",
        "type": caller.kind.upper() if caller else "",
        "is_valid": True,
        "expires_at": 0,
        "data_access_expires_at": int(asked.at) + DATA_ACCESS_SPAN,
        "scopes": list(SCOPES),
        "profile_id": caller.id if caller else "",
    }
    return told({"data": data})


def exchange_token(asked: Asked) -> Answer:
    """`GET /oauth/access_token`: a short-lived user token for a long-lived one."""
    arguments = asked.arguments()
    app = (arguments.get("client_id"), arguments.get("client_secret"))
    if app != (FACEBOOK_APP_ID, FACEBOOK_APP_SECRET):
        return failed(1, "Error validating client secret.")
    if arguments.get("fb_exchange_token") != FACEBOOK_USER_TOKEN:
        return failed(190, "Invalid OAuth access token - Cannot parse access token")
    return told({"access_token": FACEBOOK_USER_TOKEN, "token_type": "bearer", "expires_in": _EXCHANGED_SPAN})


def list_accounts(caller: Caller) -> Answer:
    """`GET /me/accounts`: the pages of a user, each with its token."""
    if caller.kind != "user":
        return failed(100, "(#100) Tried accessing nonexisting field (accounts) on node type (Page)")
    page: dict[str, Any] = {
        "access_token": FACEBOOK_PAGE_TOKEN,
        "category": "Town hall",
        "name": page_name(FACEBOOK_PAGE_ID),
        "id": FACEBOOK_PAGE_ID,
        "tasks": ["CREATE_CONTENT", "MANAGE", "MODERATE"],
    }
    return told({"data": [page], "paging": {"cursors": {"before": "0", "after": "0"}}})


def page_name(page: str) -> str:
    """What a page of the sandbox is called."""
    return f"Sandbox page {page}"


def _prove(token: str) -> bytes:
    return hmac.new(FACEBOOK_APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest().encode()
