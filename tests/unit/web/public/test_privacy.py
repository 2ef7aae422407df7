"""What a town's page says it keeps of those who subscribe: by push, by e-mail, by both, and where there is neither."""

from __future__ import annotations

import pytest

from alerts.channels.settings import MAIL_TEXT, PUSH_TEXT
from alerts.model.town import PUSH, ChannelConfig
from tests.unit.desk.conftest import SENDER, a_town
from tests.unit.french import visible, wrong_in

BROWSERS = {PUSH: ChannelConfig(PUSH, "push", PUSH_TEXT, subscriptions=True)}
MAILBOXES = {"lettre": ChannelConfig("lettre", "mail", MAIL_TEXT, subscriptions=True)}
OF_PUSH = ("service de notifications", "ne peut pas lire le texte", "Ni nom, ni numéro")
OF_MAIL = ("serveur de messagerie", "lien au bas de chaque courriel", "premier courriel")


@pytest.mark.parametrize(
    ("channels", "told", "untold"),
    [
        (BROWSERS, OF_PUSH, OF_MAIL),
        (MAILBOXES, OF_MAIL, OF_PUSH),
        ({**BROWSERS, **MAILBOXES}, (*OF_PUSH, *OF_MAIL), ()),
    ],
    ids=["push", "mail", "both"],
)
def test_who_subscribes_is_told_what_is_kept_who_sees_it_and_how_to_leave(town, make_paper, channels, told, untold):
    paper = make_paper(channels={**a_town().channels, **channels})
    paper.print()
    page = paper.text("/privacy")
    assert all(each in page for each in (*told, "Vos données conservées", "consentement", SENDER))
    assert not any(each in page for each in untold)
    assert "112" not in visible(page).partition("Vos données conservées</h1>")[2], "nothing is asked of anybody here"
    assert wrong_in(visible(page)) == []
    assert "What we keep about you" in paper.text("/en/privacy")
    assert 'href="/privacy"' in paper.text("/"), "the foot of each page leads there"
    assert all(
        f'/privacy#{each}"' in paper.text("/") for each, of in (("push", OF_PUSH), ("mail", OF_MAIL)) if of[0] in page
    )
