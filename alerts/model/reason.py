"""Why something is so: a code with values, kept as that, and put into words when somebody reads it.

To add a reason: (1) write its code and English sentence into `SENTENCES` (what is wrong with settings: into
`setting_faults.py`); (2) its French into the catalogue of that name in `rendering/locale/fr`; (3) say
`because("code", name=value)` where it is decided, and add its line to `docs/reasons.md`. A test holds the four against
one another.

What is stored is compact JSON, `{"code":"merged","with":"a1"}`. A row of before holds a plain sentence: it is read as
the code `words`, and shown as it stands. What a platform or the system said is a value, and quoted as theirs.

A sentence names its values in braces. What follows a colon there says how the value is spelled:
`{state:term}` is a word of ours, translated like a sentence; `{at:time}` a date and time, `{at:clock}` the time alone;
`{count:number}` has the signs that the language sets between figures; without one, a text stands as it is, a reason
within the reason is worded, and a list is strung together; `{each:lines}` has a line for each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Union

from alerts.model.setting_faults import SETTING_FAULTS

LONGEST = 2000
"""Characters of one value at the most: it may come from outside."""
DEEPEST = 6
"""How many reasons may stand within one another."""
_VALUE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_KEPT = '{"code":"'

Value = Union[str, int, float, "Reason", tuple["Value", ...]]
Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of `SENTENCES` with its values, by name. `str()` words it in English, for the log."""

    code: str
    values: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        return self.worded()

    def __getitem__(self, name: str) -> Value | None:
        """A value; None where there is none of that name."""
        return next((value for known, value in self.values if known == name), None)

    def worded(self, translate: Translate = str, zone: tzinfo | None = None) -> str:
        """The sentence, by `translate` in another language; times are in `zone`, or in their own."""
        sentence = translate(SENTENCES.get(self.code, ""))
        if not sentence:  # a newer version's code: what it says is better than nothing
            return ", ".join(
                [self.code, *(f"{name}: {_spelled(each, '', translate, zone)}" for name, each in self.values)]
            )
        return _VALUE.sub(lambda found: _spelled(self[found[1]], found[2] or "", translate, zone), sentence)

    def kept(self) -> str:
        """As the store has it."""
        if self.code == WORDS:
            return str(self["text"])
        return json.dumps(self._as_json(), ensure_ascii=False, separators=(",", ":"))

    def codes(self) -> Iterator[str]:
        """Its own code and those of the reasons within."""
        yield self.code
        for _, value in self.values:
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Reason):
                    yield from each.codes()

    def _as_json(self) -> dict[str, Any]:
        return {"code": self.code, **{name: _as_json(value) for name, value in self.values}}


def because(code: str, /, **values: object) -> Reason:
    """The reason of that code. A value is a text, a number, a time, a word of ours (an enum), a reason, or a list."""
    return Reason(code, tuple((name, _value_of(each)) for name, each in values.items()))


def in_words(text: str) -> Reason:
    """A reason that is a sentence already: somebody else's, or one that was stored before reasons had codes."""
    return Reason(WORDS, (("text", text[:LONGEST]),))


def as_reason(told: Reason | str) -> Reason:
    """The reason, or the sentence as one."""
    return told if isinstance(told, Reason) else in_words(told)


def reason_of(error: ValueError) -> Reason:
    """What an error of a reader was raised with: a reason, or somebody else's sentence."""
    told = error.args[0] if error.args else ""
    return told if isinstance(told, Reason) else in_words(str(error))


def read_reason(kept: str | None) -> Reason | None:
    """What `kept` made, or a plain sentence of before."""
    if kept is None:
        return None
    if kept.startswith(_KEPT):
        try:
            return _of_json(json.loads(kept))
        except (ValueError, TypeError, AttributeError, RecursionError):
            pass
    return in_words(kept)


def kept_reason(reason: Reason | None) -> str | None:
    """As the store has it; None where there is none."""
    return reason.kept() if reason is not None else None


def _of_json(told: Mapping[str, Any], depth: int = 0) -> Reason:
    if depth > DEEPEST:
        raise ValueError("reasons within reasons")
    values = {name: _read_value(each, depth) for name, each in told.items() if name != "code"}
    return Reason(str(told["code"]), tuple(values.items()))


def _read_value(told: Any, depth: int) -> Value:
    if isinstance(told, dict):
        return _of_json(told, depth + 1)
    if isinstance(told, list):
        return tuple(_read_value(each, depth + 1) for each in told)
    return told if isinstance(told, int | float) else str(told)


def _value_of(told: object) -> Value:
    if isinstance(told, Reason):
        return told
    if isinstance(told, datetime):
        return told.isoformat(timespec="seconds")
    if isinstance(told, int | float) and not isinstance(told, bool):
        return told
    if isinstance(told, Sequence) and not isinstance(told, str | bytes):
        return tuple(_value_of(each) for each in told)
    return str(told)[:LONGEST]


def _as_json(value: Value) -> Any:
    if isinstance(value, Reason):
        return value._as_json()  # noqa: SLF001 one's own kind
    return [_as_json(each) for each in value] if isinstance(value, tuple) else value


