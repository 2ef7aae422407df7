"""Acts on one thing that somebody said: see to it, say what it is, and moderate it under a clause of the charter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field

from alerts.desk.act import Line, Name
from alerts.desk.approve import find_alert
from alerts.desk.handing_in import only_named
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.listening.moderating import BLOCK, DONE, LONGEST_CLAUSE, REFUSED, WAITING, WANTED, may
from alerts.listening.out import UtteranceOut
from alerts.listening.question_acts import HeardAct
from alerts.listening.questions import find_utterance
from alerts.model.errors import Conflict, Forbidden, Misuse
from alerts.model.listening import Kind, Moderation, Utterance, UtteranceState
from alerts.model.person import Act, fold_name
from alerts.model.reason import because


@dataclass(frozen=True)
class RemarkAct(HeardAct):
    """The base of them. Each answers with the remark as it is then."""

    of, place, group, answers = "heard", "/heard/said", "heard", (UtteranceOut,)
    names: ClassVar[str] = "A remark's id, or the start of one."
    stays: ClassVar[bool] = False
    table = "utterance"
    done_as: ClassVar[str] = "said"

    def account(self, unit: DeskUnit, done: Utterance) -> UtteranceOut:
        """The remark."""
        return UtteranceOut.of(unit.desk.station, find_utterance(unit, done.id))

    def before(self, unit: DeskUnit) -> UtteranceOut:
        """The remark as it is now."""
        return self.account(unit, find_utterance(unit, self.id))

    def title(self, unit: DeskUnit) -> str:
        """Its words, as long as they are kept."""
        return find_utterance(unit, self.id).text or self.id

    def page(self, unit: DeskUnit, done: Utterance) -> str:  # noqa: ARG002 it has its id
        """Its page where more can be done about it, else what else people say."""
        return f"{f'{self.place}/{done.id}' if self.stays else '/heard'}?done={self.done_as}-{self.verb}"

    def _said(self, officer: Officer, kind: Kind) -> Utterance:
        """Say what it is: a person's word alone takes back that it may be a call for help."""
        said = find_utterance(officer.unit, self.id)
        changed = replace(said, kind=kind, kind_reason=None, raised=kind is Kind.HELP)
        if changed != said:
            officer.unit.listening.put(changed)
            officer.write(Act.TEND, said.id, f"kind {kind}")
        return changed


@dataclass(frozen=True)
class SeeToRemark(RemarkAct):
    """Note that somebody saw to a remark."""

    verb = "handled"

    def carry_out(self, officer: Officer) -> Utterance:
        """Note it."""
        said = find_utterance(officer.unit, self.id)
        if said.state is not UtteranceState.UNREAD:
            return said
        done = replace(said, state=UtteranceState.HANDLED)
        officer.unit.listening.put(done)
        officer.write(Act.TEND, said.id, "handled")
        return done


@dataclass(frozen=True)
class PassOnRemark(SeeToRemark):
    """Note that those who rescue know of a call for help."""

    verb = "passed-on"
    details = "By that somebody saw to it; the audit log says who passed it on, and when."

    def carry_out(self, officer: Officer) -> Utterance:
        """Note it."""
        before = find_utterance(officer.unit, self.id)
        done = super().carry_out(officer)
        if before.state is UtteranceState.UNREAD:
            officer.write(Act.TEND, before.id, "passed on to the emergency services")
        return done


@dataclass(frozen=True)
class CallOffHelp(RemarkAct):
    """Say that a remark is no call for help."""

    verb = "no-call"
    details = "It goes to the rest, still unread."

    def carry_out(self, officer: Officer) -> Utterance:
        """Say it."""
        return self._said(officer, Kind.OTHER)


@dataclass(frozen=True)
class SetRemarkKind(RemarkAct):
    """Say what kind of remark it is."""

    verb, body, stays = "kind", ("RemarkKind", "Of what kind it is."), True

    kind: Annotated[Kind, Field(description="What it is: `help` if it may be a call for help.")]

    def carry_out(self, officer: Officer) -> Utterance:
        """Say it."""
        return self._said(officer, self.kind)


@dataclass(frozen=True)
class AttributeRemark(RemarkAct):
    """Say which alert a remark is about."""

    verb, body, stays = "attribute", ("Attribution", "What it is about."), True

    about: Annotated[Name, Field(description="The id of the alert or incident that it is about.")]

    def carry_out(self, officer: Officer) -> Utterance:
        """Attribute it, by any of the incident's alerts. Raises Misuse."""
        unit, said = officer.unit, find_utterance(officer.unit, self.id)
        about = find_alert(unit.alerts, self.about).incident_id
        attributed = replace(said, incident=about, suggested=False)
        unit.listening.put(attributed)
        officer.write(Act.TEND, said.id, f"about {about}")
        return attributed


