"""Attacks by reports on a running daemon: a false alert is wanted, a neighbour harassed, or the town's alerts held up.

The networks of an attacker are told in `X-Forwarded-For`, which a daemon believes of its own proxy alone.
"""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from alerts.reports.drafting import MOST_WAITING
from alerts.store.connection import opened
from tests.process.town import ALL_THREE, STATION

pytestmark = pytest.mark.process
REPORTS = '\n[reports]\nprefix = "SM"\n'
PROXIED = STATION + 'proxies = ["127.0.0.1"]\n'
PLACE = (45.19034, 5.71077)
MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>]]>'


def get(daemon, path):
    """The status and the text of an answer."""
    try:
        with urllib.request.urlopen(f"{daemon.url}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def send(daemon, network, place=PLACE, kind="flooding", **more):
    """The form, as a program sends it: without a proof, without waiting, from where it says."""
    fields = {"kind": kind, "lat": place[0], "lon": place[1], **more}
    request = urllib.request.Request(f"{daemon.url}/report", urllib.parse.urlencode(fields).encode())
    request.add_header("X-Forwarded-For", network)
    opener = urllib.request.build_opener(Stays)
    try:
        return opener.open(request, timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code


class Stays(urllib.request.HTTPRedirectHandler):
    """Goes where it is led by nobody."""

    def redirect_request(self, *_):
        return None


def waiting(town):
    return [each for each in town.objects("status") if each.get("drafted_from")]


def north(metres):
    return PLACE[0] + metres / 111_320, PLACE[1]


def test_whoever_has_a_hundred_networks_has_ten_drafts_looked_at_and_gets_nothing_out(town):
    town.configure(ALL_THREE + REPORTS, station=PROXIED)
    daemon = town.start_daemon()
    told = [
        send(daemon, f"100.{64 + place}.{network}.1", north(1500 * place))
        for place in range(12)
        for network in range(10)
    ]
    assert set(told) == {303}
    assert [each["state"] for each in waiting(town)] == ["waiting"] * MOST_WAITING
    assert not any(town.timelines().values())


def test_a_network_that_a_visitor_invents_counts_for_nothing(town):
    town.configure(ALL_THREE + REPORTS)
    daemon = town.start_daemon()
    for number in range(8):
        send(daemon, f"198.51.{number}.7", text=f"De l’eau {number}")
    assert waiting(town) == []
    with opened(town.place) as db:
        [(sources,)] = [tuple(row) for row in db.execute("SELECT count(DISTINCT source) FROM report").fetchall()]
    assert sources == 1


def test_nothing_leaks_of_what_is_private_or_unread_and_no_markup_of_what_is_read(town):
    town.configure(ALL_THREE + REPORTS)
    daemon = town.start_daemon()
    at = f"--at={PLACE[0]},{PLACE[1]}"
    private, unread, read = (
        town.objects("report", "add", "--kind", kind, at, "--text", f"{words} {MARKUP}")[0]["report"]
        for kind, words in (("noise", "Durand"), ("waste", "Dupont"), ("lighting", "Réverbère"))
    )
    town.objects("report", "accept", private)
    town.objects("report", "accept", read, "--text", f"On regarde {MARKUP}")
    token = town.tocsin("token", "add", "appli", "--role", "reporter").stdout.strip()
    lists = ["/", "/reports", "/reports.geojson", "/alerts.geojson", "/feed.atom", "/panel"]
    each = [f"/reports/{{}}{end}" for end in ("", ".jpg", "/notice")]
    standard = [f"/open311/v2/requests{one}.{form}" for one in ("", "/{}") for form in ("json", "xml")]
    standard += [f"{path}?api_key={token}" for path in standard]
    pages = [path.format(number) for number in (private, unread, read) for path in (*lists, *each, *standard)]
    town.until(lambda: "Réverbère" in get(daemon, "/reports.geojson")[1])
    seen = ""
    for path in pages:
        status, text = get(daemon, path)
        assert "Durand" not in text, path
        assert "Dupont" not in text, path
        assert private not in text, path
        assert str(PLACE[0]) not in text, path
        assert "<script>alert" not in text or path.startswith(("/open311", "/reports.geojson")), path
        if private in path or (unread in path and token not in path):
            assert status == 404, path
        seen += text
    assert "Réverbère" in seen


@pytest.mark.release
def test_an_alert_leaves_in_its_time_while_everybody_reports(town):
    town.configure(ALL_THREE + REPORTS, station=PROXIED)
    daemon = town.start_daemon()
    with ThreadPoolExecutor(20) as many:
        flood = [
            many.submit(send, daemon, f"100.{64 + n % 50}.{n % 250}.9", north(n % 90 * 40), key=f"k{n}")
            for n in range(1500)
        ]
        town.post("Rupture de digue", "--severity", "Extreme", "--urgency", "Immediate")
        town.until(lambda: all(town.timelines()[name] for name in ("twitter", "facebook", "telegram")))
        answered = sum(each.done() for each in flood)
        told = [each.result() for each in flood]
    assert answered < len(flood) / 2, "it went before most of what came before it"
    assert set(told) <= {303, 422, 503}
    assert told.count(303) > 500
    assert len(waiting(town)) <= MOST_WAITING
