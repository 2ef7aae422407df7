"""What people say in the store, in a file and on a server: whose it is, how an ear does, what is forgotten of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.model.listening import (
    AnswerState,
    EarStatus,
    GivenAnswer,
    Kind,
    Moderation,
    Question,
    QuestionState,
    Utterance,
    UtteranceState,
)
from alerts.model.post import PostKind
from alerts.model.reason import because
from tests.unit.store.conftest import NOW, a_post, a_record

ASKED = Utterance(
    id="u1",
    channel="telegram",
    remote_id="4711:8",
    said_at=NOW,
    heard_at=NOW,
    text="L’eau est potable ?",
    kind=Kind.QUESTION,
    incident="i1",
    author="a" * 64,
    sealed="4711",
    private=True,
    asks=True,
)


async def test_what_somebody_asked_the_bot_is_theirs_alone_and_goes_when_they_say_so(database):
    others = (
        replace(ASKED, id="u2", remote_id="47111:8"),
        replace(ASKED, id="u3", remote_id="-100:9", private=False),
        replace(ASKED, id="u4", channel="team"),
        replace(ASKED, id="u5", remote_id="4711:9", text=None, state=UtteranceState.GONE),
    )
    await database.write(lambda unit: [unit.listening.add(each) for each in (ASKED, *others)])

    async def theirs():
        return [each.id for each in await database.read(lambda unit: unit.listening.said_to_bot("telegram", 4711))]

    assert await theirs() == ["u1"]
    await database.write(lambda unit: unit.listening.forget(ASKED, NOW))
    assert await theirs() == []
    [left] = [each for each in await database.read(lambda unit: unit.listening.heard(9)) if each.id == "u1"]
    assert "4711" not in str(left)
    assert await database.read(lambda unit: unit.listening.is_forgotten("telegram", "4711:8"))


async def test_an_ear_is_kept_as_it_is_and_tells_reactions_of_what_it_remembers(database):
    status = EarStatus(
        "telegram",
        {"threads": {"7": "12"}, "reactions": {"12": {"👍": 3}}},
        last_try=NOW,
        last_ok=NOW - timedelta(hours=1),
        failures=2,
        next_try=NOW + timedelta(seconds=85),
        reason=because("telegram_privacy_mode", account="@tocsin_bot"),
        gap=because("telegram_gap", since=NOW - timedelta(hours=30), until=NOW - timedelta(hours=24)),
    )
    await database.write(lambda unit: unit.listening.put_ear(status))
    assert await database.read(lambda unit: unit.listening.ear("telegram")) == status
    told = [
        await database.read(lambda unit, id_=id_: unit.listening.reactions("telegram", id_)) for id_ in ("12", "13")
    ]
    assert told == [{"👍": 3}, {}]
    assert await database.read(lambda unit: unit.restored.newest_known("telegram", NOW)) is None


def said(number: int, kind: Kind = Kind.OTHER, **more) -> Utterance:
    return Utterance(f"u{number}", "page", f"r{number}", NOW, NOW, f"Words {number}", kind, **more)


def asked(name: str, state: QuestionState = QuestionState.OPEN, incident: str = "one") -> Question:
    return Question(name, "Words?", Kind.QUESTION, state, NOW, NOW, incident=incident)


async def test_what_is_unread_beside_questions_and_calls_is_listed_and_counted(database):
    def keep(unit):
        unit.listening.put_question(asked("open"))
        unit.listening.put_question(asked("over", QuestionState.ANSWERED))
        for each in (
            said(1, Kind.QUESTION, question="open"),
            said(2, Kind.QUESTION, question="over"),
            said(3),
            said(4, Kind.HELP, raised=True),
            said(5),
        ):
            unit.listening.add(each)

    await database.write(keep)

    def look(unit):
        listening = unit.listening
        beside = listening.unread_beside(2)
        rest = listening.unread_beside(9, beside[-1].seq)
        return (
            [each.id for each in beside],
            [each.id for each in rest],
            listening.beside_count(),
            listening.beside_count(beside[-1].seq),
            listening.unread_counts(),
            [each.id for each in listening.samples("open", 3)],
            listening.answered_about(9),
        )

    counts = {(Kind.QUESTION, False): 2, (Kind.OTHER, False): 2, (Kind.HELP, True): 1}
    assert await database.read(look) == (["u2", "u3"], ["u5"], 3, 1, counts, ["u1"], ["one"])


async def test_the_incidents_that_were_answered_about_last_come_first(database):
    def keep(unit):
        for n, incident in enumerate(("one", "two", "three", None)):
            question = asked(f"q{n}", QuestionState.ANSWERED, incident)
            unit.listening.put_question(replace(question, changed_at=NOW.replace(minute=n)))
        unit.listening.put_question(asked("q9", QuestionState.DISMISSED, "nobody"))

    await database.write(keep)
    assert await database.read(lambda unit: unit.listening.answered_about(2)) == ["three", "two"]


async def test_things_are_named_by_the_beginning_of_their_ids(database):
    question = Question("q123", "L’eau ?", Kind.QUESTION, QuestionState.OPEN, NOW, NOW)

    def fill(unit):
        unit.listening.put_question(question)
        unit.listening.put_question(replace(question, id="q124"))
        unit.listening.add(replace(ASKED, question="q123"))

    await database.write(fill)
    for prefix, found in (("q12", ["q123", "q124"]), ("q123", ["q123"]), ("x", []), ("", [])):
        assert list(await database.read(lambda unit, p=prefix: unit.listening.named("question", p))) == found

    await database.write(
        lambda unit: (unit.listening.move_askers("q123", "q124"), unit.listening.drop_question("q123"))
    )
    assert await database.read(lambda unit: unit.listening.question("q123")) is None
    assert [each.id for each in await database.read(lambda unit: unit.listening.asking("q124"))] == ["u1"]


async def test_the_posts_of_an_answer_are_found_by_its_question_and_forgotten_with_who_asked(database):
    said = replace(ASKED, question="q1")
    answer = GivenAnswer("a1", "q1", 1, "Oui.", "fr", "Anne", NOW, AnswerState.ACCEPTED)
    kept = {"kind": PostKind.ANSWER, "in_reply_to": said.remote_id, "answer": "a1"}
    # One by its asker's own key, one by a later round's, and one that answers nobody.
    alert = a_record("al1", incident="i1")
    posts = [
        a_post("p1", alert, incident_id=said.id, channel="telegram", **kept),
        a_post("p2", alert, incident_id="another", channel="telegram", **kept),
        a_post("p3", alert, channel="telegram"),
    ]

    def fill(unit):
        unit.listening.add(said)
        unit.listening.add_answer(answer)
        unit.alerts.add(alert)
        for post in posts:
            unit.alerts.add_post(post)

    await database.write(fill)
    assert [post.id for post in await database.read(lambda unit: unit.listening.answer_posts("q1"))] == ["p1", "p2"]

    await database.write(lambda unit: unit.listening.forget(said, NOW))
    left = await database.read(lambda unit: unit.listening.answer_posts("q1"))
    assert [post.in_reply_to for post in left] == [None, None]
    assert "4711" not in str(left)


async def test_what_is_done_about_a_remark_is_decided_once(database):
    record = Moderation("m1", "u1", "page", "block", "Article 3", "Anne", NOW, state="waiting")
    await database.write(lambda unit: unit.listening.moderate(record))
    agreed = replace(record, state="wanted", second="Paul", reason=because("nobody_to_block", utterance="u1"))

    done = [await database.write(lambda unit: unit.listening.decide_moderation(agreed, "waiting")) for _ in range(2)]

    assert done == [True, False]
    assert await database.read(lambda unit: unit.listening.moderation("m1")) == agreed
    assert await database.read(lambda unit: unit.listening.moderations_in("wanted")) == [agreed]
    assert await database.read(lambda unit: unit.listening.moderations_of("u1")) == [agreed]
