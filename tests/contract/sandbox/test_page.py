"""The page: what a person sees, with and without its script, and that no post can break out of its card."""

from typing import get_args

from lxml import html

from tocsin_sandbox.faults import Kind
from tocsin_sandbox.page_words import WORDS
from tocsin_sandbox.state import PLATFORMS, Post, State


async def see(world, path="/", **how):
    said = await world.ask("GET", path, **how)
    assert said.status == 200
    return said, html.fromstring(said.body.decode())


def column(tree, platform):
    (found,) = tree.xpath(f"//section[contains(@class, 'column') and contains(@class, '{platform}')]")
    return found


def words(element):
    return " ".join(element.text_content().split())


async def test_the_three_timelines_stand_side_by_side(world):
    await world.tweet("Crue sur X")
    await world.page_post("Crue sur la page", link="https://alertes.example/1")
    await world.say("Crue sur <b>Telegram</b>", parse_mode="HTML")
    for path in ("/", "/sandbox"):
        _, tree = await see(world, path)
        assert [words(title) for title in tree.xpath("//h2")] == [
            "X",
            "Facebook",
            "Telegram",
            "Talk with the bot",
            "A crowd reports to the town",
            "Faults",
        ]
        assert "Crue sur X" in words(column(tree, "twitter"))
        assert column(tree, "facebook").xpath(".//a/@href") == ["https://alertes.example/1"]
        assert [words(bold) for bold in column(tree, "telegram").xpath(".//div/strong")] == ["Telegram"]


async def test_telegrams_marks_are_seen_and_nest(world):
    text = '🌊 <b>Crue <i>forte</i></b>\n<blockquote>Zone : <u>quais</u></blockquote>\n<a href="https://a.example/">ici</a>'
    await world.say(text, parse_mode="HTML")
    said, _ = await see(world)
    shown = said.body.decode()
    assert "🌊 <strong>Crue <em>forte</em></strong>\n<q>Zone : <u>quais</u></q><a href=" in shown


async def test_counts_are_the_platforms_own(world):
    await world.tweet("Crue € 🌊")
    await world.say("Crue 🌊")
    _, tree = await see(world, headers={"Accept-Language": "en"})
    assert "10 of 280 weighted characters" in words(column(tree, "twitter"))
    assert "7 of 4096 UTF-16 units" in words(column(tree, "telegram"))


async def test_a_post_of_any_platform_is_shown_and_has_a_form_where_people_can_answer(open_world, tmp_path):
    state = State(tmp_path)
    state.keep(*(Post(platform, "1", "mairie", "Crue", 0.0, "https://post.example/1") for platform in PLATFORMS))
    state.close()
    world = await open_world(state_dir=tmp_path)
    for language in WORDS:
        _, tree = await see(world, f"/?lang={language}")
        answered = {each.get("id").partition("-")[0]: bool(each.xpath(".//form")) for each in tree.xpath("//article")}
        crowds = {"twitter", "facebook", "telegram", "mastodon", "bluesky"}
        assert answered == {platform: platform in crowds for platform in PLATFORMS}
        assert {*PLATFORMS} <= {*tree.xpath("//select[@name='platform']/option/@value")}


async def test_threads_edits_and_deletions_are_marked(world):
    parent = (await world.tweet("Crue")).data["id"]
    edited = (await world.tweet("Crue, 2", edit_options={"previous_post_id": parent})).data["id"]
    reply = (await world.tweet("Suite", reply={"in_reply_to_tweet_id": parent})).data["id"]
    last = (await world.tweet("Fin", reply={"in_reply_to_tweet_id": reply})).data["id"]
    await world.x("DELETE", f"tweets/{last}")
    _, tree = await see(world, headers={"Accept-Language": "en"})
    (thread,) = column(tree, "twitter").xpath("./article")
    assert thread.get("id") == f"twitter-{edited}"
    assert [words(part) for part in thread.xpath("./details/p")] == ["Crue"]
    replies = thread.xpath("./section/article")
    assert [article.get("id") for article in replies] == [f"twitter-{reply}", f"twitter-{last}"]
    assert "deleted" in words(replies[1])
    assert words(replies[1].xpath(".//del")[0]) == "Fin"
    assert "deleted" not in words(replies[0])


async def test_a_strangers_message_and_a_lone_photo_are_marked(world, form, png):
    await world.ask("POST", "/sandbox/telegram/foreign", json={"chat": "@saintmartin", "text": "Merci"})
    await world.fb("POST", "1234567890/photos", data=form(source=png(), alt_text_custom="Carte des quais"))
    _, tree = await see(world, headers={"Accept-Language": "en"})
    assert "written by somebody else" in words(column(tree, "telegram"))
    assert "photo on its own" in words(column(tree, "facebook"))
    (picture,) = column(tree, "facebook").xpath(".//img")
    assert picture.get("alt") == "Carte des quais"
    assert "Text alternative: Carte des quais" in words(column(tree, "facebook"))


