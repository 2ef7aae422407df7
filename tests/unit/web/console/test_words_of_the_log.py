"""What the record holds in English is read in French; what a person wrote stays theirs."""

from __future__ import annotations

import pytest

from alerts.web.console.words import briefly, detail_in_words, words_of


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("by password", "par mot de passe"),
        ("by code", "par code"),
        ("Actual Crue de l’Isère", "Crue de l’Isère"),
        ("Exercise Crue", "EXERCICE : Crue"),
        ("by passkey Clé bleue", "par clé d’accès Clé bleue"),
        ("by a passkey alone: Clé bleue", "sans mot de passe, par la clé d’accès Clé bleue"),
        (
            "by password, after 2 failed attempts since 2026-11-25 08:00:00 UTC",
            "par mot de passe, 2 essais manqués depuis le 2026-11-25 08:00:00 UTC",
        ),
        ("47 failed attempts since 2026-11-25 08:00:00 UTC", "47 essais manqués depuis le 2026-11-25 08:00:00 UTC"),
        ("approver", "valideur"),
        ("approver to author", "valideur → rédacteur"),
        ("road to ruin", "road to ruin"),
        ("1 second factors removed", "1 second facteur retiré"),
        ("the browser's", "celle du navigateur"),
        ("Crue de l’Isère", "Crue de l’Isère"),
        ("handled", "traité"),
        ("kind help", "nature : peut-être un appel à l’aide"),
        ("heard At the counter", "entendu At the counter"),
        ("dismissed: no question", "écartée : no question"),
        ("id00000001 v2: Yes.", "id00000001 v2: Yes."),
        ("id00000001 withdrawn: ", "id00000001 retirée :"),
        ("block agreed: hatred", "blocage, accord : haine"),
        ("47 in time", "47 à l’échéance"),
        ("passed on to the emergency services", "transmis aux secours"),
        ("", ""),
    ],
)
def test_it_is_read_in_french(kept, read):
    assert detail_in_words(kept, words_of("fr")) == read
    assert "{" not in detail_in_words(kept, words_of("en"))


def test_a_digest_is_read_by_its_beginning_and_is_there_whole():
    digest = "0123456789abcdef" * 4
    assert briefly(f"<b> [{digest}]") == f'&lt;b&gt; [<abbr class="mono" title="{digest}">0123456789ab…</abbr>]'
    assert briefly(f"{digest}0") == f"{digest}0"
