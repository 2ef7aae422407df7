"""Tocsin's own warnings in words: cause, then fix, in French or English, one short message each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from alerts.delivery.monitor import HealthNotice, Phase, What
from alerts.rendering.words import word as reason_in


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of trouble is told: what is wrong, what to do, and that it is over."""

    wrong: str
    fix: str
    over: str


@dataclass(frozen=True, slots=True)
class Words:
    """The parts of one warning; `detail` is what was reported, word for word."""

    headline: str
    fix: str | None = None
    detail: str | None = None


_FRENCH = {
    What.CYCLE: Wording(
        "«\u00a0{name}\u00a0» ne tourne plus",
        "Lisez le journal, puis relancez le service.",
        "«\u00a0{name}\u00a0» tourne de nouveau",
    ),
    What.CREDENTIAL: Wording(
        "le canal {name} ne peut plus publier, ses identifiants sont refusés",
        "Renouvelez-les\u00a0: ce qui attend partira de soi-même.",
        "les identifiants du canal {name} sont de nouveau acceptés",
    ),
    What.PLATFORM: Wording(
        "la plateforme du canal {name} ne répond pas ou fait attendre",
        "Rien n’est perdu. En cas d’urgence, passez par un autre canal.",
        "la plateforme du canal {name} répond de nouveau",
    ),
    What.LANE: Wording(
        "sur le canal {name}, des messages essayés depuis {since} ne partent pas (nombre\u00a0: {posts})",
        "«\u00a0tocsin status\u00a0» dit lesquels et pourquoi. En cas d’urgence, passez par un autre canal.",
        "les messages du canal {name} partent de nouveau",
    ),
    What.RIGHTS: Wording(
        "le compte du canal {name} n'a pas tous ses droits",
        "Accordez-les-lui sur la plateforme.",
        "le compte du canal {name} a tous ses droits",
    ),
    What.UNDECIDED: Wording(
        "sur le canal {name}, des messages attendent votre décision (nombre\u00a0: {posts})",
        "Regardez le canal, puis «\u00a0tocsin retry\u00a0» ou «\u00a0tocsin drop\u00a0».",
        "plus rien n'attend de décision sur le canal {name}",
    ),
    What.FEED: Wording(
        "la source {name} ne peut pas être lue (dernière lecture\u00a0: {since})",
        "Vérifiez l’adresse et le réseau («\u00a0tocsin check --live\u00a0») et surveillez ses alertes à la main.",
        "la source {name} est de nouveau lue",
    ),
    What.QUIET: Wording(
        "la source {name} répond mais ne dit rien de nouveau depuis {since}, bien plus que d’habitude",
        "Demandez à qui la publie si elle vit encore.",
        "la source {name} dit de nouveau du nouveau",
    ),
    What.SIGN_INS: Wording(
        "des connexions au poste de permanence échouent en série depuis {since}\u00a0: {name} (nombre\u00a0: {posts})",
        "Quelqu’un essaie peut-être des mots de passe. Chaque essai est ralenti. Prévenez l’administrateur.",
        "plus de connexions en échec\u00a0: {name}",
    ),
    What.RESTORED: Wording(
        "la base de données a été remplacée par une plus ancienne\u00a0: elle ignore ce qui est parti entre {since} et "
        "{name}",
        "Ce qui est peut-être déjà publié est cherché avant d’être envoyé. Ce que des agents ont publié ou terminé "
        "entre-temps n’est plus connu ici\u00a0: regardez les canaux.",
        "ce qui pouvait être parti avant la remise en place de la base ({name}) a été cherché",
    ),
    What.STORE: Wording(
        "la base de données {name} n’accepte plus rien, ou bientôt plus (disque plein\u00a0?)\u00a0: "
        "rien n’en peut être envoyé",
        "Faites de la place sur le disque. En cas d’urgence, publiez à la main sur les plateformes.",
        "la base de données {name} accepte de nouveau tout",
    ),
}
_ENGLISH = {
    What.CYCLE: Wording("“{name}” stands still", "Read the log, then restart the service.", "“{name}” goes on"),
    What.CREDENTIAL: Wording(
        "the channel {name} can't publish, its credential is refused",
        "Renew it: what waits will go out by itself.",
        "the credential of the channel {name} works again",
    ),
    What.PLATFORM: Wording(
        "the platform of the channel {name} doesn't answer or makes us wait",
        "Nothing is lost. In an emergency, use another channel.",
        "the platform of the channel {name} answers again",
    ),
    What.LANE: Wording(
        "on the channel {name}, posts tried since {since} don't get out (how many: {posts})",
        "“tocsin status” says which, and why. In an emergency, use another channel.",
        "the posts of the channel {name} get out again",
    ),
    What.RIGHTS: Wording(
        "the account of the channel {name} lacks rights",
        "Grant them on the platform.",
        "the account of the channel {name} has all its rights",
    ),
    What.UNDECIDED: Wording(
        "on the channel {name}, posts wait for your decision (how many: {posts})",
        "Look at the channel, then “tocsin retry” or “tocsin drop”.",
        "nothing waits for a decision on the channel {name}",
    ),
    What.FEED: Wording(
        "the source {name} can't be read (last read: {since})",
        "Check its address and the network (“tocsin check --live”), and watch for its alerts yourself.",
        "the source {name} is read again",
    ),
    What.QUIET: Wording(
        "the source {name} answers but has said nothing new since {since}, far longer than usual",
        "Ask its publisher whether it still lives.",
        "the source {name} says new things again",
    ),
    What.SIGN_INS: Wording(
        "sign-ins to the duty desk have failed again and again since {since}: {name} (how many: {posts})",
        "If it isn't you, somebody tries passwords. Each try is slowed down; tell the administrator.",
        "no more failed sign-ins: {name}",
    ),
    What.RESTORED: Wording(
        "the database was replaced by an older one: it knows nothing of what went out between {since} and {name}",
        "What may be out is looked for before it is sent. What officers published or ended meanwhile isn't known here "
        "any more: look at the channels.",
        "what may have gone out before the database was put back ({name}) has been looked for",
    ),
    What.STORE: Wording(
        "the database {name} takes nothing any more, or soon won't (a full disk?): nothing can be stored or sent",
        "Make room on the disk. In an emergency, publish on the platforms by hand.",
        "the database {name} takes everything again",
    ),
}


