"""Four eyes, as somebody would try to get around them: each test is one attempt."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.actions import Desk
from alerts.desk.approve import fingerprint
from alerts.desk.changes import changes_between
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer, correction_of
from alerts.desk.out import AlertOut
from alerts.desk.routing import channels_on
from alerts.desk.unit import DeskUnit
from alerts.model.alert import NamedValue, Severity, Urgency
from alerts.model.errors import Conflict, Forbidden, Misuse, Refused
from alerts.model.incident import AlertState
from alerts.model.person import Account, Actor, Origin, Role, fold_name
from alerts.model.post import Message, PostState
from alerts.model.town import DeskSection, SourceRules
from alerts.store.unit import Unit, transaction
from tests.unit.desk.conftest import DRILLS, NOW, PAGE, TEAM, TELEGRAM, X, an_alert, by_name, cancelling, following
from tests.walls import in_one_test

S = PostState
ANNE = Actor("Anne", Role.APPROVER, Origin.CONSOLE, "192.0.2.1")
PAUL = Actor("Paul", Role.APPROVER, Origin.CONSOLE, "192.0.2.2")
VETO = SourceRules(publish="veto", veto=timedelta(minutes=10))
APPROVE = SourceRules(publish="approve")


class DutyDesk:
    """A town in which officers act; what they do is one transaction each."""

    def __init__(self, town) -> None:
        self.town = town
        self.numbers = itertools.count(1)

    def act(self, actor: Actor, action):
        with transaction(self.town.db):
            return action(Officer(self.unit(), actor))

    def unit(self):
        return DeskUnit(Unit(self.town.db), self.town.desk, self.town.clock.now(), lambda: f"o{next(self.numbers):04}")

    def post(self, actor: Actor = ANNE, headline: str = "Crue de l’Isère", **fields):
        station = self.town.station
        alert = draft_alert(Draft(headline, **fields), station, self.town.clock.now(), f"n{next(self.numbers)}")
        return self.act(actor, lambda officer: officer.post(alert))

    def approve(self, actor: Actor, filed, **how):
        return self.act(actor, lambda officer: officer.approve(filed.stored.id, **how))

    def reject(self, actor: Actor, filed, reason: str | None = None):
        return self.act(actor, lambda officer: officer.reject(filed.stored.id, reason))

    def seal(self, filed) -> str:
        return fingerprint(self.town.stored(filed), list(self.town.posts(filed).values()))

    def account(self, name: str, role: Role = Role.APPROVER, **changes) -> None:
        account = replace(Account(name, role, "", must_change=False, created_at=NOW), **changes)
        self.act(ANNE, lambda officer: officer.unit.accounts.put_account(account))

    def reconfigure(self, **changes) -> None:
        """channels.toml was changed, and the program started anew."""
        town = self.town
        if "channels" in changes:
            changes["channels"] = by_name(*changes["channels"])
        town.station = replace(town.station, **changes)
        town.writer.station = town.station
        town.desk = Desk(town.station, town.writer, town._new_id, town.clock.now)

    def lines(self, filed) -> list[tuple[str, str, str]]:
        lines = self.unit().audit.newest(subject=filed.stored.id)
        return [(each.entry.actor, each.entry.act, each.entry.detail) for each in reversed(lines)]


@pytest.fixture
def desk(make_town):
    return DutyDesk(make_town(sources={"manual": APPROVE, "meteo": APPROVE}))


def is_waiting(desk: DutyDesk, filed) -> bool:
    return set(desk.town.states(filed).values()) == {"waiting"}


class TestOneselfUnderAnotherName:
    """Nobody is two people."""

    @in_one_test
    @pytest.mark.parametrize(
        "name",
        ["Anne", "anne", "ANNE ", "  Anne", "An\u200bne", "Anne\ufeff", "\uff21nne", "Anne\u00a0", "A\u00adnne",
         "Anne\u3164", "Anne\ufe0f", "\u034fAnne", "Anne\u2800", "Ann\u0065\u2060", "A\u180bnne"],
    )  # fmt: skip
    def test_no_spelling_of_the_author_s_name_validates(self, desk, name):
        filed = desk.post()

        with pytest.raises(Forbidden, match="was written by Anne: somebody else validates it"):
            desk.approve(replace(ANNE, name=name), filed)
        assert is_waiting(desk, filed)

    @pytest.mark.parametrize("names", [("Zoë", "Zoe\u0308"), ("Straße", "STRASSE"), ("ﬁona", "Fiona")])
    def test_composed_folded_and_ligated_letters_are_one(self, names):
        assert fold_name(names[0]) == fold_name(names[1])

    @pytest.mark.parametrize("names", [("Anne", "Annie"), ("Anne Roy", "AnneRoy")])
    def test_people_who_are_two_stay_two(self, names):
        assert fold_name(names[0]) != fold_name(names[1])

    @in_one_test
    @pytest.mark.parametrize("origin", list(Origin))
    def test_no_way_in_makes_the_author_another(self, desk, origin):
        filed = desk.post()

        with pytest.raises(Forbidden):
            desk.approve(Actor("Anne", Role.ADMINISTRATOR, origin), filed)

    def test_at_the_command_line_a_name_is_taken_as_given_and_the_login_stands_beside_it(self, desk):
        desk.account("Anne")
        login = Actor("garde", Role.ADMINISTRATOR, Origin.COMMAND, "garde")
        filed = desk.post(login)

        with pytest.raises(Forbidden):
            desk.approve(login, filed)
        desk.approve(Actor("Anne", Role.APPROVER, Origin.COMMAND, "garde"), filed)
        approval = desk.unit().audit.newest(subject=filed.stored.id)[0].entry
        assert (approval.actor, approval.act, approval.address) == ("Anne", "approve", "garde")

    def test_without_accounts_another_name_is_taken_as_given(self, desk):
        filed = desk.post(Actor("garde", Role.ADMINISTRATOR, Origin.COMMAND, "garde"))

        desk.approve(Actor("Paul", Role.ADMINISTRATOR, Origin.COMMAND, "garde"), filed)

    def test_what_was_kept_before_authors_were_is_nobody_s_to_validate(self, desk):
        filed = desk.post()
        desk.town.db.execute("UPDATE alert SET author = NULL")

        with pytest.raises(Forbidden, match="nobody can tell who wrote"):
            desk.approve(ANNE, filed)
        updated = desk.act(ANNE, lambda officer: officer.update(filed.stored.id, {"headline": "Crue : quais fermés"}))
        desk.approve(PAUL, updated)


class TestRoles:
    """What somebody may is read where it is done."""

    def test_an_author_does_not_validate_and_is_told_what_it_takes(self, desk):
        filed = desk.post()

        with pytest.raises(Forbidden, match="Luc is author; to approve takes approver or more"):
            desk.approve(Actor("Luc", Role.AUTHOR, Origin.API), filed)

    def test_a_role_that_was_lowered_since_the_page_was_opened_counts_at_once(self, desk):
        filed = desk.post()
        desk.account("Paul", Role.AUTHOR)

        with pytest.raises(Forbidden, match="Paul is author"):
            desk.approve(PAUL, filed)

    def test_a_token_may_no_more_than_the_account_whose_name_it_has(self, desk):
        filed = desk.post()
        desk.account("Luc", Role.AUTHOR)

        with pytest.raises(Forbidden):
            desk.approve(Actor("luc", Role.ADMINISTRATOR, Origin.API), filed)

    def test_an_account_that_was_disabled_does_nothing_more(self, desk):
        filed = desk.post()
        desk.account("Paul", disabled_at=NOW)

        for deed in (desk.approve, desk.reject, lambda actor, _: desk.post(actor, "Autre chose")):
            with pytest.raises(Forbidden, match="disabled"):
                deed(PAUL, filed)

    def test_an_account_lowered_to_viewer_does_not_even_take_back_what_it_wrote(self, desk):
        filed = desk.post()
        desk.account("Anne", Role.VIEWER)

        with pytest.raises(Forbidden):
            desk.reject(ANNE, filed)


class TestAlone:
    """Where there is nobody else, one may; and it is written down."""

    def test_the_author_validates_and_the_record_says_alone(self, desk):
        desk.reconfigure(desk=DeskSection(alone=True))
        filed = desk.post()

        desk.approve(ANNE, filed)
        assert desk.lines(filed)[-1][2].endswith(", alone")

    def test_what_another_validates_is_not_written_down_as_alone(self, desk):
        desk.reconfigure(desk=DeskSection(alone=True))
        filed = desk.post()

        desk.approve(PAUL, filed)
        assert "alone" not in desk.lines(filed)[-1][2]

    def test_once_it_is_over_it_counts_no_more_for_what_waits(self, desk):
        desk.reconfigure(desk=DeskSection(alone=True))
        filed = desk.post()
        desk.reconfigure(desk=DeskSection(alone=False))

        with pytest.raises(Forbidden):
            desk.approve(ANNE, filed)

    def test_an_author_s_role_validates_nothing_even_alone(self, desk):
        desk.reconfigure(desk=DeskSection(alone=True))
        luc = Actor("Luc", Role.AUTHOR, Origin.CONSOLE)
        filed = desk.post(luc)

        with pytest.raises(Forbidden, match="Luc is author"):
            desk.approve(luc, filed)


class TestTwoAtOnce:
    """One wins; the other is told by whom, and when."""

    def test_the_second_to_validate_is_told_who_was_faster(self, desk):
        filed = desk.post()
        desk.approve(PAUL, filed)

        with pytest.raises(Conflict, match=r"Paul was faster: validated \w+ at 13:00"):
            desk.approve(Actor("Luc", Role.APPROVER, Origin.CONSOLE), filed)

    def test_the_second_to_reject_is_told_as_well_and_nothing_moves(self, desk):
        filed = desk.post()
        desk.approve(PAUL, filed)

        with pytest.raises(Conflict, match="Paul was faster: validated"):
            desk.reject(ANNE, filed)
        assert set(desk.town.states(filed).values()) == {"queued"}

    def test_nobody_revives_what_was_rejected(self, desk):
        filed = desk.post()
        desk.reject(PAUL, filed, "non")

        with pytest.raises(Conflict, match="Paul was faster: rejected"):
            desk.approve(PAUL, filed)
        with pytest.raises(Refused, match="nothing failed or is in doubt"):
            desk.act(PAUL, lambda officer: officer.retry(filed.stored.id))
        assert set(desk.town.states(filed).values()) == {"rejected"}


class TestExactlyWhatWasShown:
    """A validation covers what it saw, and nothing else."""

    def test_what_was_seen_goes_out_and_the_record_binds_it(self, desk):
        filed = desk.post()
        seen = desk.seal(filed)

        desk.approve(PAUL, filed, seen=seen)
        assert set(desk.town.states(filed).values()) == {"queued"}
        assert seen in desk.lines(filed)[-1][2]

    @pytest.mark.parametrize("seen", ["", "0" * 64])
    def test_a_seal_of_something_else_validates_nothing(self, desk, seen):
        filed = desk.post()

        with pytest.raises(Conflict, match="it has changed since"):
            desk.approve(PAUL, filed, seen=seen)
        assert is_waiting(desk, filed)

    def test_the_words_that_readers_see_are_sealed_beside_those_that_are_sent(self, desk):
        filed = desk.post()
        seen = desk.seal(filed)
        desk.town.db.execute("UPDATE post SET plain = plain || '!' WHERE channel = 'telegram'")

        with pytest.raises(Conflict):
            desk.approve(PAUL, filed, seen=seen)

    def test_a_picture_that_was_swapped_on_disk_needs_a_new_validation(self, desk, tmp_path):
        picture = tmp_path / "quai.png"
        picture.write_bytes(b"\x89PNG\r\n\x1a\n the quay")
        filed = desk.post(image=picture)
        seen = desk.seal(filed)
        picture.write_bytes(b"\x89PNG\r\n\x1a\n something else")

        with pytest.raises(Conflict):
            desk.approve(PAUL, filed, seen=seen)

    def test_a_name_that_all_versions_share_validates_none(self, desk):
        first = desk.town.hear(an_alert(identifier="urn-of-both"))
        second = desk.town.hear(following(first.stored.alert, identifier="urn-of-both", headline="Tempête"))

        for name in (first.stored.incident_id, "urn-of-both"):
            with pytest.raises(Misuse, match="the name of several versions"):
                desk.act(PAUL, lambda officer, name=name: officer.approve(name))
        assert is_waiting(desk, second)

    def test_a_version_that_came_while_the_page_was_open_is_not_validated_by_it(self, desk):
        first = desk.town.hear(an_alert())
        seen = desk.seal(first)
        second = desk.town.hear(following(first.stored.alert, headline="Tempête"))

        with pytest.raises(Conflict, match="took its place"):
            desk.approve(PAUL, first, seen=seen)
        assert is_waiting(desk, second)

    def test_who_updates_is_the_author_of_what_they_wrote(self, desk):
        filed = desk.post()
        updated = desk.act(PAUL, lambda officer: officer.update(filed.stored.id, {"headline": "Tout va bien"}))

        with pytest.raises(Forbidden, match="was written by Paul"):
            desk.approve(PAUL, updated)
        with pytest.raises(Conflict):
            desk.approve(PAUL, filed)

    def test_a_feed_s_alert_that_an_officer_changed_is_that_officer_s(self, desk):
        heard = desk.town.hear(an_alert())
        updated = desk.act(PAUL, lambda officer: officer.update(heard.stored.id, {"headline": "Fuyez"}))

        with pytest.raises(Forbidden):
            desk.approve(PAUL, updated)
        desk.approve(ANNE, updated)


class TestExercises:
    """An exercise stays one."""

    def test_a_channel_that_went_live_since_takes_no_exercise(self, desk):
        filed = desk.post(exercise=True)
        desk.reconfigure(channels=(X, PAGE, TELEGRAM, TEAM, replace(DRILLS, exercise=False)))

        with pytest.raises(Refused, match="the channel exercices is live"):
            desk.approve(PAUL, filed)
        assert is_waiting(desk, filed)

    def test_a_channel_that_became_one_for_exercises_takes_nothing_real(self, desk):
        filed = desk.post()
        desk.reconfigure(channels=(replace(X, exercise=True), PAGE, TELEGRAM, TEAM, DRILLS))

        with pytest.raises(Refused, match="the channel x takes exercises"):
            desk.approve(PAUL, filed)

    def test_a_channel_that_is_gone_is_named(self, desk):
        filed = desk.post()
        desk.reconfigure(channels=(X, TELEGRAM, TEAM, DRILLS))

        with pytest.raises(Refused, match="the channel page isn't there any more"):
            desk.approve(PAUL, filed)

    def test_no_live_channel_can_be_named_for_an_exercise(self, desk):
        alert = draft_alert(Draft("Exercice", exercise=True), desk.town.station, NOW, "n0")

        with pytest.raises(Refused, match="takes no message whose status is Exercise"):
            desk.act(ANNE, lambda officer: officer.post(alert, ("x",)))

    def test_the_update_of_an_exercise_stays_one_and_of_the_real_thing_cannot_become_one(self, desk):
        drill = desk.post(exercise=True)
        real = desk.post(headline="Vraie crue")

        updated = desk.act(
            ANNE, lambda officer: officer.update(drill.stored.id, {"exercise": False, "headline": "Suite"})
        )
        assert set(desk.town.posts(updated)) == {"exercices"}
        with pytest.raises(Misuse, match="is no exercise"):
            desk.act(ANNE, lambda officer: officer.update(real.stored.id, {"exercise": True, "headline": "Exercice"}))

    def test_a_real_alert_cannot_follow_an_exercise_onto_live_channels(self, desk):
        drill = desk.post(exercise=True)
        alert = following(drill.stored.alert, headline="Évacuez")

        filed = desk.act(ANNE, lambda officer: officer.post(alert))
        assert filed.stored.incident_id != drill.stored.incident_id
        assert is_waiting(desk, filed)


class TestVeto:
    """Time runs out beside the officer."""

    @pytest.fixture
    def vetoed(self, make_town):
        return DutyDesk(make_town(sources={"meteo": VETO}))

    def test_a_veto_in_time_stops_all_of_it(self, vetoed):
        filed = vetoed.town.hear(an_alert())
        vetoed.reject(PAUL, filed)
        assert set(vetoed.town.states(filed).values()) == {"rejected"}

    def test_whoever_may_write_may_stop_what_a_feed_brought_but_not_what_waits_for_an_approver(self, vetoed, desk):
        luc, vera = (Actor(name, role, Origin.CONSOLE) for name, role in (("Luc", Role.AUTHOR), ("Vera", Role.VIEWER)))
        counting = vetoed.town.hear(an_alert())

        with pytest.raises(Forbidden):
            vetoed.reject(vera, counting)
        vetoed.reject(luc, counting)
        assert set(vetoed.town.states(counting).values()) == {"rejected"}
        with pytest.raises(Forbidden):
            desk.reject(luc, desk.town.hear(an_alert()))

    def test_one_that_comes_when_all_is_gone_says_so(self, vetoed):
        filed = vetoed.town.hear(an_alert())
        vetoed.town.deliver(filed, S.QUEUED)

        with pytest.raises(Conflict, match="doesn't wait for a validation"):
            vetoed.reject(PAUL, filed)

    def test_one_that_is_too_late_for_a_channel_leaves_the_alert_to_be_ended_there(self, vetoed):
        filed = vetoed.town.hear(an_alert())
        vetoed.town.deliver(filed, S.SENT, "telegram")

        vetoed.reject(PAUL, filed, "fausse alerte")
        stored = vetoed.town.stored(filed)
        assert stored.state is AlertState.ACCEPTED
        assert str(stored.reason) == "rejected by Paul: fausse alerte; too late for telegram: correct it there"
        vetoed.town.pass_(hours=7)
        with vetoed.town.alerts() as alerts:
            assert [made.post.channel for made in vetoed.town.desk.end_what_is_over(alerts)] == ["telegram"]


class TestUrgent:
    """What waits for nobody."""

    def test_severe_and_immediate_goes_by_urgent_and_nothing_less(self, make_town):
        rule = SourceRules(publish="approve", urgent="auto")
        desk = DutyDesk(make_town(sources={"manual": rule}))

        grave = {"severity": Severity.SEVERE, "instruction": "Rentrez."}
        assert desk.post(headline="A", urgency=Urgency.IMMEDIATE, **grave).stored.state is AlertState.ACCEPTED
        assert desk.post(headline="B", urgency=Urgency.EXPECTED, **grave).stored.state is AlertState.WAITING
        assert desk.post(headline="C", urgency=Urgency.IMMEDIATE).stored.state is AlertState.WAITING

    def test_a_feed_that_says_corrected_in_our_own_terms_waits_as_any_end_does(self, desk):
        heard = desk.town.hear(an_alert())
        desk.approve(PAUL, heard)
        desk.town.deliver(heard)
        end = cancelling(heard.stored.alert)
        info = replace(
            heard.stored.alert.infos[0], headline="À votre tour", parameters=(NamedValue("tocsin:end", "corrected"),)
        )

        filed = desk.town.hear(replace(end, infos=(info,)))
        assert filed.stored.state is AlertState.WAITING

    def test_a_correction_by_an_officer_waits_for_nobody(self, desk):
        filed = desk.post()
        desk.approve(PAUL, filed)
        desk.town.deliver(filed)

        corrected = desk.act(ANNE, lambda officer: officer.correct(filed.stored.id, "Il ne pleut pas."))
        assert corrected.stored.state is AlertState.ACCEPTED


class TestTakingBackAndSendingBack:
    """An author may withdraw; an approver lays it before them again."""

    def test_an_author_takes_back_their_own_whatever_their_role(self, desk):
        luc = Actor("Luc", Role.AUTHOR, Origin.CONSOLE)
        filed = desk.post(luc)

        desk.reject(luc, filed, "je me suis trompé")
        assert set(desk.town.states(filed).values()) == {"rejected"}
        with pytest.raises(Forbidden):
            desk.reject(luc, desk.post(headline="D’un autre"))

    def test_it_comes_back_as_a_draft_with_the_note_and_the_words(self, desk):
        filed = desk.post()

        draft = desk.act(PAUL, lambda officer: officer.send_back(filed.stored.id, "dites où", {"headline": "Crue"}))
        assert (draft.account, draft.note, draft.fields, draft.about) == (
            "Anne",
            "Paul: dites où",
            {"headline": "Crue"},
            None,
        )
        assert desk.unit().drafts.drafts("anne") != []
        assert set(desk.town.states(filed).values()) == {"rejected"}
        assert desk.lines(filed)[-1] == ("Paul", "send back", "dites où")

    def test_an_update_comes_back_as_a_draft_about_what_is_out(self, desk):
        filed = desk.post()
        desk.approve(PAUL, filed)
        updated = desk.act(ANNE, lambda officer: officer.update(filed.stored.id, {"headline": "Suite"}))

        draft = desk.act(PAUL, lambda officer: officer.send_back(updated.stored.id, "mieux", {}))
        assert draft.about == filed.stored.id

    def test_what_no_one_would_read_or_edit_is_not_sent_back(self, desk):
        heard = desk.town.hear(an_alert())
        with pytest.raises(Refused, match="which nobody wrote here"):
            desk.act(PAUL, lambda officer: officer.send_back(heard.stored.id, "non", {}))

        filed = desk.post()
        with pytest.raises(Misuse, match="the note is missing"):
            desk.act(PAUL, lambda officer: officer.send_back(filed.stored.id, " ", {}))
        desk.account("Paul")
        with pytest.raises(Refused, match="has no account to read drafts"):
            desk.act(PAUL, lambda officer: officer.send_back(filed.stored.id, "non", {}))
        assert is_waiting(desk, filed)

    def test_the_end_of_an_alert_is_nothing_to_edit(self, desk):
        filed = desk.post()
        desk.approve(PAUL, filed)
        desk.town.deliver(filed)
        end = desk.act(ANNE, lambda officer: officer.cancel(filed.stored.id, "fini"))

        with pytest.raises(Refused, match="nothing to edit"):
            desk.act(PAUL, lambda officer: officer.send_back(end.stored.id, "non", {}))

    def test_what_was_refused_leaves_no_line_in_the_record(self, desk):
        filed = desk.post()
        before = desk.lines(filed)
        with pytest.raises(Forbidden):
            desk.approve(ANNE, filed)

        assert desk.lines(filed) == before


def test_a_version_tells_what_changed_and_a_repetition_nothing(desk):
    filed = desk.post()
    updated = desk.act(ANNE, lambda officer: officer.update(filed.stored.id, {"headline": "Crue de la Drac"}))

    changes = changes_between(filed.stored, updated.stored)
    assert [change.field for change in changes] == ["headline"]
    assert changes_between(filed.stored, filed.stored) == ()


LUC, LEA = (Actor(name, Role.AUTHOR, Origin.API) for name in ("Luc", "Léa"))
ENDS = {
    "cancel": lambda name: lambda officer: officer.cancel(name, "non"),
    "all clear": lambda name: lambda officer: officer.cancel(name, over=True),
    "correct": lambda name: lambda officer: officer.correct(name, "faux"),
}
TAKES = {**ENDS, "update": lambda name: lambda officer: officer.update(name, {"instruction": "autre"})}


class TestWhatWaitsOfSomebodyElse:
    """To take it back is to reject it, by whatever way."""

    @in_one_test
    @pytest.mark.parametrize("take", TAKES.values())
    def test_no_author_takes_it_back_or_replaces_it(self, desk, take):
        filed = desk.post(LEA)
        before = desk.town.count("alert")

        with pytest.raises(Forbidden, match="waits and was written by Léa: to withdraw or replace it takes approv"):
            desk.act(LUC, take(filed.stored.id))
        assert is_waiting(desk, filed)
        assert desk.town.count("alert") == before

    @in_one_test
    @pytest.mark.parametrize("take", TAKES.values())
    def test_the_author_and_an_approver_do(self, desk, take):
        for actor in (LEA, PAUL):
            filed = desk.post(LEA, headline=f"Crue vue par {actor.name}")
            desk.act(actor, take(filed.stored.id))
            assert set(desk.town.states(filed).values()) == {"superseded"}

    def test_an_approver_whose_account_was_lowered_does_not(self, desk):
        filed = desk.post(LEA)
        desk.account("Paul", Role.AUTHOR)

        with pytest.raises(Forbidden):
            desk.act(PAUL, TAKES["cancel"](filed.stored.id))

    @pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
    def test_no_author_takes_back_what_a_feed_brought_and_an_approver_awaits(self, desk, take):
        heard = desk.town.hear(an_alert())

        with pytest.raises(Forbidden, match="waits and came from meteo"):
            desk.act(LUC, take(heard.stored.id))
        assert is_waiting(desk, heard)

    def test_a_message_of_one_s_own_that_refers_to_it_is_no_way_round(self, desk):
        filed = desk.post(LEA)
        station = desk.town.station.sender

        for message in (following(filed.stored.alert, sender=station), cancelling(filed.stored.alert, sender=station)):
            with pytest.raises(Forbidden):
                desk.act(LUC, lambda officer, message=message: officer.post(message))

    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
    def test_an_end_stops_what_a_veto_holds(self, make_town, end):
        desk = DutyDesk(make_town(sources={"meteo": VETO, "manual": APPROVE}))
        heard = desk.town.hear(an_alert())

        desk.act(LUC, end(heard.stored.id))
        assert set(desk.town.states(heard).values()) == {"superseded"}

    def test_an_author_s_edit_does_not_stop_the_clock_of_what_a_veto_holds(self, make_town):
        desk = DutyDesk(make_town(sources={"meteo": VETO, "manual": APPROVE}))
        heard = desk.town.hear(an_alert())

        with pytest.raises(Forbidden, match=r"goes out by itself.*: stop it, or let an approver edit it"):
            desk.act(LUC, TAKES["update"](heard.stored.id))
        assert {post.not_before for post in desk.town.posts(heard).values()} == {NOW + VETO.veto}
        desk.act(PAUL, TAKES["update"](heard.stored.id))

    def test_what_is_out_is_everybody_s_to_go_on_about(self, desk):
        for name, take in TAKES.items():
            filed = desk.post(LEA, headline=f"Crue, {name}")
            desk.town.deliver(filed)
            assert desk.act(LUC, take(filed.stored.id)).drafts

    def test_an_update_that_waits_holds_up_no_correction_but_every_other_end(self, desk):
        filed = desk.post(LEA)
        desk.town.deliver(filed)
        update = desk.act(LEA, TAKES["update"](filed.stored.id))

        with pytest.raises(Forbidden):
            desk.act(LUC, TAKES["cancel"](filed.stored.id))
        desk.act(LUC, TAKES["correct"](filed.stored.id))
        assert set(desk.town.states(update).values()) == {"superseded"}


class TestChannelsOfAnUpdate:
    """What nobody chose anew stays as it was chosen."""

    @pytest.fixture
    def desk(self, make_town):
        return DutyDesk(make_town())

    def narrow(self, desk: DutyDesk, *channels: str, **fields):
        alert = draft_alert(Draft("Marché déplacé", **fields), desk.town.station, NOW, "n0")
        return desk.act(LUC, lambda officer: officer.post(alert, channels))

    def update(self, desk: DutyDesk, filed, *channels: str, **changes):
        changes = changes or {"instruction": "autre"}
        return desk.act(LUC, lambda officer: officer.update(filed.stored.id, changes, channels))

    @in_one_test
    @pytest.mark.parametrize("state", [S.WAITING, S.QUEUED, S.SENDING, S.IN_DOUBT, S.SENT, S.FAILED, S.EXPIRED])
    def test_are_those_where_it_is_waits_or_failed(self, desk, state):
        filed = self.narrow(desk, "telegram")
        desk.town.deliver(filed, state)

        assert set(desk.town.posts(self.update(desk, filed, severity=Severity.SEVERE, instruction="Rentrez."))) == {
            "telegram"
        }

    @pytest.mark.parametrize("state", [S.REJECTED, S.DROPPED])
    def test_are_those_of_what_never_went_out(self, desk, state):
        filed = self.narrow(desk, "telegram")
        desk.town.deliver(filed, state)

        assert set(desk.town.posts(self.update(desk, filed))) == {"telegram"}

    @pytest.mark.parametrize("state", [S.WAITING, S.FAILED, S.EXPIRED])
    def test_are_also_those_where_it_did_not_get_to_beside_those_where_it_is(self, desk, state):
        filed = self.narrow(desk, "telegram", "x")
        desk.town.deliver(filed, state, "x")
        desk.town.deliver(filed, S.SENT, "telegram")

        assert set(desk.town.posts(self.update(desk, filed))) == {"telegram", "x"}

    def test_leave_out_where_it_was_given_up(self, desk):
        filed = self.narrow(desk, "telegram", "x")
        desk.town.deliver(filed, S.DROPPED, "x")
        desk.town.deliver(filed, S.SENT, "telegram")

        assert set(desk.town.posts(self.update(desk, filed))) == {"telegram"}

    def test_are_those_that_are_named(self, desk):
        filed = self.narrow(desk, "telegram")

        assert set(desk.town.posts(self.update(desk, filed, "telegram", "x"))) == {"telegram", "x"}

    def test_leave_out_one_that_is_gone_and_one_that_takes_exercises_now(self, desk):
        filed = self.narrow(desk, "telegram", "x", "page")
        desk.reconfigure(channels=(replace(X, exercise=True), TELEGRAM, TEAM, DRILLS))

        assert set(desk.town.posts(self.update(desk, filed))) == {"telegram"}

    def test_of_a_message_that_refers_to_it_are_the_same(self, desk):
        filed = self.narrow(desk, "telegram")
        message = following(filed.stored.alert, sender=desk.town.station.sender)

        assert set(desk.town.posts(desk.act(LUC, lambda officer: officer.post(message)))) == {"telegram"}

    def test_of_a_feed_s_alert_are_those_that_routing_chose(self, make_town):
        desk = DutyDesk(make_town(channels=(replace(X, severity=Severity.SEVERE), PAGE, TELEGRAM)))
        heard = desk.town.hear(an_alert())

        assert set(desk.town.posts(self.update(desk, heard))) == {"page", "telegram"}

    def test_an_end_is_told_wherever_it_is(self, desk):
        filed = self.narrow(desk, "telegram", "x")
        desk.town.deliver(filed)

        assert set(desk.town.posts(desk.act(LUC, lambda officer: officer.cancel(filed.stored.id)))) == {"telegram", "x"}


class TestWhatWasWrong:
    """What was taken back stays taken back."""

    def test_no_update_revives_it_and_nothing_is_stored(self, make_town):
        desk = DutyDesk(make_town())
        filed = desk.post()
        desk.town.deliver(filed)
        desk.act(ANNE, lambda officer: officer.correct(filed.stored.id, "L’eau est potable."))
        before = desk.town.count("alert")

        with pytest.raises(Refused, match="corrected this alert as wrong; post what is right"):
            desk.act(ANNE, lambda officer: officer.update(filed.stored.id, {"expires": "1h"}))
        assert desk.town.count("alert") == before


@pytest.mark.parametrize("channels", [("exercices",), ("x", "exercices"), ("equipe",)])
def test_an_update_that_names_a_channel_it_may_not_have_is_refused_and_changes_nothing(desk, channels):
    filed = desk.post()
    before = desk.town.states(filed), desk.town.count("alert"), desk.town.count("decision")

    with pytest.raises(Refused, match="takes no message whose status is Actual; those that do: x, page, telegram"):
        desk.act(ANNE, lambda officer: officer.update(filed.stored.id, {"headline": "Autre"}, channels))
    assert (desk.town.states(filed), desk.town.count("alert"), desk.town.count("decision")) == before
    assert is_waiting(desk, filed)


def test_a_validation_covers_what_subscribers_are_told_in_each_language(desk):
    filed = desk.post()
    posts = list(desk.town.posts(filed).values())
    one, other = ({"en": Message(text, text)} for text in ("Flood", "Flee"))
    seals = {fingerprint(filed.stored, [replace(post, subscribers=told) for post in posts]) for told in (one, other)}

    assert len({*seals, fingerprint(filed.stored, posts)}) == 3


def test_what_waits_says_all_that_a_validation_lets_out(make_town):
    town = make_town(sources={"manual": APPROVE}, channels=(X, replace(TELEGRAM, subscriptions=True)))
    desk = DutyDesk(town)
    told = AlertOut.of(desk.unit(), desk.post(instruction="Restez chez vous.").stored).as_json()["lets_out"]

    assert {each["language"] for each in told["subscribers"]} == {"fr", "en"}
    assert all("Restez chez vous." in each["text"] for each in told["subscribers"])
    assert {"name": "instruction", "words": "Restez chez vous."} in told["words"][0]["said"]


class TestTheWordsOfACorrection:
    """What was wrong is taken back at once; what its author says instead waits as all that they say does."""

    LUC = Actor("Luc", Role.AUTHOR, Origin.CONSOLE)

    @pytest.fixture
    def desk(self, make_town):
        channels = (X, replace(PAGE, name="page"), replace(TELEGRAM, subscriptions=True))
        return DutyDesk(
            make_town(sources={"manual": replace(APPROVE, urgent="auto"), "meteo": SourceRules()}, channels=channels)
        )

    @pytest.fixture
    def out(self, desk):
        filed = desk.town.hear(an_alert(severity=Severity.EXTREME, urgency=Urgency.IMMEDIATE))
        desk.town.deliver(filed)
        return filed

    def texts(self, desk, stored) -> str:
        posts = desk.town.act(lambda alerts: alerts.posts_of(stored.id))
        told = [message for post in posts for message in (post.message, *post.subscribers.values())]
        return " ".join(message.plain for message in told)

    @pytest.mark.parametrize("publish", ["approve", "veto"])
    def test_of_who_needs_a_validation_wait_and_follow_as_an_update(self, desk, out, publish):
        desk.town.station.sources["manual"] = SourceRules(publish=publish, urgent="auto")
        done = desk.act(self.LUC, lambda officer: officer.correct(out.stored.id, "Fuyez vers le nord."))

        assert {post.state for post in desk.town.posts(done).values()} == {S.QUEUED}
        assert "Fuyez" not in self.texts(desk, done.stored)
        assert "Fuyez" in self.texts(desk, done.words)
        assert done.words.state is AlertState.WAITING
        words = desk.town.act(lambda alerts: alerts.posts_of(done.words.id))
        assert {(post.kind, post.state) for post in words} == {("update", S.WAITING)}
        assert {post.channel: str(post.means) for post in words} == {"x": "reply", "page": "edit", "telegram": "reply"}

    def test_go_out_when_somebody_validates_them_and_end_what_is_ended(self, desk, out):
        done = desk.act(self.LUC, lambda officer: officer.correct(out.stored.id, "Fuyez vers le nord."))
        desk.town.deliver(done)
        desk.act(ANNE, lambda officer: officer.approve(done.words.id))
        posts = desk.town.act(lambda alerts: alerts.thread(out.stored.incident_id))

        assert {post.state for post in posts if post.alert_id == done.words.id} == {S.QUEUED}
        assert channels_on(posts) == frozenset()
        desk.town.clock.set(NOW + timedelta(days=3))
        assert desk.town.act(desk.town.desk.end_what_is_over) == []

    def test_nobody_writes_them_past_a_validation_as_a_cap_message(self, desk, out):
        correction = correction_of(out.stored, "Fuyez.", desk.town.station, NOW, "n9")
        info = replace(correction.infos[0], headline="Fuyez !", description="Fuyez vers le nord.")
        done = desk.act(self.LUC, lambda officer: officer.post(replace(correction, infos=(info,))))

        assert {post.state for post in desk.town.posts(done).values()} == {S.QUEUED}
        assert "Fuyez" not in self.texts(desk, done.stored)

    def test_wait_though_the_button_is_pressed_twice(self, desk, out):
        done = desk.act(self.LUC, lambda officer: officer.correct(out.stored.id, "Fuyez vers le nord."))
        desk.town.deliver(done)
        for who in (self.LUC, ANNE):
            with pytest.raises(Conflict, match=f"the words of that correction wait: {done.words.id}"):
                desk.act(who, lambda officer: officer.correct(out.stored.id, "Fuyez vers le nord."))

        [words] = desk.town.act(lambda alerts: alerts.by_id(done.words.id))
        assert words.state is AlertState.WAITING

    def test_of_an_approver_go_at_once(self, desk, out):
        done = desk.act(ANNE, lambda officer: officer.correct(out.stored.id, "L’eau est potable."))

        assert done.words is None
        assert "L’eau est potable" in self.texts(desk, done.stored)

    def test_without_any_nothing_follows(self, desk, out):
        assert desk.act(self.LUC, lambda officer: officer.correct(out.stored.id)).words is None

    def test_of_what_was_never_out_nothing_follows(self, desk):
        filed = desk.post(self.LUC)

        assert desk.act(self.LUC, lambda officer: officer.correct(filed.stored.id, "Rien.")).words is None
