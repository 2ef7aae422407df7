"""Plain language, as far as a rule can judge it, and remarks for an officer before a post goes out.

The rules are those of a town's messages: an order begins with its verb, a permission is only given by an all clear, a
blank (`{place}`) is never published, and nothing is shouted. They know French and English, and take an unknown sentence
for neither order nor permission. `remarks_on_alert` and `remarks_on_post` check one message, each remark a reason: the
cause, then the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from alerts.model.alert import Alert, Info, Severity, Status
from alerts.model.gsm import unspellable
from alerts.model.hazard import fold
from alerts.model.post import PostKind
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig
from alerts.rendering.counting import links
from alerts.rendering.fit import Fitted
from alerts.rendering.moments import event_end

# However many braces somebody types: none of them is to be read by the public.
_BLANK = re.compile(r"(?<!\{)\{++[^{}\n]{1,60}\}+")
# All of these are matched against folded text: small letters without accents.
_FRENCH_ORDER = re.compile(
    # A French order ends in "-ez"; so do these words, and what is told of "vous".
    r"(?:^|[\s(«'])(?!(?:chez|assez|avez|savez|pouvez|voulez|connaissez|reconnaissez|sentez|entendez|voyez)\b)"
    r"(?:[a-z]{2,}ez|faites|dites)(?:-[a-z]+)?\b"
    r"|\bni [a-z]+, ni\b|(?:^|[.!?]\s+|\n)pas (?:de|d')\b|\bjamais\b|\bdehors uniquement\b|\binterdit\w*|\bappelez\b"
)
_ENGLISH_ORDER = re.compile(
    r"(?:^|[.!?:;,]\s+|\n|\band |\bor )(?:please |always |never )?(?:don't|do not|never|no [a-z-]+|keep|stay|go|leave|"
    r"avoid|"
    r"charge|close|turn|drink|use|move|take|call|travel|put|bring|tie|wrap|limit|drive|walk|follow|obey|check|run|store|boil|"
    r"shelter|evacuate|report|prepare|be (?:ready|aware|careful)|air|wear|wash|listen|switch|get|climb|park|seek|"
    r"remain|"
    r"wait|text|let|look|help|make|monitor|pay|ignore)\b"
)
_JOINED = re.compile(r"\b(?:and|or) (?=\w)")
"""Behind these an English verb is as often a noun: "heavy rain and run-off"."""
_STATEMENT = re.compile(r"\bvous (?!devez)(?:ne |n'|y |en )?[a-z]+ez\b")
"""Statements about people's actions, which are no order: "vous risquez", "si vous voyagez"."""
# Feeds put their orders in the infinitive; only at the beginning of a sentence is it one.
_FRENCH_INFINITIVE = re.compile(
    r"(?:^|[.!?;:•–-]\s*|\n)(?:veuillez )?(?:ne (?:pas|jamais)|(?:rest|quitt|evit|ferm|evacu|appel|limit|report|coup"
    r"|gagn|mont|laiss|gard|renonc|arret|stopp)er|rejoindre|sortir|boire|se (?:mettre|tenir|refugier|confiner|proteger)"
    r"|s'(?:abriter|eloigner|enfermer|hydrater|abstenir))\b"
)
# Instructions that ask only for care.
_FILLER = re.compile(
    r"(?:restez|rester|soyez|demeurez) (?:tres |bien )?"
    r"(?:attentifs?|attentives?|vigilants?|vigilante?s?|prudente?s?|informee?s?|a l'ecoute)\b.*"
    r"|(?:suivez|suivre) (?:les |l')?(?:consignes|informations|messages|actualite|recommandations)\b.*"
    r"|prudence|vigilance|surveille[rz]\b.*|consulte[rz]\b.*|(?:renseigne|informe)[rz]-vous\b.*"
    r"|tenez-vous (?:informe|au courant)\w*\b.*"
    r"|(?:prenez|prendre) (?:vos |les |toutes les |des )?precautions\b.*|faites preuve de\b.*|redoublez (?:de|d')\b.*"
    r"|(?:please )?(?:stay|be|remain|keep) (?:alert|vigilant|careful|aware|informed|tuned|safe|up to date)\b.*"
    r"|follow (?:the )?(?:advice|news|instructions|messages)\b.*|(?:please )?(?:continue to )?monitor\b.*"
    r"|(?:exercise|use|take) (?:extreme |great |due )?(?:caution|care)\b.*|pay attention\b.*|take precautions\b.*"
)
_SENTENCE = re.compile(r"[.!?…\n]+")
# Labels before an order, which don't change it.
_LABEL = re.compile(r"^(?:note|attention|important|achtung|warning)\s?: ?")
# Quotes and list marks around a sentence.
_AROUND = " \u00a0\"'«»“”„-–•"
_PERMISSION = re.compile(
    r"\bvous pouvez\b|\b(?:de|a) nouveau (?:potable|autorise\w*|ouvert\w*|possible)|\b(?:retour|baignade|circulation) "
    r"(?:est )?(?:possible|autorisee?|retablie?)|\bdanger est (?:passe|ecarte)\b|\byou (?:may|can) (?!not)|"
    r"\bsafe (?:to|again)\b|\bdanger (?:has |is )?(?:passed|over)\b"
)
_FREEING = re.compile(
    r"\bvous pouvez (?:\w+ ){0,2}(?:res?sortir|(?:r?en|re)trer|retourner|re(?:venir|descendre|gagner|prendre|ouvrir)"
    r"|descendre|boire|ouvrir|quitter|circuler)\b"
    r"|\b(?:de|a) nouveau potable\b|\bdanger est (?:passe|ecarte)\b"
    r"|\b(?:retour|circulation) (?:est )?(?:de nouveau )?(?:possible|autorisee?|retablie)\b"
    r"|\byou (?:may|can) (?:\w+ ){0,2}(?:go|leave|return|come|drink|open|travel|drive|use)\b"
    r"|\bsafe (?:to (?:drink|return|go|come|leave|use)|again)\b|\bdanger (?:has |is )?(?:passed|over)\b"
)
_CONDITIONAL = re.compile(
    r"\bn(?:e|'\w+)\b|\b(?:pas|jamais|sauf|seulement|uniquement|si|quand|bientot|avant|des que|lorsque)\b"
    r"|\b(?:not|never|no|only|unless|except|if|when|until|soon|before)\b|n't\b"
)
"""Words that negate a permission or limit it to later or to some people."""
_MOST_LETTERS = 20
# Several exclamation or question marks.
_LOUD = re.compile(r"!\s*!|!{2,}|\?!|!\?")
_CAPITALS = re.compile(
    r"\b[A-ZÀ-ÖØ-Þ]{4,}(?:[ '’-]+[A-ZÀ-ÖØ-Þ]{2,})+\b|\bURGENT\w*|\bIMPORTANT\b|\bATTENTION\b|\bDANGER\b"
)
WHOLE_TOWN = {"fr": "toute la commune", "en": "the whole town"}
"""How an alert says that its place is the whole town; a text says it in the words of its own language."""
_WHOLE_TOWN = frozenset((*WHOLE_TOWN.values(), "toute la ville", "whole town", "all"))
# "Exercise caution" is no exercise.
_CARE = r"(?! (?:great |extreme |particular )?(?:caution|care)\b)"
_TEST = re.compile(rf"\b(?:tests?|exercices?|exercise{_CARE}|drill|essai|probealarm|übung)\b", re.IGNORECASE)


