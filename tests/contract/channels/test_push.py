"""What push promises, against the sandbox's push service: it checks who sends, and its browsers read the words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.channels.push.bulk import KEY_READ_EVERY, REFUSED, PushBulk, topic_of
from alerts.channels.push.channel import Push
from alerts.channels.push.encryption import TownKey, new_key
from alerts.channels.push.service_state import AGAIN, KEY_AGAIN, KEY_SURE, NOWHERE_FOR, WAITERS
from alerts.channels.settings import PushSettings
from alerts.model.alert import Severity
from alerts.model.delivery import SendOutcome, Target
from alerts.model.errors import BadCredential, SourceFailed
from alerts.model.hazard import Hazard
from alerts.model.post import PostKind
from alerts.model.reason import because
from alerts.model.subscriber import Notice, PushEndpoint, Topic
from tests.contract.channels.conftest import message
from tests.contract.channels.platform import platform
from tests.unit.store.bulk_turns import a_told

SENT, LEFT, FAILED, LATER = SendOutcome.SENT, SendOutcome.LEFT, SendOutcome.FAILED, SendOutcome.LATER


class Town:
    """A town with a key, and browsers of the sandbox."""

    def __init__(self, stage) -> None:
        self.stage = stage
        self.write_key()
        self.bulk = self.a_bulk(stage.sandbox.url)

    def write_key(self) -> None:
        (self.stage.folder / "push.pem").write_text(new_key())

    @property
    def key(self) -> str:
        return TownKey.read((self.stage.folder / "push.pem").read_text()).public

    def settings(self, *urls: str, timeout: str = "60s") -> PushSettings:
        hosts = [url.removeprefix("http://") for url in urls or (self.stage.sandbox.url,)]
        told = {"key": {"file": "push.pem"}, "subject": "mailto:mairie@saint-martin.example", "services": hosts}
        return PushSettings.model_validate({**told, "timeout": timeout})

    def a_bulk(self, *urls: str, **told: str) -> PushBulk:
        async def addresses(_, named: bool) -> None:
            assert named

        return PushBulk("push", self.settings(*urls, **told), self.stage.resources(), addresses)

    async def browser(self, **told) -> PushEndpoint:
        async with self.stage.session.post(f"{self.stage.sandbox.url}/sandbox/push/browsers", json=told) as answer:
            [made] = await answer.json()
        return PushEndpoint(made["endpoint"], **made["keys"])

    async def brought(self) -> list[dict]:
        async with self.stage.session.get(f"{self.stage.sandbox.url}/sandbox/push/messages.json") as answer:
            return await answer.json()

    def target(self, endpoint: PushEndpoint, language: str = "fr", **changes) -> Target:
        links = {"fr": "https://alertes.example/alerts/i1", "en": "https://alertes.example/en/alerts/i1"}
        texts = {"fr": "Crue\nMontez à l’étage.\nOù : les Quais", "en": "Flood\nGo upstairs."}
        plain = a_told("b1", texts=texts, links=links, expires=self.stage.clock.now() + timedelta(hours=2))
        return Target(endpoint.number, language, (replace(plain, **changes),), endpoint=endpoint)


@pytest.fixture
def town(stage):
    return Town(stage)


async def test_a_browser_reads_the_declarative_words_and_the_service_knows_how_much_they_press(town):
    severe = Notice(Topic.FLOOD, Severity.SEVERE)
    assert (await town.bulk.tell(town.target(await town.browser(key=town.key), notice=severe))).outcome is SENT
    assert (await town.bulk.tell(town.target(await town.browser(), language="en"))).outcome is SENT
    first, second = await town.brought()
    assert (first["ttl"], first["urgency"], first["topic"]) == (7200, "high", topic_of("i1"))
    assert json.loads(first["payload"])["web_push"] == 8030
    assert first["notification"] == {
        "title": "Crue",
        "body": "Montez à l’étage.\nOù : les Quais",
        "navigate": "https://alertes.example/alerts/i1",
        "lang": "fr",
        "dir": "auto",
        "tag": "i1",
    }
    assert (second["urgency"], second["notification"]["title"]) == ("normal", "Flood")


async def test_what_a_picture_is_drawn_of_goes_along_and_an_end_isn_t_grave(town):
    about = {"hazard": Hazard.FLOOD, "notice": Notice(Topic.FLOOD, Severity.SEVERE)}
    for changes in (about, {**about, "kind": PostKind.END}):
        assert (await town.bulk.tell(town.target(await town.browser(), **changes))).outcome is SENT
    grave, over = await town.brought()
    assert grave["notification"]["data"] == {"hazard": "flood", "severity": "Severe"}
    assert over["notification"]["data"] == {"hazard": "flood", "over": True}
    assert not {"icon", "badge", "image"} & set(grave["notification"]), (
        "nothing that all telephones would fetch at once"
    )


async def test_who_is_there_no_more_has_left(town):
    endpoint = await town.browser()
    async with town.stage.session.delete(
        f"{town.stage.sandbox.url}/sandbox/push/browsers/{endpoint.url.rpartition('/')[2]}"
    ) as answer:
        assert answer.status == 204
    assert (await town.bulk.tell(town.target(endpoint))).outcome is LEFT
    stranger = replace(endpoint, url=f"{town.stage.sandbox.url}/wpush/nobody")
    assert (await town.bulk.tell(town.target(stranger))).outcome is LEFT


async def test_a_service_that_asks_to_wait_is_left_alone_for_that_time(town):
    endpoint = await town.browser()
    await town.stage.fault("push", "rate_limit", retry_after=90, times=1)
    first = await town.bulk.tell(town.target(endpoint))
    again = await town.bulk.tell(town.target(endpoint))
    until = town.stage.clock.now() + timedelta(seconds=90)
    assert [(each.outcome, each.until) for each in (first, again)] == [(LATER, until)] * 2
    assert len(await town.stage.requests("push")) == 1
    await town.stage.clock.advance(90)
    assert (await town.bulk.tell(town.target(endpoint))).outcome is SENT


async def test_one_service_s_trouble_is_no_other_s(town, make_stage):
    other = await make_stage()
    bulk = town.a_bulk(town.stage.sandbox.url, other.sandbox.url)
    elsewhere = replace(await Town(other).browser())
    town.stage.folder.joinpath("push.pem").write_text(new_key())
    await town.stage.fault("push", "rate_limit", retry_after=90)
    assert (await bulk.tell(town.target(await town.browser()))).outcome is LATER
    assert (await bulk.tell(town.target(elsewhere))).outcome is SENT


@pytest.mark.parametrize("kind", ["error_html", "error_json", "cut_before", "cut_after", "hang"])
async def test_what_got_no_answer_is_for_later_and_a_service_that_says_nothing_rests(town, kind):
    endpoints = [await town.browser() for _ in range(5)]
    bulk = town.a_bulk(timeout="1s") if kind == "hang" else town.bulk
    await town.stage.fault("push", kind)
    results = [await bulk.tell(town.target(each)) for each in endpoints]
    assert [each.outcome for each in results] == [LATER] * 5
    assert all(each.until > town.stage.clock.now() for each in results)
    assert len(await town.stage.requests("push")) == 3
    await town.stage.heal()
    await town.stage.clock.advance(1)
    assert (await bulk.tell(town.target(endpoints[0]))).outcome is SENT


async def test_nothing_there_at_all_is_for_later(town):
    bulk = town.a_bulk("http://127.0.0.1:1")
    endpoint = replace(await town.browser(), url="http://127.0.0.1:1/wpush/x")
    assert (await bulk.tell(town.target(endpoint))).outcome is LATER


async def test_a_refused_key_stops_that_service_until_the_key_is_another_and_is_told(town):
    endpoint, other = await town.browser(), await town.browser()
    await town.stage.fault("push", "revoked")
    results = [await town.bulk.tell(town.target(each)) for each in (endpoint, other)]
    assert [(each.outcome, each.until) for each in results] == [(LATER, town.stage.clock.now() + KEY_SURE)] * 2
    channel = Push("push", town.settings(), town.stage.resources())
    await channel.probe()
    await town.stage.clock.advance(KEY_SURE.total_seconds())
    results = [await town.bulk.tell(town.target(each)) for each in (endpoint, other, endpoint, other)]
    assert [(each.outcome, each.until) for each in results] == [(LATER, town.stage.clock.now() + KEY_AGAIN)] * 4
    assert len(await town.stage.requests("push")) == 4, "one of them is tried each minute"
    with pytest.raises(BadCredential, match=r"push key is refused by http://127\.0\.0\.1"):
        await channel.probe()

    await town.stage.heal()
    town.write_key()
    await town.stage.clock.advance(KEY_READ_EVERY.total_seconds())
    assert (await town.bulk.tell(town.target(endpoint))).outcome is SENT
    await channel.probe()
    assert town.stage.facts.recall(REFUSED) == "{}"


async def test_a_restart_hides_from_nobody_that_a_service_refuses_the_key(town):
    endpoint = await town.browser()
    await town.stage.fault("push", "revoked")
    await town.bulk.tell(town.target(endpoint))
    await town.stage.clock.advance(KEY_SURE.total_seconds())
    await town.bulk.tell(town.target(endpoint))
    # The channel may be opened after the first message of a new process was refused, as before it.
    channel = Push("push", town.settings(), town.stage.resources())
    await channel.open()
    with pytest.raises(BadCredential):
        await channel.probe()

    await town.stage.heal()
    assert (await town.a_bulk(town.stage.sandbox.url).tell(town.target(endpoint))).outcome is SENT
    await channel.probe()


async def test_what_another_process_wrote_of_a_refusal_is_over_with_the_next_message_that_is_taken(town):
    endpoint = await town.browser()
    assert (await town.bulk.tell(town.target(endpoint))).outcome is SENT
    await town.stage.facts.remember(REFUSED, json.dumps({town.stage.sandbox.url: town.key}))
    assert (await town.bulk.tell(town.target(endpoint))).outcome is SENT
    assert town.stage.facts.recall(REFUSED) == "{}"


async def refused(town) -> bool:
    """Whether those who look after credentials hear that a service refuses the key."""
    return json.loads(town.stage.facts.recall(REFUSED) or "{}") != {}


async def test_who_subscribed_under_another_key_stops_nobody_and_is_no_word_on_the_towns_key(town):
    """Strangers' endpoints stand before everybody's, and the daemon has just begun."""
    strangers = [await town.browser(key="of somebody else") for _ in range(60)]
    honest = [await town.browser() for _ in range(5)]
    assert {(await town.bulk.tell(town.target(each))).outcome for each in strangers} == {LATER}
    await town.stage.clock.advance(1)
    assert {(await town.bulk.tell(town.target(each))).outcome for each in honest} == {SENT}
    await town.stage.clock.advance(KEY_SURE.total_seconds())
    assert {(await town.bulk.tell(town.target(each))).outcome for each in strangers} == {FAILED}, "each alone"
    assert not await refused(town)


@pytest.mark.parametrize("restarts", [False, True])
async def test_where_only_strangers_are_tried_for_hours_those_who_took_the_key_before_speak_for_it(town, restarts):
    stranger, ours = await town.browser(key="of somebody else"), [await town.browser() for _ in range(3)]
    for each in ours:
        assert (await town.bulk.tell(town.target(each))).outcome is SENT
    bulk = town.a_bulk(town.stage.sandbox.url) if restarts else town.bulk
    for _ in range(3):
        await town.stage.clock.advance(KEY_AGAIN.total_seconds())
        assert (await bulk.tell(town.target(stranger))).outcome is LATER
        assert not await refused(town)
    await town.stage.fault("push", "revoked")
    for each in ours:
        assert (await bulk.tell(town.target(each))).outcome is LATER
    assert await refused(town), "and then it is"


async def test_one_who_is_told_to_wait_waits_alone_and_many_give_the_service_a_short_rest(town):
    devices = [await town.browser() for _ in range(WAITERS + 2)]
    await town.stage.fault("push", "rate_limit", retry_after=3600, times=1)
    assert (await town.bulk.tell(town.target(devices[0]))).outcome is LATER
    assert (await town.bulk.tell(town.target(devices[1]))).outcome is SENT
    await town.stage.fault("push", "rate_limit", retry_after=3600, times=WAITERS)
    for each in devices[:-2]:
        await town.bulk.tell(town.target(each))
    await town.bulk.tell(town.target(devices[-2]))
    last = await town.bulk.tell(town.target(devices[-1]))
    assert (last.outcome, last.until) == (LATER, town.stage.clock.now() + timedelta(seconds=1))
    await town.stage.clock.advance(1)
    assert (await town.bulk.tell(town.target(devices[-1]))).outcome is SENT
    assert (await town.bulk.tell(town.target(devices[0]))).outcome is LATER, "for it was told an hour"


async def test_too_long_is_said_once_more_in_fewer_words(town):
    endpoint = await town.browser()
    long = {"fr": "Crue\n" + "Montez. " * 60}
    await town.stage.fault("push", "code", status=413, times=1)
    assert (await town.bulk.tell(town.target(endpoint, texts=long))).outcome is SENT
    [brought] = await town.brought()
    assert brought["notification"]["title"] == "Crue"
    assert len(brought["notification"]["body"]) == 121


async def test_more_than_a_message_holds_is_cut(town):
    endpoint = await town.browser()
    assert (await town.bulk.tell(town.target(endpoint, texts={"fr": "Crue\n" + "é" * 3000}))).outcome is SENT
    assert len(await town.brought()) == 1


async def test_a_service_that_isn_t_named_is_asked_nothing(town):
    async with platform((201, b"")) as stranger:
        endpoint = replace(await town.browser(), url=f"{stranger.url}/wpush/x")
        assert (await town.bulk.tell(town.target(endpoint))).outcome is FAILED
        assert stranger.asked == []


async def test_who_can_t_be_written_to_at_all_is_nobody_else_s_trouble(town):
    stranger = replace(await town.browser(), auth="no secret")
    assert (await town.bulk.tell(town.target(stranger))).outcome is FAILED
    assert (await town.bulk.tell(town.target(await town.browser()))).outcome is SENT


async def test_made_up_hosts_push_no_real_service_out_of_memory(town):
    async def nowhere(url, named):
        raise SourceFailed(because("host_unresolved", host=url.host))

    settings = town.settings(town.stage.sandbox.url)
    settings = settings.model_copy(update={"services": (*settings.services, "*.notify.windows.com")})
    bulk, browser = PushBulk("push", settings, town.stage.resources(), nowhere), await town.browser()
    bulk._state_of(browser.url).silent = 2
    for number in range(1500):
        made_up = replace(browser, url=f"https://a{number}.notify.windows.com/w")
        assert bulk._state_of(made_up.url) is not None
    assert len(bulk._states) == 1000
    assert bulk._state_of(browser.url).silent == 2


async def test_a_made_up_host_is_looked_up_twice_and_given_up_and_shares_its_places_with_its_like(town):
    asked = []

    async def nowhere(url, named):
        if named:
            return
        asked.append(url.host)
        raise SourceFailed(because("host_unresolved", host=url.host))

    settings = town.settings(town.stage.sandbox.url)
    settings = settings.model_copy(update={"services": (*settings.services, "*.notify.windows.com")})
    bulk, browser = PushBulk("push", settings, town.stage.resources(), nowhere), await town.browser()
    made_up = [town.target(replace(browser, url=f"https://a{n}.notify.windows.com/w")) for n in range(2)]
    until = town.stage.clock.now() + AGAIN
    first = await bulk.tell(made_up[0])
    assert (first.outcome, first.until) == (LATER, until), "nothing answered yet: it may be this machine's network"

    assert (await bulk.tell(town.target(browser))).outcome is SENT
    until = town.stage.clock.now() + NOWHERE_FOR
    for _ in range(3):
        now = [await bulk.tell(each) for each in made_up]
        assert [(each.outcome, each.until) for each in now] == [(LATER, until)] * 2
    assert len(asked) == 3, "one look for each, and none while it rests"

    await town.stage.clock.advance(NOWHERE_FOR.total_seconds() + 1)
    assert (await bulk.tell(town.target(browser))).outcome is SENT
    for _ in range(3):
        assert [(await bulk.tell(each)).outcome for each in made_up] == [FAILED, FAILED]
    assert len(asked) == 5
    assert {each.service.pattern for each in bulk._states.values()} == set(bulk._places)
    assert len(bulk._places) == 2, "all hosts of one name's end share their places"


async def test_a_redirect_is_followed_nowhere(town):
    async with platform((201, b"")) as inside, platform((307, b"", {"Location": f"{inside.url}/"})) as service:
        bulk = town.a_bulk(service.url)
        endpoint = replace(await town.browser(), url=f"{service.url}/wpush/x")
        assert (await bulk.tell(town.target(endpoint))).outcome is FAILED
        assert (len(service.asked), inside.asked) == (1, [])


async def test_without_a_key_nothing_is_sent_and_the_channel_says_so(town):
    endpoint = await town.browser()
    (town.stage.folder / "push.pem").write_text("no key")
    with pytest.raises(BadCredential, match="tocsin push keys"):
        await town.bulk.tell(town.target(endpoint))
    channel = Push("push", town.settings(), town.stage.resources())
    with pytest.raises(BadCredential, match="tocsin push keys"):
        await channel.open()


async def test_the_channel_s_own_post_is_out_without_being_sent(town):
    channel = Push("push", town.settings(), town.stage.resources())
    await channel.open()
    receipt = await channel.publish(message("Crue"))
    assert (receipt, await channel.publish(message("Crue"))) == (receipt, receipt)
    assert receipt.url is None
    await channel.close()
    with pytest.raises(BadCredential):
        await channel.publish(message("Crue"))
    assert await town.stage.requests("push") == []
