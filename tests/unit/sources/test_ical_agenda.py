"""A calendar file: what is none, what is broken in it, what an event says."""

from __future__ import annotations

import pytest

from alerts.model.errors import Unreadable
from alerts.model.reason import because
from tests.unit.sources.ical_pages import NINE_TO_NOON, agenda_of, calendar, event
from tests.walls import in_one_test


@in_one_test
@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty"),
        (b"  \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html>Sign in</html>", "a web page came"),
        (b"404: BEGIN:VCALENDAR", "something else came"),
        (calendar(event())[:-20], "cut off"),
        (calendar(event()) + b"BEGIN:VCALENDAR\r\n", "cut off"),
    ],
)
def test_what_is_no_whole_calendar_is_refused(body, what):
    with pytest.raises(Unreadable, match=what):
        agenda_of(body)


def test_a_calendar_without_events_is_one():
    agenda = agenda_of(calendar())

    assert (agenda.occurrences, agenda.flaws) == ((), ())


def test_several_calendars_in_one_file():
    body = calendar(event(uid="a"), head="X-WR-TIMEZONE:Europe/London") + calendar(
        event("DTSTART:20261127T090000\nDURATION:PT1H", uid="b")
    )
    assert [(each.uid, f"{each.starts:%H:%M}") for each in agenda_of(body).occurrences] == [
        ("a", "09:00"),
        ("b", "09:00"),
    ]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("BEGIN:VEVENT\nUID:bad\nSUMMARY:Bad\nEND:VEVENT", "it has no DTSTART"),
        ("BEGIN:VEVENT\nUID:bad\nSUMMARY:Bad\nDTSTART:tomorrow\nEND:VEVENT", "its DTSTART is none: tomorrow"),
        (
            "BEGIN:VEVENT\nUID:bad\nSUMMARY:Bad\nDTSTART:20261127T090000\nDTSTART:20261128T090000\nEND:VEVENT",
            "it has DTSTART twice",
        ),
        (
            "BEGIN:VEVENT\nUID:bad\nSUMMARY:Bad\nDTSTART:20261127T090000\nRRULE:FREQ=DAILY\nEXDATE:x\nEND:VEVENT",
            "its EXDATE is none: x",
        ),
        ("BEGIN:VEVENT\nUID:bad\nSUMMARY:Bad\nDTSTART:20261127T090000", "it has no END:VEVENT"),
    ],
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_broken_event_costs_itself_alone(broken, why, place):
    events = [broken, event()] if place == "before" else [event(), broken]
    agenda = agenda_of(calendar(*events))

    assert [each.uid for each in agenda.occurrences] == ["works-1@town"]
    assert [(flaw.uid, str(flaw.reason)) for flaw in agenda.flaws] == [
        ("bad", f'the event "Bad" can\'t be read: {why}')
    ]


def test_absence_means_nothing_for_an_event_that_can_t_be_read():
    agenda = agenda_of(calendar("BEGIN:VEVENT\nUID:bad\nEND:VEVENT"))
    nameless = agenda_of(calendar("BEGIN:VEVENT\nSUMMARY:?\nEND:VEVENT"))
    span = (agenda.window.start, agenda.window.stop)

    assert not agenda.tells_absence("bad", *span)
    assert agenda.tells_absence("another", *span)
    assert not nameless.tells_absence("another", *span)


def test_lines_that_say_nothing_harm_nothing():
    alarm = "BEGIN:VALARM\nTRIGGER:-PT1H\nDESCRIPTION:Ring\nEND:VALARM"
    more = f'NOCOLON\nGEO:somewhere\nSEQUENCE:many\nATTENDEE;CN="A;B:C":mailto:a@b\n{alarm}'
    agenda = agenda_of(calendar("BEGIN:VTODO\nUID:todo\nEND:VTODO", event(more=more), head="nonsense"))

    assert agenda.flaws == ()
    assert agenda.occurrences[0].description == ""
    assert (agenda.occurrences[0].point, agenda.occurrences[0].sequence) == (None, 0)


def test_what_an_event_says():
    more = (
        "DESCRIPTION:<p>Closed&nbsp;to <b>all</b></p><ul><li>cars</li></ul><script>x</script>\n"
        "LOCATION:Rue haute\\, 3\nURL:https://town.example/w\nCATEGORIES:Voirie,Eau\nCATEGORIES:Nord\n"
        "STATUS:tentative\nSEQUENCE:4\nGEO:45.5;5.25"
    )
    found = agenda_of(calendar(event(summary="Rue haute: travaux d\n e voirie", more=more))).occurrences[0]

    assert found.summary == "Rue haute: travaux de voirie"
    assert found.description == "Closed\u00a0to all\n\n• cars"
    assert (found.location, found.url) == ("Rue haute, 3", "https://town.example/w")
    assert (found.categories, found.status, found.sequence) == (("Voirie", "Eau", "Nord"), "TENTATIVE", 4)
    assert found.point == (45.5, 5.25)


def test_words_that_only_look_like_tags_stay():
    found = agenda_of(calendar(event(more="DESCRIPTION:3 < 5 & 7 > 2\\nAT&amp;T"))).occurrences[0]

    assert found.description == "3 < 5 & 7 > 2\nAT&T"


def test_an_old_export_in_windows_1252():
    body = calendar(event(summary="Fermé l'été")).decode().encode("cp1252")

    assert agenda_of(body).occurrences[0].summary == "Fermé l'été"


