"""All hazards, in each severity, phase and language, as a locked screen and X show them first.

One walk a promise, which collects whatever breaks it: an order and its place stand among what is first seen, what to do
stands before what is new, and no end of a danger from which people hide or flee goes out without its caution.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

from alerts.channels.settings import PUSH_TEXT
from alerts.model.alert import Alert, Area, MsgType, Severity
from alerts.model.hazard import LEFT_OR_HID, Hazard
from alerts.model.post import EndReason, PostKind
from alerts.model.town import ChannelConfig
from alerts.rendering.matter import NOTICE, Context
from alerts.rendering.plain import orders, permits
from tests.texts import KINDS, RENDERERS, SEVERITIES, WAYS, prepared_alert
from tests.unit.rendering.sample_alerts import NOW, TELEGRAM, X

PUSH = ChannelConfig("push", "push", PUSH_TEXT)
FIRST_SEEN = 110
"""Letters of title and words that the smallest of locked screens shows."""
_CLAUSE = re.compile(r".*[.,;:!?]", re.DOTALL)


def updates(alert: Alert, language: str, kind: str) -> Iterator[tuple[str, Alert]]:
    """What officers make of an alert afterwards: worse and elsewhere, longer, for fewer."""
    info = alert.infos[0]
    grave = Severity.EXTREME if info.severity is not Severity.EXTREME else Severity.SEVERE
    worse = prepared_alert(alert_hazard(alert), grave, language, kind).infos[0]
    later = info.expires + timedelta(hours=12) if info.expires else None
    for phase, changed in (
        ("worse and elsewhere", replace(worse, areas=(Area("Les Coteaux"),), expires=later)),
        ("longer", replace(info, expires=later)),
    ):
        yield phase, replace(alert, infos=(changed,), msg_type=MsgType.UPDATE)


def alert_hazard(alert: Alert) -> Hazard:
    return Hazard(alert.infos[0].parameters[0].value)


def test_an_order_and_its_place_are_among_what_is_first_seen_and_stand_before_what_is_new() -> None:
    broken: list[str] = []
    for language, (hazard, of), severity in product(RENDERERS, WAYS, SEVERITIES):
        renderer, first = RENDERERS[language], prepared_alert(hazard, severity, language, of)
        said = [("new", PostKind.PUBLISH, first)]
        if severity in (Severity.EXTREME, Severity.SEVERE):
            said += [(phase, PostKind.UPDATE, alert) for phase, alert in updates(first, language, of)]
        for phase, kind, alert in said:
            context = Context("7x3k", NOW + timedelta(hours=1), previous=first if kind is PostKind.UPDATE else None)
            told = renderer.tell(alert, kind, PUSH, context=context)
            for channel in (X, PUSH):
                text = renderer.render(alert, kind, channel, context=context).message.plain
                about = f"{language} {hazard} {of} {severity} {phase} {channel.name}"
                faults = faults_of(text, alert, str(told.get("change") or ""), str(told["instruction"]))
                broken += [f"{about}: {fault}: {text!r}" for fault in faults]
    assert not broken, "\n".join(broken)


def test_a_freed_district_is_told_what_to_mind_before_anything_that_the_post_says_anyway() -> None:
    broken: list[str] = []
    for language, (hazard, of) in product(RENDERERS, WAYS):
        renderer, first = RENDERERS[language], prepared_alert(hazard, Severity.EXTREME, language, of)
        milder = prepared_alert(hazard, Severity.SEVERE, language, of).infos[0]
        later = milder.expires + timedelta(hours=12) if milder.expires else None
        now = replace(milder, areas=(Area("Les Coteaux"),), expires=later)
        alert = replace(first, infos=(now,), msg_type=MsgType.UPDATE)
        context = Context("7x3k", NOW + timedelta(hours=1), previous=first)
        change = str(renderer.tell(alert, PostKind.UPDATE, TELEGRAM, context=context).get("change") or "")
        sentences = re.split(r"(?<=[.]) ", change)
        # Its last sentences are about the district that is freed; all before them stands elsewhere in the post too.
        at = next((place for place, said in enumerate(sentences) if "Les Tanneries" in said), len(sentences))
        for channel in (X, PUSH, TELEGRAM):
            text = renderer.render(alert, PostKind.UPDATE, channel, context=context).message.plain
            room = sum(len(said) for said in sentences[:at] if said in text)
            if room > sum(len(said) for said in sentences[at:] if said not in text) > 0:
                broken.append(f"{language} {hazard} {of} {channel.name}: {text!r}")
            if re.search(r"\?(?:\n|$)", text):
                broken.append(f"{language} {hazard} {of} {channel.name}: a question without its answer: {text!r}")
    assert not broken, "\n".join(broken)


def faults_of(text: str, alert: Alert, change: str, instruction: str) -> Iterator[str]:
    seen, place = text[:FIRST_SEEN], alert.infos[0].areas[0].description
    whole = _CLAUSE.match(seen)
    if not whole or not orders(whole[0]):
        yield "no order"
    if place not in seen:
        yield "no place"
    if re.search(r"\w… | …|…\n", text.split("\n", 1)[1]):
        yield "torn"
    if change and text.find(instruction[:12]) > text.find(change[:8]) > 0:
        yield "what is new stands first"


REASONS = {
    "fr": [
        "Erreur de saisie.",
        "Le message de la préfecture est retiré.",
        "Mauvaise commune.",
        "La rivière est redescendue.",
        "La fuite est réparée.",
        "GRDF a fermé la conduite.",
        "Fausse alerte : il n’y a aucune attaque.",
        "Alerte envoyée par erreur lors d’un essai",
        "Doublon du message de 13 h",
        "Les pompiers ont maîtrisé le feu, merci à tous.",
        "La police a arrêté un suspect. L’enquête continue.",
        "Vous ne pouvez pas encore rentrer chez vous.",
        "Vous pouvez appeler la mairie au 04 76 00 00 00.",
        "Vous pourrez bientôt rentrer.",
        "L’eau n’est pas de nouveau potable partout.",
        "Seule la rue Basse est concernée.",
        "Vous pouvez rentrer si les secours vous l’ont dit.",
        "Décision du maire. " + "Les services techniques ont vérifié chaque rue avec les secours. " * 5,
    ],
    "en": [
        "Typing error.",
        "The prefecture has withdrawn its message.",
        "Wrong town.",
        "The river has gone down.",
        "The leak has been repaired.",
        "The gas company has shut the pipe.",
        "False alarm: there is no attack.",
        "Sent by mistake during a test",
        "Same as our 1pm message",
        "Firefighters have the fire under control, thank you all.",
        "The police have arrested a suspect. The inquiry goes on.",
        "You can’t go home yet.",
        "You can call the town hall on 04 76 00 00 00.",
        "You may soon go home.",
        "The water isn’t safe to drink everywhere.",
        "Only rue Basse is affected.",
        "You may go home if emergency services told you so.",
        "The mayor’s decision. " + "The town’s services have checked each street with the rescuers. " * 5,
    ],
}
LEAVES = {
    "fr": ["Vous pouvez rentrer chez vous.", "Tout est fini : vous pouvez de nouveau boire l’eau du robinet."],
    "en": ["You may go home.", "All over: the water is safe to drink again."],
}
"""The reasons that let people go themselves; the others, however reassuring, don't."""


