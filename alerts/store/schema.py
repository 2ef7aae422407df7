"""The tables, as SQLAlchemy Core's metadata.

The triggers of SQLite are in `alerts.store.files`, those of PostgreSQL in `alerts.store.server_schema`.

It is one long file on purpose. It holds no logic, only the parts of `metadata`: a database is made, copied and compared
from this one value, so a table in a file that nobody imported would silently be missing from all three. A new column
needs only this file and a migration. The tables are grouped by subject, each under a heading: alerts and the outbox;
sources and channels; daemons; people at the desk; subscribers; officers' chats; people's remarks; polls; reports.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from alerts.store.conditions import (
    ANSWERS,
    ASKING,
    CITED,
    DUPLICATES,
    EXACT,
    KNOWN,
    NAMED,
    NOT_ACCEPTED,
    NOT_CLOSED,
    OPEN,
    OPEN_REPORTS,
    SOURCED,
    UNDER_WAY,
    UNHANDLED,
    UNTOLD,
    WORDS,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _seq() -> Column[int]:
    """The number by which rows are in the order in which they were committed; SQLite counts in INTEGER alone."""
    return Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _only(condition: str) -> dict[str, Any]:
    """A partial index: of the rows that meet the condition alone."""
    return {f"{name}_where": text(condition) for name in ("sqlite", "postgresql")}


def _chat() -> tuple[Column[str], Column[int]]:
    """A chat of a channel's bot, as a key."""
    return Column("channel", String(100), primary_key=True), Column("chat", BigInteger, primary_key=True)


# --- Alerts and the outbox: what came in, what goes out, and why

