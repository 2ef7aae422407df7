"""The page's own words, in French and English."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Tocsin sandbox",
        "about": "Nothing here has left this machine: these are stand-ins of the three platforms.",
        "skip": "Skip to the timelines",
        "twitter": "X",
        "facebook": "Facebook",
        "telegram": "Telegram",
        "webhook": "Webhook",
        "empty": "Nothing posted yet.",
        "deleted": "deleted",
        "edited": "edited",
        "earlier": "Earlier wording",
        "foreign": "written by somebody else",
        "photo": "photo on its own",
        "hidden": "unpublished",
        "alt": "Text alternative:",
        "no_alt": "No text alternative was given.",
        "answers": "Answers",
        "post": "Post",
        "of": "of",
        "twitter_unit": "weighted characters",
        "facebook_unit": "characters",
        "telegram_unit": "UTF-16 units",
        "webhook_unit": "characters",
        "posts": "posts",
        "live": "Updated as posts arrive.",
        "lost": "The sandbox doesn't answer: is it still running? What you see may be old.",
        "utc": "UTC",
        "data": "As data:",
    },
    "fr": {
        "title": "Bac à sable de Tocsin",
        "about": "Rien ici n’a quitté cette machine : ce sont des doublures des trois plateformes.",
        "skip": "Aller aux fils",
        "twitter": "X",
        "facebook": "Facebook",
        "telegram": "Telegram",
        "webhook": "Webhook",
        "empty": "Rien n’est encore publié.",
        "deleted": "supprimé",
        "edited": "modifié",
        "earlier": "Texte précédent",
        "foreign": "écrit par quelqu’un d’autre",
        "photo": "photo seule",
        "hidden": "non publiée",
        "alt": "Texte de remplacement :",
        "no_alt": "Aucun texte de remplacement.",
        "answers": "Réponses",
        "post": "Publication",
        "of": "sur",
        "twitter_unit": "caractères pondérés",
        "facebook_unit": "caractères",
        "telegram_unit": "unités UTF-16",
        "webhook_unit": "caractères",
        "posts": "publications",
        "live": "Mis à jour à chaque publication.",
        "lost": "Le bac à sable ne répond plus : tourne-t-il encore ? L’affichage date peut-être.",
        "utc": "UTC",
        "data": "En données :",
    },
}


def language_of(accepted: str) -> str:
    """The first of an `Accept-Language`'s languages that the page speaks; English when it speaks none."""
    for part in accepted.lower().split(","):
        language = part.strip().partition(";")[0].partition("-")[0]
        if language in WORDS:
            return language
    return "en"