def word(news: HealthNotice, language: str, zone: tzinfo) -> Words:
    """The warning in French where `language` is, else in English; times are in `zone`."""
    french = language.lower().split("-", 1)[0] == "fr"
    trouble = news.trouble
    wording = (_FRENCH if french else _ENGLISH)[trouble.what]
    since = spell_time(trouble.since, zone, french=french)
    filling = {"name": trouble.name, "since": since, "posts": trouble.posts}
    begun = spell_time(news.since, zone, french=french)
    detail = reason_in(trouble.reason, language, zone) if trouble.reason else None
    match news.say:
        case Phase.FIRING:
            lead = "Avertissement\u00a0: " if french else "Warning: "
            return Words(lead + wording.wrong.format(**filling) + ".", wording.fix, detail)
        case Phase.REPEATED:
            lead = f"Toujours, depuis {begun}\u00a0: " if french else f"Still, since {begun}: "
            return Words(lead + wording.wrong.format(**filling) + ".", wording.fix, detail)
        case Phase.RESOLVED:
            lead, until = ("Rétabli\u00a0: ", f"depuis {begun}") if french else ("Over: ", f"since {begun}")
            return Words(f"{lead}{wording.over.format(**filling)} ({'en panne' if french else 'in trouble'} {until}).")


def spell_time(time: datetime | None, zone: tzinfo, *, french: bool) -> str:
    """A time as the officer's clock shows it."""
    if time is None:
        return "jamais" if french else "never"
    return f"{time.astimezone(zone):%d/%m %H:%M}" if french else f"{time.astimezone(zone):%Y-%m-%d %H:%M}"
