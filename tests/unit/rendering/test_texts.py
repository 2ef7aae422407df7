"""Every text there is, read by rules: what `make texts` writes for people to read, and messages as feeds send them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache

import pytest

from alerts.model.alert import Severity
from alerts.model.gsm import size_of
from alerts.model.hazard import Hazard
from alerts.model.post import EndReason
from alerts.rendering.plain import blanks, orders, permits
from tests import texts_elsewhere
from tests.texts import FIRST_SEEN, RENDERERS, Text, groups, said
from tests.walls import in_one_test

ENDS = {"all clear", "expired", "cancelled before", "cancelled after", "corrected", "corrected in words"}
_ADDRESS = re.compile(r"https?://\S+|\S+@\S+")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")


@cache
def everything() -> list[Text]:
    """All of them; made when the first test asks, for whoever collects tests without running these."""
    return list(said())


def texts() -> list[Text]:
    """All but SMS, which are spelled in their own alphabet and so otherwise than these rules look for."""
    return [text for text in everything() if text.where != "sms"]


def ours() -> list[Text]:
    return [text for text in texts() if not text.feed]


def words_of(text: Text) -> Mapping[str, object]:
    """The words of its hazard, as its kind sets some of them otherwise."""
    words = RENDERERS[text.language]._library.words(text.language, f"hazards/{text.hazard}.j2")
    return {**words, **words.get("variants", {}).get(text.kind, {})}


def posts() -> list[Text]:
    return [text for text in texts() if text.where not in ("title", "summary", "card")]


def faults(read: Iterable[Text], wrong: object) -> list[str]:
    """What is wrong, told so that it can be looked up."""
    assert callable(wrong)
    return [f"{text.language} {text.about} [{text.where}]: {found!r}" for text in read if (found := wrong(text))][:20]


def test_all_that_people_may_read_is_there() -> None:
    assert {(text.hazard, text.severity) for text in ours()} >= {(hazard, Severity.EXTREME) for hazard in Hazard}
    assert {text.phase for text in texts()} == {*ENDS, "publish", "update", "typed", "feed"}
    assert len({text.about for text in texts() if text.feed and text.language == "fr"}) == 40


def test_the_file_holds_all_of_them_and_can_be_read() -> None:
    told = groups(everything())
    assert sorted(map(id, everything())) == sorted(id(text) for group in told for text in group.said_by)
    assert len(told) < 5500
    for group in told:
        pieces = [piece for piece in re.split(r"◇|\n", group.text) if piece]
        assert all(piece in group.said_by[0].text for piece in pieces), group.heading


def test_no_colon_is_chained_and_no_capital_stands_after_one() -> None:
    def chained(text: Text) -> str | None:
        for sentence in _SENTENCE.split(_ADDRESS.sub("", text.text)):
            bare = re.sub(r"\d:\d\d", "", sentence)
            if bare.count(":") > 1:
                return sentence
            after = re.search(r":[ \u00a0](?!Les |Vieille)([A-ZÉÀ][a-zéè]\w*)", bare)
            if after and not re.match(r"(Où|Where|Source|N’est plus|Nouveau|When|• Once|• Une fois)\b", sentence):
                return sentence
        return None

    assert not faults((text for text in ours() if not text.free), chained)


def test_no_blank_and_no_placeholder_of_a_feed_is_printed() -> None:
    def left(text: Text) -> object:
        return blanks(text.text) or re.search(
            r"polygonal|event area|\bNone\b|\[unknown\]|Not Applicable|: ?Polygon|: ?Unknown$", text.text, re.MULTILINE
        )

    assert not faults(texts(), left)


def test_no_place_is_an_authority_and_none_is_named_that_nobody_said() -> None:
    def misplaced(text: Text) -> object:
        bare = re.search(r"^(Où|Where) ?:\s*$", text.text, re.MULTILINE)
        return bare or re.search(r"(Où|Where)[ \u00a0]?: (Ville|Town) (de|of)", text.text)

    assert not faults(texts(), misplaced)


def test_what_to_do_is_among_what_is_first_seen() -> None:
    def orderless(text: Text) -> object:
        return None if orders(text.text[:FIRST_SEEN]) else text.text[:FIRST_SEEN]

    acting = (
        text
        for text in ours()
        if text.phase in ("publish", "update")
        and text.where not in ("title", "card")
        and not (text.hazard is Hazard.MISSING and text.where in ("x", "summary"))
    )
    assert not faults(acting, orderless)


def test_only_an_all_clear_frees_anybody() -> None:
    def freeing(text: Text) -> object:
        return permits(text.text)

    assert not faults((text for text in ours() if text.phase not in ("all clear", "corrected in words")), freeing)


def test_no_end_says_the_order_that_it_ends() -> None:
    orders_of: dict[tuple[str, Hazard, Severity], str] = {}
    for text in ours():
        if text.phase == "publish" and text.where == "card":
            orders_of[text.language, text.hazard, text.severity] = text.text.split("\n")[1]

    def repeated(text: Text) -> object:
        title = orders_of[text.language, text.hazard, text.severity]
        return orders(title) and title in text.text

    assert not faults((text for text in ours() if text.phase in ENDS), repeated)


def test_no_end_says_twice_what_it_is_or_that_it_is_closed_still() -> None:
    def twice(text: Text) -> object:
        head, _, rest = text.text.split("\n")[0].partition(" – ")
        return rest and (rest.casefold() in head.casefold() or re.search(r"Travaux$|Roadworks$", rest))

    def closed(text: Text) -> object:
        return re.search(r"(rouv|réouv|reopen|open again).*(fermée|closed)", text.text.split("\n")[0], re.IGNORECASE)

    ends = [text for text in ours() if text.phase in ENDS and text.where == "title"]
    assert not faults(ends, twice)
    assert not faults(ends, closed)


def test_what_has_run_out_repeats_nothing_of_what_it_said() -> None:
    """A name and a description of somebody who was looked for are not told once more."""
    said_first = re.compile(r"manteau rouge|red coat|peuvent inonder|may flood|Stay safe|Les bons réflexes")
    assert not faults((text for text in ours() if text.phase in ENDS), lambda text: said_first.search(text.text))


def test_who_is_missing_is_no_danger() -> None:
    missing = (text for text in ours() if text.hazard is Hazard.MISSING)
    assert not faults(missing, lambda text: re.search("danger|consignes", text.text, re.IGNORECASE))


def test_a_label_of_gravity_goes_only_where_its_word_stands_in_the_language_of_the_text() -> None:
    titles = {(text.language, text.text) for text in texts() if text.where == "title"}
    assert ("en", "Danger – Dangerous dog on the loose") in titles
    assert ("en", "Orange warning – strong wind (Vigilance orange vent violent)") in titles


def test_the_five_ends_are_five_messages() -> None:
    ends: dict[tuple[str, Hazard, Severity, str], dict[str, str]] = defaultdict(dict)
    for text in ours():
        if text.phase in ENDS and text.where in ("x", "title"):
            ends[text.language, text.hazard, text.severity, text.where][text.phase] = text.text
    for about, each in ends.items():
        if about[3] == "x":
            assert len(set(each.values())) == len(ENDS), about


def test_a_correction_says_what_is_right_in_its_title() -> None:
    titles = {text.text for text in ours() if text.phase == "corrected in words" and text.where == "title"}
    assert titles == {"Rectificatif – Seule la rue Basse est concernée", "Correction – Only rue Basse is affected"}
    bare = {text.text for text in ours() if text.phase == "corrected" and text.where == "title"}
    assert bare == {
        "Rectificatif – notre message de mercredi 25 novembre à 13\u00a0h était faux",
        "Correction – our Wednesday 25 November, 1pm message was wrong",
    } or all("était faux" in title or "was wrong" in title for title in bare)


def test_a_sentence_is_said_whole() -> None:
    def torn(text: Text) -> object:
        for line in text.text.split("\n")[1:]:
            if line.endswith("…") and not line.endswith((". …", "! …", "? …")):
                return line
        return None

    assert not faults((text for text in posts() if not text.feed), torn)


def test_a_summary_ends_as_its_last_sentence_ends() -> None:
    def ill(text: Text) -> object:
        return re.search(r"[!?…]\.|\.\.|\s$", text.text) or (None if text.text[-1] in ".!?…" else text.text[-5:])

    assert not faults((text for text in texts() if text.where == "summary"), ill)


def test_a_feed_keeps_its_source_and_is_never_signed_by_the_town() -> None:
    def unsigned(text: Text) -> object:
        if text.source and text.source != "None" and text.source[:12] not in text.text:
            return text.text[-120:]
        last = text.text.split("\n")[-1]
        return last if last in ("Ville de Saint-Martin", "Town of Saint-Martin") else None

    assert not faults((text for text in texts() if text.feed and text.where not in ("title", "summary")), unsigned)


def test_the_town_signs_only_where_no_account_does() -> None:
    def signed(text: Text) -> object:
        name = {"fr": "Ville de Saint-Martin", "en": "Town of Saint-Martin"}[text.language]
        has = name in text.text
        return has if text.where in ("x", "page", "telegram", "mastodon") else not has if text.where == "bot" else False

    assert not faults((text for text in posts() if not text.feed and not text.free), signed)


def test_french_is_set_the_french_way() -> None:
    def ill_set(text: Text) -> object:
        bare = _ADDRESS.sub("", text.text)
        return re.search(
            r"[^\u00a0\s][;!?»](?!\S)|[^\u00a0\d]:(?= |$)|«[^\u00a0]|'| [;:!?»]|\u202f|\d h\b|\d{1,2}h\d", bare
        )

    assert not faults((text for text in ours() if text.language == "fr"), ill_set)


def test_times_are_said_as_people_say_them() -> None:
    def odd(text: Text) -> object:
        return re.search(r"12:\d\d ?am|\d\d?:00 ?[ap]m| [ap]m\b|\b0 h\b|à 12 h(?! ?\d)", text.text)

    assert not faults((text for text in ours()), odd)


def test_nothing_is_asserted_that_nobody_knows() -> None:
    def asserted(text: Text) -> object:
        return re.search(
            r"l’eau redescend|water is going down|le vent a faibli|déviation|diversion|températures (re)?descendent|"
            r"pompiers interviennent|Firefighters are at work|circulation est rétablie|à son terme|run its course",
            text.text,
        )

    assert not faults((text for text in ours() if text.hazard is not Hazard.ROAD), asserted)


def test_the_numbers_come_from_one_place() -> None:
    for language in ("fr", "en"):
        library = RENDERERS[language]._library
        for hazard in Hazard:
            source = (library._folders[-1] / language / "hazards" / f"{hazard}.j2").read_text("utf-8")
            assert not re.search(r"\b(112|114|115|0.800)\b", source), hazard


@in_one_test
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("hazard", list(Hazard))
def test_a_prepared_instruction_is_short_and_whole(hazard: Hazard, language: str) -> None:
    words = RENDERERS[language]._library.words(language, f"hazards/{hazard}.j2")
    for instruction in words["instruction"].values():
        if hazard is Hazard.GENERAL:
            assert instruction == "", "nothing that is right for a closed town hall as for a missing child"
            continue
        assert len(instruction) <= 110
        assert instruction.endswith(".")
        assert orders(instruction), instruction
        assert not blanks(instruction), "a feed's alert has nobody to fill it in"
    assert set(EndReason), "the ends are read above"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_grave_hazard_names_the_emergency_number_and_the_one_for_the_deaf(language: str) -> None:
    silent = {Hazard.GENERAL, Hazard.SCHOOL, Hazard.WORKS, Hazard.ROAD, Hazard.WATER_CUT, Hazard.WATER_CUT_PLANNED}
    for hazard in set(Hazard) - silent - {Hazard.POWER, Hazard.COLD}:
        words = RENDERERS[language]._library.words(language, f"hazards/{hazard}.j2")
        assert "114" in str([*strings(words["instruction"]), *strings(words["advice"])]), hazard


def strings(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return strings(list(value.values()))
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [str(value)]


STAY_OR_LEAVE = {
    Hazard.EVACUATION,
    Hazard.SHELTER,
    Hazard.INDUSTRIAL,
    Hazard.GAS,
    Hazard.TSUNAMI,
    Hazard.DAM,
    Hazard.ATTACK,
}


def test_a_correction_names_what_was_wrong_and_prints_no_place_as_if_it_were_right() -> None:
    def nameless(text: Text) -> object:
        name = str(words_of(text)["name"])
        said = "Marché annulé|Market cancelled" if text.hazard is Hazard.GENERAL else re.escape(name)
        said = "Pont effondré|Bridge collapsed" if text.kind == "collapse" else said
        return None if re.search(rf"\((?:[«“]\u00a0?)?(?:{said})", text.text) else text.text

    corrections = [text for text in ours() if text.phase.startswith("corrected")]
    assert not faults((text for text in corrections if text.where != "title"), nameless)
    assert not faults(corrections, lambda text: re.search(r"(Où|Where) ?:", text.text))


def test_no_end_and_no_freed_district_calls_people_out_or_home_without_the_rescuers() -> None:
    def free(text: Text) -> object:
        return None if re.search("accord de|only when", text.text) else text.text

    freeing = {"expired", "cancelled before", "cancelled after", "update"}
    acted_on = (text for text in ours() if text.hazard in STAY_OR_LEAVE and text.phase in freeing)
    assert not faults((text for text in acted_on if text.where != "title"), free)


def test_the_card_of_an_end_says_what_its_summary_says() -> None:
    summaries = {(text.language, text.about): text.text for text in texts() if text.where == "summary"}

    def silent(text: Text) -> object:
        last = text.text.split("[")[0].strip().split("\n")[-2]
        return None if last in summaries[text.language, text.about] else last

    assert not faults((text for text in ours() if text.phase in ENDS and text.where == "card"), silent)
    over = {text.text.split("\n")[0] for text in ours() if text.phase in ENDS and text.where == "card"}
    assert over == {
        "Terminé", "Fin prévue", "Annulé", "Retiré", "Rectificatif",
        "Over", "Planned end", "Cancelled", "Withdrawn", "Correction",
    }  # fmt: skip


def test_an_end_looks_for_nobody_and_a_collapse_says_whom_to_call() -> None:
    missing = (text for text in ours() if text.hazard is Hazard.MISSING and text.phase in ENDS)
    assert not faults(missing, lambda text: re.search("Recherches|Search area", text.text))
    down = (t for t in ours() if t.kind == "collapse" and t.phase == "publish" and t.where == "telegram")
    assert not faults(down, lambda text: None if "112" in text.text and "114" in text.text else text.text)


def test_nobody_says_this_message_of_another_one() -> None:
    assert not faults(ours(), lambda text: re.search("[Cc]e message|[Tt]his message", text.text))


def test_who_can_t_call_is_told_what_to_do_wherever_anybody_is_told_to_call() -> None:
    def deaf(text: Text) -> object:
        number = re.search(r"(?i)\b(?:appelez|call)\b[^.•]*\b(?:112|15|17|18)\b", text.text)
        return number and "114" not in text.text and number[0]

    whole = (text for text in ours() if text.where == "page" and text.hazard is not Hazard.GENERAL)
    assert not faults(whole, deaf)


def test_no_end_is_cut_on_x() -> None:
    assert not faults((text for text in ours() if text.phase in ENDS and text.where == "x"), lambda t: "…" in t.text)


def test_what_holds_now_is_not_said_to_begin_this_evening() -> None:
    begins = re.compile(r"(?:Quand : |When: )(?:ce soir|this evening|aujourd’hui|today)", re.IGNORECASE)
    now = (text for text in texts() if text.hazard is not Hazard.WATER_CUT_PLANNED)
    assert not faults(now, lambda text: begins.search(text.text.replace("\u00a0", " ")))


def test_an_update_is_told_as_one_and_says_whom_it_frees() -> None:
    def mute(text: Text) -> object:
        freed = re.search(
            "(?:d’alerte pour|ne(?:nt)? plus|No longer affected:) Les Tanneries|no longer covers", text.text
        )
        marked = re.search(r"\((?:mise à jour|màj|update)\)", text.text)
        return None if freed and marked else text.text

    assert not faults((text for text in ours() if text.phase == "update" and text.where != "title"), mute)


FLED_OR_HID = (*STAY_OR_LEAVE, Hazard.FLOOD, Hazard.FOREST_FIRE)


def moves_people(text: Text) -> bool:
    """Whether people left or hid: of a fire that is only feared nobody did."""
    return text.hazard in FLED_OR_HID and text.kind != "risk"


def test_a_false_alarm_is_taken_back_without_an_order_to_wait_for_who_never_comes() -> None:
    corrections = [t for t in ours() if t.phase in ("corrected", "corrected in words") and moves_people(t)]
    said = [text for text in corrections if text.where != "title"]
    assert not faults(said, lambda text: re.search("accord d|only when", text.text))
    assert not faults(said, lambda text: not re.search("En cas de doute, suivez|If in doubt, do what", text.text))


def test_a_rise_to_extreme_and_the_number_for_help_are_told_whatever_the_room() -> None:
    updates = [text for text in ours() if text.phase == "update" and text.where == "x"]
    unlabelled = (text for text in updates if text.hazard is not Hazard.MISSING and text.severity is Severity.EXTREME)
    assert not faults(unlabelled, lambda text: not re.search(r"à extrême\.|to extreme\.|Now extreme\.", text.text))
    fled = (text for text in updates if text.hazard is Hazard.EVACUATION)
    assert not faults(fled, lambda text: "04 76 00 00 00" not in text.text.replace("\u00a0", " "))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_caution_says_to_whom_so_that_it_is_no_order_beside_ignore_it(language: str) -> None:
    """Else "Ignore it. Come down only when …" are two orders that contradict one another."""
    for hazard in FLED_OR_HID:
        words = RENDERERS[language]._library.words(language, f"hazards/{hazard}.j2")
        assert re.match(r"Si vous|Logement évacué\s:|If you ", str(words["caution"])), hazard


def test_the_all_clear_says_to_whom_left_or_hid_whether_to_come_back() -> None:
    def mute(text: Text) -> object:
        return None if permits(text.text) or re.search("accord d|only when", text.text) else text.text

    freed = (text for text in ours() if text.phase == "all clear" and moves_people(text))
    assert not faults((text for text in freed if text.where != "title"), mute)


def test_a_freed_district_of_a_flood_or_a_fire_is_no_leave_to_go_back() -> None:
    def free(text: Text) -> object:
        return None if re.search("accord d|only when", text.text) else text.text

    updates = (text for text in ours() if text.phase == "update" and moves_people(text))
    assert not faults((text for text in updates if text.where != "title"), free)
    for language in RENDERERS:
        for hazard in FLED_OR_HID:
            changes = RENDERERS[language]._library.words(language, f"hazards/{hazard}.j2")["changes"]
            several = {"only_many"} if language == "fr" else set()
            assert {"fewer", "only", *several} <= changes.keys(), hazard


def test_a_freed_district_is_told_what_to_mind_still_but_not_beside_a_rise() -> None:
    def unminded(text: Text) -> object:
        after = str(words_of(text)["after"])
        risen = re.search(r"à extrême\.|to extreme\.", text.text)
        return text.text if after and (after in text.text) is bool(risen) else None

    assert not faults((t for t in ours() if t.phase == "update" and t.where == "telegram"), unminded)


def test_a_withdrawn_alert_of_smoke_sends_nobody_into_what_is_left_of_it() -> None:
    withdrawn = (text for text in ours() if text.hazard is Hazard.SMOKE and text.phase.startswith("cancelled"))
    minded = re.compile("Rentrez et fermez|stay indoors")
    assert not faults((text for text in withdrawn if text.where != "title"), lambda t: not minded.search(t.text))


def test_nobody_is_told_to_go_out_there_who_should_stay_in() -> None:
    said = re.compile("n’y sortez|Go out there|Come down there|(?:^|\\. )Ne concerne plus")
    assert not faults(ours(), lambda text: said.search(text.text))


def test_a_school_is_not_closed_until_its_message_runs_out() -> None:
    updates = (text for text in ours() if text.phase == "update" and text.hazard is Hazard.SCHOOL)
    assert not faults(updates, lambda text: re.search("Prolongé|Fin avancée|Extended|Now ends", text.text))


def test_a_short_title_is_a_title_and_no_name_in_small_letters() -> None:
    small = re.compile(r"^(?:Danger|Danger extrême|Danger grave|Danger to life) – [a-zé]")
    updates = (text for text in ours() if text.phase == "update" and text.where == "x" and not text.free)
    assert not faults(updates, lambda text: small.search(text.text))


def test_a_planned_power_cut_is_told_as_a_cut_up_to_its_end() -> None:
    sudden = r"\bpanne|câbles?\b|cables?\b"
    ended = rf"{sudden}|fin d’alerte|alerte (?:annulée|retirée)|alert (?:over|cancelled|withdrawn)"

    def wrong(text: Text) -> object:
        return re.search(ended if text.phase in ENDS else sudden, text.text, re.IGNORECASE)

    assert not faults((text for text in ours() if text.kind in ("planned", "under-way")), wrong)


def test_a_bridge_that_is_down_never_reopens() -> None:
    reopens = re.compile("rouvert|fermeture|open again|closure|reopened", re.IGNORECASE)
    down = [text for text in ours() if text.kind == "collapse"]
    assert not faults(down, lambda text: reopens.search(text.text))
    # Without the quotes, "Alert over – Bridge collapsed" would be news of one.
    ends = (text for text in down if text.phase in ENDS and text.where == "x" and text.phase != "corrected in words")
    assert not faults(ends, lambda text: not re.search("[«“]\u00a0?(?:Pont effondré|Bridge collapsed)", text.text))


def test_a_correction_of_a_closed_road_or_school_says_which() -> None:
    named = "fermeture|«\u00a0Pont|“Bridge|road|school|closed"
    which = re.compile(rf"\((?:{named})[^)]*(?:Rue Haute|Jules-Ferry)", re.IGNORECASE)
    hazards = (Hazard.ROAD, Hazard.SCHOOL)
    corrections = [text for text in ours() if text.phase.startswith("corrected") and text.hazard in hazards]
    assert not faults((text for text in corrections if text.where != "title"), lambda t: not which.search(t.text))


def test_an_order_to_stay_in_is_not_said_to_end_at_an_hour() -> None:
    smoke = (text for text in ours() if text.hazard is Hazard.SMOKE)
    indoors = (*(text for text in ours() if moves_people(text) and text.hazard is not Hazard.FLOOD), *smoke)
    bare = re.compile(r"(?:^|Quand\s: |When: )(?:Jusqu’à|Until) ", re.MULTILINE | re.IGNORECASE)
    assert not faults((t for t in indoors if t.phase in ("publish", "update")), lambda text: bare.search(text.text))


def test_nothing_is_announced_to_be_no_longer_expected_that_nobody_expects() -> None:
    quakes = (text for text in ours() if text.hazard is Hazard.QUAKE)
    assert not faults(quakes, lambda text: re.search("plus attendu|no longer expected", text.text))


def test_no_order_and_no_name_is_torn_on_x_for_the_sake_of_a_freed_district() -> None:
    updates = (text for text in ours() if text.where == "x" and text.phase == "update")
    assert not faults(updates, lambda text: "…" in text.text and text.text)


@pytest.mark.parametrize("life", ["_vigilance", "_vigicrues", "_atmo"])
def test_the_life_of_what_a_source_tells_is_printed_to_its_end(life: str) -> None:
    told = list(texts_elsewhere.on_each(getattr(texts_elsewhere, life)(), "fr"))
    assert len(told) >= 6
    assert told[-1].startswith("push ")


def sms() -> list[Text]:
    return [text for text in everything() if text.where == "sms"]


def test_every_sms_stays_within_its_alphabet_and_two_parts() -> None:
    def dear(text: Text) -> object:
        size = size_of(text.text)
        return size.foreign or size.parts > 2

    assert not faults((text for text in sms() if not text.feed), dear)
    assert not faults((text for text in sms() if text.feed), lambda text: size_of(text.text).parts > 2)


def test_every_sms_has_its_order_and_its_link_and_frees_nobody_too_early() -> None:
    told = [text for text in sms() if not text.feed]
    assert not faults(told, lambda text: not text.text.endswith("/alerts/7x3k"))
    acting = (text for text in told if text.phase in ("publish", "update") and not text.free)
    assert not faults((t for t in acting if t.hazard is not Hazard.MISSING), lambda text: not orders(text.text))
    assert not faults(
        (text for text in told if text.phase not in ("all clear", "corrected in words")),
        lambda text: permits(text.text),
    )


def test_most_prepared_alerts_are_one_sms_or_two_and_none_is_torn() -> None:
    told = [text for text in sms() if not text.feed and not text.free]
    assert not faults(told, lambda text: "..." in text.text)
