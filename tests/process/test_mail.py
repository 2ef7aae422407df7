"""The real program and a real mail relay: what is under way at a kill is in doubt, and nobody can look."""

from __future__ import annotations

import signal

import pytest

from tests.mail_relay import LIST, USER, Relay, running

pytestmark = pytest.mark.process
CHANNEL = f"""
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = PORT
tls = "none"
sender = "Ville de Saint-Martin <{USER}>"
to = "{LIST}"
"""


def test_a_kill_at_the_final_dot_sends_what_is_grave_once_more_under_its_id(town):
    with running(Relay()) as relay:
        town.configure(CHANNEL.replace("PORT", str(relay.port)))
        relay.set(does="hang")
        daemon = town.start_daemon()
        grave = town.post("Crue de l’Isère", "--severity", "Severe")["alert"]
        slight = town.post("Marché déplacé", "--severity", "Minor")["alert"]
        town.until(lambda: len(relay.taken) == 2)
        daemon.stop(signal.SIGKILL)
        relay.set()
        town.start_daemon()

        def posts() -> dict[str, str]:
            return {each["alert"]: each["posts"][0]["state"] for each in town.objects("status") if each.get("posts")}

        town.until(lambda: posts() == {grave: "sent", slight: "in_doubt"}, patience=30)
        told = [(taken.letter["Subject"], taken.id) for taken in relay.taken]
        assert len(told) == 3
        assert told[2] == next(each for each in told if "Crue" in each[0])
        assert relay.taken[2].letter["Date"] in [taken.letter["Date"] for taken in relay.taken[:2]]
        assert "Isère" in relay.taken[2].text()