# Every message that was taken in or left out; `document` is the whole of it as JSON.
alert = Table(
    "alert",
    metadata,
    _seq(),
    Column("id", String(26), nullable=False, unique=True),
    Column("incident", String(26), nullable=False, index=True),
    Column("source", String(100), nullable=False),
    Column("identifier", Text, index=True),
    Column("sender", Text),
    Column("sent", BigInteger),
    Column("status", String(16)),
    Column("msg_type", String(16)),
    Column("severity", String(16)),
    Column("headline", Text),
    Column("expires", BigInteger, index=True),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("content_key", String(64), index=True),
    Column("topic", String(64), index=True),
    Column("notes", Text, nullable=False),
    Column("document", Text),
    Column("received_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("author", Text),
    # A hash, since a strange headline is longer than what PostgreSQL's sorted indexes take of a row (2,704 bytes).
    Index("ix_alert_headline", "headline", postgresql_using="hash"),
    Index("ix_alert_open", "state", "closed_at", "expires"),
    # For lists: what is on by gravity; one state or one source, newest first (the key follows by itself).
    Index("ix_alert_on", "severity", "expires", **_only(NOT_CLOSED)),
    Index("ix_alert_held", "state", **_only(NOT_ACCEPTED)),
    Index("ix_alert_source", "source", **_only(NAMED)),
    sqlite_autoincrement=True,
)

# What each message refers to by identifier: a message that comes after the one that replaces it is known by this.
reference = Table(
    "reference",
    metadata,
    Column("identifier", Text, primary_key=True),
    Column("alert_id", String(26), ForeignKey("alert.id"), primary_key=True, index=True),
)

# The outbox: what each channel is asked to do for an alert, and what came of it.
post = Table(
    "post",
    metadata,
    _seq(),
    Column("id", String(26), nullable=False, unique=True),
    Column("alert_id", String(26), ForeignKey("alert.id"), nullable=False, index=True),
    Column("incident", String(26), nullable=False),
    Column("channel", String(100), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("means", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("exercise", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("plain", Text, nullable=False),
    Column("link", Text),
    Column("image", Text),
    Column("alt", Text),
    Column("language", String(35), nullable=False),
    Column("warnings", Text, nullable=False),
    Column("expires", BigInteger),
    Column("not_before", BigInteger),
    Column("next_try", BigInteger),
    Column("tries", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("attempted_at", BigInteger),
    Column("remote_id", Text),
    Column("url", Text),
    Column("sent_at", BigInteger),
    Column("outcome", String(16)),
    Column("reason", Text),
    Column("stored_at", BigInteger, nullable=False),
    # Of an answer: the remark that it goes to, and which answer it is.
    Column("in_reply_to", Text),
    Column("answer", String(26)),
    Column("poll", Text),
    # Descending, so that the next post is the first row met, of however many.
    Index("ix_post_lane", "channel", "state", text("priority DESC"), "seq"),
    Index("ix_post_thread", "incident", "channel", "seq"),
    Index("ix_post_sent", "channel", "sent_at"),
    # For lists: what is to be seen to, on all channels; what went out lately.
    Index("ix_post_open", "state", "priority", "seq", **_only(OPEN)),
    Index("ix_post_sent_at", "sent_at"),
    # Few of all posts: those that carry an answer, by which.
    Index("ix_post_answer", "answer", **_only(ANSWERS)),
    sqlite_autoincrement=True,
)

# The journal: a row before each attempt, completed after it. The pace is computed from `left_at` where `counts`.
attempt = Table(
    "attempt",
    metadata,
    _seq(),
    Column("post_id", String(26), ForeignKey("post.id"), nullable=False, index=True),
    Column("channel", String(100), nullable=False),
    Column("action", String(16), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("left_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("outcome", String(16)),
    Column("remote_id", Text),
    Column("reason", Text),
    Index("ix_attempt_pace", "channel", "counts", "left_at"),
    Index("ix_attempt_open", "channel", "ended_at"),
    # Those that are under way, of all channels: who watches asks for them every second.
    Index("ix_attempt_under_way", "seq", **_only(UNDER_WAY)),
    # For a look: the newest id that the platform gave, without those that an edit was answered with again.
    Index("ix_attempt_known", "channel", "seq", **_only(KNOWN)),
    Index("ix_attempt_remote_id", "channel", "remote_id", "seq", **_only(KNOWN)),
    sqlite_autoincrement=True,
)

# The journal of what is sent or done beside the posts: a row from before the first attempt until the outcome is stored.
job = Table(
    "job",
    metadata,
    Column("channel", String(100), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("about", String(64), primary_key=True),
    # Its recipient; 0 where it goes to no chat.
    Column("chat", BigInteger, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("next_try", BigInteger),
    Column("attempted_at", BigInteger),
    Column("owner", String(64), nullable=False),
    Column("reason", Text),
    sqlite_with_rowid=False,
)

# How many posts are in each state, by channel: kept by triggers on `post`, so that nobody counts them.
tally = Table(
    "tally",
    metadata,
    Column("channel", String(100), primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("posts", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What is left of pruned incidents, by their own id (`kept` has their rows) and by the id of each of their messages.
archive = Table(
    "archive",
    metadata,
    Column("name", String(26), primary_key=True),
    Column("incident", String(26), nullable=False),
    Column("kept", LargeBinary),
    Column("at", BigInteger, nullable=False),
)

# Pictures that posts carry, where the store is a server: a lane of another machine has to find them.
picture = Table(
    "picture",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

# Why each thing was decided, in order, for `explain`.
decision = Table(
    "decision",
    metadata,
    _seq(),
    Column("at", BigInteger, nullable=False),
    Column("alert_id", String(26), nullable=False, index=True),
    Column("post_id", String(26)),
    Column("what", String(32), nullable=False),
    Column("reason", Text),
    sqlite_autoincrement=True,
)

# --- Sources and channels

source = Table(
    "source",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("digest", Text),
    Column("memory", Text, nullable=False),
    Column("last_try", BigInteger),
    Column("last_ok", BigInteger),
    Column("failures", Integer, nullable=False),
    Column("next_try", BigInteger),
    Column("reason", Text),
)

# The entries each source has told, so that none is told again.
heard = Table(
    "heard",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# What a channel's platform said of its limits and of our credential.
channel = Table(
    "channel",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("blocked_until", BigInteger),
    Column("quotas", Text, nullable=False),
)

fact = Table(
    "fact",
    metadata,
    Column("channel", String(100), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)

# --- Daemons: who works what

# Who works a lane, a source, a bulk, a bot, or what is done once for all. `number` grows with each other owner.
lease = Table(
    "lease",
    metadata,
    Column("lane", String(100), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("number", BigInteger),
    Column("since", BigInteger),
)

# The daemons that run on this database; each renews its row together with its leases.
daemon = Table(
    "daemon",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("host", String(100), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    Column("version", String(32), nullable=False),
    Column("wants", Text, nullable=False),
    Column("standing", Text, nullable=False),
)

# --- People at the desk: accounts, sessions, the audit log, drafts

# Who may come in; `folded` is what all spellings of a name have in common.
account = Table(
    "account",
    metadata,
    Column("folded", String(100), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password", Text, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("language", String(35)),
    Column("totp", Text),
    Column("totp_step", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("signed_in_at", BigInteger),
    Column("handle", String(64)),
    Column("changes_read_at", BigInteger),
)

# `alone`: it signs in without a password; null in rows that an earlier version wrote, which is no.
passkey = Table(
    "passkey",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", String(100), ForeignKey("account.folded"), nullable=False, index=True),
    Column("public_key", Text, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("alone", Boolean),
    Column("asked_at", BigInteger),
)

session = Table(
    "session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("account", String(100), ForeignKey("account.folded"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("challenge", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("address", String(100), nullable=False),
    Column("agent", Text, nullable=False),
    Column("opened_by", Text),
)

token = Table(
    "token",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("folded", String(100), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

# Attempts to sign in, for a day: what slows down the next one.
sign_in = Table(
    "sign_in",
    metadata,
    _seq(),
    Column("at", BigInteger, nullable=False),
    Column("folded", String(100), nullable=False),
    Column("address", String(100), nullable=False),
    Column("good", Boolean, nullable=False),
    Index("ix_sign_in_name", "folded", "at"),
    Index("ix_sign_in_address", "address", "at"),
    sqlite_autoincrement=True,
)

# Who did what, when and from where. Each line's `digest` covers the line before; triggers forbid change and removal.
audit = Table(
    "audit",
    metadata,
    _seq(),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("role", String(16), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("address", String(100), nullable=False),
    Column("act", String(40), nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    sqlite_autoincrement=True,
)

draft = Table(
    "draft",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account", String(100), nullable=False, index=True),
    Column("about", String(26)),
    Column("fields", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("note", Text),
    Column("alert_id", String(26)),
    Column("updated_at", BigInteger, nullable=False),
)

# One alert that an operator sends to several towns of a fleet; in a town's own database there is none.
dispatch = Table(
    "dispatch",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("author", String(100), nullable=False),
    Column("act", String(16), nullable=False),
    Column("about", String(26)),
    Column("draft", String(26)),
    Column("fields", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger, index=True),
)

dispatch_town = Table(
    "dispatch_town",
    metadata,
    Column("dispatch", String(26), primary_key=True),
    Column("town", String(63), primary_key=True),
    Column("outcome", String(16), nullable=False),
    Column("alert", String(26)),
    Column("incident", String(26)),
    Column("reason", Text),
)

# What an officer saw of an incident last, so that they can be told what changed since.
look = Table(
    "look",
    metadata,
    Column("account", String(100), primary_key=True),
    Column("incident", String(26), primary_key=True),
    Column("alert_id", String(26), nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Answers of the API to requests that carried a key, so that the same request again gets the same answer.
idempotency = Table(
    "idempotency",
    metadata,
    Column("token", String(100), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)

# --- Subscribers, and one alert to all of them

# Those who subscribed to a channel: where they are reached and their choices, and nothing else about anybody. Of a
# browser or a mailbox `chat` is a number made of its `endpoint` (JSON), and `token` the digest of what changes its row.
subscriber = Table(
    "subscriber",
    metadata,
    *_chat(),
    Column("language", String(8), nullable=False),
    Column("districts", Text, nullable=False),
    Column("topics", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("quiet", String(11)),
    Column("step", Text),
    Column("is_on", Boolean, nullable=False),
    Column("endpoint", Text),
    Column("token", String(64)),
    Column("missed_at", BigInteger),
    Index("ix_subscriber_token", "token", unique=True),
    sqlite_with_rowid=False,
)

# One alert to the subscribers of a channel: one row of work, with a cursor.
bulk = Table(
    "bulk",
    metadata,
    _seq(),
    Column("id", String(26), nullable=False, unique=True),
    Column("channel", String(100), nullable=False),
    Column("incident", String(26), nullable=False, index=True),
    Column("alert_id", String(26), ForeignKey("alert.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("topic", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("districts", Text),
    Column("texts", Text, nullable=False),
    Column("links", Text, nullable=False),
    Column("exercise", Boolean, nullable=False),
    Column("everyone", Boolean, nullable=False),
    Column("edits", Boolean, nullable=False),
    Column("cursor", BigInteger),
    Column("total", BigInteger),
    Column("sent", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("reason", Text),
    Column("hazard", String(32)),
    Index("ix_bulk_work", "channel", "state", "seq"),
    sqlite_autoincrement=True,
)

# What was handed to the network and has no answer yet: after a kill, these alone may have been reached. What is in
# doubt is told once more at the end.
bulk_flight = Table(
    "bulk_flight",
    metadata,
    Column("bulk", String(26), primary_key=True),
    Column("chat", BigInteger, primary_key=True),
    Column("doubt", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# Which of these are out, as JSON: [[chat, message_id], …]; the next turn files it under `received`.
bulk_landed = Table(
    "bulk_landed",
    metadata,
    _seq(),
    Column("bulk", String(26), nullable=False),
    Column("got", Text, nullable=False),
)

# Who got what of an incident: its updates and its end go to them, in answer to the message they have.
received = Table(
    "received",
    metadata,
    *_chat(),
    Column("incident", String(26), primary_key=True),
    Column("message_id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_received_incident", "channel", "incident", "chat"),
    sqlite_with_rowid=False,
)

# What waits for a subscriber's morning, or for what else comes within minutes.
held_back = Table(
    "held_back",
    metadata,
    *_chat(),
    Column("bulk", String(26), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index("ix_held_back_until", "channel", "until"),
    sqlite_with_rowid=False,
)

# --- Officers in their private chats

# The private chats in which accounts are told what waits, the codes that link them, and what each was told.
officer_chat = Table(
    "officer_chat",
    metadata,
    *_chat(),
    Column("account", String(100), nullable=False, index=True),
)
link_code = Table(
    "link_code",
    metadata,
    Column("account", String(100), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("until", BigInteger, nullable=False),
)
officer_told = Table(
    "officer_told",
    metadata,
    *_chat(),
    Column("alert_id", String(26), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# The alert whose reason for being rejected a chat was asked for last, and the message that asks.
officer_asked = Table(
    "officer_asked",
    metadata,
    *_chat(),
    Column("alert_id", String(26), nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# --- What people say about the town's posts

# What people said, as `alerts.model.listening` tells it. After its time `text`, `name`, `sealed`, `author` and `vector`
# are gone, and what is left is counted.
utterance = Table(
    "utterance",
    metadata,
    _seq(),
    Column("id", String(26), nullable=False, unique=True),
    Column("channel", String(100), nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("root", Text),
    Column("parent", Text),
    Column("incident", String(26), index=True),
    Column("suggested", Boolean, nullable=False),
    Column("author", String(64)),
    Column("sealed", Text),
    Column("name", Text),
    Column("text", Text),
    Column("url", Text),
    Column("language", String(35)),
    Column("kind", String(16), nullable=False),
    Column("kind_reason", Text),
    Column("asks", Boolean, nullable=False),
    Column("raised", Boolean, nullable=False),
    Column("question", String(26)),
    Column("state", String(16), nullable=False),
    Column("said_at", BigInteger, nullable=False),
    Column("heard_at", BigInteger, nullable=False),
    Column("edited_at", BigInteger),
    Column("hidden", Boolean, nullable=False),
    Column("hidden_at", BigInteger),
    Column("private", Boolean, nullable=False),
    Column("exercise", Boolean, nullable=False),
    Column("told_at", BigInteger),
    Column("by", String(100)),
    Column("place", Text),
    Column("vector", LargeBinary),
    Index("ix_utterance_remark", "channel", "remote_id", unique=True),
    Index("ix_utterance_unread", "raised", "seq", **_only(UNHANDLED)),
    # What still has words: what is forgotten in time is found among these alone.
    Index("ix_utterance_words", "heard_at", **_only(WORDS)),
    Index("ix_utterance_question", "question", "seq", **_only(ASKING)),
    sqlite_autoincrement=True,
)

question = Table(
    "question",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("incident", String(26), index=True),
    Column("words", Text, nullable=False),
    Column("worded_by", String(100)),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("asked", BigInteger, nullable=False),
    Column("next_ones", Boolean, nullable=False),
    Column("verdict", String(16)),
    Column("reason", Text),
    Column("centroid", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

answer = Table(
    "answer",
    metadata,
    _seq(),
    Column("id", String(26), nullable=False, unique=True),
    Column("question", String(26), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", String(35), nullable=False),
    Column("source", String(26), nullable=False),
    Column("author", String(100), nullable=False),
    Column("state", String(16), nullable=False),
    Column("everywhere", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("validated_by", String(100)),
    Column("validated_at", BigInteger),
    # Null in rows that an earlier version wrote, whose answers are all to questions.
    Column("given_to", String(16)),
    Column("asked", Text),
    Column("incident", String(26)),
    Column("next_ones", Boolean),
    Column("digest", String(64)),
    sqlite_autoincrement=True,
)

# What listens, and how it does; as `source` for sources.
ear = Table(
    "ear",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("memory", Text, nullable=False),
    Column("last_try", BigInteger),
    Column("last_ok", BigInteger),
    Column("failures", Integer, nullable=False),
    Column("next_try", BigInteger),
    Column("reason", Text),
    Column("gap", Text),
    # In millionths of a dollar, and the month that they were spent in.
    Column("cost", BigInteger, nullable=False),
    Column("month", String(7), nullable=False),
)

# Digests of what must not be heard again by a later look, and who asked for that is not told.
forgotten = Table(
    "forgotten",
    metadata,
    Column("channel", String(100), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# What authors are hashed under, by month; thrown away with the last text of that month.
listening_secret = Table(
    "listening_secret",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("value", Text, nullable=False),
)

# What officers did about utterances on their platforms, and why. It is kept for a year and holds no words of theirs.
moderation = Table(
    "moderation",
    metadata,
    _seq(),
    Column("id", String(26), nullable=False, unique=True),
    Column("utterance", String(26), nullable=False, index=True),
    Column("channel", String(100), nullable=False),
    Column("act", String(16), nullable=False),
    Column("clause", Text, nullable=False),
    Column("author", String(100), nullable=False),
    Column("second", String(100)),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# --- Polls

# A poll, where it is asked with what was counted there, and its votes on the page and by the bots until it is closed.
poll = Table(
    "poll",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("question", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("channels", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("exercise", Boolean, nullable=False),
    Column("author", String(100), nullable=False),
    Column("opens_at", BigInteger, nullable=False),
    Column("closes_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("secret", String(64)),
    Column("approved_by", String(100)),
    Column("approved_at", BigInteger),
    Column("opened_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("published_at", BigInteger),
    Column("reason", Text),
    Column("outcome", Text),
    Column("outcome_at", BigInteger),
)

poll_place = Table(
    "poll_place",
    metadata,
    Column("poll", String(26), ForeignKey("poll.id"), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("way", String(16), nullable=False),
    Column("votes", Text),
    Column("how", String(16)),
    Column("counted_at", BigInteger),
    Column("spikes", Text),
    Column("reason", Text),
)

# A vote: whose it is and for what can be told with the poll's secret alone, which goes with the votes at the end.
ballot = Table(
    "ballot",
    metadata,
    Column("poll", String(26), ForeignKey("poll.id"), primary_key=True),
    Column("voter", String(32), primary_key=True),
    Column("place", String(100), nullable=False),
    Column("nonce", String(16), nullable=False),
    Column("mark", String(32), nullable=False),
    Column("minute", BigInteger, nullable=False),
    Column("network", String(32)),
    Index("ix_ballot_network", "poll", "network"),
)

# --- What citizens report

# What citizens report, as `alerts.model.reports` tells it. What is personal in it goes in time: `source` after a day,
# `channel` and `chat` with the photo after the closing, `text`, `place` and the exact place after a year.
report = Table(
    "report",
    metadata,
    _seq(),
    Column("id", String(26), nullable=False, unique=True),
    Column("number", String(40), nullable=False, unique=True),
    Column("kind", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("token", String(64), nullable=False),
    Column("via", String(16), nullable=False),
    Column("lat", Double),
    Column("lon", Double),
    Column("place", Text),
    Column("district", String(100)),
    Column("text", Text),
    Column("language", String(35)),
    Column("key", String(64), unique=True),
    Column("source", String(64)),
    Column("source_before", String(64)),
    Column("channel", String(100)),
    Column("chat", BigInteger),
    Column("held", Text),
    Column("accepted_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("closing", String(16)),
    Column("answer", Text),
    Column("assigned_to", Text),
    Column("duplicate_of", String(26)),
    Column("incident", String(26), index=True),
    Column("draft", String(26), index=True),
    Column("agreed", Boolean, nullable=False),
    Column("withheld", Text),
    Column("has_photo", Boolean, nullable=False),
    Column("rounded", Boolean, nullable=False),
    Column("by", String(100)),
    Column("utterance", String(26)),
    Column("likeness", String(64)),
    Column("tellers", Integer),
    Index("ix_report_kind", "kind", "at"),
    Index("ix_report_open", "state", "seq", **_only(OPEN_REPORTS)),
    Index("ix_report_closed", "closed_at"),
    Index("ix_report_sourced", "received_at", **_only(SOURCED)),
    Index("ix_report_exact", "received_at", **_only(EXACT)),
    Index("ix_report_chat", "channel", "chat"),
    Index("ix_report_likeness", "likeness"),
    Index("ix_report_duplicate", "duplicate_of", **_only(DUPLICATES)),
    Index("ix_report_cited", "received_at", **_only(CITED)),
    sqlite_autoincrement=True,
)

# Who told of it: who sent it, and who said "me too". Nothing of it is left after a day. With what and where it is, so
# that those near one another are found by one index.
report_source = Table(
    "report_source",
    metadata,
    Column("report", String(26), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("source_before", String(64)),
    Column("at", BigInteger, nullable=False, index=True),
    Column("kind", String(40)),
    Column("lat", Double),
    Column("lon", Double),
    Index("ix_report_source_place", "kind", "at", "lat", "lon"),
    Index("ix_report_source_pace", "source", "at"),
)

report_step = Table(
    "report_step",
    metadata,
    _seq(),
    Column("report", String(26), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("closing", String(16)),
    Column("said", Text),
    Column("incident", String(26)),
    Column("by", String(100)),
    Column("channel", String(100)),
    Column("chat", BigInteger),
    Column("told_at", BigInteger),
    Index("ix_report_step_untold", "channel", "seq", **_only(UNTOLD)),
    sqlite_autoincrement=True,
)

report_photo = Table(
    "report_photo",
    metadata,
    Column("report", String(26), primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),
    Column("likeness", String(16), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("released_at", BigInteger),
    Column("released_by", String(100)),
)

content_notice = Table(
    "content_notice",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("report", String(26), nullable=False, index=True),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("name", Text),
    Column("email", Text),
    Column("answer", Text),
    Column("by", String(100)),
)

report_forward = Table(
    "report_forward",
    metadata,
    Column("report", String(26), primary_key=True),
    Column("forward", String(100), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", BigInteger),
    Column("remote_id", Text),
    Column("reason", Text),
    Column("at", BigInteger),
    Column("token", Text),
    Column("remote_state", String(16)),
    Column("said", Text),
    Index("ix_report_forward_due", "forward", "state", "next_try"),
)

# What somebody is reporting in a private chat, until it is sent or an hour has passed.
report_begun = Table(
    "report_begun",
    metadata,
    Column("channel", String(100), primary_key=True),
    Column("chat", BigInteger, primary_key=True),
    Column("key", String(26), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("lat", Double),
    Column("lon", Double),
    Column("place", Text),
    Column("text", Text, nullable=False),
)

# What digests and private links are made under, and which links of letters were used (`day letter …`); those of a day
# are thrown away with it.
report_secret = Table(
    "report_secret",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# The last number that was given in a year.
report_number = Table(
    "report_number",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("last", BigInteger, nullable=False),
)
