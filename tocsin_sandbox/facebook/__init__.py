"""A stand-in of the Facebook Graph API for pages: posts, staged photos, edits, comments, the page's own timeline."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tocsin_sandbox.exchange import Answer, Asked
from tocsin_sandbox.facebook.answers import (
    Caller,
    Listing,
    admit,
    choose,
    debug_token,
    exchange_token,
    failed,
    list_accounts,
    list_pages,
    list_posts,
    no_such_object,
    ok,
    page_name,
    token_of,
    usage_header,
)
from tocsin_sandbox.facebook.comments import Comments
from tocsin_sandbox.facebook.webhooks import Webhooks
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import FACEBOOK_APP_ID, FACEBOOK_FOLLOWERS, SandboxSettings
from tocsin_sandbox.state import Medium, Post, State, look_at
from tocsin_sandbox.windows import RunningWindow

TEXT_LIMIT = 63_206
USAGE_SHOWN_FROM = 75
DAY = 86_400.0
_UNSEEN = frozenset({"comment", "hidden", "visitor"})
_FIRST_PHOTO = 122_100_500_000_000_000
_PHOTO_BYTES = 4 * 1024 * 1024
_ATTACHED = re.compile(r"attached_media\[(\d+)\]")
_VERSION = re.compile(r"/v\d+\.\d+/?")


@dataclass(frozen=True, slots=True)
class _Call:
    """A call by somebody known: `id` is the page, post or word it is about."""

    asked: Asked
    caller: Caller
    id: str

    def text(self, name: str) -> str:
        """An argument as text, without white space around it; "" when it wasn't given."""
        value = self.asked.arguments().get(name)
        return "" if value is None else str(value).strip()


_Act = Callable[[_Call], Answer]