def test_each_kind_of_a_hazard_that_has_words_of_its_own_is_among_them() -> None:
    for language, hazard in product(RENDERERS, Hazard):
        words = RENDERERS[language]._library.words(language, f"hazards/{hazard}.j2")
        orders_of = {key.partition(" ")[0] for key in words["instruction"]} - {"default", *Severity}
        walked = {kind for each, kind in KINDS if each is hazard}
        assert {*words.get("variants", {}), *orders_of} - {NOTICE} == walked, f"{language} {hazard}"


FLED = (*LEFT_OR_HID, Hazard.FLOOD, Hazard.FOREST_FIRE, Hazard.WATER_QUALITY)
ENDS = (*((reason, True) for reason in EndReason), (EndReason.CANCELLED, False))
"""Each way to end, and whether it had begun."""


def cautioned(hazard: Hazard, language: str, reason: EndReason) -> str:
    """What an end of a hazard has to say, whatever the officer's reason."""
    words = RENDERERS[language]._library.words(language, f"hazards/{hazard}.j2")
    if reason in (EndReason.ALL_CLEAR, EndReason.EXPIRED):
        return str(words["over"][reason.value])
    return str(words["caution_corrected" if reason is EndReason.CORRECTED else "caution"])


def test_no_end_of_what_people_flee_goes_out_without_its_caution_unless_its_own_words_let_them_go() -> None:
    broken: list[str] = []
    for turn, (language, hazard, (reason, begun)) in enumerate(product(RENDERERS, FLED, ENDS)):
        caution, leaves = cautioned(hazard, language, reason), LEAVES[language]
        first = prepared_alert(hazard, Severity.EXTREME, language, onset=NOW + timedelta(hours=-1 if begun else 3))
        context = Context("7x3k", NOW + timedelta(hours=1), reason=reason, previous=first)
        # Six at a turn: each reason meets each hazard, and each end.
        reasons = [REASONS[language][(turn * 6 + place) % len(REASONS[language])] for place in range(6)]
        for own in (None, *reasons, *leaves):
            ending = replace(first, note=own, msg_type=MsgType.CANCEL)
            text = RENDERERS[language].render(ending, PostKind.END, X, context=context).message.plain
            about = f"{language} {hazard} {reason} begun={begun} {own!r}"
            if (caution in text) is (own in leaves) and caution != own:
                broken.append(f"{about}: the caution: {text!r}")
            if own and own[:18].rstrip(".") not in text.replace("\u00a0", " "):
                broken.append(f"{about}: not said: {text!r}")
            if permits(text) and not permits(own) and reason is not EndReason.ALL_CLEAR:
                broken.append(f"{about}: frees: {text!r}")
    assert not broken, "\n".join(broken)


