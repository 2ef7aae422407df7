"""Answers that are none: each is told in the alert's history, ends in one post, and holds up no other channel."""

from __future__ import annotations

import pytest

from tests.process.town import TELEGRAM, X
from tests.release import at_release

pytestmark = pytest.mark.process
# Where no answer comes, the test waits no longer than it has to; elsewhere a busy machine may take its time to answer.
IMPATIENT = X.replace("[channels.x]", '[channels.x]\ntimeout = "1s"')
PUBLISHING = "POST .*tweets"


@pytest.mark.parametrize(
    ("fault", "settings", "outcome", "says"),
    [
        ("half", {}, "in_doubt", "X"),
        *at_release(
            [
                ("hang", {}, "in_doubt", "n’a pas répondu"),
                ("error_html", {"status": 502}, "in_doubt", "502"),
                ("rate_limit", {"retry_after": 3}, "retry", "limite"),
                ("rate_limit", {}, "retry", "limite"),
            ]
        ),
    ],
    ids=["half", "hang", "html", "429-with-a-time", "429-without"],
)
def test_an_answer_that_is_none_is_told_and_ends_in_one_post(town, fault, settings, outcome, says):
    town.configure((IMPATIENT if outcome == "in_doubt" else X) + TELEGRAM)
    town.start_daemon()
    town.fault("twitter", fault, route=PUBLISHING, times=1, **settings)
    alert = town.post("Gymnase ouvert")["alert"]

    def on(channel: str) -> dict:
        (account,) = [each for each in town.objects("status") if each.get("alert") == alert]
        return next(post for post in account["posts"] if post["channel"] == channel)

    town.until(lambda: town.timelines()["telegram"])
    # X names the start of its next window of a quarter of an hour where the answer tells nothing else.
    if (fault, settings) == ("rate_limit", {}):
        post = town.until(lambda: (seen := on("x"))["reason"] and seen)
        assert (post["state"], says in post["reason"]) == ("queued", True)
        (channel,) = [each for each in town.objects("status") if each.get("channel") == "x" and "left" in each]
        assert channel["state"] == "failing"
        return
    town.hurry = 0.5
    town.until(lambda: on("x")["state"] == "sent")
    events = [(each["what"], each["reason"] or "") for each in town.objects("explain", alert)]
    assert [reason for what, reason in events if what == outcome and says in reason], events
    assert len(town.timelines()["twitter"]) == 1