class Facebook:
    """Any number of pages and what they posted. `answer` is the whole API, a function of the request and the state."""

    def __init__(self, settings: SandboxSettings, state: State, rules: Rules) -> None:
        self._settings = settings
        self._state = state
        self.webhooks = Webhooks()
        self.comments = Comments(state, self.webhooks, rules)
        self._calls: dict[str, RunningWindow] = {}
        self._routes: tuple[tuple[str, re.Pattern[str], _Act], ...] = (
            ("GET", re.compile(r"(me)"), _show_caller),
            ("GET", re.compile(r"(me)/accounts"), lambda call: list_accounts(call.caller)),
            ("GET", re.compile(r"(debug_token)"), lambda call: debug_token(call.asked)),
            ("POST", re.compile(r"(\d+)/feed"), self._publish),
            ("POST", re.compile(r"(\d+)/photos"), self._take_photo),
            ("GET", re.compile(r"(\d+)/(?:published_posts|feed|posts)"), self._list),
            ("GET", re.compile(r"(\d+)/visitor_posts"), self._list_visitors),
            ("GET", re.compile(r"(\d+)/subscribed_apps"), self._show_subscription),
            ("POST", re.compile(r"(\d+)/subscribed_apps"), self._subscribe),
            ("DELETE", re.compile(r"(\d+)/subscribed_apps"), self._subscribe),
            ("GET", re.compile(r"(\d+)/blocked"), self._show_blocked),
            ("POST", re.compile(r"(\d+)/blocked"), self._block),
            ("DELETE", re.compile(r"(\d+)/blocked"), self._block),
            ("POST", re.compile(r"(\d+_\d+)/comments"), self._comment),
            ("GET", re.compile(r"(\d+_\d+)/comments"), self._list_comments),
            ("GET", re.compile(r"(\d+_\d+)"), self._read),
            ("POST", re.compile(r"(\d+_\d+)"), self._edit),
            ("DELETE", re.compile(r"(\d+_\d+)"), self._delete),
            ("GET", re.compile(r"(\d+)"), _show_page),
        )

    def answer(self, asked: Asked) -> Answer:
        """What the Graph API says to this request."""
        tail = _VERSION.sub("", asked.path, count=1).rstrip("/")
        if asked.method == "GET" and tail == "oauth/access_token":
            return exchange_token(asked)
        caller = admit(asked)
        if isinstance(caller, Answer):
            return caller
        for method, pattern, act in self._routes:
            match = pattern.fullmatch(tail)
            if match and method == asked.method:
                return self._within_limits(_Call(asked, caller, match[1]), act)
        return failed(2500, f"Unknown path components: /{tail}")

    def _within_limits(self, call: _Call, act: _Act) -> Answer:
        """Count the call for its page; say how much of the limit is used once it is much."""
        if not self._settings.limits:
            return act(call)
        page, now = self.page_of(call.id) if call.id[0].isdigit() else call.caller.id, call.asked.at
        calls = self._calls.setdefault(page, RunningWindow(self._settings.facebook_calls, DAY))
        wait = calls.wait(now)
        if wait:
            return replace(failed(32), headers=usage_header(page, 100, math.ceil(wait / 60)))
        calls.count(now)
        percent = 100 * calls.used(now) // self._settings.facebook_calls
        answer = act(call)
        return replace(answer, headers=usage_header(page, percent)) if percent >= USAGE_SHOWN_FROM else answer

    def page_of(self, subject: str) -> str:
        """The Page that a call about this is counted for: a comment's id doesn't begin with it."""
        post = self._state.find("facebook", subject)
        return post.channel if post is not None else subject.partition("_")[0]

    def _publish(self, call: _Call) -> Answer:
        page, message, link = call.id, call.text("message"), call.text("link") or None
        media = _attached(call.asked.arguments())
        refusal = (
            _refuse_writer(call.caller, page)
            or _refuse_words(message, link, media)
            or self._refuse_photos(media, page)
            or self._refuse_duplicate(page, message, link, media)
        )
        kind = "hidden" if call.text("published").lower() in {"false", "0"} else "post"
        return refusal or ok({"id": self._keep(page, message, call.asked.at, link=link, media=media, kind=kind).id})

    def _keep(self, page: str, text: str, now: float, **more: Any) -> Post:
        number = self.comments.next_number()
        url = f"https://www.facebook.com/{page}/posts/{number}"
        post = Post("facebook", f"{page}_{number}", page, text, now, url, **more)
        self._state.keep(post)
        self.comments.tell(post, "add", now)
        return post

    def _refuse_photos(self, media: tuple[str, ...], page: str) -> Answer | None:
        for id_ in media:
            if self._state.medium("facebook", id_) is None:
                return failed(100, f"(#100) Photo {id_} of page {page} is unknown or was published already")
        return None

    def _refuse_duplicate(self, page: str, message: str, link: str | None, media: tuple[str, ...]) -> Answer | None:
        """Only the page's last post counts, and only one that still stands."""
        last = next(self._of_page(page), None)
        same = last is not None and not media and (last.text, last.link) == (message, link)
        return failed(506, subcode=1455006) if same else None

    def _take_photo(self, call: _Call) -> Answer:
        """A photo that is staged (`published=false`) is seen nowhere until a post attaches it."""
        upload = call.asked.files.get("source")
        picture = look_at(upload.content) if upload else None
        refusal = _refuse_writer(call.caller, call.id)
        if refusal or upload is None or picture is None:
            return refusal or failed(324, "(#324) Missing or invalid image file")
        if len(upload.content) > _PHOTO_BYTES:
            return failed(1, "The photo is too large.", 1366046)
        id_ = str(_FIRST_PHOTO + len(self._state.media()) + 1)
        sizes = (len(upload.content), picture.width, picture.height)
        medium = Medium("facebook", id_, picture.kind, *sizes, call.asked.at, call.text("alt_text_custom"))
        self._state.keep_medium(medium, upload.content)
        if call.text("published").lower() in {"false", "0"}:
            return ok({"id": id_})
        words = call.text("message") or call.text("caption")
        post = self._keep(call.id, words, call.asked.at, media=(id_,), kind="photo")
        return ok({"id": id_, "post_id": post.id})

    def _comment(self, call: _Call) -> Answer:
        parent, message = self._state.find("facebook", call.id), call.text("message")
        if parent is None:
            return no_such_object(call.id)
        refusal = _refuse_writer(call.caller, parent.channel) or _refuse_words(message, None, ())
        return refusal or ok({"id": self.comments.keep(parent, message, call.asked.at).id})

    def _edit(self, call: _Call) -> Answer:
        post, message = self._state.find("facebook", call.id), call.text("message")
        if post is None:
            return no_such_object(call.id)
        if not message and call.text("is_pinned"):
            return ok({"success": True})
        refusal = _refuse_writer(call.caller, post.channel)
        if refusal is None and call.text("is_hidden"):
            return self._hide(call, post)
        refusal = refusal or _refuse_words(message, None, ()) or (failed(200) if post.foreign else None)
        if refusal is None and message != post.text:
            edits = (*post.edits, post.text)
            self.comments.change(post, "edited", call.asked.at, text=message, edits=edits, edited_at=call.asked.at)
        return refusal or ok({"success": True})

    def _hide(self, call: _Call, post: Post) -> Answer:
        """A comment that is hidden is still seen by who wrote it, and served to the page."""
        if post.kind != "comment" or not post.foreign:
            return failed(100, "(#100) This comment can't be hidden")
        concealed = call.text("is_hidden").lower() in {"true", "1"}
        if concealed != post.concealed:
            self.comments.change(post, "hide" if concealed else "unhide", call.asked.at, concealed=concealed)
        return ok({"success": True})

    def _delete(self, call: _Call) -> Answer:
        post = self._state.find("facebook", call.id)
        if post is None:
            return no_such_object(call.id)
        refusal = _refuse_writer(call.caller, post.channel)
        if refusal is None:
            self.comments.change(post, "remove", call.asked.at, deleted=True)
        return refusal or ok({"success": True})

    def _read(self, call: _Call) -> Answer:
        post = self._state.find("facebook", call.id)
        if post is None or post.created_at > call.asked.at - call.asked.lag:
            return no_such_object(call.id)
        return ok(choose(self.comments.fields_of(post), call.text("fields") or None))

    def _list(self, call: _Call) -> Answer:
        return list_posts(self._of_page(call.id), _listing(call), self.comments.fields_of)

    def _list_visitors(self, call: _Call) -> Answer:
        posts = self._state.newest_first("facebook")
        theirs = (post for post in posts if post.channel == call.id and post.kind == "visitor" and not post.deleted)
        return list_posts(theirs, _listing(call), self.comments.fields_of)

    def _list_comments(self, call: _Call) -> Answer:
        """Those that answer it; with `filter=stream` also those that answer these; in no order of time."""
        parent = self._state.find("facebook", call.id)
        if parent is None:
            return no_such_object(call.id)
        listing = _listing(call)
        comments = self.comments.ordered(parent, listing.arguments, listing.now)
        return list_pages(comments, listing, self.comments.fields_of)

    def _subscribe(self, call: _Call) -> Answer:
        """`POST` and `DELETE /{page}/subscribed_apps`: what of a page the app's webhook hears."""
        refusal = _refuse_writer(call.caller, call.id)
        if refusal:
            return refusal
        names = tuple(name for name in call.text("subscribed_fields").split(",") if name)
        self.webhooks.subscribed.pop(call.id, None)
        if call.asked.method == "POST":
            if not names:
                return failed(100, "(#100) The parameter subscribed_fields is required.")
            self.webhooks.subscribed[call.id] = names
        return ok({"success": True})

    def _show_subscription(self, call: _Call) -> Answer:
        names = self.webhooks.subscribed.get(call.id)
        app = {"id": FACEBOOK_APP_ID, "name": "Tocsin sandbox", "subscribed_fields": list(names or ())}
        return ok({"data": [app] if names else []})

    def _block(self, call: _Call) -> Answer:
        """`POST` and `DELETE /{page}/blocked`: who may not write there any more."""
        refusal, user = _refuse_writer(call.caller, call.id), call.text("user")
        if refusal or not user.isdecimal():
            return refusal or failed(100, "(#100) The parameter user is required.")
        blocked = self.comments.blocked.setdefault(call.id, set())
        if call.asked.method == "DELETE":
            blocked.discard(user)
            return ok({"success": True})
        blocked.add(user)
        return ok({user: True})

    def _show_blocked(self, call: _Call) -> Answer:
        return ok({"data": [{"id": user} for user in sorted(self.comments.blocked.get(call.id, ()))]})

    def state(self) -> dict[str, Any]:
        """The webhook, and who was blocked."""
        blocked = {page: sorted(users) for page, users in self.comments.blocked.items() if users}
        return {"webhook": self.webhooks.state(), "blocked": blocked}

    def _of_page(self, page: str) -> Iterator[Post]:
        """The page's posts that still stand, newest first; a comment is none."""
        posts = self._state.newest_first("facebook")
        return (post for post in posts if post.channel == page and post.kind not in _UNSEEN and not post.deleted)


