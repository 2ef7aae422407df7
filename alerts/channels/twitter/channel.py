"""X, through tweepy's client and X API v2 (https://docs.x.com/x-api)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any

import structlog

from alerts.channels.answer import SLACK, Answer, RequestPurpose, appeared, counted, id_of, pages, unreadable
from alerts.channels.picture import NoPicture, load_picture
from alerts.channels.settings import AccountKeys, TwitterSettings, read_credential
from alerts.channels.twitter import answers
from alerts.channels.twitter.hearing import AccountEar
from alerts.channels.twitter.wire import Signer, TwitterClient
from alerts.model.bounds import table
from alerts.model.errors import BadCredential, DeliveryError, Gone, Rejected
from alerts.model.listening import EarReading, HeardPost
from alerts.model.poll import SHORTEST, PollCount
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, PollForm, PostImage, Quota, Receipt
from alerts.model.reason import Reason, because

# X refuses images above 5 MB.
_LARGEST_PICTURE = 5_000_000
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png", "image/webp"})
_READ_ONLY = "read"
# Pages of a hundred posts that are looked through: a week at X's own pace.
_PAGES = 10

log = structlog.get_logger(__name__)


class Twitter:
    """An account on X. Publishes, replies, edits (Premium accounts alone), deletes and finds.

    Where X approved it in writing it also hears what people answer, with the keys of another account, and hides it.
    """

    replaces = True

    def __init__(self, name: str, settings: TwitterSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._api: TwitterClient | None = None
        self._account = ""
        self._limits: tuple[Quota, ...] = ()

    async def open(self) -> None:
        """Read the four keys; raises BadCredential where one is missing. Sends nothing."""
        signer = _signer(self._settings, self._resources.folder)
        # A fact of one account is never another's: after a change of account, its id is asked anew.
        digest = sha256(signer.token.reveal().encode()).hexdigest()[:12]
        self._account = f"twitter.{self._name}.{digest}"
        self._api = TwitterClient(self._settings, self._resources, signer)

    async def close(self) -> None:
        """Forget the keys; the session is the process's."""
        self._api = None

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """`POST /2/tweets`. A picture that can't go along is left out and logged: the words are the alert.

        Raises Gone where X allows no reply to `reply_to`: it is to be sent anew, without it.
        """
        wanted: dict[str, object] = {"text": message.text}
        if message.image and (media := await self._upload(message.image)):
            wanted["media_ids"] = [media]
        if reply_to:
            wanted["in_reply_to_tweet_id"] = reply_to
        if message.poll:
            wanted |= {"poll_options": list(message.poll.options), "poll_duration_minutes": self._minutes(message.poll)}
        answer = await self._client.create_tweet(**wanted)
        return self._receipt(answer, RequestPurpose.REPLY if reply_to else RequestPurpose.PUBLISH)

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """Replace the text by `edit_options`: the receipt has a new id. Rejected for all but Premium, and after 1 h."""
        wanted = {"text": message.text, "edit_options": {"previous_post_id": remote_id}}
        answer = await self._client.request("POST", "/2/tweets", json=wanted)
        return self._receipt(answer, RequestPurpose.REPLACE)

    async def close_poll(self, remote_id: str, poll: PollForm) -> PollCount:
        """Read the numbers of a poll, which X closes by itself: a minute late at the most, for it counts in minutes.

        One that was closed here long before its end goes on there, and its numbers are those of now.
        """
        answer = await self._client.request(
            "GET",
            f"/2/tweets/{remote_id}",
            params={"expansions": "attachments.poll_ids", "poll.fields": "end_datetime,options,voting_status"},
        )
        found = answers.poll_of(self._check(answer, RequestPurpose.READ))
        if found is None:
            raise Gone(because("poll_gone"))
        votes, ends = found
        return counted([votes.get(option, 0) for option in poll.options], ends, poll, self._resources.clock.now())

    def _minutes(self, poll: PollForm) -> int:
        """How long X keeps it open: whole minutes, and not less than five."""
        left = (poll.closes_at - self._resources.clock.now()).total_seconds()
        return max(ceil(left / 60), SHORTEST.seconds // 60)

    async def delete(self, remote_id: str) -> None:
        """`DELETE /2/tweets/{id}`; a post that is gone is done."""
        answer = await self._client.delete_tweet(remote_id)
        try:
            self._check(answer, RequestPurpose.DELETE)
        except Gone:
            return
        data = answers.data_of(answer)
        if not data:
            raise unreadable("X", answer, RequestPurpose.DELETE)
        if data.get("deleted") is not True:
            raise Rejected(because("not_deleted", platform="X"))

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,  # noqa: ARG002 the timeline tells by words and times
        known: frozenset[str],
        reply_to: str | None = None,  # noqa: ARG002 replies stand on the same timeline
    ) -> Receipt | None:
        """Search for these words on our own timeline, from a minute before `since` on. The read side may lag."""
        async for timeline in self._timeline(since):
            for post in answers.find_words(timeline, message.text):
                remote_id = id_of(post.get("id"))
                if remote_id and remote_id not in known and appeared(post.get("created_at"), since):
                    return self._at(remote_id)
        return None

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:  # noqa: ARG002 times tell
        """Return the posts on our own timeline from `since` on."""
        posts = [post async for timeline in self._timeline(since) for post in timeline if isinstance(post, dict)]
        ids = (id_of(post.get("id")) for post in posts if appeared(post.get("created_at"), since))
        return [self._at(remote_id) for remote_id in ids if remote_id]

    async def hear(self, posts: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> EarReading:
        """Read the replies to the posts that are due, and the mentions, within the month's budget.

        Reads with the keys of `listen`, which are another account's: X's sanctions on an account that reads don't touch
        the one that publishes. Raises BadCredential if they are missing, or this account's.
        """
        client, every = self._listener(), self._resources.listens_every
        ear = AccountEar(await self._user_id(), client.read, every, self._settings.budget or 0.0)
        return await ear.hear(posts, memory, now)

    def _listener(self) -> TwitterClient:
        keys = self._settings.listen
        if keys is None or not self._settings.hears:
            raise BadCredential(because("x_listens_to_nobody"))
        signer, ours = (_signer(each, self._resources.folder) for each in (keys, self._settings))
        # Two names may stand for one secret, which nobody sees before it is read.
        same_token = ours.token.reveal() == signer.token.reveal()
        if same_token or ours.consumer_key.reveal() == signer.consumer_key.reveal():
            raise BadCredential(because("x_listens_as_itself"))
        return TwitterClient(self._settings, self._resources, signer)

    def _lacks(self) -> tuple[Reason, ...]:
        """Return the missing prerequisites of hearing, without a request to X: each one has its price."""
        try:
            if self._settings.hears:
                self._listener()
        except BadCredential as error:
            return (error.reason,)
        return ()

    async def hide(self, remote_id: str) -> None:
        """`PUT /2/tweets/{id}/hidden`: it stays one click away, under our own posts alone. One that is gone is done.

        Raises Rejected where nobody hears here: without X's approval nothing of others is known here, nor touched.
        """
        if not self._settings.hears:
            raise Rejected(because("x_listens_to_nobody"))
        answer = await self._client.hide(remote_id)
        try:
            self._check(answer, RequestPurpose.EDIT)
        except Gone:
            return
        if answers.data_of(answer).get("hidden") is not True:
            raise Rejected(because("x_not_hidden"))

    async def block(self, author: str) -> None:  # noqa: ARG002 nobody is blocked from here
        """Raise Rejected: X's API for towns hides replies; who is to be blocked is blocked in X itself."""
        raise Rejected(because("x_blocks_nobody"))

    async def _timeline(self, since: datetime) -> AsyncIterator[list[Any]]:
        """Our own timeline from `since` minus a minute on, page by page, the newest first."""
        me = await self._user_id()

        async def read(cursor: str) -> tuple[list[Any], str | None]:
            answer = await self._client.get_users_tweets(
                me,
                start_time=since - SLACK,
                max_results=100,
                tweet_fields=["created_at", "entities"],
                pagination_token=cursor or None,
                user_auth=True,
            )
            body = self._check(answer, RequestPurpose.READ)
            meta = table(body.get("meta"))
            # Of an empty page there is its count alone. X tells some errors with 200, and that is no page at all.
            timeline = body.get("data", [] if meta.get("result_count") == 0 else None)
            if not isinstance(timeline, list):
                raise unreadable("X", answer, RequestPurpose.READ)
            return timeline, id_of(meta.get("next_token"))

        async for page in pages(read, _PAGES, "X"):
            yield page

    async def probe(self) -> Probe:
        """`GET /2/users/me`: whose keys these are, whether they may write (header `x-access-level`), who follows.

        The keys are read anew before, so that those that were renewed are taken without a restart.
        """
        await self.open()
        answer = await self._client.get_me(user_fields=["public_metrics"])
        user = await self._remember_user(answer)
        level = answer.headers.get("x-access-level", "")
        # Keys made before the app was let write stay read-only until they are made anew.
        if level == _READ_ONLY:
            raise BadCredential(because("x_read_only"))
        return Probe(f"@{user}", self._lacks(), answers.followers(answer))

    def quotas(self) -> Sequence[Quota]:
        """The windows of creating posts as X last reported them, without those that are over."""
        now = self._resources.clock.now()
        return [quota for quota in self._limits if quota.reset > now]

    @property
    def _client(self) -> TwitterClient:
        if self._api is None:
            raise BadCredential(because("channel_unopened", channel=self._name))
        return self._api

    def _check(self, answer: Answer, act: RequestPurpose) -> Mapping[str, Any]:
        """The answer's JSON, its limits noted; raises what the answer means."""
        if act.once and (limits := answers.limits(answer.headers)):
            self._limits = limits
        if (error := answers.refusal(answer, act, self._resources.clock.now())) is not None:
            raise error
        body = answer.read()
        if body is None:
            raise unreadable("X", answer, act)
        return body

    def _receipt(self, answer: Answer, act: RequestPurpose) -> Receipt:
        remote_id = id_of(table(self._check(answer, act).get("data")).get("id"))
        if remote_id is None:
            raise unreadable("X", answer, act)
        return self._at(remote_id)

    def _at(self, remote_id: str) -> Receipt:
        # X leads from this address to the account's own, for posts made before its name was asked.
        user = self._resources.recall(f"{self._account}.username") or "i/web"
        return Receipt(remote_id, f"https://x.com/{user}/status/{remote_id}")

    async def _user_id(self) -> str:
        known = self._resources.recall(f"{self._account}.id")
        if known is None:
            await self._remember_user(await self._client.get_me())
            known = self._resources.recall(f"{self._account}.id")
        return known or ""

    async def _remember_user(self, answer: Answer) -> str:
        """Keep the account's id and name; returns the name."""
        data = table(self._check(answer, RequestPurpose.READ).get("data"))
        user, name = id_of(data.get("id")), id_of(data.get("username"))
        if user is None or name is None:
            raise unreadable("X", answer, RequestPurpose.READ)
        await self._resources.remember(f"{self._account}.id", user)
        await self._resources.remember(f"{self._account}.username", name)
        return name

    async def _upload(self, image: PostImage) -> str | None:
        """The media id of the picture, with its alternative; None where it can't go along, with the reason logged."""
        try:
            picture = await load_picture(image, self._resources.folder, largest=_LARGEST_PICTURE, kinds=_PICTURE_KINDS)
            uploaded = self._check(await self._client.upload(picture), RequestPurpose.READ)
            media = id_of(table(uploaded.get("data")).get("id"))
            # In a call of its own: uploading takes no alternative text.
            if media and picture.alt:
                self._check(await self._client.describe(media, picture.alt), RequestPurpose.READ)
        except (NoPicture, DeliveryError) as error:
            log.warning("post.without_picture", channel=self._name, reason=str(error))
            return None
        return media


def _signer(keys: AccountKeys | TwitterSettings, folder: Path) -> Signer:
    """The four keys of an account; raises BadCredential where one is missing."""
    return Signer(
        read_credential(keys.consumer_key, folder),
        read_credential(keys.consumer_secret, folder),
        read_credential(keys.access_token, folder),
        read_credential(keys.access_token_secret, folder),
    )
