"""Who may come in before there is any account."""

from __future__ import annotations

import re

from tests.unit.setup.visiting import CODE, Visitor


async def test_the_code_opens_once_and_nothing_opens_without(make_visitor):
    stranger, owner = await make_visitor(), None
    assert "Open the address" in await stranger.get("/desk/setup")
    assert stranger.status == 403
    owner = Visitor(stranger.client)
    await owner.get(f"/desk/setup?code={CODE}")
    assert owner.status == 200
    stranger.client.session.cookie_jar.clear()
    await stranger.get(f"/desk/setup?code={CODE}")
    assert stranger.status == 403


async def test_wrong_codes_are_bounded(make_visitor):
    guesser = await make_visitor()
    for number in range(10):
        await guesser.get(f"/desk/setup?code=guess-{number}")
        assert guesser.status == 403
    await guesser.get(f"/desk/setup?code={CODE}")

    assert guesser.status == 403, "after ten wrong ones the right one is no use either"


async def test_a_form_from_elsewhere_and_a_host_of_another_name_are_refused(visitor):
    await visitor.client.post("/desk/setup/station", data={"csrf": "guessed", "lines": "", "do": "save"})
    async with visitor.client.post("/desk/setup/station", data={"lines": "[x]"}) as answer:
        assert answer.status == 403
    async with visitor.client.get("/desk/setup", headers={"Host": "rebound.example"}) as answer:
        assert answer.status == 403


async def test_the_policy_of_content_is_strict_and_the_page_keeps_it(visitor):
    page = await visitor.get("/desk/setup")

    assert "default-src 'none'" in visitor.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page)
