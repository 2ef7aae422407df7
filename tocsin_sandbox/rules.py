"""What a platform does to those who listen: how late it tells, what it asks for it, what it keeps to itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0)]


class Rules(BaseModel):
    """The body of `POST /sandbox/rules`, any of them; they hold from the next request on.

    `twitter_lag` is after how many seconds mentions, searches and counts know of a reply; `twitter_summons` whom the
    account may answer ("off": anybody; "mention": who named it, as a reply does by itself; "explicit": who wrote its
    name); `twitter_owned` whether it owns the app, which makes its mentions cheaper; `twitter_spending_limit` how
    many dollars of reading there are (None: no end); `twitter_new_names` has answers say `referenced_posts` and
    `edit_history_post_ids`. `facebook_ranked` serves comments by rank, whatever order is asked; `facebook_names`
    tells who wrote them; `facebook_lag` is after how many seconds. `mastodon_lag` is after how many seconds a reply
    stands in its thread, `mastodon_converts` how long a picture is converted before a status may have it.
    `bluesky_lag` is after how many seconds apps see a reply. `instagram_waits` is how many seconds pass until a
    container is ready; `instagram_fetches` has its picture fetched, which must then be a JPEG that fits; without it
    the address is believed. `telegram_administrator` says whether the bot is more than a member of the linked groups.
    `open311_tokens` has the server of reports answer with tokens; `open311_lag` is after how many seconds it shows
    what it took, and knows the id of a token; `open311_wrapped` puts its lists into an object, as FixMyStreet does.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    twitter_lag: Seconds = 0.0
    twitter_summons: Literal["off", "mention", "explicit"] = "mention"
    twitter_owned: bool = True
    twitter_spending_limit: Seconds | None = None
    twitter_new_names: bool = False
    facebook_ranked: bool = True
    facebook_names: bool = True
    facebook_lag: Seconds = 0.0
    mastodon_lag: Seconds = 0.0
    mastodon_converts: Seconds = 0.0
    bluesky_lag: Seconds = 0.0
    instagram_waits: Seconds = 0.0
    instagram_fetches: bool = False
    telegram_administrator: bool = True
    open311_tokens: bool = False
    open311_lag: Seconds = 0.0
    open311_wrapped: bool = False

    def change(self, values: dict[str, Any]) -> None:
        """Let these hold from now on. Raises ValidationError, and then none of them does."""
        changed = Rules.model_validate({**self.model_dump(), **values})
        for name in type(self).model_fields:
            setattr(self, name, getattr(changed, name))
