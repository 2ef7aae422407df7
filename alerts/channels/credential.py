"""A credential as a platform can take it."""

from __future__ import annotations

from pathlib import Path

from alerts.channels.settings import SecretSource
from alerts.model.errors import BadCredential
from alerts.model.secret import Secret


def read_credential(source: SecretSource, folder: Path) -> Secret:
    """The secret at `source`; raises BadCredential where it is missing or can't be one, as a file of two lines can't.

    Every platform's tokens are printable ASCII; anything else would break the request that carries it.
    """
    secret = source.read(folder)
    if not all("!" <= character <= "~" for character in secret.reveal()):
        where = f"environment variable {source.env}" if source.env else f"file {source.file}"
        raise BadCredential(f"the {where} holds more than a credential: put it there alone, on one line")
    return secret
