"""Plain language, as far as a rule can tell: orders, permissions, blanks to fill in, shouting.

The rules are those a town's messages are read by: an order begins with its verb, a permission is only given by an all
clear, a blank (`{place}`) is never published, and nothing is shouted. They know French and English, and take what they
don't know for neither order nor permission.
"""

from __future__ import annotations

import re
from functools import lru_cache

from alerts.model.alert import Info
from alerts.model.hazard import fold

_BLANK = re.compile(r"(?<!\{)\{[^{}\n]{1,60}\}(?!\})")
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
    r"close|turn|drink|use|move|take|call|travel|put|bring|tie|wrap|limit|drive|walk|follow|obey|check|run|store|boil|"
    r"shelter|evacuate|report|prepare|be (?:ready|aware|careful)|air|wear|wash|listen|switch|get|climb|park|seek|"
    r"remain|"
    r"wait|text|let|look|help|make|monitor|pay|ignore)\b"
)
_JOINED = re.compile(r"\b(?:and|or) (?=\w)")
"""Behind these an English verb is as often a noun: "heavy rain and run-off"."""
_TOLD_OF = re.compile(r"\bvous (?!devez)(?:ne |n'|y |en )?[a-z]+ez\b")
"""What people do or may have happen, which is no order: "vous risquez", "si vous voyagez"."""
# Feeds put their orders in the infinitive; only at the beginning of a sentence is it one.
_FRENCH_INFINITIVE = re.compile(
    r"(?:^|[.!?;:•–-]\s*|\n)(?:veuillez )?(?:ne (?:pas|jamais)|(?:rest|quitt|evit|ferm|evacu|appel|limit|report|coup"
    r"|gagn|mont|laiss|gard|renonc|arret|stopp)er|rejoindre|sortir|boire|se (?:mettre|tenir|refugier|confiner|proteger)"
    r"|s'(?:abriter|eloigner|enfermer|hydrater|abstenir))\b"
)
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
_LABEL = re.compile(r"^(?:note|attention|important|achtung|warning)\s?: ?")
_AROUND = " \u00a0\"'«»“”„-–•"
_PERMISSION = re.compile(
    r"\bvous pouvez\b|\b(?:de|a) nouveau (?:potable|autorise\w*|ouvert\w*|possible)|\b(?:retour|baignade|circulation) "
    r"(?:est )?(?:possible|autorisee?|retablie?)|\bdanger est (?:passe|ecarte)\b|\byou (?:may|can) (?!not)|"
    r"\bsafe (?:to|again)\b|\bdanger (?:has |is )?(?:passed|over)\b"
)
_LOUD = re.compile(r"!\s*!|!{2,}|\?!|!\?")
_CAPITALS = re.compile(
    r"\b[A-ZÀ-ÖØ-Þ]{4,}(?:[ '’-]+[A-ZÀ-ÖØ-Þ]{2,})+\b|\bURGENT\w*|\bIMPORTANT\b|\bATTENTION\b|\bDANGER\b"
)
WHOLE_TOWN = {"fr": "toute la commune", "en": "the whole town"}
"""How an alert says that its place is the whole town; a text says it in the words of its own language."""
_WHOLE_TOWN = frozenset((*WHOLE_TOWN.values(), "toute la ville", "whole town", "all"))


def is_whole_town(place: str) -> bool:
    """Return whether somebody chose to say that it is everywhere in the town."""
    return fold(" ".join(place.split())) in _WHOLE_TOWN


def blanks(text: str | None) -> list[str]:
    """Return what is left to fill in, as it stands there: `{place}`."""
    return _BLANK.findall(text or "")


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
    """Whether `text` tells people to do something, in French or in English."""
    said = fold(text or "")
    return bool(_FRENCH_ORDER.search(said) or _ENGLISH_ORDER.search(said))


def is_filler(text: str | None) -> bool:
    """Whether an instruction only says to be careful: nobody knows what to do then."""
    said = _sentences(text)
    return bool(said) and all(map(_FILLER.fullmatch, said))


@lru_cache(maxsize=256)
def says_what_to_do(text: str | None, language: str) -> bool:
    """Whether a reader of `language` is told by `text` what to do, in an order that is more than to be careful.

    Of a language other than French and English nobody here can tell, so it is believed.
    """
    said = [sentence for sentence in _sentences(text) if not _FILLER.fullmatch(sentence)]
    match language.split("-", 1)[0].lower():
        case "fr":
            bare = [_TOLD_OF.sub("", each) for each in said]
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
    """Whether `text` says that people are free again, or that the danger has passed."""
    return bool(_PERMISSION.search(fold(text or "")))


def shouts(text: str | None) -> str:
    """Return what is shouted in `text` (capitals, "!!"), "" where nothing is."""
    found = _CAPITALS.search(text or "") or _LOUD.search(text or "")
    return found[0] if found else ""
