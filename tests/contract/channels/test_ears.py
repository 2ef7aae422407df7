"""What people say on the sandbox's Page and account, as a channel's ear hears it, look after look."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from alerts.model.errors import BadCredential, DeliveryError, Gone, InDoubt, Rejected
from alerts.model.listening import HeardPost
from tests.contract.channels.conftest import message
from tests.townsfolk import Townsfolk
from tests.walls import in_one_test
from tocsin_sandbox import settings as sandbox

PAGE = "1234567890"
LISTENER = {
    "consumer_key": sandbox.TWITTER_LISTENER_CONSUMER_KEY,
    "consumer_secret": sandbox.TWITTER_LISTENER_CONSUMER_SECRET,
    "access_token": sandbox.TWITTER_LISTENER_TOKEN,
    "access_token_secret": sandbox.TWITTER_LISTENER_TOKEN_SECRET,
}
LISTEN = {
    "hears": True,
    "approved": "2026-01-01",
    "budget": 5.0,
    "listen": {name: {"env": f"X_LISTENER_{name.upper()}"} for name in LISTENER},
}


@dataclass
class Ear:
    """A channel that hears, one post of ours there, the people, and what is remembered from look to look."""

    stage: Any
    channel: Any
    people: Townsfolk
    post: str
    since: Any
    memory: dict[str, Any] = field(default_factory=dict)

    async def hear(self, seconds: float = 60.0, *, over: bool = False) -> Any:
        await self.stage.clock.advance(seconds)
        posts = [] if over else [HeardPost(self.post, self.since, "incident")]
        heard = await self.channel.hear(posts, self.memory, self.stage.clock.now())
        # As the database keeps it.
        self.memory = json.loads(json.dumps(heard.memory))
        return heard

    async def texts(self, seconds: float = 60.0) -> list[Any]:
        return sorted(each.text for each in (await self.hear(seconds)).remarks)


@pytest.fixture
def listens(make_stage, monkeypatch):
    for name, value in LISTENER.items():
        monkeypatch.setenv(f"X_LISTENER_{name.upper()}", value)

    async def listens(kind, **settings):
        stage = await make_stage()
        channel = await stage.open(kind, **settings)
        since = stage.clock.now()
        receipt = await channel.publish(message("Coupure d'eau rue Haute"))
        return Ear(stage, channel, Townsfolk(stage.session, stage.sandbox.url), receipt.remote_id, since)

    return listens


@pytest.fixture
async def page(listens):
    return await listens("facebook", hears=True)


async def test_a_page_hears_comments_and_replies_as_they_are_ranked(page):
    said = await page.people.say("facebook", [f"Question {number}" for number in range(3)], under=page.post)
    [reply] = (await page.people.say("facebook", "Idem", under=said["ids"][0]))["ids"]
    await page.channel.publish(message("Bonne question"), page.post)
    heard = {each.text: each for each in (await page.hear()).remarks}
    assert sorted(heard) == ["Idem", "Question 0", "Question 1", "Question 2"]
    assert (heard["Idem"].remote_id, heard["Idem"].parent, heard["Idem"].root) == (reply, said["ids"][0], page.post)
    assert (heard["Question 0"].author, heard["Question 0"].parent) == (said["authors"][0], None)
    assert heard["Question 0"].name
    assert await page.texts() == []


async def test_a_page_hears_who_has_no_name(page):
    await page.people.rules(facebook_names=False)
    await page.people.say("facebook", "Jusqu'à quand ?", under=page.post)
    [remark] = (await page.hear()).remarks
    assert (remark.text, remark.author, remark.name) == ("Jusqu'à quand ?", None, None)


async def test_a_page_follows_edits_hidings_and_removals_within_one_look(page):
    [id_] = (await page.people.say("facebook", "Avant", under=page.post))["ids"]
    await page.hear()
    await page.people.edit("facebook", id_, "Après")
    [edited] = (await page.hear()).remarks
    assert (edited.text, edited.edited_at) == ("Après", page.stage.clock.now())
    await page.channel.hide(id_)
    [hidden] = (await page.hear()).remarks
    assert hidden.hidden is True
    await page.people.delete("facebook", id_)
    [gone] = (await page.hear()).remarks
    assert (gone.remote_id, gone.gone, gone.text) == (id_, True, None)
    assert await page.texts() == []


async def test_a_page_that_lags_loses_nothing_and_calls_nothing_gone(page):
    await page.people.rules(facebook_lag=300)
    await page.people.say("facebook", "Où ?", under=page.post)
    assert await page.texts() == []
    assert await page.texts(300) == ["Où ?"]
    await page.people.rules(facebook_lag=3000)
    assert not (await page.hear()).remarks


async def test_a_page_reads_a_thousand_comments(page):
    await page.people.say("facebook", "Merci", under=page.post, count=1000)
    assert len((await page.hear()).remarks) == 1000
    assert await page.texts(11 * 60) == []
    await page.people.say("facebook", "Et l'école ?", under=page.post)
    asked = len(await page.stage.requests("facebook"))
    assert await page.texts() == ["Et l'école ?"]
    assert len(await page.stage.requests("facebook")) - asked < 5


@in_one_test
@pytest.mark.parametrize("fault", ["error_json", "error_html", "revoked", "cut_before"])
async def test_a_page_that_fails_is_heard_again_from_where_it_was(page, fault):
    await page.people.say("facebook", "Où ?", under=page.post)
    await page.stage.fault("facebook", fault, route="comments")
    with pytest.raises(DeliveryError):
        await page.hear()
    await page.stage.heal()
    assert await page.texts() == ["Où ?"]


async def test_a_reply_that_was_made_with_an_error_is_found_and_not_repeated(page):
    [id_] = (await page.people.say("facebook", "Où ?", under=page.post))["ids"]
    [beside] = (await page.people.say("facebook", "Oui, où ?", under=id_))["ids"]
    for asked in (id_, beside):
        since = page.stage.clock.now()
        known = frozenset(each["id"] for each in await page.stage.timeline("facebook"))
        await page.stage.fault("facebook", "error_after", route="POST .*/comments", times=1)
        with pytest.raises(InDoubt):
            await page.channel.publish(message("Rue Haute seulement"), asked)
        found = await page.channel.find(message("Rue Haute seulement"), since, None, known, asked)
        [made] = [each for each in await page.stage.timeline("facebook") if each["id"] not in known]
        assert found.remote_id == made["id"]


async def test_the_same_answer_to_somebody_else_is_not_taken_for_the_one_that_is_looked_for(page):
    """One comment below our post, and a reply to each who asked: all of them in the same words."""
    first, second = (await page.people.say("facebook", ["Où ?", "C'est où ?"], under=page.post))["ids"]
    since, answer = page.stage.clock.now(), message("Rue Haute seulement")
    made = {asked: (await page.channel.publish(answer, asked)).remote_id for asked in (first, second)}
    assert await page.channel.find(answer, since, None, frozenset(), page.post) is None
    made[page.post] = (await page.channel.publish(answer, page.post)).remote_id
    found = {asked: (await page.channel.find(answer, since, None, frozenset(), asked)).remote_id for asked in made}
    assert found == made


async def test_a_lost_answer_to_what_was_taken_back_is_gone_with_it(page):
    [id_] = (await page.people.say("facebook", "Où ?", under=page.post))["ids"]
    await page.people.delete("facebook", id_)
    with pytest.raises(Gone):
        await page.channel.find(message("Rue Haute seulement"), page.since, None, frozenset(), id_)


async def test_what_a_stranger_repeats_is_not_taken_for_our_reply(page):
    [id_] = (await page.people.say("facebook", "Où ?", under=page.post))["ids"]
    since = page.stage.clock.now()
    await page.people.say("facebook", "Rue Haute seulement", under=id_)
    assert await page.channel.find(message("Rue Haute seulement"), since, None, frozenset(), id_) is None


async def test_an_answer_is_edited_and_taken_back(page):
    [id_] = (await page.people.say("facebook", "Où ?", under=page.post))["ids"]
    receipt = await page.channel.publish(message("Rue Haute"), id_)
    await page.channel.edit(receipt.remote_id, message("Rue Haute et rue Basse"))
    [answer] = [each for each in await page.stage.timeline("facebook") if each["id"] == receipt.remote_id]
    assert answer["text"] == "Rue Haute et rue Basse"
    await page.channel.delete(receipt.remote_id)
    assert await page.channel.find(message("Rue Haute et rue Basse"), page.since, None, frozenset(), id_) is None


async def test_a_comment_is_hidden_once_and_our_own_is_not(page):
    [id_] = (await page.people.say("facebook", "Spam", under=page.post))["ids"]
    own = (await page.channel.publish(message("Bonjour"), page.post)).remote_id
    for _ in range(2):
        await page.channel.hide(id_)
    with pytest.raises(Rejected):
        await page.channel.hide(own)
    await page.people.delete("facebook", id_)
    await page.channel.hide(id_)


async def test_who_is_blocked_writes_there_no_more(page):
    said = await page.people.say("facebook", "Insulte", under=page.post, name="Troll")
    await page.channel.block(said["authors"][0])
    assert (await page.people.standing())["facebook"]["blocked"] == {PAGE: said["authors"]}


async def test_a_probe_tells_that_the_word_for_the_webhook_is_missing(listens, monkeypatch):
    monkeypatch.setenv("FACEBOOK_APP_SECRET", sandbox.FACEBOOK_APP_SECRET)
    secrets = {"app_secret": {"env": "FACEBOOK_APP_SECRET"}, "verify_token": {"env": "FACEBOOK_VERIFY_TOKEN"}}
    page = await listens("facebook", hears=True, **secrets)
    [warning] = (await page.channel.probe()).warnings
    assert "FACEBOOK_VERIFY_TOKEN" in str(warning)
    monkeypatch.setenv("FACEBOOK_VERIFY_TOKEN", "entre-nous")
    assert not (await page.channel.probe()).warnings


# --- X


@pytest.fixture
async def account(listens):
    return await listens("twitter", **LISTEN)


@pytest.mark.parametrize("key", ["consumer_key", "access_token"])
async def test_keys_that_turn_out_to_be_the_posting_accounts_hear_nothing(listens, monkeypatch, key):
    monkeypatch.setenv(f"X_LISTENER_{key.upper()}", f"sandbox-{key.replace('_', '-')}")
    account = await listens("twitter", **LISTEN)
    with pytest.raises(BadCredential) as told:
        await account.hear()
    assert told.value.reason.code == "x_listens_as_itself"
    assert [each.code for each in (await account.channel.probe()).warnings] == ["x_listens_as_itself"]
    assert (await account.channel.publish(message("Fin"))).remote_id


async def test_an_account_hears_replies_and_mentions(account):
    [reply] = (await account.people.say("x", "Et l'école ?", under=account.post, language="fr"))["ids"]
    await account.people.say("x", "Moi aussi", under=reply)
    await account.people.say("x", "Entre nous", under=account.post, named=False)
    await account.people.say("x", "Hé @tocsin_sandbox, le pont ?")
    await account.channel.publish(message("Suite"), account.post)
    heard = {each.text: each for each in (await account.hear()).remarks}
    assert sorted(heard) == ["Entre nous", "Et l'école ?", "Hé @tocsin_sandbox, le pont ?", "Moi aussi"]
    assert (heard["Moi aussi"].root, heard["Moi aussi"].parent) == (account.post, reply)
    assert heard["Hé @tocsin_sandbox, le pont ?"].root is None
    assert {each.language for each in heard.values()} == {"fr"}
    assert await account.texts() == []


@pytest.mark.parametrize("new_names", [False, True])
async def test_an_edited_reply_is_the_same_remark_by_either_spelling(account, new_names):
    await account.people.rules(twitter_new_names=new_names)
    [id_] = (await account.people.say("x", "Avant", under=account.post))["ids"]
    await account.hear()
    await account.people.edit("x", id_, "Après")
    [remark] = (await account.hear()).remarks
    assert (remark.remote_id, remark.text) == (id_, "Après")


async def test_what_is_deleted_on_x_is_gone_by_the_next_day(account):
    [id_, _] = (await account.people.say("x", ["Où ?", "Quand ?"], under=account.post))["ids"]
    await account.hear()
    await account.people.delete("x", id_)
    heard = await account.hear(86_400)
    assert [(each.remote_id, each.gone) for each in heard.remarks] == [(id_, True)]


async def test_a_reply_that_x_tells_late_is_heard_all_the_same(account):
    await account.people.rules(twitter_lag=90)
    await account.people.say("x", "Où ?", under=account.post)
    assert await account.texts() == []
    assert await account.texts() == ["Où ?"]


async def test_nothing_is_missed_over_many_looks_and_pages(account):
    wanted = []
    for number in range(5):
        texts = [f"Question {number}.{each}" for each in range(30)]
        wanted += texts
        await account.people.say("x", texts, under=account.post)
        await account.hear()
    assert sorted(account.memory["kept"]) == sorted(
        each["id"] for each in await account.stage.timeline("twitter") if each.get("foreign")
    )
    assert len(wanted) == 150


async def test_what_is_spent_is_never_less_than_x_charges_nor_more_than_the_budget(listens):
    account = await listens("twitter", **LISTEN | {"budget": 0.5})
    cost, trouble = 0.0, None
    for _ in range(4):
        await account.people.say("x", "Où ?", under=account.post, count=40)
        if trouble is None:
            heard = await account.hear()
            cost, trouble = cost + heard.cost, heard.trouble
    dollars = (await account.people.standing())["twitter"]["dollars"]
    assert dollars <= cost <= 0.5
    with pytest.raises(DeliveryError) as told:
        await account.hear()
    assert told.value.reason.code == "x_budget_reached"
    assert (await account.people.standing())["twitter"]["dollars"] == dollars
    assert (await account.channel.publish(message("Fin de l'alerte"))).remote_id


async def test_a_spending_limit_at_x_stops_the_ear_alone(account):
    await account.people.rules(twitter_spending_limit=0)
    with pytest.raises(DeliveryError):
        await account.hear()
    assert (await account.channel.publish(message("Fin de l'alerte"))).remote_id


async def test_whom_x_lets_nobody_answer_is_told_and_not_tried_again(account):
    await account.people.rules(twitter_summons="explicit")
    [id_] = (await account.people.say("x", "Où ?", under=account.post))["ids"]
    with pytest.raises(Gone):
        await account.channel.publish(message("Rue Haute"), id_)
    assert (await account.channel.publish(message("Rue Haute"), account.post)).remote_id


async def test_our_reply_to_somebody_is_found_behind_the_names_that_x_puts_before_it(account):
    [id_] = (await account.people.say("x", "Où ?", under=account.post, name="Nadia"))["ids"]
    await account.stage.fault("twitter", "error_after", route="/2/tweets", times=1)
    with pytest.raises(InDoubt):
        await account.channel.publish(message("Rue Haute"), id_)
    found = await account.channel.find(message("Rue Haute"), account.since, None, frozenset({account.post}), id_)
    assert found is not None


async def test_a_reply_is_hidden_and_nobody_is_blocked_on_x(account):
    [id_] = (await account.people.say("x", "Spam", under=account.post))["ids"]
    await account.channel.hide(id_)
    [hidden] = [each for each in await account.stage.timeline("twitter") if each["id"] == id_]
    assert hidden["concealed"] is True
    await account.people.delete("x", id_)
    await account.channel.hide(id_)
    with pytest.raises(Rejected):
        await account.channel.block("99")


async def test_without_xs_approval_nothing_of_others_is_touched(listens):
    account = await listens("twitter")
    [id_] = (await account.people.say("x", "Spam", under=account.post))["ids"]
    with pytest.raises(Rejected):
        await account.channel.hide(id_)
    with pytest.raises(BadCredential):
        await account.hear()
    assert not [each for each in await account.stage.requests("twitter") if each["method"] != "POST"]