def test_what_is_taken_back_says_beside_an_officers_reason_what_to_mind_still() -> None:
    said = {Hazard.WORKS: "panneaux", Hazard.SCHOOL: "enseignez-vous", Hazard.MISSING: "ne plus partager"}
    for (hazard, words), own in product(said.items(), (None, "Reporté au printemps prochain.")):
        first = prepared_alert(hazard, Severity.MINOR, "fr", onset=NOW - timedelta(hours=1))
        ending = replace(first, note=own, msg_type=MsgType.CANCEL)
        context = Context("7x3k", NOW + timedelta(hours=1), reason=EndReason.CANCELLED, previous=first)
        assert RENDERERS["fr"].render(ending, PostKind.END, X, context=context).message.plain.count(words) == 1, hazard


def test_a_screen_has_of_a_long_reason_what_there_is_room_for_and_the_whole_caution() -> None:
    for language, hazard in product(RENDERERS, FLED):
        first = prepared_alert(hazard, Severity.EXTREME, language)
        ending = replace(first, note=REASONS[language][-1], msg_type=MsgType.CANCEL)
        context = Context("7x3k", NOW + timedelta(hours=1), reason=EndReason.CANCELLED, previous=first)
        rendered = RENDERERS[language].render(ending, PostKind.END, PUSH, context=context)
        assert cautioned(hazard, language, EndReason.CANCELLED) in rendered.message.plain
        assert REASONS[language][-1][:60] in rendered.message.plain
        assert "reason" in rendered.cut
        assert any(warning.code.startswith("remark_instruction_cut") for warning in rendered.warnings)
