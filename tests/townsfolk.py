"""People on the sandbox's platforms, as a test has them speak: a coroutine for each control address."""

from __future__ import annotations

from typing import Any

import aiohttp


class Townsfolk:
    """The people of one sandbox, and what its platforms do to those who listen. What is refused fails the test."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def say(self, platform: str, text: str | list[str], under: str | None = None, **more: Any) -> Any:
        """They write: `ids` and `authors`; on Telegram also the `chat`."""
        return await self.ask(f"{platform}/say", text=text, under=under, **more)

    async def edit(self, platform: str, post: str, text: str, **more: Any) -> Any:
        """One writes it anew: its `id`, which X changes."""
        return await self.ask(f"{platform}/edit", post=post, text=text, **more)

    async def delete(self, platform: str, *posts: str, **more: Any) -> Any:
        """They delete what they wrote."""
        return await self.ask(f"{platform}/delete", post=list(posts), **more)

    async def react(self, platform: str, post: str, emoji: str = "👍", count: int = 1, **more: Any) -> Any:
        """They react to a post."""
        return await self.ask(f"{platform}/react", post=post, emoji=emoji, count=count, **more)

    async def vote(self, platform: str, post: str, option: str | int, count: int = 1, **more: Any) -> list[int]:
        """They vote: the votes of every option."""
        votes: list[int] = (await self.ask(f"{platform}/vote", post=post, option=option, count=count, **more))["votes"]
        return votes

    async def link(self, chat: str, group: int | None = None, *, linked: bool = True) -> int:
        """What the Telegram channel posts is talked about in a group: the group's id."""
        group_id: int = (await self.ask("telegram/link", chat=chat, group=group, linked=linked))["group"]
        return group_id

    async def subscribe(self, url: str, verify_token: str = "", deliver: str = "at once") -> Any:
        """Facebook's webhook goes to this address: whether it was `verified`."""
        return await self.ask("facebook/webhook", url=url, verify_token=verify_token, deliver=deliver)

    async def deliver(self, **how: Any) -> Any:
        """Facebook's changes are brought: what the address answered, in `told`."""
        return await self.ask("facebook/deliver", **how)

    async def rules(self, **rules: Any) -> Any:
        """The platforms do otherwise from now on."""
        return await self.ask("rules", **rules)

    async def standing(self) -> Any:
        """Prices, windows, webhooks, groups."""
        async with self._session.get(f"{self._url}/sandbox/listening.json") as answer:
            assert answer.ok, await answer.text()
            return await answer.json()

    async def ask(self, path: str, **body: Any) -> Any:
        """One control call."""
        async with self._session.post(f"{self._url}/sandbox/{path}", json=body) as answer:
            assert answer.ok, f"{answer.status} {await answer.text()}"
            return await answer.json()