def is_whole_town(place: str) -> bool:
    """Return whether somebody chose to say that it is everywhere in the town."""
    return fold(" ".join(place.split())) in _WHOLE_TOWN


def blanks(text: str | None) -> list[str]:
    """Return the blanks that are left to fill in, braces included: `{place}`."""
    return _BLANK.findall(text or "")


def name_of(blank: str) -> str:
    """Return the name of a blank, without its braces."""
    return blank.strip("{}")


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with the values of its blanks, by their names without braces; a blank without one stays."""
    return _BLANK.sub(lambda blank: values.get(name_of(blank[0])) or blank[0], text)


def filled_with(prepared: str, text: str) -> dict[str, str]:
    """Return the values in `text` for the blanks of `prepared`, by name; empty if the texts differ otherwise.

    The words between two blanks are searched once, from left to right, so the cost is linear in their length. All
    spaces are equal, including no-break ones.
    """
    prepared, text = " ".join(prepared.split()), " ".join(text.split())
    between, names, found = _BLANK.split(prepared), [name_of(blank) for blank in blanks(prepared)], {}
    if not text.startswith(between[0]):
        return {}
    rest = text[len(between[0]) :]
    for name, words in zip(names[:-1], between[1:-1], strict=True):
        value, separator, rest = rest.partition(words) if words else ("", "", rest)
        if not separator:
            return {}
        found[name] = value
    if not names or not rest.endswith(between[-1]):
        return {}
    found[names[-1]] = rest.removesuffix(between[-1])
    return found


def blanks_of(info: Info) -> list[str]:
    """Return the blanks of all that people would read of `info`, each once."""
    texts = (
        info.headline,
        info.description,
        info.instruction,
        info.contact,
        *(area.description for area in info.areas),
    )
    return list(dict.fromkeys(blank for text in texts for blank in blanks(text)))


@lru_cache(maxsize=256)
def orders(text: str | None) -> bool:
    """True if `text` contains an order, in French or in English."""
    said = fold(text or "")
    return bool(_FRENCH_ORDER.search(said) or _ENGLISH_ORDER.search(said))


def is_filler(text: str | None) -> bool:
    """True if an instruction only says to be careful, which is no action."""
    said = _sentences(text)
    return bool(said) and all(map(_FILLER.fullmatch, said))


@lru_cache(maxsize=256)
def says_what_to_do(text: str | None, language: str) -> bool:
    """True if `text` gives a reader of `language` an order that is more than to be careful.

    Languages other than French and English can't be judged, so any sentence counts.
    """
    said = [sentence for sentence in _sentences(text) if not _FILLER.fullmatch(sentence)]
    match language.split("-", 1)[0].lower():
        case "fr":
            bare = [_STATEMENT.sub("", each) for each in said]
            return any(_FRENCH_ORDER.search(each) or _FRENCH_INFINITIVE.search(each) for each in bare)
        case "en":
            return any(_ENGLISH_ORDER.search(_JOINED.sub("& ", each)) for each in said)
        case _:
            return bool(said)


def _sentences(text: str | None) -> list[str]:
    """Return the folded sentences of `text`, each without marks around it and a label before it ("Note: ")."""
    said = (_LABEL.sub("", each.strip(_AROUND)) for each in _SENTENCE.split(fold(text or "")))
    return [words for words in said if words]


def permits(text: str | None) -> bool:
    """True if `text` says that people are free again, or that the danger has passed."""
    return bool(_PERMISSION.search(fold(text or "")))


def frees(text: str | None) -> bool:
    """True if `text` itself lets people go out, home or drink, now and without a condition.

    Stricter than `permits`, for it removes a caution: "you can call us" and "isn't safe to drink" free nobody.
    """
    return any(_FREEING.search(said) and not _CONDITIONAL.search(said) for said in _sentences(text))


def shouts(text: str | None) -> str:
    """Return what is shouted in `text` (capitals, "!!"), "" where nothing is."""
    found = _CAPITALS.search(text or "") or _LOUD.search(text or "")
    return found[0] if found else ""


def remarks_on_alert(alert: Alert, info: Info | None, kind: PostKind, prepared: str, said: str) -> list[Reason]:
    """Return the remarks on the alert itself: no instruction, area or end; "test" in an actual one.

    `prepared` is the instruction that replaces a missing one, "" if there is none; `said` is the published one.
    """
    if info is None:
        return [because("remark_says_nothing")]
    warnings = []
    if kind is not PostKind.END:
        if not info.instruction:
            warnings += _without_instruction(info, prepared)
        elif prepared and said == prepared != info.instruction:
            warnings.append(because("remark_no_order"))
        if not any(area.description for area in alert.areas):
            warnings.append(because("remark_no_area"))
        if event_end(info) is None:
            warnings.append(because("remark_no_end"))
    # What is meant as a rehearsal and sent as actual has frightened whole regions (Hawaii, 2018).
    if alert.status is Status.ACTUAL and (word := _test_word(f"{info.headline} {info.event} {info.description}")):
        warnings.append(because("remark_test_word", word=word))
    return warnings


@lru_cache(maxsize=256)
def _test_word(text: str) -> str:
    found = _TEST.search(text)
    return found[0] if found else ""


def remarks_on_post(
    rendered_text: str, link: str | None, channel: ChannelConfig, fitted: Fitted, kind: PostKind, *, page: bool
) -> list[Reason]:
    """Return the remarks on the post's text: links X makes of bare domains, short forms, length.

    `page` is true if the post links to the alert's own page, which has the whole text.
    """
    warnings = _of_instruction(fitted, kind, page=page)
    warnings += [
        because("remark_short_form", part=name) for name in fitted.short if name not in ("instruction", "change")
    ]
    # Only X makes links of bare domains, and charges for them.
    if channel.text.count == "weighted":
        warnings += [because("remark_link_of_x", found=found) for found in links(rendered_text) if found != link]
    if channel.text.count == "gsm" and (foreign := unspellable(rendered_text)):
        warnings.append(because("sms_as_unicode", letters=" ".join(foreign[:_MOST_LETTERS])))
    if fitted.count > channel.text.limit:
        warnings.append(because("remark_too_long", count=fitted.count, limit=channel.text.limit))
    return warnings


def _without_instruction(info: Info, prepared: str) -> list[Reason]:
    if prepared:
        return [because("remark_own_instruction")]
    # A mere information need not tell anybody to do anything.
    if info.severity is Severity.MINOR:
        return []
    return [because("remark_no_instruction")]


def _of_instruction(fitted: Fitted, kind: PostKind, *, page: bool) -> list[Reason]:
    whole = because("remark_whole_behind_link" if page else "remark_whole_nowhere")
    if "instruction" in fitted.cut or "reason" in fitted.cut:
        return [because("remark_instruction_cut", whole=whole)]
    if "instruction" in fitted.short and kind is not PostKind.END:
        return [because("remark_instruction_replaced", whole=whole)]
    return []
