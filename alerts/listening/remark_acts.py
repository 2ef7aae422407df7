"""Acts on one thing that somebody said: see to it, say what it is, and moderate it under a clause of the charter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from alerts.desk.act import Line, Name, OfficerAct
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.listening import acts, moderating
from alerts.listening.acts import find_utterance
from alerts.listening.out import UtteranceOut
from alerts.listening.question_acts import must_listen
from alerts.model.events import RemarkHeard
from alerts.model.listening import Kind, Utterance, UtteranceState
from alerts.model.person import Act
from alerts.model.reason import Reason, because


@dataclass(frozen=True)
class RemarkAct(OfficerAct):
    """The base of them. Each answers with the remark as it is then."""

    of, place, group, answers = "heard", "/heard/said", "heard", (UtteranceOut,)
    names: ClassVar[str] = "A remark's id, or the start of one."
    permission: ClassVar[Act] = Act.TEND
    stays: ClassVar[bool] = False
    table: ClassVar[str] = "utterance"
    told: ClassVar[str] = "said"

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Why nothing that was heard has this id."""
        is_there = list(unit.listening.named(self.table, self.id)) == [self.id]
        return None if is_there else because("nothing_heard_so", name=self.id[:60])

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
        return f"{f'{self.place}/{done.id}' if self.stays else '/heard'}?done={self.told}-{self.verb}"

    def events(self, unit: DeskUnit, done: Utterance) -> Sequence[object]:  # noqa: ARG002 one for all
        """The list of what people say has changed."""
        return (RemarkHeard(),)


@dataclass(frozen=True)
class SeeToRemark(RemarkAct):
    """Note that somebody saw to a remark."""

    verb = "handled"

    def carry_out(self, officer: Officer) -> Utterance:
        """Note it. Raises Forbidden."""
        must_listen(officer.unit)
        return acts.handled(officer, self.id)


@dataclass(frozen=True)
class PassOnRemark(RemarkAct):
    """Note that those who rescue know of a call for help."""

    verb = "passed-on"
    details = "By that somebody saw to it; the audit log says who passed it on, and when."

    def carry_out(self, officer: Officer) -> Utterance:
        """Note it. Raises Forbidden."""
        must_listen(officer.unit)
        before = find_utterance(officer.unit, self.id)
        done = acts.handled(officer, before.id)
        if before.state is UtteranceState.UNREAD:
            officer.write(Act.TEND, before.id, "passed on to the emergency services")
        return done


@dataclass(frozen=True)
class CallOffHelp(RemarkAct):
    """Say that a remark is no call for help."""

    verb = "no-call"
    details = "It goes to the rest, still unread."

    def carry_out(self, officer: Officer) -> Utterance:
        """Say it. Raises Forbidden."""
        must_listen(officer.unit)
        return acts.set_kind(officer, self.id, Kind.OTHER)


@dataclass(frozen=True)
class SetRemarkKind(RemarkAct):
    """Say what kind of remark it is."""

    verb, body, stays = "kind", ("RemarkKind", "Of what kind it is."), True

    kind: Annotated[Kind, Field(description="What it is: `help` if it may be a call for help.")]

    def carry_out(self, officer: Officer) -> Utterance:
        """Say it. Raises Forbidden."""
        must_listen(officer.unit)
        return acts.set_kind(officer, self.id, self.kind)


@dataclass(frozen=True)
class AttributeRemark(RemarkAct):
    """Say which alert a remark is about."""

    verb, body, stays = "attribute", ("Attribution", "What it is about."), True

    about: Annotated[Name, Field(description="The id of the alert or incident that it is about.")]

    def carry_out(self, officer: Officer) -> Utterance:
        """Attribute it. Raises Forbidden, Misuse."""
        must_listen(officer.unit)
        # By its whole id: a question's may begin as what was typed does.
        said = find_utterance(officer.unit, self.id)
        acts.attribute(officer, said.id, self.about)
        return find_utterance(officer.unit, said.id)


@dataclass(frozen=True)
class _ModeratingAct(RemarkAct):
    """The base of acts on a remark under a clause."""

    permission, stays = Act.MODERATE, True
    body = ("Clause", "Under which clause of the town's charter.")

    clause: Annotated[Line, Field(description="The charter's clause: it is recorded, and may be asked for.")]

    def carry_out(self, officer: Officer) -> Utterance:
        """Want it done: the channel's lane does it. Raises Forbidden, Misuse."""
        must_listen(officer.unit)
        moderating.moderate(officer, self.id, self.verb, self.clause)
        return find_utterance(officer.unit, self.id)


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

    of, place, group, table, told = "blocks", "/heard/blocks", "block", "moderation", "blocks"
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
        return RemarkAct.account(self, unit, find_utterance(unit, found.utterance if found is not None else self.id))


@dataclass(frozen=True)
class AgreeBlock(_BlockAct):
    """Let somebody be blocked whom another officer wants blocked."""

    verb, permission = "agree", Act.VALIDATE_ANSWER
    details = "Never who asked for it, unless the station has one officer alone."

    def carry_out(self, officer: Officer) -> Utterance:
        """Agree. Raises Forbidden, Conflict."""
        must_listen(officer.unit)
        return find_utterance(officer.unit, moderating.agree(officer, self.id).utterance)


@dataclass(frozen=True)
class RefuseBlock(_BlockAct):
    """Let nobody be blocked."""

    verb, permission = "refuse", Act.MODERATE
    details = "Who asked for it may refuse it; another's takes an approver."

    def carry_out(self, officer: Officer) -> Utterance:
        """Refuse. Raises Forbidden, Conflict."""
        must_listen(officer.unit)
        return find_utterance(officer.unit, moderating.refuse(officer, self.id).utterance)
