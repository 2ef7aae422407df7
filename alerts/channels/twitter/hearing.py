"""Replies to a town's posts on X, and mentions of it: read sparingly, since each post read costs money.

X charges for each post returned, and for the same post once a UTC day (docs.x.com, "Pricing"); an empty answer is free.
So each poll goes from cheap to expensive:

1. our own posts that are due are read together, for their number of replies;
2. if there are more than before, their conversation is searched, for replies newer than the last known;
3. so are the posts that mention the account, which include replies to replies;
4. stored replies are read again, daily in their first week and weekly after that: X's terms require that a post deleted
   there is deleted here, and that an edited one is shown as edited.

Each request asks for no more posts than the rest of the month's budget pays for, so that the budget is never exceeded:
at its end listening stops until the next month, and reports it. Nobody's name is requested: X charges for each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from alerts.channels.answer import Answer, RequestPurpose, count_of, id_of, unreadable
from alerts.channels.hearing import look_after, moment_of, print_of, words_of
from alerts.channels.twitter import answers
from alerts.model.bounds import table, tables
from alerts.model.errors import DeliveryError, Retry
from alerts.model.listening import EarReading, HeardPost, Remark
from alerts.model.reason import Reason, because

PRICE = 5_000
"""Millionths of a dollar for a post read, where the account that reads isn't the one that wrote (docs.x.com/x-api)."""
MILLIONTHS = 1_000_000
MOST_PAGES = 8
"""Pages of a hundred that one query follows: X gives no more of mentions."""
MOST_SEARCHES = 15
"""Conversations that one poll searches: X lets an account search 300 times in 15 minutes."""
SEARCHED_BACK = timedelta(days=7)
"""How far back X's recent search reaches."""
KEPT = timedelta(days=30)
"""How long a reply is read again: after that no word of it is left here."""
MOST_KEPT = 20_000
"""Number of the latest replies with a stored time of the next reading."""
# Each reading costs money, so older replies are read again less often.
DAILY_FOR = WEEK = timedelta(days=7)
MENTIONS_EVERY = timedelta(minutes=15)
"""How often mentions are asked for when nobody says anything."""
# A question that asks for fewer is refused: a search, mentions.
_FEWEST_FOUND, _FEWEST_MENTIONS, _MOST = 10, 5, 100
# After more replies were counted the search may lag behind the count: it is asked again at so many looks.
_SEARCHES = 3
_FIELDS = "author_id,conversation_id,created_at,edit_history_tweet_ids,entities,lang,referenced_tweets"
MENTIONS = "mentions"
# X's tags for posts without words: undefined, links, media, hashtags and the like.
_NO_LANGUAGE = frozenset({"und", "zxx", "art", "qam", "qct", "qht", "qme", "qst"})
# The problem types of a deleted post, and of one in a protected or suspended account.
_HIDDEN_AWAY = ("resource-not-found", "not-authorized-for-resource")

AskFor = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
"""One GET of the API: a route, and its query."""


@dataclass(slots=True)
class MonthlyBudget:
    """The month's budget, in millionths of a dollar, and the posts that were paid for today already."""

    budget: int
    month: str
    day: str
    spent: int = 0
    paid: dict[str, None] = field(default_factory=dict)
    cost: int = 0

    @classmethod
    def open(cls, budget: float, stored: Mapping[str, Any], now: datetime) -> MonthlyBudget:
        """As it was left; a new month has nothing spent, a new day nothing paid for."""
        month, day, spent, paid = f"{now:%Y-%m}", f"{now:%Y-%m-%d}", stored.get("spent"), stored.get("paid")
        return cls(
            round(budget * MILLIONTHS),
            month,
            day,
            (count_of(spent) or 0) if stored.get("month") == month else 0,
            dict.fromkeys(map(str, paid)) if stored.get("day") == day and isinstance(paid, list) else {},
        )

    def kept(self) -> dict[str, Any]:
        """Return its state for the memory."""
        return {"month": self.month, "day": self.day, "spent": self.spent, "paid": list(self.paid)}

    def pays(self) -> int:
        """How many posts more it pays."""
        return max(self.budget - self.spent, 0) // PRICE

    def pay(self, ids: Iterable[str]) -> None:
        """Pay for the posts that X returned; each once a day."""
        new = [each for each in dict.fromkeys(ids) if each not in self.paid]
        self.paid.update(dict.fromkeys(new))
        self.spent += PRICE * len(new)
        self.cost += PRICE * len(new)