@dataclass(frozen=True)
class _ModeratingAct(RemarkAct):
    """The base of acts on a remark under a clause."""

    permission, stays = Act.MODERATE, True
    body = ("Clause", "Under which clause of the town's charter.")

    clause: Annotated[Line, Field(description="The charter's clause: it is recorded, and may be asked for.")]

    def carry_out(self, officer: Officer) -> Utterance:
        """Want it done: the channel's lane does it. The same again is what was asked before.

        Raises Misuse without a clause, and for what can't be done there.
        """
        unit, said = officer.unit, find_utterance(officer.unit, self.id)
        clause = " ".join(self.clause.split())[:LONGEST_CLAUSE]
        if not clause:
            raise Misuse(because("clause_missing"))
        if self.verb not in may(unit.desk.station, said.channel):
            raise Misuse(because("not_moderated_so", act=self.verb, channel=said.channel))
        if self.verb == BLOCK and said.sealed is None:
            raise Misuse(because("nobody_to_block", utterance=said.id))
        known = unit.listening.moderations_of(said.id)
        if any(each.act == self.verb and each.state in (WAITING, WANTED, DONE) for each in known):
            return said
        record = Moderation(
            id=unit.new_id(),
            utterance=said.id,
            channel=said.channel,
            act=self.verb,
            clause=clause,
            author=officer.actor.name,
            at=unit.now,
            state=WAITING if self.verb == BLOCK else WANTED,
        )
        unit.listening.moderate(record)
        officer.write(Act.MODERATE, said.id, f"{self.verb}: {clause}")
        return said


@dataclass(frozen=True)
class HideRemark(_ModeratingAct):
    """Hide a remark under the town's posts."""

    verb = "hide"


@dataclass(frozen=True)
class DeleteRemark(_ModeratingAct):
    """Delete a remark under the town's posts."""

    verb = "delete"


@dataclass(frozen=True)
class BlockAuthor(_ModeratingAct):
    """Ask that a remark's author be blocked on that channel."""

    verb = "block"
    details = "Somebody else has to agree (`agreeBlock`)."


@dataclass(frozen=True)
class _BlockAct(RemarkAct):
    """The base of a second person's decisions about a block."""

    of, place, group, table, done_as = "blocks", "/heard/blocks", "block", "moderation", "blocks"
    names: ClassVar[str] = "A block's id, or the start of one."
    decides = True

    def title(self, unit: DeskUnit) -> str:
        """The words for which somebody is to be blocked."""
        found = unit.listening.moderation(self.id)
        said = unit.listening.utterance(found.utterance) if found is not None else None
        return (said.text if said is not None else None) or self.id

    def before(self, unit: DeskUnit) -> UtteranceOut:
        """The remark as it is now."""
        found = unit.listening.moderation(self.id)
        return self.account(unit, find_utterance(unit, found.utterance if found is not None else self.id))

    def _waiting(self, unit: DeskUnit) -> Moderation:
        found = unit.listening.moderation(only_named(unit, self.table, self.id))
        assert found is not None  # noqa: S101 its id was just read
        if found.state != WAITING:
            raise Conflict(because("moderation_settled", moderation=found.id, state=found.state))
        return found

    def _decided(self, officer: Officer, waiting: Moderation, state: str, how: str) -> Utterance:
        decided = replace(waiting, state=state, second=officer.actor.name)
        if not officer.unit.listening.decide_moderation(decided, WAITING):
            raise Conflict(because("moderation_settled", moderation=decided.id, state=decided.state))
        officer.write(Act.MODERATE, decided.utterance, f"{decided.act} {how}: {decided.clause}")
        return find_utterance(officer.unit, decided.utterance)


def _is_own(officer: Officer, moderation: Moderation) -> bool:
    return fold_name(moderation.author) == fold_name(officer.actor.name)


@dataclass(frozen=True)
class AgreeBlock(_BlockAct):
    """Let somebody be blocked whom another officer wants blocked."""

    verb, permission = "agree", Act.VALIDATE_ANSWER
    details = "Never who asked for it, unless the station has one officer alone."

    def carry_out(self, officer: Officer) -> Utterance:
        """Agree. Raises Conflict, and Forbidden for the officer who asked for it."""
        waiting = self._waiting(officer.unit)
        if _is_own(officer, waiting) and not officer.unit.desk.station.desk.alone:
            raise Forbidden(because("moderates_own", moderation=waiting.id, author=waiting.author))
        return self._decided(officer, waiting, WANTED, "agreed")


@dataclass(frozen=True)
class RefuseBlock(_BlockAct):
    """Let nobody be blocked."""

    verb, permission = "refuse", Act.MODERATE
    details = "Who asked for it may refuse it; another's takes an approver."

    def carry_out(self, officer: Officer) -> Utterance:
        """Refuse. Raises Conflict, and Forbidden where another's takes an approver."""
        waiting = self._waiting(officer.unit)
        officer.must(
            Act.MODERATE if fold_name(waiting.author) == fold_name(officer.actor.name) else Act.VALIDATE_ANSWER
        )
        return self._decided(officer, waiting, REFUSED, "refused")
