"""What pages ask of the channel of letters: a letter with the link that confirms a subscription."""

from __future__ import annotations

from collections.abc import Callable

from alerts.channels.mail.bulk import MailBulk
from alerts.channels.settings import MailSettings
from alerts.model.ports import Resources
from alerts.model.town import Town
from alerts.rendering.i18n import sentence
from alerts.web.public.letters import LetterDoor


def letter_door(town: Town, resources: Callable[[str], Resources]) -> LetterDoor | None:
    """The door to subscriptions; None where nobody can subscribe to letters."""
    name = town.letters
    settings = town.channels[name].settings if name is not None else None
    if name is None or not isinstance(settings, MailSettings):
        return None
    return LetterDoor(name, MailBulk(name, settings, resources(name), sentence).write_to)
