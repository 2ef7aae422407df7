"""What a running desk may try: nobody has a secret sent, or used, where channels.toml doesn't send it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from alerts.channels.settings import WebhookSettings
from alerts.daemon.workshop import check_channel
from alerts.model.errors import Misuse

URL = "https://panneaux.saint-martin.example/tocsin"
SECRET = {"env": "WEBHOOK_SECRET"}


def webhook(**changed: object) -> WebhookSettings:
    return WebhookSettings.model_validate({"kind": "webhook", "url": URL, "secret": SECRET, **changed})


STANDING: Mapping[str, WebhookSettings] = {
    "panneaux": webhook(),
    "ecoles": webhook(url="https://ecoles.example/hook", secret={"file": "ecoles"}, api_url="http://127.0.0.1:9000"),
}


@pytest.mark.parametrize(
    "typed",
    [
        {"url": "http://127.0.0.1:1/x"},
        {"url": "http://169.254.169.254/latest", "secret": {"file": "info.json"}},
        {"secret": {"env": "X_ACCESS_TOKEN_SECRET"}},
        {"secret": {"file": "ecoles"}},
        {"url": "https://elsewhere.example/tocsin", "api_url": "http://127.0.0.1:9000"},
        {"url": "https://ecoles.example/hook", "api_url": "http://127.0.0.1:9000"},
        {"api_url": "http://127.0.0.1:9000"},
    ],
)
def test_a_webhook_is_tried_only_as_it_stands(typed: dict[str, object]) -> None:
    with pytest.raises(Misuse, match="url and secret are tried from here once they stand together"):
        check_channel(webhook(**typed), STANDING)


def test_one_that_stands_may_be_tried() -> None:
    for each in STANDING.values():
        check_channel(each, STANDING)
        check_channel(each.model_copy(update={"exercise": True}), STANDING)


def test_where_nothing_stands_nothing_is_tried() -> None:
    with pytest.raises(Misuse):
        check_channel(webhook(), {})
