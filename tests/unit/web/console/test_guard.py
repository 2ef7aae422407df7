"""Nobody gets past the guard who shouldn't, and nothing leaves without its headers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from alerts.model.person import Role
from alerts.model.town import WebSection
from alerts.web.console.app import content_policy
from alerts.web.console.home_screen import OPEN
from tests.unit.web.console.guarding import FIRST, OWN, Browser, open_town
from tests.walls import in_one_test

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ADMINISTRATORS_OWN = (
    ("GET", "/desk/accounts"),
    ("GET", "/desk/record"),
    ("POST", "/desk/accounts/add"),
    ("POST", "/desk/accounts/reset"),
    ("POST", "/desk/accounts/role"),
    ("POST", "/desk/accounts/disable"),
    ("POST", "/desk/accounts/enable"),
    ("POST", "/desk/tokens/add"),
    ("POST", "/desk/tokens/revoke"),
)


def addresses(town):
    """Every address of the desk that a browser may ask for, with what stands in for what varies."""
    app = next(iter(town.server.app._subapps))
    paths = {route.resource.canonical for route in app.router.routes() if route.resource is not None}
    return sorted(path.replace("{name}", "console.css").replace("{id}", "id000001") for path in paths)


async def test_every_answer_carries_the_headers(town, browser):
    await browser.settle(role=Role.ADMINISTRATOR)
    asked = [*addresses(town), "/desk", "/desk/nowhere", "/desk/stumbles", "/desk/static/../frame.py", "/desk/%ff"]
    for path in asked:
        if path.endswith("/events"):
            continue
        for page in (await browser.get(path), await browser.post(path), await browser.get(path, Accept="*/*")):
            assert {name: page.headers.get(name) for name in ALWAYS} == ALWAYS, path
            assert page.headers["Content-Security-Policy"] == content_policy(town.config), path
            assert "Permissions-Policy" in page.headers
            assert "Strict-Transport-Security" not in page.headers
            assert "static" in path or page.headers["Cache-Control"] == "no-store", path


async def test_who_is_not_in_gets_the_headers_too_and_nothing_else(town, browser):
    for path in addresses(town):
        if any(part in path for part in ("/static/", "/sign-in", "/language", "/fragments/", *OPEN)):
            continue
        page = await browser.get(path)
        assert (page.status, page.location.partition("?")[0]) == (303, "/desk/sign-in"), path
        assert page.headers["Content-Security-Policy"] == content_policy(town.config)
        page = await browser.get(path, Accept="application/json")
        assert page.status == 401, path
        page = await browser.post(path, {"name": "x"})
        assert page.status == 401, path
        assert not await town.service.ask(lambda unit: unit.audit.height())


async def test_the_policy_lets_in_the_map_s_server_alone(town):
    policy = content_policy(replace(town.config, web=WebSection(tiles="https://tiles.example/{z}/{x}/{y}.png")))
    assert "img-src 'self' data: blob: https://tiles.example;" in policy
    assert "unsafe" not in policy


async def test_over_https_it_stays_so(town):
    browser = Browser(town, over_https=True)
    try:
        page = await browser.get("/desk/sign-in")
        assert page.headers["Strict-Transport-Security"].startswith("max-age=")
        await browser.settle()
        assert set(browser.jar) == {"__Host-tocsin", "__Host-tocsin-device"}
        assert (await browser.get("/desk/account")).status == 200
        del browser.headers["X-Forwarded-Proto"]
        assert (await browser.get("/desk/account")).status == 303
    finally:
        await browser.client.close()


@pytest.mark.parametrize("over_https", [True, False])
async def test_cookies_are_kept_from_scripts_and_other_sites(town, over_https):
    browser = Browser(town, over_https=over_https)
    try:
        await town.add()
        page = await browser.get("/desk/sign-in")
        page = await browser.send(page, "/desk/sign-in", name="Anne", password="first-password-of-all")
        told = page.headers["Set-Cookie"]
        assert told.startswith("__Host-tocsin=" if over_https else "tocsin=")
        assert all(part in told for part in ("HttpOnly", "SameSite=Lax", "Path=/"))
        assert ("Secure" in told) is over_https
        assert "Domain" not in told
    finally:
        await browser.client.close()


async def test_what_fails_inside_is_not_told(browser, town, capsys):
    await browser.settle()
    page = await browser.get("/desk/stumbles")
    assert page.status == 500
    assert "swordfish" not in page.text
    assert "RuntimeError" not in page.text
    assert "Something went wrong here" in page.said


async def test_what_is_not_there_is_said(browser):
    await browser.settle()
    page = await browser.get("/desk/nowhere")
    assert page.status == 404
    assert "There is no such page The address is wrong" in page.said


async def test_a_form_needs_the_session_s_token(browser):
    await browser.settle()
    page = await browser.get("/desk/account")
    fields = page.form("/desk/account/language") | {"language": "fr"}
    assert (await browser.post("/desk/account/language", {"language": "fr"})).status == 403
    assert (await browser.post("/desk/account/language", fields | {"csrf": "x" * 43})).status == 403
    assert (await browser.post("/desk/account/language", fields | {"csrf": ""})).status == 403
    account = await browser.town.service.ask(lambda unit: unit.accounts.account("Anne"))
    assert account.language is None
    assert (await browser.post("/desk/account/language", fields)).status == 303
    token = {"X-CSRF-Token": fields["csrf"]}
    assert (await browser.post("/desk/account/language", {"language": "en"}, **token)).status == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "none", "Origin": "null"},
    ],
)
async def test_a_form_of_another_site_is_refused_even_with_the_token(browser, headers):
    await browser.settle()
    fields = (await browser.get("/desk/account")).form("/desk/account/language")
    page = await browser.post("/desk/account/language", fields, **headers)
    assert page.status == 403
    assert not page.tree.xpath("//main//form")


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_nobody_is_signed_in_by_another_site(town, browser, headers):
    await town.add()
    page = await browser.post("/desk/sign-in", {"name": "Anne", "password": "first-password-of-all"}, **headers)
    assert page.status == 403
    assert not browser.cookie


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUTHOR, Role.APPROVER])
async def test_the_role_decides(browser, role):
    await browser.settle(role=role)
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    for method, path in ADMINISTRATORS_OWN:
        fields = {"csrf": token, "name": "Eve", "role": "administrator", "token_name": "x"}
        page = await (browser.get(path) if method == "GET" else browser.post(path, fields))
        assert page.status == 403, path
        assert "administrators" in page.said
    accounts = await browser.town.service.ask(lambda unit: unit.accounts.accounts())
    assert [account.name for account in accounts] == ["Anne"]


async def test_a_body_is_bounded(browser, town):
    page = await browser.post("/desk/sign-in", {"name": "x" * 600_000})
    assert page.status == 413
    await browser.settle()
    token = (await browser.get("/desk/account")).form("/desk/account/language")["csrf"]
    page = await browser.post("/desk/account/language", {"csrf": token, "language": "fr", "x": "y" * 13 * 1024**2})
    assert page.status == 413
    assert "too large" in page.said


async def test_a_planted_cookie_is_worth_nothing(town, browser, other):
    browser.jar["tocsin"] = "planted-by-somebody-else"
    await browser.settle()
    assert browser.cookie != "planted-by-somebody-else"
    other.jar["tocsin"] = "planted-by-somebody-else"
    assert (await other.get("/desk/account")).status == 303


async def test_each_step_has_a_new_cookie_and_the_old_one_leads_nowhere(town, browser, other):
    codes = await browser.settle()
    page = await other.get("/desk/sign-in")
    page = await other.follow(await other.send(page, "/desk/sign-in", name="Anne", password=OWN))
    halfway = other.cookie
    assert (await other.get("/desk/account")).location.startswith("/desk/sign-in/code")
    await other.send(page, "/desk/sign-in/code", code=codes.at(town.clock.now()))
    assert other.cookie != halfway
    assert (await other.get("/desk/account")).status == 200
    other.jar["tocsin"] = halfway
    assert (await other.get("/desk/account")).location.startswith("/desk/sign-in?")


async def test_after_signing_out_the_cookie_is_useless(browser):
    await browser.settle()
    kept = browser.cookie
    page = await browser.get("/desk/account")
    assert (await browser.send(page, "/desk/sign-out")).location == "/desk/sign-in"
    assert not browser.cookie
    browser.jar["tocsin"] = kept
    assert (await browser.get("/desk/account")).status == 303


async def test_the_address_is_the_one_that_our_proxy_saw(browser):
    browser.headers["X-Forwarded-For"] = "6.6.6.6, 203.0.113.9"
    await browser.settle()
    sessions = await browser.town.service.ask(lambda unit: unit.accounts.sessions("Anne"))
    assert {session.address for session in sessions} == {"203.0.113.9"}


async def test_the_plain_address_leads_to_the_first_page(browser):
    assert (await browser.get("/desk")).location == "/desk/"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "[evil.example]", ""],
)
async def test_the_desk_answers_under_its_own_names_alone(town, host):
    """DNS rebinding: a page elsewhere has its own name lead to this machine, and is then the same site as the desk."""
    await town.add()
    browser = Browser(town)
    try:
        for page in (
            await browser.get("/desk/sign-in", Host=host),
            await browser.get("/desk/static/console.css", Host=host),
            await browser.post("/desk/sign-in", {"name": "Anne", "password": FIRST}, Host=host),
        ):
            assert page.status == 421
            assert "Set-Cookie" not in page.headers
            assert "Sign in" not in page.text
    finally:
        await browser.client.close()


@in_one_test
@pytest.mark.parametrize(
    "host",
    [
        "desk.saint-martin.example",
        "DESK.saint-martin.example:443",
        "alertes.saint-martin.example",
        "localhost:8080",
        "[::1]:8080",
        "192.0.2.7",
    ],
)
async def test_the_names_in_channels_toml_this_machine_and_addresses_in_figures_are_its_own(tmp_path, host):
    more = '[desk]\nurl = "https://desk.saint-martin.example"\n'
    station = 'public_url = "https://alertes.saint-martin.example"\n'
    async with open_town(tmp_path, more, station) as town:
        browser = Browser(town, over_https=True)
        assert (await browser.get("/desk/sign-in", Host=host)).status == 200
        await browser.client.close()


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"X_Forwarded_Proto": "https"}, "isn’t among [web] proxies"),
        ({"X_Forwarded_For": "203.0.113.9", "X_Real_IP": "203.0.113.9"}, "isn’t among [web] proxies"),
        ({"Forwarded": "for=203.0.113.9;proto=https"}, "isn’t among [web] proxies"),
        ({"Host": "desk.example"}, "isn’t among [web] proxies"),
    ],
)
async def test_behind_a_web_server_that_is_not_listed_nobody_is_let_in_and_it_is_told(tmp_path, headers, told):
    """Else all visitors have one address: thirty wrong tries of one lock everybody out, and no cookie is `Secure`."""
    async with open_town(tmp_path, '[desk]\nurl = "https://desk.example"\n', proxies="") as town:
        await town.add()
        browser = Browser(town)
        page = await browser.get("/desk/sign-in", **headers)
        posted = await browser.post("/desk/sign-in", {"name": "Anne", "password": FIRST}, **headers)
        await browser.client.close()
        assert (page.status, posted.status) == (403, 403)
        assert told in page.said
        assert "127.0.0.1" in page.said
        assert "Set-Cookie" not in posted.headers
        assert list(map(str, town.console.warnings())) == [
            "web.proxies: 127.0.0.1 sends requests on and isn't listed; the desk refuses them",
            "web.proxies: the desk's address is https, which needs a web server before Tocsin; none is listed",
        ]


async def test_a_form_over_https_by_a_web_server_that_says_nothing_is_refused(tmp_path):
    async with open_town(tmp_path, proxies="") as town:
        browser, host = Browser(town), f"127.0.0.1:{town.server.port}"
        page = await browser.post("/desk/sign-in", {"name": "Anne", "password": FIRST}, Origin=f"https://{host}")
        await browser.client.close()
        assert (page.status, "isn’t among [web] proxies" in page.said) == (403, True)


@pytest.mark.parametrize("proxies", ["", 'proxies = ["127.0.0.1"]'])
async def test_a_web_server_that_asks_for_its_upstream_s_own_address_lets_nobody_in(tmp_path, proxies):
    """As nginx does with `proxy_pass` alone: no header, HTTP/1.0, and our own address for a name."""
    async with open_town(tmp_path, '[desk]\nurl = "https://desk.example"\n', proxies=proxies) as town:
        browser = Browser(town)
        form = {"name": "Anne", "password": FIRST}
        posted = await browser.post("/desk/sign-in", form, Origin="https://desk.example")
        reader, writer = await asyncio.open_connection("127.0.0.1", town.server.port)
        writer.write(f"GET /desk/sign-in HTTP/1.0\r\nHost: 127.0.0.1:{town.server.port}\r\n\r\n".encode())
        looked = await reader.read()
        writer.close()
        await browser.client.close()
    assert (posted.status, looked.split()[1]) == (403, b"403")


async def test_a_listed_web_server_has_to_say_that_it_was_asked_over_https(tmp_path):
    async with open_town(tmp_path, '[desk]\nurl = "https://desk.example"\n') as town:
        browser = Browser(town)
        page = await browser.get("/desk/sign-in", Host="desk.example")
        own = await browser.get("/desk/sign-in")
        await browser.client.close()
        assert (page.status, "X-Forwarded-Proto" in page.said) == (403, True)
        assert own.status == 200, "on the machine itself, or by an SSH tunnel"
        assert town.console.warnings() == []
