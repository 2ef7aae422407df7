"""What is done from the pages of what is heard: each button's deed, by what it is done to and its name.

A deed acts through `alerts.listening`, which checks the role and writes the audit log, and returns the page that is
shown then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from alerts.desk.officer import Officer
from alerts.listening import acts, moderating, proposals
from alerts.model.errors import Misuse
from alerts.model.listening import Kind, UtteranceState
from alerts.model.person import Act
from alerts.model.reason import because

Deed = Callable[[Officer, str, Mapping[str, str]], str]
"""Does it to what has that id, with what the form said; returns the page to show then, below the desk."""
_BOARD = "/heard"


def _answer(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.answer(
        officer,
        question,
        form.get("text", ""),
        next_ones="next_ones" in form,
        everywhere="everywhere" in form,
        words=form.get("words", "").strip() or None,
        source=form.get("source") or "officer",
    )
    return f"/heard/questions/{question}"


def _become(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    proposals.become(officer, question, form.get("sentence", "").strip())
    return f"/heard/questions/{question}"


def _verdict(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    proposals.verdict(officer, question, form.get("verdict", ""), form.get("sentence", "").strip())
    return f"/heard/questions/{question}"


def _withdraw(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.withdraw(officer, question, form.get("reason", "").strip() or None)
    return f"/heard/questions/{question}"


def _reword(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.reword(officer, question, form.get("words", ""))
    return f"/heard/questions/{question}"


def _merge(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    kept = acts.merge(officer, question, form.get("into", ""))
    return f"/heard/questions/{kept.id}"


def _split(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    own = acts.split(officer, question, [form.get("said", "")])
    return f"/heard/questions/{own.id}"


def _dismiss(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.dismiss(officer, question, form.get("reason", ""))
    return _BOARD


def _attribute_question(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.attribute(officer, question, form.get("about", ""))
    return f"/heard/questions/{question}"


def _attribute_said(officer: Officer, said: str, form: Mapping[str, str]) -> str:
    acts.attribute(officer, said, form.get("about", ""))
    return f"/heard/said/{said}"


def _handled(officer: Officer, said: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    acts.handled(officer, said)
    return _BOARD


def _passed_on(officer: Officer, said: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    """Seen to, because those who rescue know of it now: the audit log says by whom and when."""
    before = acts.find_utterance(officer.unit, said)
    acts.handled(officer, said)
    if before.state is UtteranceState.UNREAD:
        officer.write(Act.TEND, said, "passed on to the emergency services")
    return _BOARD


def _kind(officer: Officer, said: str, form: Mapping[str, str]) -> str:
    try:
        kind = Kind(form.get("kind", ""))
    except ValueError:  # no page of ours sends it
        raise web.HTTPBadRequest from None
    acts.set_kind(officer, said, kind)
    return f"/heard/said/{said}"


def _no_call(officer: Officer, said: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    """It is no call for help: it goes to the rest, still unread."""
    acts.set_kind(officer, said, Kind.OTHER)
    return _BOARD


def _moderate(act: str) -> Deed:
    def deed(officer: Officer, said: str, form: Mapping[str, str]) -> str:
        moderating.moderate(officer, said, act, form.get("clause", ""))
        return f"/heard/said/{said}"

    return deed


def _retry(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    officer.retry(_own(officer, question, form))
    return f"/heard/questions/{question}"


def _drop(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    officer.drop(_own(officer, question, form))
    return f"/heard/questions/{question}"


def _own(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    """The post that is meant, if it carries an answer to that question. Raises Misuse."""
    name = form.get("post", "")
    if any(post.id == name for post in officer.unit.listening.answer_posts(question)):
        return name
    raise Misuse(because("no_such_post", name=name[:40], alert=question))


def _approve(officer: Officer, answer: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    return f"/heard/questions/{acts.approve_answer(officer, answer).question.id}"


def _reject(officer: Officer, answer: str, form: Mapping[str, str]) -> str:
    return f"/heard/questions/{acts.reject_answer(officer, answer, form.get('reason') or None).question}"


def _agree(officer: Officer, moderation: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    moderating.agree(officer, moderation)
    return _BOARD


def _refuse(officer: Officer, moderation: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    moderating.refuse(officer, moderation)
    return _BOARD


DEEDS: Mapping[str, Mapping[str, Deed]] = MappingProxyType(
    {
        "questions": {
            "answer": _answer,
            "withdraw": _withdraw,
            "become": _become,
            "verdict": _verdict,
            "reword": _reword,
            "merge": _merge,
            "split": _split,
            "dismiss": _dismiss,
            "attribute": _attribute_question,
            "retry": _retry,
            "drop": _drop,
        },
        "said": {
            "handled": _handled,
            "passed-on": _passed_on,
            "no-call": _no_call,
            "kind": _kind,
            "attribute": _attribute_said,
            "hide": _moderate("hide"),
            "delete": _moderate("delete"),
            "block": _moderate("block"),
        },
        "answers": {"approve": _approve, "reject": _reject},
        "blocks": {"agree": _agree, "refuse": _refuse},
    }
)
"""What can be done to what: each is an address below `/heard`, and the word that tells that it was done."""