def _listing(call: _Call) -> Listing:
    asked = call.asked
    return Listing(asked.arguments(), asked.url, token_of(asked), asked.at - asked.lag)


def _show_caller(call: _Call) -> Answer:
    caller = call.caller
    return ok({"id": caller.id, "name": page_name(caller.id) if caller.kind == "page" else "Sandbox user"})


def _show_page(call: _Call) -> Answer:
    page = {"id": call.id, "name": page_name(call.id), "link": f"https://www.facebook.com/{call.id}"}
    return ok(page | ({"followers_count": FACEBOOK_FOLLOWERS} if "followers_count" in call.text("fields") else {}))


def _refuse_writer(caller: Caller, page: str) -> Answer | None:
    return None if caller.may_write(page) else failed(200)


def _refuse_words(message: str, link: str | None, media: tuple[str, ...]) -> Answer | None:
    if not message and not link and not media:
        return failed(100, "(#100) Missing message or attachment")
    if len(message) > TEXT_LIMIT:
        return failed(100, f"(#100) The message is longer than {TEXT_LIMIT} characters")
    if link and media:
        return failed(100, "(#100) A post has a link or photos, not both")
    if link and not re.fullmatch(r"https?://\S+", link):
        return failed(100, "(#100) The link is not a valid address", 1_609_005)
    return None


def _attached(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The staged photos: `attached_media[0]={"media_fbid":"…"}` by form, or a list by JSON."""
    entries = arguments.get("attached_media")
    if not isinstance(entries, list):
        numbered = sorted(
            (int(match[1]), value) for name, value in arguments.items() if (match := _ATTACHED.fullmatch(name))
        )
        entries = [value for _, value in numbered]
    return tuple(_photo_id(entry) for entry in entries)


def _photo_id(entry: Any) -> str:
    try:
        parsed = json.loads(entry) if isinstance(entry, str) else entry
    except ValueError:
        return "?"
    return str(parsed.get("media_fbid", "?")) if isinstance(parsed, dict) else "?"
