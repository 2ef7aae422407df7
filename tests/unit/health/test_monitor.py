"""What is warned of, and when that is new, repeated or over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.health.monitor import (
    AGAIN_AFTER,
    OF_A_CHANNEL,
    RESTS,
    ChannelSeen,
    HealthNotice,
    MonitorMemory,
    Phase,
    ReportedTrouble,
    Seen,
    SourceSeen,
    StuckPosts,
    Trouble,
    What,
    news_of,
    reported_after,
    see,
)
from alerts.model.reason import in_words

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EARLIER = NOW - timedelta(hours=2)


def saw(*channels: ChannelSeen, sources=(), cycles=None, now=NOW) -> Seen:
    return see(channels, sources, cycles or {}, now)


def kinds(seen: Seen) -> list[What]:
    return [trouble.what for trouble in seen.troubles]


class Duty:
    """Rounds one after the other, and what those on call were told in each."""

    def __init__(self) -> None:
        self.now = NOW
        self.notebook = MonitorMemory()
        self.told: dict[str, ReportedTrouble] = {}

    def round(self, seen: Seen, after: timedelta = MINUTE) -> list[tuple[Phase, str]]:
        self.now += after
        self.notebook = self.notebook.note(seen)
        news = news_of(seen, self.told, self.notebook, self.now)
        self.notebook = self.notebook.tell(news, self.now)
        self.told = reported_after(self.told, news, self.now)
        self.news = news
        return [(each.say, each.trouble.key) for each in news]


@pytest.fixture
def duty():
    return Duty()


GOOD = saw(ChannelSeen("x"))
REFUSED = saw(ChannelSeen("x", refused=in_words("the token was revoked; make a new one")))
UNREACHABLE = saw(ChannelSeen("x", unreachable=in_words("no answer")))
STUCK = saw(ChannelSeen("x", stuck=StuckPosts(2, EARLIER, in_words("status 503"))))


class TestSeeing:
    """From what one round saw to its troubles."""

    def test_nothing_is_wrong(self):
        seen = saw(ChannelSeen("x"), sources=[SourceSeen("meteo", MINUTE, last_ok=NOW)], cycles={"lane x": None})

        assert seen.troubles == ()
        assert {"credential x", "lane x", "feed meteo", "quiet meteo", "cycle lane x"} <= seen.judged

    def test_a_channel_tells_its_reasons(self):
        seen = saw(
            ChannelSeen(
                "x",
                in_words("revoked"),
                in_words("no answer"),
                (in_words("may not edit"), in_words("may not delete")),
                StuckPosts(2, EARLIER),
                StuckPosts(1, NOW),
                StuckPosts(1, NOW),
            )
        )

        assert set(kinds(seen)) == set(OF_A_CHANNEL)
        by_kind = {trouble.what: trouble for trouble in seen.troubles}
        assert str(by_kind[What.RIGHTS].reason) == "may not edit; may not delete"
        assert (by_kind[What.LANE].posts, by_kind[What.LANE].since) == (2, EARLIER)

    @pytest.mark.parametrize(
        ("failures", "last_ok", "told"),
        [
            (2, EARLIER, False),
            (3, NOW - 2 * MINUTE, False),
            (3, NOW - 3 * MINUTE, True),
            (3, None, True),
            (2, None, False),
            (9, NOW + timedelta(hours=1), True),
        ],
    )
    def test_a_source_is_told_after_three_failures_over_three_of_its_intervals(self, failures, last_ok, told):
        seen = saw(sources=[SourceSeen("meteo", MINUTE, failures, "status 500", last_ok)])

        assert kinds(seen) == ([What.FEED] if told else [])

    def test_a_slow_source_has_a_longer_time(self):
        hourly = SourceSeen("meteo", timedelta(hours=1), 5, "status 500", EARLIER)

        assert kinds(saw(sources=[hourly])) == []
        assert kinds(saw(sources=[hourly], now=NOW + timedelta(hours=1))) == [What.FEED]

    def test_a_source_that_cannot_be_read_is_not_called_quiet_too(self):
        quiet = SourceSeen("meteo", MINUTE, last_ok=NOW, quiet_since=EARLIER)
        dead = SourceSeen("meteo", MINUTE, 3, "status 500", EARLIER, EARLIER)

        assert kinds(saw(sources=[quiet])) == [What.QUIET]
        assert kinds(saw(sources=[dead])) == [What.FEED]

    def test_a_cycle_that_stands_still_without_a_reason_is_one_all_the_same(self):
        assert kinds(saw(cycles={"lane x": "", "lane page": None})) == [What.CYCLE]

    def test_of_a_platform_that_was_not_asked_nothing_is_judged_but_its_posts(self):
        assert saw(ChannelSeen("x", known=False)).judged == {"lane x", "undecided x", "limit x"}


class TestTelling:
    """Once when it begins, again after six hours, once when it is over."""

    def test_a_refused_credential_is_told_in_the_round_that_sees_it_and_once(self, duty):
        assert duty.round(GOOD) == []
        assert duty.round(REFUSED) == [(Phase.FIRING, "credential x")]
        assert [duty.round(REFUSED) for _ in range(50)] == [[]] * 50

    def test_it_is_told_again_after_six_hours_and_after_six_more(self, duty):
        duty.round(REFUSED)
        assert duty.round(REFUSED, AGAIN_AFTER - MINUTE) == []
        assert duty.round(REFUSED) == [(Phase.REPEATED, "credential x")]
        assert duty.round(REFUSED, AGAIN_AFTER) == [(Phase.REPEATED, "credential x")]
        assert duty.news[0].since == NOW + MINUTE, "it tells since when"

    def test_that_it_is_over_is_told_once(self, duty):
        duty.round(REFUSED)
        assert duty.round(GOOD) == [(Phase.RESOLVED, "credential x")]
        assert duty.round(GOOD) == []

    def test_silence_of_a_platform_that_was_not_asked_is_no_recovery(self, duty):
        duty.round(REFUSED)
        assert duty.round(saw(ChannelSeen("x", known=False))) == []
        assert duty.round(saw()) == [], "another process works it now"
        assert duty.round(GOOD) == [(Phase.RESOLVED, "credential x")]

    def test_a_platform_has_three_rounds_to_answer(self, duty):
        assert duty.round(UNREACHABLE) == duty.round(UNREACHABLE) == []
        assert duty.round(UNREACHABLE) == [(Phase.FIRING, "platform x")]

    def test_three_rounds_are_three_in_a_row(self, duty):
        for seen in (UNREACHABLE, UNREACHABLE, GOOD, UNREACHABLE, UNREACHABLE):
            assert duty.round(seen) == []

    def test_what_flaps_is_told_twice_in_half_an_hour_at_the_most(self, duty):
        told = [each for _ in range(14) for each in (*duty.round(REFUSED), *duty.round(GOOD))]

        assert told == [(Phase.FIRING, "credential x"), (Phase.RESOLVED, "credential x")]
        assert duty.round(REFUSED, RESTS) == [(Phase.FIRING, "credential x")]

    def test_one_cause_is_one_warning(self, duty):
        both = saw(
            ChannelSeen(
                "x", refused=in_words("revoked"), stuck=StuckPosts(2, EARLIER), rights=(in_words("may not edit"),)
            )
        )

        assert duty.round(both) == [(Phase.FIRING, "credential x")]
        assert duty.round(STUCK) == [(Phase.FIRING, "lane x"), (Phase.RESOLVED, "credential x")]

    def test_a_trouble_that_another_hides_is_not_called_over(self, duty):
        assert duty.round(STUCK) == [(Phase.FIRING, "lane x")]
        assert duty.round(saw(ChannelSeen("x", refused=in_words("revoked"), stuck=StuckPosts(2, EARLIER)))) == [
            (Phase.FIRING, "credential x")
        ]

    def test_two_channels_are_two_troubles(self, duty):
        seen = saw(ChannelSeen("x", refused=in_words("revoked")), ChannelSeen("page", stuck=StuckPosts(1, EARLIER)))

        assert duty.round(seen) == [(Phase.FIRING, "credential x"), (Phase.FIRING, "lane page")]

    def test_it_begins_when_it_began(self, duty):
        duty.round(STUCK)
        assert duty.news == [
            HealthNotice(Phase.FIRING, Trouble(What.LANE, "x", in_words("status 503"), EARLIER, 2), EARLIER)
        ]

    @pytest.mark.parametrize("hours", [-1, 1])
    def test_a_clock_that_is_set_by_an_hour_makes_no_flood(self, duty, hours):
        duty.round(REFUSED)
        told = duty.round(REFUSED, timedelta(hours=hours)) + [each for _ in range(30) for each in duty.round(REFUSED)]

        assert len(told) <= 1