def test_line_ends_of_every_kind_and_a_byte_order_mark():
    body = calendar(event(summary="Fermé"))

    for ends in (b"\n", b"\r"):
        assert agenda_of(b"\xef\xbb\xbf" + body.replace(b"\r\n", ends)).occurrences[0].summary == "Fermé"


def test_a_calendar_that_cancels_cancels_all_of_it():
    assert agenda_of(calendar(event(), head="METHOD:CANCEL")).occurrences[0].status == "CANCELLED"


def test_an_event_without_uid_is_known_by_its_words():
    nameless = event().replace("UID:works-1@town\n", "")
    found = agenda_of(calendar(nameless, nameless.replace("haute", "basse"))).occurrences

    assert len({each.key for each in found}) == 2
    assert found[0].key == agenda_of(calendar(nameless)).occurrences[0].key or found[1].key
    assert because("event_no_uid") in found[0].notes


def test_an_old_event_is_passed_over_unread_but_not_one_that_might_last():
    old = event("DTSTART:20200101T090000\nDTEND:never", uid="old")
    lasting = event("DTSTART:20200101T090000\nDTEND:20270101T090000", uid="lasting")
    agenda = agenda_of(calendar(old, lasting, event(NINE_TO_NOON)))

    assert [each.uid for each in agenda.occurrences] == ["lasting", "works-1@town"]
    assert [flaw.uid for flaw in agenda.flaws] == ["old"]


@pytest.mark.parametrize("kind", ["PRIVATE", "confidential", "X-OURS"])
def test_what_is_not_public_leaves_no_word_behind(kind):
    hidden = event(uid="secret@town", summary="Arrest of X", more=f"CLASS:{kind}\nDESCRIPTION:X lives at 3 Rue haute")
    broken = event("DTSTART:soon", uid="secret2@town", summary="Arrest of Y", more=f"CLASS:{kind}")
    agenda = agenda_of(calendar(hidden, broken, event(more="CLASS:PUBLIC")))

    assert [each.summary for each in agenda.occurrences] == ["Rue haute closed"]
    assert agenda.flaws == ()
    assert "Arrest" not in repr(agenda)


def test_a_date_of_a_series_that_is_private_is_off_without_its_words():
    series = event(f"{NINE_TO_NOON}\nRRULE:FREQ=DAILY;COUNT=3", uid="series")
    private = event(
        "RECURRENCE-ID;TZID=Europe/Paris:20261128T090000\nDTSTART;TZID=Europe/Paris:20261128T100000\nDURATION:PT1H",
        uid="series",
        summary="Arrest of X",
        more="CLASS:PRIVATE",
    )
    agenda = agenda_of(calendar(series, private))

    assert [(f"{each.starts:%d %H:%M}", each.status) for each in agenda.occurrences] == [
        ("27 09:00", "CONFIRMED"),
        ("28 10:00", "CANCELLED"),
        ("29 09:00", "CONFIRMED"),
    ]
    assert "Arrest" not in repr(agenda)


@in_one_test
@pytest.mark.parametrize(
    ("lost", "damage"),
    [
        ("BEGIN:VTIMEZONE\nTZID:X", "BEGIN:VTIMEZONE"),
        ("BEGIN:VTODO\nUID:todo\nEND:VTODOO", "END:VTODOO"),
        ("BEGIN:X-OURS", "BEGIN:X-OURS"),
        ("UID:x\nSUMMARY:its BEGIN is misspelt\nEND:VEVENT", "END:VEVENT"),
    ],
)
def test_a_component_that_never_ends_swallows_nothing_and_is_told(lost, damage):
    agenda = agenda_of(calendar(event(uid="a"), lost, event(NINE_TO_NOON.replace("1127", "1128"), uid="b")))

    assert [each.uid for each in agenda.occurrences] == ["a", "b"]
    assert agenda.damage == damage
    assert not agenda.tells_absence("c", agenda.window.start, agenda.window.stop)


def test_an_event_whose_end_is_misspelt_costs_itself_alone():
    broken = event(uid="bad", summary="Bad").replace("END:VEVENT", "END:VEVNT")
    agenda = agenda_of(calendar(broken, event(uid="good")))

    assert [each.uid for each in agenda.occurrences] == ["good"]
    assert [flaw.uid for flaw in agenda.flaws] == ["bad"]
    assert agenda.damage is not None


def test_entries_that_share_a_uid_are_read_each_or_told():
    other = event(NINE_TO_NOON.replace("1127", "1128"), summary="Another")
    broken = event("DTSTART:soon", summary="Broken")
    older = event("DTSTART:20261129T090000", uid="revised", summary="Old", more="SEQUENCE:1")
    newer = event("DTSTART:20261130T090000", uid="revised", summary="New", more="SEQUENCE:2")
    agenda = agenda_of(calendar(event(), other, event(), broken, older, newer))

    assert [each.summary for each in agenda.occurrences] == ["Rue haute closed", "Another", "New"]
    assert [str(flaw.reason).partition(" can't")[0] for flaw in agenda.flaws] == [
        'the event "Broken"',
        'the event "Old"',
    ]
    assert agenda.tells_absence("revised", agenda.window.start, agenda.window.stop)


def test_a_flaw_is_the_same_under_a_new_uid():
    first, again = (agenda_of(calendar(event("DTSTART:soon", uid=uid))).flaws[0].key for uid in ("a", "b"))

    assert first == again