async def test_no_text_breaks_out_of_its_card(world):
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>\" ' &amp;"
    await world.tweet(attack)
    await world.page_post(attack, link='https://a.example/"onmouseover="alert(1)')
    await world.say(attack, chat="@saintmartin")
    await world.say('<a href="tg://user?id=1">x</a> &lt;script&gt;', parse_mode="HTML")
    said, tree = await see(world)
    assert len(tree.xpath("//script")) == 1
    assert not tree.xpath("//*[@onerror or @onmouseover]")
    assert not tree.xpath("//img")
    assert [href for href in tree.xpath("//article//@href") if not href.startswith("https://")] == []
    assert attack.partition("<img")[0] in words(column(tree, "twitter"))
    assert "default-src 'none'" in said.headers["Content-Security-Policy"]


async def test_nothing_comes_from_elsewhere_or_inline(world):
    _, tree = await see(world)
    sources = tree.xpath("//script/@src | //link[@rel='stylesheet']/@href | //img/@src")
    assert set(sources) == {"/sandbox/page.css", "/sandbox/page.js"}
    assert tree.xpath("//script")[0].text is None
    assert not tree.xpath("//@style | //style")
    for path in sources:
        file = await world.ask("GET", path)
        assert file.status == 200
        assert b"http" not in file.body


async def test_it_can_be_read_without_script_and_by_a_screen_reader(world):
    await world.tweet("Crue")
    _, tree = await see(world, headers={"Accept-Language": "en"})
    assert tree.get("lang") == "en"
    assert tree.xpath("//noscript/meta[@http-equiv='refresh']")
    assert len(tree.xpath("//h1")) == len(tree.xpath("//main")) == 1
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(tree.xpath("//@aria-labelledby")) <= set(ids)
    assert tree.xpath("//a[@class='skip']/@href") == ["#timelines"]


async def test_it_speaks_french_and_english(world):
    cases = {"fr-FR,fr;q=0.9": "fr", "de, fr;q=0.5": "fr", "de": "en", "": "en"}
    for accepted, language in cases.items():
        _, tree = await see(world, headers={"Accept-Language": accepted})
        assert tree.get("lang") == language
    _, tree = await see(world, "/?lang=fr", headers={"Accept-Language": "en"})
    assert "Rien n’est encore publié." in words(tree)