def lookup_due(said_at: datetime, looked_at: datetime, now: datetime) -> bool:
    """True if a remark is to be read again: each UTC day for a week, then weekly; after a month no more."""
    age = now - said_at
    if age > KEPT:
        return False
    return looked_at.date() < now.date() if age <= DAILY_FOR else now - looked_at >= WEEK


@dataclass(frozen=True, slots=True)
class _ConversationRemembered:
    """The memory of one of our posts. `owed`: its conversation is searched for so many more polls."""

    looked: datetime | None = None
    conversation: str | None = None
    replies: int = 0
    newest: datetime | None = None
    owed: int = 0

    @classmethod
    def read(cls, value: object) -> _ConversationRemembered:
        kept = table(value)
        looked, newest = moment_of(kept.get("looked")), moment_of(kept.get("newest"))
        replies, owed = count_of(kept.get("replies")) or 0, count_of(kept.get("owed")) or 0
        return cls(looked, id_of(kept.get("conversation")), replies, newest, owed)

    def kept(self) -> dict[str, Any]:
        values = {"conversation": self.conversation, "replies": self.replies, "owed": self.owed}
        times = {"looked": self.looked, "newest": self.newest}
        values |= {name: moment.isoformat() for name, moment in times.items() if moment is not None}
        return {name: value for name, value in values.items() if value}

    def due(self, post: HeardPost, every: timedelta) -> datetime:
        """Return when it is due."""
        if self.looked is None:
            return post.sent_at
        talked = max(post.sent_at, self.newest or post.sent_at)
        return self.looked + (every if self.owed else look_after(self.looked - talked, every))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A stored reply: the id of its newest version, its time, its last reading, and a fingerprint of its words."""

    newest: str
    said_at: datetime
    looked_at: datetime
    words: str

    @classmethod
    def read(cls, value: object) -> _Kept | None:
        if not isinstance(value, list) or len(value) != 4:
            return None
        said_at, looked_at = moment_of(value[1]), moment_of(value[2])
        return cls(str(value[0]), said_at, looked_at, str(value[3])) if said_at and looked_at else None

    def kept(self) -> list[str]:
        return [self.newest, self.said_at.isoformat(), self.looked_at.isoformat(), self.words]


@dataclass(frozen=True, slots=True)
class AccountEar:
    """Listens for one account. `ask` makes requests as the listening account, `me` is the id of the publishing one.

    `every` is the interval of polling a young post, `budget` the month's budget in dollars.
    """

    me: str
    ask: AskFor
    every: timedelta
    budget: float

    async def hear(self, posts: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> EarReading:
        """Poll once. Raises DeliveryError if nothing was read or paid for."""
        if (halted := moment_of(memory.get("halted"))) is not None and now < halted:
            return EarReading([], memory, look_again=halted)
        look = _SearchLook(self, posts, memory, now)
        failed: DeliveryError | None = None
        try:
            await look.at_all()
        except DeliveryError as error:
            if not look.remarks and not look.budget.cost:
                raise
            # What was heard until then is kept, and paid for; the rest is asked for again.
            failed = error
        after = failed.after if isinstance(failed, Retry) else None
        return EarReading(
            list(look.remarks.values()),
            look.kept(),
            look_again=max(after or look.again(), look.halted or now),
            gap=look.gap,
            trouble=failed.reason if failed is not None else None,
            cost=look.budget.cost / MILLIONTHS,
        )


class _SearchLook:
    """One poll, and the memory to keep after it."""

    def __init__(self, ear: AccountEar, posts: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> None:
        self._me, self._ask, self._every, self._now = ear.me, ear.ask, ear.every, now
        self._posts = {post.remote_id: post for post in posts}
        before = table(memory.get("posts"))
        self._threads = {id_: _ConversationRemembered.read(before.get(id_)) for id_ in self._posts}
        # Of each question (a conversation's id, or the mentions) the newest post that it brought, and when it did.
        self._found = {str(name): _found_of(value) for name, value in table(memory.get("found")).items()}
        self._mentioned = moment_of(memory.get("mentioned"))
        kept = ((str(id_), _Kept.read(value)) for id_, value in table(memory.get("kept")).items())
        self._heard = {id_: each for id_, each in kept if each is not None and now - each.said_at <= KEPT}
        self.budget = MonthlyBudget.open(ear.budget, memory, now)
        self.remarks: dict[str, Remark] = {}
        self.gap: Reason | None = None
        self.halted: datetime | None = None

    async def at_all(self) -> None:
        """Poll everything that is due, from cheap to expensive. Raises DeliveryError."""
        await self._count_replies()
        owed = {each.conversation: each.owed for each in self._threads.values() if each.owed and each.conversation}
        for conversation in sorted(owed, key=owed.__getitem__, reverse=True)[:MOST_SEARCHES]:
            await self._search(conversation)
        if self._mentions_due() <= self._now:
            await self._mentions()
        await self._look_up_again()

    def again(self) -> datetime:
        """Return when the next poll is due."""
        due = (thread.due(self._posts[id_], self._every) for id_, thread in self._threads.items())
        return min(due, default=self._mentions_due()) if self._posts else self._mentions_due()

    def kept(self) -> dict[str, Any]:
        """Return the memory to keep."""
        conversations = {each.conversation for each in self._threads.values()}
        found = {
            name: [id_, at.isoformat()]
            for name, (id_, at) in self._found.items()
            if name in conversations or name == MENTIONS
        }
        return self.budget.kept() | {
            "posts": {id_: thread.kept() for id_, thread in self._threads.items()},
            "found": found,
            "kept": {id_: each.kept() for id_, each in list(self._heard.items())[-MOST_KEPT:]},
            **({"mentioned": self._mentioned.isoformat()} if self._mentioned else {}),
            **({"halted": self.halted.isoformat()} if self.halted else {}),
        }

    # --- what is due

    def _mentions_due(self) -> datetime:
        if self._mentioned is None:
            return self._now
        talked = [post.sent_at for post in self._posts.values()]
        talked += [each.newest for each in self._threads.values() if each.newest is not None]
        pause = look_after(self._mentioned - max(talked), self._every) if talked else MENTIONS_EVERY
        return self._mentioned + max(min(pause, MENTIONS_EVERY), self._every)

    async def _count_replies(self) -> None:
        """Read our posts that are due: if replies were added, their conversation is searched."""
        due = [id_ for id_, each in self._threads.items() if each.due(self._posts[id_], self._every) <= self._now]
        asked = due[: min(_MOST, self._room(1))] if due else []
        if not asked:
            return
        fields = {"ids": ",".join(asked), "tweet.fields": "conversation_id,public_metrics"}
        posts = {id_of(each.get("id")): each for each in self._listed(await self._read("/2/tweets", fields))}
        for id_ in asked:
            thread, each = self._threads[id_], posts.get(id_, {})
            # The search reaches back a week.
            if thread.looked is not None and self._now - thread.looked > SEARCHED_BACK:
                self.gap = because("x_heard_a_week_back", since=thread.looked)
            replies = count_of(table(each.get("public_metrics")).get("reply_count")) or 0
            self._threads[id_] = replace(
                thread,
                looked=self._now,
                conversation=id_of(each.get("conversation_id")) or thread.conversation or id_,
                replies=max(replies, thread.replies),
                owed=_SEARCHES if replies > thread.replies else thread.owed,
            )

    async def _search(self, conversation: str) -> None:
        query = f"conversation_id:{conversation} -is:retweet"
        fields = {"query": query, "sort_order": "recency"}
        await self._follow("/2/tweets/search/recent", fields, conversation, ("next_token", _FEWEST_FOUND))
        for id_, thread in self._threads.items():
            if thread.conversation == conversation:
                self._threads[id_] = replace(thread, owed=max(thread.owed - 1, 0))

    async def _mentions(self) -> None:
        route = f"/2/users/{self._me}/mentions"
        await self._follow(route, {}, MENTIONS, ("pagination_token", _FEWEST_MENTIONS))
        self._mentioned = self._now

    async def _look_up_again(self) -> None:
        """Read stored replies again: a deleted one is removed, an edited one updated."""
        due = [id_ for id_, each in self._heard.items() if lookup_due(each.said_at, each.looked_at, self._now)]
        due.sort(key=lambda id_: self._heard[id_].looked_at)
        # What was heard in this very look was read just now.
        asked = [id_ for id_ in due if id_ not in self.remarks][:_MOST]
        if not asked:
            return
        asked = asked[: self._room(1)]
        by_version = {self._heard[id_].newest: id_ for id_ in asked}
        answer = await self._read("/2/tweets", {"ids": ",".join(by_version), "tweet.fields": _FIELDS})
        for post in self._listed(answer):
            self._hear(post)
        for version in _missing(answer.read() or {}):
            if (id_ := by_version.get(version)) is not None:
                said_at = self._heard.pop(id_).said_at
                self.remarks[id_] = Remark(id_, None, said_at, edited_at=self._now, gone=True)
        for id_ in asked:
            if id_ in self._heard:
                self._heard[id_] = replace(self._heard[id_], looked_at=self._now)

    # --- one question

    async def _follow(self, route: str, fields: Mapping[str, str], name: str, paging: tuple[str, int]) -> None:
        """Ask for what is newer than what was found before, page by page, the newest first."""
        token, fewest = paging
        newest, at = self._found.get(name, ("0", self._now))
        asked = {**fields, "tweet.fields": _FIELDS}
        # A search refuses an id of more than a week ago, and reaches no further back.
        if newest != "0" and (name == MENTIONS or self._now - at < SEARCHED_BACK - timedelta(hours=1)):
            asked["since_id"] = newest
        page = None
        for _ in range(MOST_PAGES):
            most = {"max_results": str(min(_MOST, self._room(fewest)))}
            answer = await self._read(route, asked | most | ({token: page} if page else {}))
            for post in self._listed(answer):
                self._hear(post)
                newest = max(newest, id_of(post.get("id")) or "0", key=_number)
            page = id_of(table((answer.read() or {}).get("meta")).get("next_token"))
            # What the budget doesn't pay for is older than what was heard, and is left: all would be paid for again.
            if page is None or self.budget.pays() < fewest:
                break
        if page is not None:
            self.gap = because("x_more_than_heard")
        # Last: where a page fails, all of it is asked for again.
        if newest != self._found.get(name, ("0", at))[0]:
            self._found[name] = newest, self._now

    def _room(self, fewest: int) -> int:
        """How many posts may be asked for. Raises Retry where that is less than X lets one ask for."""
        if (room := self.budget.pays()) >= fewest:
            return room
        until = _next_month(self._now)
        budget = f"{self.budget.budget / MILLIONTHS:.2f}"
        raise Retry(because("x_budget_reached", budget=budget, until=until), until, whole_channel=True)

    async def _read(self, route: str, fields: Mapping[str, str]) -> Answer:
        answer = await self._ask(route, fields)
        resets = [quota.reset for quota in answers.limits(answer.headers) if quota.remaining <= 0]
        self.halted = max([*resets, self.halted or self._now]) if resets else self.halted
        if (error := answers.refusal(answer, RequestPurpose.READ, self._now)) is not None:
            raise error
        return answer

    def _listed(self, answer: Answer) -> list[Mapping[str, Any]]:
        """The posts of an answer, which were paid for by this."""
        body = answer.read()
        listed = (body or {}).get("data", [])
        if body is None or not isinstance(listed, list):
            raise unreadable("X", answer, RequestPurpose.READ)
        posts = tables(listed)
        self.budget.pay(id_ for each in posts if (id_ := id_of(each.get("id"))) is not None)
        return posts

    def _hear(self, post: Mapping[str, Any]) -> None:
        """Take what a post says, if it is new."""
        roots = {each.conversation: id_ for id_, each in self._threads.items()}
        remark = remark_of(post, self._me, roots | {id_: id_ for id_ in self._posts})
        if remark is None:
            return
        version, words, known = (
            str(id_of(post.get("id"))),
            print_of(remark.text or ""),
            self._heard.get(remark.remote_id),
        )
        # An edit has an id of its own, and an older version may arrive after a newer one.
        if known is not None and (known.words == words or _number(version) < _number(known.newest)):
            return
        self._heard[remark.remote_id] = _Kept(version, remark.at, self._now, words)
        self.remarks[remark.remote_id] = remark if known is None else replace(remark, edited_at=self._now)
        if remark.root is not None and (thread := self._threads.get(remark.root)) is not None:
            newest = max(thread.newest or remark.at, min(remark.at, self._now))
            self._threads[remark.root] = replace(thread, newest=newest)


def remark_of(post: Mapping[str, Any], me: str, roots: Mapping[str | None, str]) -> Remark | None:
    """Return the remark of a post on X. Returns None if it is our own, a repost, or without a valid time.

    `roots` maps a conversation, or an answered post, to the post of ours that it belongs to. Each version of an edited
    post has an id of its own: the first one's identifies it.
    """
    version, at, author = id_of(post.get("id")), moment_of(post.get("created_at")), id_of(post.get("author_id"))
    # X's own pages name these fields in two ways (openapi 2.167 and the guides of the same date).
    others = [each for each in _either(post, "referenced_tweets", "referenced_posts") if isinstance(each, dict)]
    if version is None or at is None or author == me or any(each.get("type") == "retweeted" for each in others):
        return None
    answered = next((id_of(each.get("id")) for each in others if each.get("type") == "replied_to"), None)
    history = _either(post, "edit_history_tweet_ids", "edit_history_post_ids")
    conversation, language = id_of(post.get("conversation_id")), post.get("lang")
    words = words_of(answers.as_written(post))
    return Remark(
        min([version, *(id_ for each in history if (id_ := id_of(each)))], key=_number),
        answers.without_names(words) if answered else words,
        at,
        root=roots.get(answered) or roots.get(conversation),
        parent=None if answered in roots else answered,
        author=author,
        # X leads from this address to the account's own: its name needn't be asked, nor paid for.
        url=f"https://x.com/i/web/status/{version}",
        language=language if isinstance(language, str) and language not in _NO_LANGUAGE else None,
    )


def _found_of(value: object) -> tuple[str, datetime]:
    id_, at = value if isinstance(value, list) and len(value) == 2 else (None, None)
    return id_of(id_) or "0", moment_of(at) or datetime.min.replace(tzinfo=UTC)


def _either(post: Mapping[str, Any], *names: str) -> Sequence[Any]:
    return next((found for name in names if isinstance(found := post.get(name), list)), ())


def _missing(body: Mapping[str, Any]) -> list[str]:
    """Return the requested posts that are gone, or no longer visible to anybody."""
    # Its host is x.com or twitter.com: the end tells.
    gone = [e for e in tables(body.get("errors")) if str(e.get("type", "")).rpartition("/")[2] in _HIDDEN_AWAY]
    return [id_ for each in gone if (id_ := id_of(each.get("resource_id") or each.get("value"))) is not None]


def _number(id_: str | None) -> int:
    return int(id_) if id_ is not None and id_.isascii() and id_.isdecimal() else 0


def _next_month(now: datetime) -> datetime:
    return datetime.combine((now.replace(day=1) + timedelta(days=32)).date().replace(day=1), time(), UTC)
