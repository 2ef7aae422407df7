"""The plan of a campaign of listening, made from one seed: what people say where, who answers, and when it is killed.

Each kill is aimed at one of three places: between what was `heard` and its row, between what was `stored` and the posts
that answer it, and between what was `sent` and its receipt.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, get_args

from campaign.schedule import DELAYS, PLATFORMS, Trouble

Aim = Literal["heard", "stored", "sent"]
AIMS: tuple[Aim, ...] = get_args(Aim)
CHANNELS = ("x", "page", "telegram")
SUBJECTS = (
    ("L'eau du robinet est-elle potable ?", "On peut boire l'eau du robinet ?", "Bonjour, l'eau est-elle potable ?"),
    ("Les écoles sont-elles ouvertes demain ?", "L'école ouvre demain ?", "Demain les écoles ouvrent ?"),
    ("Jusqu'à quand la rue Haute est-elle barrée ?", "La rue Haute est barrée jusqu'à quand ?"),
    ("Où trouver des sacs de sable ?", "Des sacs de sable, on en trouve où ?"),
    ("Le marché de samedi a-t-il lieu ?", "Est-ce que le marché de samedi a lieu ?"),
)
"""What is asked about each alert, in several wordings."""
CHATTER = ("Merci pour l'information.", "Bon courage à tous !", "Merci à la mairie.")
ANSWERS = "POST .*(tweets|comments|sendMessage|editMessageText|_)"
"""The requests by which an answer comes or changes."""
INCIDENT_LIVES = 4
"""So many lives are about one alert, so that no question is asked by more people than are answered one by one."""
_BROKEN: dict[str, dict[str, object]] = {
    "cut_before": {},
    "cut_after": {},
    "half": {},
    "error_html": {"status": 502},
    "error_after": {"status": 500},
    "rate_limit": {"retry_after": 1},
}


@dataclass(frozen=True, slots=True)
class Speech:
    """So many people say this on a channel, all at once; `subject` None: it asks nothing."""

    channel: str
    words: str
    count: int
    subject: int | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """From one kill to the next. What is said before the aim, what is aimed at, and how it is hit.

    `speeches` come first, `crossed` while the aim is taken; `delay` says, from 0 to 1, when within its place the
    kill comes. `idle`: an answer is given while no daemon works. `corrects`: an answer that is out is put right, where
    there is one. `edits` and `removes` are how many remarks their authors change and take back.
    """

    aim: Aim
    begins: bool
    channel: str
    speeches: tuple[Speech, ...]
    crossed: tuple[Speech, ...]
    subject: int
    delay: float
    trouble: Trouble
    troubles: tuple[Trouble, ...]
    victim: int
    idle: bool
    corrects: bool
    next_ones: bool
    edits: int
    removes: int


def talk(seed: str, kills: int, first: int = 0) -> list[Hour]:
    """The hours of one town, the three aims in turn, begun with the `first` of them. The same seed, the same plan."""
    chance = random.Random(seed)
    return [_hour(chance, number, AIMS[(first + number) % len(AIMS)]) for number in range(kills)]


def _hour(chance: random.Random, number: int, aim: Aim) -> Hour:
    subject, channel = chance.randrange(len(SUBJECTS)), chance.choice(CHANNELS)
    asked = [each for each in CHANNELS if each == channel or chance.random() < 0.5]
    speeches = [Speech(each, chance.choice(SUBJECTS[subject]), chance.randint(1, 2), subject) for each in asked]
    if chance.random() < 0.5:
        speeches.append(Speech(chance.choice(CHANNELS), chance.choice(CHATTER), chance.randint(1, 4)))
    other = chance.randrange(len(SUBJECTS))
    crossed = [Speech(channel, chance.choice(SUBJECTS[other]), 1, other)]
    # More than one transaction holds, so that a kill may come between two of them.
    crossed.append(Speech(channel, chance.choice(CHATTER), chance.choice((1, 3, 25))))
    kind = chance.choice(tuple(DELAYS))
    seconds = DELAYS[kind]
    settings: dict[str, object] = {"route": ANSWERS, "times": 1}
    delay = Trouble(
        PLATFORMS[CHANNELS.index(channel)], kind, settings if seconds is None else settings | {"seconds": seconds}
    )
    return Hour(
        aim,
        number % INCIDENT_LIVES == 0,
        channel,
        tuple(speeches),
        tuple(crossed),
        subject,
        round(chance.random(), 3),
        delay,
        tuple(trouble for platform in PLATFORMS if (trouble := _trouble(chance, platform))),
        chance.randrange(6),
        idle=chance.random() < 0.25,
        corrects=chance.random() < 0.4,
        next_ones=chance.random() < 0.5,
        edits=chance.choice((0, 0, 1)),
        removes=chance.choice((0, 0, 0, 1)),
    )


def _trouble(chance: random.Random, platform: str) -> Trouble | None:
    """Facebook's 500 with the reply made is the one that is met most."""
    if platform == "facebook" and chance.random() < 0.3:
        return Trouble(platform, "error_after", {"route": "POST .*/comments", "times": 1, "status": 500})
    if chance.random() < 0.3:
        # A Page's limit lasts for a minute at the least: nothing would be under way there in the meantime.
        kind = chance.choice([each for each in _BROKEN if (platform, each) != ("facebook", "rate_limit")])
        return Trouble(platform, kind, {"route": ANSWERS, "times": chance.randint(1, 2), **_BROKEN[kind]})
    return None