async def test_only_a_change_is_fetched_again(world):
    await world.tweet("Un")
    first = await world.ask("GET", "/sandbox/timelines.html")
    again = await world.ask("GET", "/sandbox/timelines.html", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    await world.tweet("Deux")
    changed = await world.ask("GET", "/sandbox/timelines.html", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status == 200
    assert "Deux" in changed.body.decode()


async def test_an_unknown_picture_is_404(world):
    for id_ in ("nothing", "..%2Fsandbox.jsonl"):
        assert (await world.ask("GET", f"/sandbox/media/{id_}")).status == 404


async def test_faults_can_be_switched_on_the_page(world):
    """Each kind that is offered is one that the control call takes, with words in both languages."""
    for language in ("en", "fr"):
        _, tree = await see(world, headers={"Accept-Language": language})
        [faults] = tree.xpath("//section[@id='faults']")
        kinds = faults.xpath(".//select[@name='kind']/option/@value")
        assert set(kinds) < set(get_args(Kind))
        for platform in faults.xpath(".//select[@name='platform']/option/@value"):
            said = await world.ask("POST", "/sandbox/faults", json={"platform": platform, "kind": kinds[0], "times": 1})
            assert said.status == 201


async def submit(world, form, origin=None, **fields):
    """Send a form of the page as a browser without script does, and look where that leads."""
    told = {each.get("name"): each.get("value", "") for each in form.xpath(".//input")} | fields
    headers = {"Origin": world.url if origin is None else origin, "Referer": f"{world.url}/sandbox?lang=fr&still=1"}
    return await world.ask("POST", form.get("action"), data=told, headers=headers, allow_redirects=False)


def form_of(tree, post, action):
    (form,) = tree.xpath(f"//article[@id='{post}']/*/descendant-or-self::form[@action='/sandbox/page/{action}']")
    return form


async def everywhere(world):
    """A post on each platform, by its place on the page."""
    tweet = (await world.tweet("Crue")).data["id"]
    page = (await world.page_post("Crue")).json["id"]
    await world.say("Crue")
    return {"twitter": f"twitter-{tweet}", "facebook": f"facebook-{page}", "telegram": "telegram-saintmartin-1"}


async def test_one_answers_under_a_post_of_each_platform_without_script(world):
    for platform, post in (await everywhere(world)).items():
        _, tree = await see(world)
        answer = await submit(world, form_of(tree, post, "say"), text="Où ça ?", name="Nadia Benali")
        assert answer.status == 303, answer.body
        _, tree = await see(world, answer.headers["Location"].partition("#")[0])
        assert tree.get("lang") == "fr"
        [reply] = column(tree, platform).xpath(f".//article[@id='{post}']/section/article")
        assert answer.headers["Location"].endswith(f"#{reply.get('id')}")
        assert "Où ça ?" in words(reply)
        assert ("nadia_benali" if platform == "twitter" else "Nadia Benali") in words(reply)
        again = await submit(world, form_of(tree, reply.get("id"), "say"), text="Oui, où ?", name="")
        assert again.status == 303
        _, tree = await see(world, headers={"Accept-Language": "en"})
        assert len(column(tree, platform).xpath(f".//article[@id='{post}']/section/article")) == 2, "side by side"
        if platform == "facebook":
            assert "(no name is told)" in words(column(tree, platform))


async def test_what_the_town_answers_stands_beneath_too(world):
    posts = await everywhere(world)
    group = await world.people.link("@saintmartin")
    await world.say("Vent")
    said = await world.people.say("telegram", "Où ?", under="@saintmartin/2")
    await world.say("Quai Sud", chat=str(group), reply_parameters={"message_id": int(said["ids"][0])})
    page = posts["facebook"].removeprefix("facebook-")
    [comment] = (await world.people.say("facebook", "Où ?", under=page))["ids"]
    await world.fb("POST", f"{comment}/comments", data={"message": "Quai Sud"})
    await world.fb("POST", comment, data={"is_hidden": "true"})
    await world.people.react("facebook", page, count=12)
    _, tree = await see(world, headers={"Accept-Language": "en"})
    [thread] = tree.xpath("//article[@id='telegram-saintmartin-2']")
    assert [words(each) for each in thread.xpath("./section/article//span[@class='who']")] == ["Habitant 1", "Bot"]
    [thread] = tree.xpath(f"//article[@id='{posts['facebook']}']")
    answers = [words(each) for each in thread.xpath("./section/article")]
    assert ["hidden by the account" in each for each in answers] == [True, False]
    assert "👍 12" in words(thread)


async def test_one_votes_on_the_page_until_the_poll_closes(world, clock):
    tweet = (await world.tweet("Quel jour ?", poll={"options": ["Samedi", "Dimanche"], "duration_minutes": 5})).data[
        "id"
    ]
    await world.tg("sendPoll", chat_id="@saintmartin", question="Quel jour ?", options=["Samedi", "Dimanche"])
    posts = {"twitter": f"twitter-{tweet}", "telegram": "telegram-saintmartin-1"}
    for post in posts.values():
        _, tree = await see(world)
        form = form_of(tree, post, "vote")
        assert [button.get("value") for button in form.xpath(".//button")] == ["1", "2"]
        assert (await submit(world, form, option="2")).status == 303
    _, tree = await see(world, headers={"Accept-Language": "en"})
    for platform in posts:
        assert "Dimanche 1 votes" in words(column(tree, platform))
    clock.advance(300)
    _, tree = await see(world, headers={"Accept-Language": "en"})
    closed = form_of(tree, posts["twitter"], "vote")
    assert ("The poll is closed." in words(closed), closed.xpath(".//button")) == (True, [])
    assert (await submit(world, closed, option="2")).status == 409


async def test_a_form_of_another_site_says_nothing(world):
    posts = await everywhere(world)
    _, tree = await see(world)
    form = form_of(tree, posts["facebook"], "say")
    for origin in ("https://elsewhere.example", "null", ""):
        assert (await submit(world, form, origin=origin, text="Spam")).status == 403
    assert (await submit(world, form, text="")).status == 400
    assert (await submit(world, form, text="Où ?", under="1_2")).status == 404
    assert (await submit(world, form, text="Où ?", platform="webhook")).status == 404
    assert len(await world.posts("facebook")) == 1


async def test_it_stands_still_for_who_writes_without_script(world):
    _, tree = await see(world, headers={"Accept-Language": "en"})
    [still] = tree.xpath("//noscript//a/@href")
    _, tree = await see(world, still)
    assert not tree.xpath("//noscript")


async def test_a_crowd_under_one_post_leaves_the_page_readable(world):
    posts = await everywhere(world)
    page = posts["facebook"].removeprefix("facebook-")
    await world.people.say("facebook", "Où ?", under=page, count=45)
    _, tree = await see(world, headers={"Accept-Language": "en"})
    [thread] = column(tree, "facebook").xpath("./article")
    assert len(thread.xpath("./section/article")) == 20
    assert "25 earlier answers are not shown." in words(thread)
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    await world.people.say("facebook", attack, under=page, name=attack)
    _, tree = await see(world)
    assert not tree.xpath("//*[@onerror]")
    assert len(tree.xpath("//script")) == 1
