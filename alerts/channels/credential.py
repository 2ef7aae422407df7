"""A credential as a platform can take it."""

from __future__ import annotations

from pathlib import Path

from alerts.channels.settings import SecretSource
from alerts.model.errors import BadCredential
from alerts.model.reason import because
from alerts.model.secret import Secret


def read_credential(source: SecretSource, folder: Path) -> Secret:
    """The secret at `source`; raises BadCredential where it is missing or can't be one, as a file of two lines can't.

    Every platform's tokens are printable ASCII; anything else would break the request that carries it.
    """
    secret = source.read(folder)
    if not all("!" <= character <= "~" for character in secret.reveal()):
        raise BadCredential(because("more_than_a_credential", where=source.env or source.file or ""))
    return secret
