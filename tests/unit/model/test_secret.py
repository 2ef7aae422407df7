"""A secret shows itself to nobody but who asks for it by name."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass

import pytest

from alerts.model.secret import Secret

VALUE = "hunter2-not-a-real-one"


@dataclass
class Holder:
    secret: Secret


def test_only_reveal_reveals():
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    "show",
    [str, repr, "{}".format, "{!r}".format, "%s".__mod__, lambda s: f"{s}", lambda s: repr([s, {"a": s}, Holder(s)])],
)
def test_no_way_of_printing_shows_it(show):
    shown = show(Secret(VALUE))

    assert VALUE not in shown
    assert "***" in shown


def test_a_log_line_and_a_traceback_don_t_show_it(caplog):
    secret = Secret(VALUE)
    try:
        int(secret)
    except TypeError:
        logging.getLogger("test").exception("with %s", secret)

    assert VALUE not in caplog.text


def test_it_has_no_attributes_that_a_dump_would_show():
    assert not hasattr(Secret(VALUE), "__dict__")


def test_an_empty_one_is_false():
    assert not Secret("")
    assert Secret(VALUE)


def test_a_copy_keeps_it():
    assert copy.copy(Secret(VALUE)).reveal() == VALUE
