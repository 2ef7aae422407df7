"""Who may come in before there is any account, and what somebody at the desk may not try."""

from __future__ import annotations

import re

from tests.unit.web.console.setup.visiting import CODE, STATION, Visitor, add


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


async def test_somebody_at_the_desk_can_not_have_secrets_sent_elsewhere_or_files_read(make_visitor, sandbox, tmp_path):
    visitor = await make_visitor(trusted=False)
    await visitor.get(f"/desk/setup?code={CODE}")
    await visitor.send("station", "save", **STATION)
    await add(visitor, "facebook", sandbox, "page", page_id="1234567890", token="FACEBOOK_TOKEN", public="true")
    await visitor.send("channels", "test:page")
    assert "api_url is another than the platform's own" in visitor.text
    async with visitor.client.session.get(f"{sandbox.url}/sandbox/requests.json") as answer:
        assert await answer.json() == []

    (tmp_path / "channels.toml").write_text(visitor.lines)
    await visitor.send("channels", "test:page")
    assert "Speaks as Sandbox page" in visitor.text, "what channels.toml says is allowed"

    for url in ("/etc/hostname", "../elsewhere.ics", "file:///etc/passwd"):
        await visitor.send("sources", "save:", kind="cap", name="meteo", **{"key.url": url})
        await visitor.send("sources", "test:meteo")
        assert "It can’t be read" in visitor.text
        assert "below the folder of channels.toml" in visitor.text or "file://" in url
    await visitor.send("station", "save", **STATION, boundary="/dev/zero")
    assert "leads out of this folder" in visitor.text