def _spelled(value: Value | None, way: str, translate: Translate, zone: tzinfo | None) -> str:
    if value is None:
        return "?"
    if isinstance(value, Reason):
        return value.worded(translate, zone)
    if isinstance(value, tuple):
        inner = translate("; ") if any(isinstance(each, Reason) for each in value) else ", "
        between = "\n" if way == "lines" else inner
        return between.join(_spelled(each, way, translate, zone) for each in value)
    if way == "number" and isinstance(value, int | float):
        return f"{value:,}".translate({ord(sign): translate(sign) for sign in ",."})
    if way in ("time", "clock"):
        return _time(str(value), translate("%Y-%m-%d %H:%M" if way == "time" else "%H:%M"), zone)
    return translate(str(value)) if way == "term" else str(value)


def _time(kept: str, form: str, zone: tzinfo | None) -> str:
    try:
        time = datetime.fromisoformat(kept)
    except ValueError:
        return kept
    here = time.astimezone(zone) if zone is not None and time.tzinfo is not None else time
    return here.strftime(form)


WORDS = "words"

SENTENCES: Mapping[str, str] = {
    WORDS: "{text}",
    # Not for here, or not for people
    "outside_area": "outside our areas: {area}",
    "no_area": 'it names no area, so nobody can tell whether it is for here (area = "any" takes it)',
    "area_unmatched": 'its area can\'t be matched: {area} (area = "any" takes it)',
    "not_actual": "its status is {status:term}, not Actual",
    "not_public": "its scope is {scope:term}: it isn't for the public",
    "for_machines": "a message of type {type:term} is for machines, not for people",
    "nothing_to_read": "there is nothing to read in it: it has no info",
    "sent_in_future": "it says that it was sent at {at:time}, which is yet to come",
    "over_before_read": "it was over at {at:time}, before it was read",
    "over_not_fetched": "it was over at {at:time}, so {address} was not fetched",
    "below_source_severity": "its severity is {severity:term}, below the {least:term} that this source takes",
    "below_every_channel": "its severity is {severity:term}, below what every channel takes",
    "green": "green: its sender says that there is no warning",
    "ends_before_it_begins": "it ends before it begins: Météo-France's marker of a day without a warning",
    "tentative": "the calendar calls it tentative: it is announced once it is confirmed",
    "unreadable": "it could not be read",
    # Known already
    "same_words": "the same words as {alert} ({identifier}), under a new identifier",
    "merged": "merged with {into}: {source} told of the same event before",
    "merged_same_words": "merged with {into}: {source} told the same words before",
    "replaced_before_read": "{by}, which replaces it, was read before it",
    "follows_rejected": "{alert}, which it goes on about, was rejected",
    "newer_read_before": "{by}, a newer version of it, was read before it",
    "ends_what_is_over": "it ends what is over here already",
    "ends_unpublished": "it ends what was never published here",
    "took_back_unsent": "it took {alert} back before that went out: there is nothing to end",
    "left_us": "{why}; {then}",
    "superseded": "{by} took its place before it went out",
    # How it is published
    "taken_in": "from {source}, publish = {publish}",
    "waits_for_validation": "it waits for a validation",
    "waits_held": "it waits for a validation: {why}",
    "calendar_flood": "the calendar was first read today and tells much at once: an officer looks before it goes out",
    "waits_for_veto": "it goes out in {span} unless somebody rejects it",
    "ends_here": "it ends here: {why}",
    "over_in_words": (
        "its words say that it is over, its format doesn't: whether it is an all clear is for an officer to say"
    ),
    "several": "{each}",
    "would_end_others": "it would end {alert}, which {source} brought and it doesn't speak for",
    "would_update_others": "it would update {alert}, which {source} brought and it doesn't speak for",
    "waits_behind": "the same event goes out by itself unless somebody rejects it: {alert}; it waits for a validation",
    "waits_event_is_out": "the same event is out: {alert}; it waits for a validation",
    "no_longer_behind": "{alert}, which it waited behind, doesn't go out",
    "conflict_exercise": "conflict: {source} brought an exercise under the same sender and identifier before ({alert})",
    "conflict_words": "conflict: {source} brought other words under the same sender and identifier before ({alert})",
    "validated": "validated by {who}",
    "rejected": "rejected by {who}",
    "rejected_why": "rejected by {who}: {why}",
    "sent_back": "rejected by {who}: sent back: {why}",
    "rejected_too_late": "{rejected}; too late for {channels}: correct it there",
    "nobody_vetoed": "nobody vetoed it in time",
    "over_before_validated": "it was over before anybody validated it",
    "time_ran_out": "its time ran out at {at:time}",
    "retried": "retried by an officer",
    "dropped": "dropped by an officer",
    # Channels
    "no_post_on": "{channel}: {why}",
    "no_posts": "{each}",
    "channel_tells_no_ends": "this channel tells no ends",
    "end_told_there": "its end was told there already",
    "never_appeared_there": "it never appeared there, so there is nothing to end",
    "ends_nothing_on": "it ends what is on none of the channels",
    "ends_none_named": "it ends what is on none of the channels named",
    "no_channel": "its status is {status:term}, and no channel takes alerts",
    "no_exercise_channel": "its status is {status:term}, and no channel takes exercises (exercise = true)",
    "channel_of_other_kind": "{channels} takes no message whose status is {status:term}; those that do: {known}",
    "channel_takes_worse": "it takes {least:term} and worse; this was {severity:term}",
    "not_chosen": "it was not chosen",
    "for_nobody": "nobody would get it",
    "no_such_channel": "--channel '{name}': no such channel; known: {known}",
    "channel_is_gone": "{alert} can't go out: the channel {channel} isn't there any more; reject it and post anew",
    "channel_now_for_exercises": "{alert} can't go out: the channel {channel} takes exercises; reject it and post anew",
    "channel_now_live": "{alert} can't go out: the channel {channel} is live; reject it and post anew",
    # Sending
    "over_before_sent": "it was over before it could go out",
    "not_out_and_over": "it didn't go out, and is over",
    "exercise_on_live_channel": "an exercise may not go on a live channel",
    "real_on_exercise_channel": "a real alert may not go on an exercise channel",
    "lane_given_up": "the lane was given up before it left",
    "waits_as_new_post": "nothing of it is out there: it waits for its window as a new post",
    "done_once_more": "done once more, to be sure",
    "not_there_sent_again": "it wasn't there: sent again",
    "duplicate_not_found": "refused as a duplicate, and no post of ours is there: {why}",
    "maybe_out_twice": "it may be out twice: {why}",
    "maybe_out_decide": "it may be out; retry or drop it: {why}",
    "may_be_out": "{why}; it may be out",
    "channel_without_search": "this channel can't be searched",
    "channel_stumbled": "the channel stumbled: {error}",
    "stopped_midway": "the program stopped in the middle of the attempt",
    "looked_for_first": "the database was restored: it may be out, and is looked for before it is sent",
    "rights_missing": "{each}",
    "bulk_done": "{sent} sent, {failed} failed, {skipped} skipped",
    "bulk_post_is": "its post is {state:term}",
    "bulk_exercise_mismatch": "an exercise is for channels of exercises alone, and they take nothing else",
    "bulk_over": "it was over before everybody had it",
    "bulk_told_before_restore": "its post was out before the database was restored, and so they were told",
    "bulk_superseded": "{by} took its place",
    # What a platform answered
    "said": "“{said}”",
    "refused": "{platform:term} refuses it: “{said}”",
    "content_refused": "{platform:term} refuses the content: “{said}”",
    "has_it_already": "{platform:term} says that it has this post already",
    "post_gone": "{platform:term} doesn't have the post any more",
    "post_gone_said": "{platform:term} doesn't have the post any more: “{said}”",
    "not_deleted": "{platform:term} didn't delete the post; delete it by hand",
    "limit_until": "{platform:term}'s limit is reached until {until:clock}",
    "asked_to_wait": "{platform:term} asks us to wait {seconds} s",
    "bot_still_waits": "Telegram asked this bot to wait; {seconds} s are left",
    "platform_trouble": "{platform:term} is in trouble ({status})",
    "platform_trouble_said": "{platform:term} is in trouble ({status}: “{said}”)",
    "platform_makes_wait": "it makes us wait",
    "credential_refused": "its credential is refused",
    "unreachable": "{platform:term} can't be reached: {why}",
    "name_unresolved": "its name can't be resolved; check the network and api_url",
    "no_connection": "no connection; check the network and api_url",
    "no_connection_within": "no connection within {seconds} s; check the network",
    "no_tls": "no secure connection (TLS); check this machine's clock and certificates",
    "connection_refused": "the connection was refused; check api_url",
    "no_answer": "{platform:term} gives no answer",
    "no_answer_within": "{platform:term} didn't answer within {seconds} s",
    "answer_broke_off": "{platform:term}'s answer broke off",
    "closed_unanswered": "{platform:term} closed the connection without an answer",
    "unreadable_answer": "{platform:term} answered {status} with something that can't be read",
    "x_credits": "X takes nothing more until credits or the cap are raised in the developer portal: “{said}”",
    "x_keys_refused": "X refuses our keys: “{said}”; check all four, and this machine's clock",
    "x_account_refused": "X refuses our account or app: “{said}”; look into the developer portal",
    "x_no_reply": "X doesn't let us reply to the earlier post: “{said}”",
    "x_read_only": "X lets these keys read only; give the app “Read and write” and make new access tokens",
    "facebook_refuses": "Facebook refuses it (code {number}): “{said}”",
    "facebook_trouble": "Facebook is in trouble (code {number}: “{said}”)",
    "facebook_holds_back": "Facebook holds back what we post, as too fast or unwanted: “{said}”",
    "facebook_permission": "Facebook refuses it for lack of a permission: “{said}”; grant it anew",
    "facebook_page_unknown": "Facebook doesn't know the Page, or not with this token; check page_id and the token",
    "facebook_other_page": "the token is of {name} ({id}), not of the Page {page}; use the Page's own access token",
    "facebook_token_refused": "Facebook refuses the Page's token: {why}; make a new one",
    "facebook_app_removed": "the app was removed from the Page's account",
    "facebook_check_wanted": "the account must pass a check: sign in at facebook.com",
    "facebook_password_changed": "the password was changed",
    "facebook_token_expired": "it has expired",
    "facebook_token_revoked": "it was revoked",
    "facebook_role_lost": "the account lost its role on the Page",
    "facebook_not_deleted": "Facebook didn't delete the post; do it by hand on the Page",
    "facebook_not_changed": "Facebook didn't change the post; do it by hand on the Page",
    "facebook_too_much_to_search": "Facebook lists more than {pages} pages of a hundred: the post can't be looked for",
    "comments_not_searched": "the comments can't be searched: {why}",
    "telegram_token_refused": "Telegram refuses the bot's token: “{said}”; ask @BotFather for a new one",
    "telegram_may_not_post": "Telegram doesn't let the bot post there: “{said}”; make it an administrator of the chat",
    "telegram_no_administrator": "{account} is no administrator of {chat}; make it one, with its rights",
    "telegram_may_not_post_messages": "{account} may not post messages; grant it in the chat",
    "telegram_may_not_edit_messages": "{account} may not edit messages; grant it in the chat",
    "telegram_may_not_delete_messages": "{account} may not delete messages; grant it in the chat",
    "telegram_nothing_earlier": "Telegram can't be searched without an earlier post of ours",
    "telegram_chat_moved_since": "Telegram can't be searched in a chat that moved since our last post there",
    "telegram_no_id": "{id} is no id of a Telegram message",
    "telegram_library_failed": "python-telegram-bot failed ({error})",
    "in_chat_before_move": "the post is in the chat as it was before it moved",
    "chat_moved": "the group became a supergroup: “{said}”",
    "reader_left": "the reader left: “{said}”",
    "bot_occupied": "something else takes this bot's updates: “{said}”; stop it, or give Tocsin a bot of its own",
    "picture_unreadable": "the picture can't be read: {said}",
    "receiver_trouble": "the receiver is in trouble ({status})",
    "receiver_refuses": "the receiver refuses it ({status})",
    "receiver_refuses_saying": "the receiver refuses it ({status}): “{said}”",
    "receiver_redirects": "the receiver sends us elsewhere ({status}), which isn't followed; put that into url",
    "receiver_refuses_signature": "the receiver refuses our signature ({status}); give both sides the same secret",
    "receiver_gone": "nobody takes posts at url any more ({status}); correct it, or remove the channel",
    "receiver_asks_to_wait": "the receiver asks us to wait until {until:clock}",
    # Credentials and configuration
    "variable_unset": "the environment variable {name} is not set; set it, or name a file instead",
    "secret_file_missing": "the secret file {name} is missing, empty or unreadable in the folder of channels.toml",
    "secret_file_missing_here": (
        "the secret file {name} is missing, empty or unreadable in $CREDENTIALS_DIRECTORY or the folder "
        "of channels.toml"
    ),
    "more_than_a_credential": "{where} holds more than a credential: put it there alone, on one line",
    "secret_no_base64": "the secret starts with whsec_ but what follows is no base64; copy it anew",
    "secret_too_short": "the secret is shorter than {least} bytes and might be guessed; make a longer one",
    "channel_unopened": "the channel {channel} has no credential yet; it must be opened first",
    "boundary_unread": "{file} can't be read: {said:term}",
    "boundary_no_json": "{file} is not JSON; allowed: a GeoJSON FeatureCollection of districts",
    "boundary_empty": "{file} holds no features; allowed: a GeoJSON FeatureCollection of districts",
    "boundary_unnamed": "{file}: features[{place}] needs the properties `code` and `name`",
    "boundary_no_outline": "{file}: features[{place}] ({name}) needs an outline: a Polygon or a MultiPolygon",
    "boundary_bad_outline": (
        "{file}: features[{place}] ({name}) has an outline that is none; allowed: rings of 4 and more "
        "[longitude, latitude], the last one equal to the first"
    ),
    "boundary_twice": "{file}: two features have the {what} {text}; allowed: one each",
    # Sources
    "at_address": "{address}: {why}",
    "reader_stumbled": "the reader stumbled: {error}",
    "index_without_messages": "its index answers, but {count} of its messages can't be read: {why}",
    "calendar_damaged": "the calendar is damaged ({why}): part of it may be missing, so nothing is called off for it",
    "calendar_gone": (
        "{count} announced entries are gone from the calendar at once ({titles}): none is called off; "
        "correct the calendar, or agree to it (at the desk, or by `tocsin gone`)"
    ),
    "desk_stumbled": "the desk stumbled over {key}: this is a fault of the program, please report it",
    "not_read_lately": "it was not read lately",
    "answered_status": "{address} answered {status}",
    "answered_status_fix": "{address} answered {status}; {fix:term}",
    "connection_failed": "{address}: {trouble:term}",
    "source_silent": "{address} did not answer within {seconds} s",
    "source_redirects": "{address} redirects more than {most} times",
    "source_redirects_nowhere": "{address} redirects to an address that can't be read",
    "address_unread": "an address can't be read; expected as https://host/path",
    "address_scheme": "the address {address} is not http or https",
    "address_private": (
        "{address} leads to the private host {host}, which is refused; if this is meant: allow_private = true"
    ),
    "link_private": (
        "a link in a file leads to the private host {host}, which is refused; if this is meant: allow_private = true"
    ),
    "host_unresolved": "the name {host} can't be resolved; look at the address and the DNS",
    "file_link_unread": "a link to a file can't be read",
    "file_link_outside": "a link leads to a file outside the index's own folder, which is refused",
    "file_missing": "the file {path} is not there; look at the path",
    "file_unread": "the file {path} can't be read: {said:term}",
    "file_too_large": "the file {path} is larger than {most} MB",
    "answer_packed": "the answer is packed as {packing}, which was not asked for",
    "answer_no_gzip": "the answer says that it is gzip and isn't",
    "answer_cut": "the answer was cut short",
    "answer_too_large": "the answer is larger than {most} MB",
    "xml_dtd": "the XML has a document type declaration (DTD), which is never read",
    "xml_empty": "the document is empty; expected XML",
    "xml_is_html": "it is an HTML page; expected XML",
    "xml_no_tag": "it is no XML: it doesn't begin with a tag",
    "xml_many_tags": "the XML holds more than {most:number} tags",
    "xml_malformed": "it is no well-formed XML: {said}",
    "cap_root": "it is no CAP message: its root is <{root}>, expected <alert>",
    "cap_unidentified": "the CAP message has no {missing:term}: it can't be told from any other",
    "cap_sent": "the CAP message's sent is no time: {text}; expected as 2026-11-25T12:00:00+01:00",
    "index_empty": "the answer is empty; expected Atom, RSS, CAP, MeteoAlarm's JSON or a ZIP of CAP messages",
    "index_json": "the answer is no readable JSON; expected MeteoAlarm's, with `warnings`",
    "index_no_warnings": "the JSON has no list of `warnings`; expected MeteoAlarm's",
    "index_no_warnings_says": 'the JSON has no list of `warnings` and says "{said}"; expected MeteoAlarm\'s',
    "index_html": "the answer is an HTML page; expected Atom, RSS, CAP, or CAP messages within",
    "index_other": "the answer is XML with the root <{root}>; expected Atom, RSS, CAP, or CAP messages within",
    "index_entry_no_alert": "warnings[{place}] holds no alert",
    "index_link_long": "the link {link} of an entry is longer than any address",
    "index_link_unread": "the link {link} of an entry can't be read",
    "index_entry_bare": "the entry {name} has neither a link nor a message",
    "zip_unread": "the ZIP can't be opened: {said}",
    "zip_many": "the ZIP holds {count} messages, more than {most}",
    "zip_too_large": "the ZIP unpacks to more than {most} MB",
    "zip_member_damaged": "{name} in the ZIP is damaged, or packed in a way that can't be read",
    "zip_member_too_large": "{name} in the ZIP is larger than {most} MB",
    "calendar_empty": "the calendar is empty, not even BEGIN:VCALENDAR: look whether its export still works",
    "calendar_web_page": (
        "a web page came instead of a calendar (BEGIN:VCALENDAR): look whether its address is still shared"
    ),
    "calendar_other": (
        "something else came instead of a calendar (BEGIN:VCALENDAR): look whether its address is still shared"
    ),
    "calendar_cut": "the calendar is cut off (no END:VCALENDAR): it is read again when it came whole",
    "calendar_too_large": "the calendar {path} is larger than {most} MB: export less of it",
    "calendar_file_unread": "the calendar {path} can't be read ({said:term}): look at its path",
    "calendar_unchanged_first": "the calendar {name} answers that nothing changed to a first question; look at it",
    "event_unread": 'the event "{title}" can\'t be read: {why}',
    "events_out_of_time": (
        "{count} events were not read, for the calendar takes longer than {seconds} s: export less of it, or "
        "look for rules that repeat without an end"
    ),
    "event_stumbled": "the reader stumbled over it ({error})",
    "event_replaced": "another version of it counts, whose SEQUENCE is higher or which stands later in the file",
    "event_versions": "its UID stands there {count:number} times: {most:number} are read",
    "event_rules": "it has more than {most} rules: let it have one",
    "event_recurrence": "its recurrence can't be followed ({said})",
    "event_too_often": "its rule (FREQ={frequency}) repeats too often to be followed: let it repeat less",
    "event_too_fine": "its rule (FREQ={frequency} with BY…) is finer than a calendar needs: let it repeat daily",
    "event_interval": "its rule has INTERVAL={interval}: allowed are 1 and more (RFC 5545, section 3.3.10)",
    "event_month_day": "its rule has a BYMONTHDAY that none of its months has: look at the day and at BYMONTH",
    "event_misfit": "its properties don't fit together ({said})",
    "event_dates": "it has {count:number} dates (RDATE, EXDATE), more than {most:number}: let a rule tell them",
    "event_no_start": "it has no DTSTART",
    "event_twice": "it has {name} twice",
    "event_broken": "its {name} is none: {text}",
    "event_beyond_reason": "it starts or ends in a year beyond reason: allowed are {first} to {last}",
    "event_no_end": "it has no END:VEVENT",
    "event_assumed_end": "it has no end after its start: an hour is assumed",
    "event_zone_unknown": 'the zone "{zone}" is unknown: its times are taken as {taken}',
    "event_no_uid": "it has no UID: a change of it will read as another event",
    "bytes_forbidden": "characters that XML forbids were removed",
    "bytes_entities": "undefined entities or bare ampersands were taken as the characters they stand for",
    "bytes_utf8": "the declared encoding is wrong: read as UTF-8",
    "bytes_windows": "not in the declared encoding: read as Windows-1252",
    "field_missing": "{name} is missing: taken as {taken}",
    "field_no_code": "{name} {text} is no code of CAP: taken as {taken}",
    "field_no_code_left_out": "{name} {text} is no code of CAP: left out",
    "field_no_number": "{name} {text} is no number: left out",
    "field_too_long": "{name} is longer than {most:number} characters: the rest is left out",
    "message_too_long": "the message is longer than any that is read: the rest is left out",
    "namespace_strange": "the namespace {text} is not CAP's",
    "language_strange": "language {text} is no language tag: taken as {taken}",
    "time_left_out": "time {text} can't be read: left out",
    "time_odd": "time {text} is not written as CAP has it: taken as {taken}",
    "time_without_zone": "time {text} has no zone: taken as {taken}",
    "time_beyond_reason": "time {text} is beyond reason: left out",
    "reference_itself": "a reference of the message to itself was dropped",
    "reference_strange": "reference {text} is not sender,identifier,sent: left out",
    "areas_too_many": "the message has more than {most:number} areas: the rest is left out",
    "uri_of_ours": "uri names a file of this machine: ignored",
    "polygon_left_out": "polygon {text} can't be read: left out",
    "polygon_many_points": "a polygon has more than {most:number} points: as many are read, evenly spaced",
    "polygon_open": "a polygon's ring was open: closed",
    "polygon_few_points": "a polygon of {count} points is none (four at least): left out",
    "polygon_off_earth": "a polygon has points that are not on earth: left out",
    "polygon_antimeridian": "a polygon crosses the antimeridian with longitudes beyond 180",
    "circle_left_out": "circle {text} is none: left out",
    "colour_counts": "severity differs from the colour of awareness_level: taken from the colour",
    # Tocsin itself
    "not_told": "no reason was kept",
    "stumbled": "it stumbled: {error}",
    "disk_full": "the disk of {folder} is full; make room there",
    "disk_nearly_full": "the disk of {folder} is nearly full: {left} MB left; make room there",
    "disk_unseen": "{folder} can't be looked at: {said:term}",
    "lane_state": "it is {state:term}",
    "database_said": "the database refuses: {said}",
    "database_refuses": "the database refuses",
    "pages_not_renewed": "the files are not renewed: {why}",
    "pages_not_renewed_see_log": "the files are not renewed; the log tells why",
    "notice": "{say:term}: {key}",
    "notice_over": "it is over",
    "newer_notice": "a newer warning took its place",
    "record_rewritten": "is not the line that was expected: the record was written anew",
    "record_cut_off": "is missing: {height} lines were written, and the record ends at {seq}",
    "record_short": "is missing: line {seq} was expected",
    "record_gap": "follows line {seq}: what was between is missing",
    "record_unchained": "doesn't follow from the line before: one of the two was changed, removed or moved",
    "record_changed": "was changed: its digest is that of other words",
    "record_unread": "can't be read: {said}",
    "record_foreign": "holds what nobody wrote there",
    "wrong_may_arrive": "{channel}: the wrong post may still arrive there; the correction follows it",
    "wrong_stays": "{channel}: the wrong post stays readable above its correction: {where:term}",
    "database_unopened": "the database {path} can't be opened: {said}; check the path and its owner",
    "database_unread": "the database {path} can't be read: {said}; is it Tocsin's, and whole?",
    "database_missing": "there is no database {path}",
    "database_broken": "the database {path} can't be read: {said}; restore a backup (`tocsin db restore`)",
    "database_damaged": "the database {path} is damaged: {said}; restore a backup (`tocsin db restore`)",
    "database_foreign": "the database {path} is not Tocsin's; check [store] url",
    "database_newer": "the database {path} is of a newer Tocsin ({standing}); install that one or restore a backup",
    "database_not_upgraded": "the database {path} can't be brought up to date: {said}; nothing was changed",
    "copy_there": "{path} is there already; choose another name, or remove it first",
    "copy_failed": "{path} can't be copied to {to}: {said}; nothing was left there",
    "restore_daemon": "a daemon works on {path}; stop it first, then restore",
    "restore_failed": "{source} can't be put in the place of {path}: {said}",
    "restore_busy": "somebody works on {path} ({said}); stop it first, then restore",
    # Refused to an officer
    "role_too_low": "{name} is {role:term}; to {act:term} takes {needed:term} or more",
    "account_disabled": "the account {name} is disabled; an administrator can enable it",
    "validates_own": "{alert} was written by {author}: somebody else validates it (or [desk] alone = true)",
    "author_unknown": "nobody can tell who wrote {alert}: update it, and somebody else validates that",
    "waits_of_another": (
        "{alert} waits and was written by {author}: to take it back or replace it takes {role:term} or more"
    ),
    "waits_of_source": "{alert} waits and came from {source}: to take it back or replace it takes {role:term} or more",
    "goes_out_by_itself": (
        "{alert} goes out by itself, and an update would stop its clock and wait in its place: stop it, "
        "or let an {role:term} edit it"
    ),
    "event_is_out": (
        "the same event is out: {twin} from {source}; reject {alert}, or say once more that it is to be "
        "published a second time (--again)"
    ),
    "nothing_gone": "nothing is gone from {source} that waits for a decision",
    "changed_since_shown": "{alert} is not what was shown: it has changed since; look at it again, then validate",
    "came_meanwhile": "{alert} came meanwhile; look at it, then {act:term} again what still holds",
    "was_faster": "{who} was faster: {done:term} {alert} at {at:clock}",
    "was_taken_back": "{by} took this alert back as wrong; post what is right as a new one (`tocsin post`)",
    "not_waiting": "{alert} doesn't wait for a validation: it is {state:term}",
    "not_waiting_why": "{alert} doesn't wait for a validation: it is {state:term}: {why}",
    "update_no_exercise": "{alert} is no exercise, and its update can't be one; allowed: an exercise of its own",
    "note_missing": "the note is missing; allowed: a sentence that says to the author what to change",
    "nothing_to_change": "nothing to change was given: nothing is different from the alert yet",
    "written_by_nobody_here": "{alert} came from {source}, which nobody wrote here; update or reject it",
    "author_without_account": "{author}, who wrote {alert}, has no account to read drafts; reject it instead",
    "end_is_not_edited": "{alert} ends an alert, so there is nothing to edit; reject it instead",
    "unread_nothing_to_say": "{alert} could not be read when it came, so there is nothing to say about it",
    "unread_no_message": "{alert} could not be read when it came, so there is no message: {why}",
    "retry_overtaken": "{name}: {why}; drop it, or post anew what holds",
    "newer_there": "{alert} is newer there ({kind:term}, {state:term})",
    "has_replaced": "{alert} has replaced it ({type:term})",
    "nothing_in_trouble": "{name}: nothing failed or is in doubt there; it is {states:term}",
    "nothing_sent_there": "{name}: nothing failed or is in doubt there; it is without posts",
    "name_of_alerts": "'{name}' is the start of several alerts' names ({found}); give more",
    "name_too_short": "'{name}' is too little of a name; give at least {least} characters of it",
    "no_such_alert": "'{name}': no such alert; `tocsin status --all` lists them",
    "no_such_post": "post '{name}': no post of {alert}; allowed: one that stands on its page",
    "name_of_several": "'{name}' is the start of several names ({found}); give more",
    "name_of_versions": "'{name}' is the name of several versions; validate one by its own id, such as {alert}",
    "no_district": "--area '{text}': no such district; known: {known}",
    "no_district_near": "--area '{text}': no such district; did you mean '{near}'?",
    "blanks_left": "{blanks} is left to fill in; allowed: the words that belong there",
    "place_missing": "--area is missing: this order says for whom it is; allowed: a district, or a place in words",
    "careful_alone": "--instruction only says to be careful; allowed: what to do, beginning with the verb",
    "instruction_missing": "--instruction is missing: what is grave says what to do; allowed: it, the verb first",
    "end_unsaid": "how it ends was not said; allowed: cancel, all_clear",
    # Typed wrong
    "headline_missing": "--headline is missing; allowed: one line that says what happens",
    "picture_too_large": "--image has {size:number} MB; allowed: up to 5 MB",
    "picture_of_no_kind": "--image is no picture that every channel takes; allowed: a JPEG or PNG picture",
    "picture_of_many_pixels": "--image has {width} × {height} pixels; allowed: up to {most} million",
    "picture_broken": "--image can't be opened: it is broken or cut off; allowed: a whole JPEG or PNG picture",
    "picture_name": "--image {file} is no picture that every channel takes; allowed: .jpg or .png",
    "picture_unread": "--image {file} can't be read: {said:term}",
    "picture_file_too_large": "--image {file} has {size:number} MB; allowed: up to 5 MB",
    "picture_lies": "--image {file} doesn't hold what its name says; allowed: a JPEG or PNG picture",
    "picture_alone": "--alt describes a picture, and there is none; allowed: beside --image FILE",
    "time_unread": (
        "{option} {text} is no time; allowed: a span such as 6h, an hour such as 18:30, or a date and time "
        "such as 2026-11-25T18:00"
    ),
    "time_too_far": "{option} {text} is more than ten years away; allowed: a nearer time",
    "expires_too_early": "--expires {text} is {where:term}; allowed: a later time",
    "control_character": "{option} holds a control character; allowed: plain text",
    "text_too_long": "{option} has {count:number} characters; allowed: up to {most:number}",
    "language_tag": "--lang {text} is no language tag; allowed: such as fr-FR or en",
    "web_address": "--web {text} is no address; allowed: such as https://saint-martin.example/eau",
    "polygon_corners": "--polygon {text} has {corners} corners; allowed: {allowed:term}",
    "polygon_too_many_corners": "--polygon has {corners} corners; allowed: up to {most}",
    "polygon_crosses": "--polygon {text} crosses itself; allowed: corners in the order they are walked",
    "circle_unread": "--circle {text} is no circle; allowed: {allowed:term}",
    "circle_radius": "--circle {text}: its radius is {radius} km; allowed: more than 0, up to {most}",
    "point_unread": "{option}: {text} is no point; allowed: {allowed:term}",
    "point_off_globe": "{option}: {text} is not on the globe (latitude first); allowed: {allowed:term}",
    "drawn_in_no_district": (
        "--place is missing: what was drawn lies in no district of ours; allowed: a few words that say where it is"
    ),
    "drawn_without_name": "--place is missing: what was drawn has no name; allowed: a few words that say where it is",
    "draft_thrown_away": "that draft was thrown away meanwhile; save it again, then publish",
    "draft_of_another": "that draft is somebody else's; start one of your own",
    "account_exists": "{name} is an account already; allowed: another name, or `tocsin user reset {name}`",
    "name_of_token": "{name} is the name of a token; allowed: another name, or revoke it (`tocsin token revoke`)",
    "account_disabled_already": "{name} is disabled already",
    "account_not_disabled": "{name} isn't disabled",
    "token_of_disabled": "{name} is disabled; allowed: enable the account first, or another name",
    "token_above_owner": "--role {role}: {name} is {has}; allowed for their token: {has} or less",
    "no_such_token": "{name} is no token that is good; known: {known}",
    "no_token_known": "{name} is no token that is good; known: none",
    "no_such_account": "{name} is no account; known: {known}",
    "no_account_known": "{name} is no account; known: none (`tocsin user add`)",
    "name_length": "{name} is no name; allowed: 1 to {most} characters that can be seen",
    "name_unprintable": "{name} is no name; allowed: printable characters, the first not a question mark or a dash",
    "name_of_scripts": "{name} mixes {scripts:term} letters, of which some look alike; allowed: letters of one script",
    "no_such_role": "{text} is no role; allowed: {known}",
    "unwritten": "the database refuses ({said}); nothing was stored; try again",
    "unwritten_busy": "the database refuses (it is asked too much); nothing was stored; try again",
    "rule_empty": "{where}: is empty; {needed:term}",
    "rule_error_note": "note: is missing; an Error explains itself in it",
    "rule_references": "references: are missing; {type} names the messages it is about",
    "rule_restriction_missing": "restriction: is missing; the scope Restricted needs one",
    "rule_restriction_beside": "restriction: stands beside the scope {scope}; allowed with Restricted alone",
    "rule_addresses": "addresses: are missing; the scope Private needs them",
    "rule_double_quote": "{where}: {text} holds a double quote; allowed: anything else",
    "rule_language": "{where}: {text} is no language tag; allowed: RFC 3066, as fr-FR",
    "rule_category": "{where}: is missing; at least one is needed",
    "rule_uri": "{where}: {text} is no absolute URI; allowed: as https://host/path",
    "rule_mime_type": "{where}: {text} is none; allowed: as image/png",
    "rule_size": "{where}: is {number}; allowed: bytes, 0 or more",
    "rule_digest": "{where}: {text} is no SHA-1; allowed: 40 hexadecimal digits",
    "rule_few_points": "{where}: has {count} points; allowed: 4 and more",
    "rule_open_ring": "{where}: is open; the last point has to be the first",
    "rule_off_earth": "{where}: {point} is not on earth; allowed: -90 to 90, -180 to 180",
    "rule_radius": "{where}: has the radius {number}; allowed: kilometres, 0 or more",
    "rule_height": "{where}: is {number}; allowed: feet above sea level",
    "rule_ceiling_alone": "{where}: stands alone; allowed beside altitude",
    "rule_ceiling_below": "{where}: {ceiling} is below the altitude {altitude}; allowed: above it",
    "rule_sign_in_name": "{where}: {text} holds {sign}; allowed: no blanks, commas, < and &",
    "rule_time_without_zone": "{where}: {time} has no zone; allowed: as 2026-11-25T12:00:00+01:00",
    "rule_time_offset": "{where}: {time} has an offset with seconds; allowed: hours and minutes",
    "rule_time_fraction": "{where}: {time} has fractions of a second; allowed: whole seconds",
    "option_no_code": "{option} {text}: allowed: {allowed}",
    "option_near_code": "{option} {text}: did you mean {near}? allowed: {allowed}",
    "report_language": "--lang {text}: no such language; allowed: {allowed}",
    "report_unwritten": "--html {file}: {said:term}; nothing was written",
    "cap_and_headline": "--cap and --headline exclude each other: the message says it all",
    "cap_unread": "--cap {file} can't be read: {said:term}",
    "cap_too_large": "--cap {file} is larger than {most} MB; allowed: one CAP message",
    "headline_or_cap_missing": "--headline is missing; allowed: one line that says what happens (or --cap FILE)",
    "wait_span": "--wait {why}",
    "words_needed": "a few words are needed",
    "time_is_past": "{text} is past",
    "as_disabled": "--as {name}: that account is disabled; allowed: another one",
    "as_unknown": "--as {name} is no account; known: {known:term} (`tocsin user add`)",
    "no_such_source": "{name} is no source; known: {known}",
    "password_stdin": "--password-stdin: {why:term}",
    "no_head": "--expect {text} is no head; allowed: SEQ:DIGEST, as `tocsin audit verify` prints it",
    "channel_not_subscribed": "--channel {name} has no subscriptions; allowed: {known:term}",
    "nothing_stored": "nothing was stored:",
    "line_wrong": "line {number}: {why}",
    "and_more": "… and {count} more",
    "import_too_long": "nothing was stored: it has more than {most:number} lines; allowed: several files",
    "import_line_too_long": "nothing was stored: line {number} has more than {most:number} characters",
    "import_no_utf8": "nothing was stored: the file is no UTF-8; allowed: JSON lines as `export` writes them",
    "line_no_json": "is no JSON; allowed: one object a line, as `export` writes them",
    "line_no_object": "is no object; allowed: one a line, as `export` writes them",
    "line_channel": "channel {name} has no subscriptions; allowed: {known:term}",
    "line_key_unknown": "unknown key {name}",
    "line_district": "district {code}; allowed, by their codes: {known}",
    "line_chat": "chat is missing or no chat's id; allowed: a whole number, such as 4711",
    "line_on": "on: allowed: true or false",
    "line_texts": "{key}: allowed: a list of texts",
    "line_value": "{key} {text}; allowed: {allowed}",
    "line_quiet": 'quiet: allowed: null, or two times such as ["22:00", "07:00"]',
    # What is wrong with settings
    **SETTING_FAULTS,
}
"""Every code, with its English sentence: the one list of them (`docs/reasons.md` tells them to people)."""
