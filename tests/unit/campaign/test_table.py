"""The campaign's table: a row for each town, one for all, and every breach in words."""

from __future__ import annotations

from collections import Counter

from campaign.audit import LATE, LOST, Breach
from campaign.listening import Talked
from campaign.play import Outcome
from campaign.remarks import UNHEARD
from campaign.table import HEAD, LISTENING_HEAD, SHOWN, breaches, listening_table, table


def test_it_adds_the_towns_up():
    towns = [
        Outcome(alerts=20, kills=3, delayed=1, takeovers=[4.2, 5.1], breaches=[Breach(LOST, "x", "7", "gone")]),
        Outcome(alerts=10, kills=2, pauses=1, stops=4, outages=3, takeovers=[3.0], excused=2),
    ]
    rows = [line.split() for line in table(towns).replace("out of order", "out-of-order").splitlines()]
    assert rows[0] == [name.replace(" ", "-") for name in HEAD]
    assert [row[0] for row in rows[1:]] == ["1", "2", "all"]
    assert dict(zip(rows[0], rows[-1], strict=True)) == {
        "town": "all", "alerts": "30", "kills": "5", "held": "1", "crossed": "0", "pauses": "1", "stops": "4",
        "outages": "3", "lost": "1", "rushed": "0", "twice": "0", "late": "0", "out-of-order": "0", "receipt": "0",
        "unknowable": "2", "takeover": "5.1",
    }  # fmt: skip


def test_of_towns_that_listen_it_tells_which_places_were_met():
    towns = [
        Talked(kills=2, remarks=30, answers=4, aimed=Counter({"heard": 1, "sent": 1}), takeovers=[5.5]),
        Talked(kills=1, remarks=3, aimed=Counter({"stored": 1}), breaches=[Breach(UNHEARD, "x", "7", "gone")]),
    ]
    last = listening_table(towns).splitlines()[-1].split()
    told = dict(zip(LISTENING_HEAD, last, strict=True))
    assert [told[name] for name in ("remarks", "answers", "kills")] == ["33", "4", "3"]
    assert [told[name] for name in ("heard", "stored", "sent")] == ["1", "1", "1"]
    assert (told[UNHEARD], told["takeover"]) == ("1", "5.5")


def test_breaches_are_told_with_their_town_and_not_without_end():
    many = [Breach(LATE, "page", str(number), "too late") for number in range(SHOWN + 3)]
    told = breaches([Outcome(), Outcome(breaches=many)])
    assert told[0] == "town 2: late: 0 on page: too late"
    assert told[-1] == "... and 3 more"
    assert breaches([Outcome()]) == []
