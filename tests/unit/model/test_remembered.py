"""What follows from a message is computed once, for the very message that was asked for, within bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from alerts.model.alert import Alert, alert_from_json, alert_to_json
from alerts.model.remembered import Newest, Remembered


def test_of_the_newest_no_more_are_kept_than_there_is_room_for():
    newest = Newest(2)
    for name in "abac":
        newest.keep(name, name.upper())

    assert newest == {"a": "A", "c": "C"}


class Counted:
    """A function that counts what it is asked."""

    def __init__(self, most=100, **key):
        self.asked = []
        self.remembered = Remembered(self.work, lambda text: len(text) * 10, most, **key)

    def work(self, text):
        self.asked.append(text)
        return text.upper()


def test_it_is_computed_once_for_the_same_object():
    counted, letters = Counted(), ["a", "b"]
    text, other = "".join(letters), "".join(letters)

    assert [counted.remembered(each) for each in (text, text, other, other)] == ["AB"] * 4
    assert len(counted.asked) == 2
    by_words = Counted(key=str)
    assert [by_words.remembered(each) for each in (text, other)] == ["AB"] * 2
    assert len(by_words.asked) == 1


def test_what_was_not_asked_for_longest_is_forgotten():
    counted = Counted(most=60, key=str)
    for text in ("aa", "bb", "aa", "cc", "dd", "aa"):
        counted.remembered(text)

    assert counted.asked == ["aa", "bb", "cc", "dd"]
    counted.remembered("bb")
    assert counted.asked[-1] == "bb"
    assert len(counted.remembered._answers) == 3


def test_what_is_larger_than_all_room_is_answered_and_not_kept():
    counted = Counted(most=30, key=str)
    assert [counted.remembered("abcd") for _ in range(2)] == ["ABCD"] * 2
    assert len(counted.asked) == 2
    assert counted.remembered("ab") == "AB"
    assert len(counted.remembered._answers) == 1


def test_two_equal_alerts_are_each_written_down_as_they_are():
    noon = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    here, there = (Alert("1", "s", time) for time in (noon, noon.astimezone(timezone(timedelta(hours=1)))))
    assert here == there

    for _ in range(2):
        assert "12:00:00+00:00" in alert_to_json(here)
        assert "13:00:00+01:00" in alert_to_json(there)
    assert alert_from_json(alert_to_json(there)) is alert_from_json(alert_to_json(there))
