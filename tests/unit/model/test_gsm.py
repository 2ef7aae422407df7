"""SMS are counted as 3GPP TS 23.038 and TS 23.040 count them: the whole of both tables, and where a part ends."""

from __future__ import annotations

import pytest

from alerts.model.gsm import ALPHABET, EXTENSION, room_in, size_of, spelled, unspellable

# TS 23.038, 6.2.1: the default alphabet, by the code of each row's first character, as code points of Unicode.
DEFAULT = {
    0x00: "0040 00A3 0024 00A5 00E8 00E9 00F9 00EC 00F2 00C7 000A 00D8 00F8 000D 00C5 00E5",
    0x10: "0394 005F 03A6 0393 039B 03A9 03A0 03A8 03A3 0398 039E ---- 00C6 00E6 00DF 00C9",
    0x20: "0020 0021 0022 0023 00A4 0025 0026 0027 0028 0029 002A 002B 002C 002D 002E 002F",
    0x30: "0030 0031 0032 0033 0034 0035 0036 0037 0038 0039 003A 003B 003C 003D 003E 003F",
    0x40: "00A1 0041 0042 0043 0044 0045 0046 0047 0048 0049 004A 004B 004C 004D 004E 004F",
    0x50: "0050 0051 0052 0053 0054 0055 0056 0057 0058 0059 005A 00C4 00D6 00D1 00DC 00A7",
    0x60: "00BF 0061 0062 0063 0064 0065 0066 0067 0068 0069 006A 006B 006C 006D 006E 006F",
    0x70: "0070 0071 0072 0073 0074 0075 0076 0077 0078 0079 007A 00E4 00F6 00F1 00FC 00E0",
}
# 6.2.1.1: what comes after the escape.
ESCAPED = {
    0x0A: 0x000C, 0x14: 0x005E, 0x28: 0x007B, 0x29: 0x007D, 0x2F: 0x005C,
    0x3C: 0x005B, 0x3D: 0x007E, 0x3E: 0x005D, 0x40: 0x007C, 0x65: 0x20AC,
}  # fmt: skip


def test_the_default_alphabet_is_that_of_the_specification_whole():
    told = [chr(int(code, 16)) for row in DEFAULT.values() for code in row.split() if code != "----"]
    assert len(told) == len(set(told)) == 127
    assert frozenset(told) == ALPHABET
    assert all((size_of(each).used, size_of(each).foreign) == (1, ()) for each in told)
    assert size_of("".join(told)).used == 127


def test_the_extension_table_is_that_of_the_specification_and_counts_twice():
    told = [chr(code) for code in ESCAPED.values()]
    assert frozenset(told) == EXTENSION
    assert all((size_of(each).used, size_of(each).foreign) == (2, ()) for each in told)


def test_every_other_letter_of_the_first_planes_makes_it_ucs_2():
    for code in (*range(0x3000), 0xFEFF, 0xFFFD, 0x1F30A):
        character = chr(code)
        is_foreign = character not in ALPHABET and character not in EXTENSION
        assert bool(size_of(character).foreign) is is_foreign
        assert size_of("é" * 70 + character).parts == (2 if is_foreign else 1)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("a" * 459, 3), ("a" * 460, 4),
        ("ê" * 70, 1), ("ê" * 71, 2), ("ê" * 134, 2), ("ê" * 135, 3), ("ê" * 201, 3), ("ê" * 202, 4),
        ("€" * 80, 1), ("€" * 81, 2), ("🌊" * 35, 1), ("🌊" * 36, 2),
        # An escape at the end of a part isn't parted from its letter: 152 and a blank one, so 153 € are three parts.
        ("€" * 152, 2), ("€" * 153, 3), ("a" * 152 + "€" + "a" * 151, 2), ("a" * 152 + "€" + "a" * 152, 3),
        # Nor are the halves of a surrogate pair: 33 in a part, with one unit to spare.
        ("🌊" * 66, 2), ("🌊" * 67, 3), ("ê" * 66 + "🌊" + "ê" * 65, 2), ("ê" * 66 + "🌊" + "ê" * 66, 3),
    ],
)  # fmt: skip
def test_a_text_takes_so_many_parts(text, parts):
    assert size_of(text).parts == parts
    assert (size_of(text).used <= room_in(parts)) is True
    assert parts == 1 or size_of(text).used > room_in(parts - 1)


def test_the_letters_that_cost_the_alphabet_are_named_once():
    assert size_of("Rhône, dôme, 🌊").foreign == ("ô", "🌊")


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("L’Isère déborde : « évitez » les quais – vite…", 'L\'Isère déborde : "évitez" les quais - vite...'),
        ("Rhône, forêt, maïs, reçu, cœur, À l’abri", "Rhone, foret, mais, recu, coeur, A l'abri"),
        ("é è à ù ì ò Ç É Ä Ö Ñ Ü ß ñ €", "é è à ù ì ò Ç É Ä Ö Ñ Ü ß ñ €"),
        ("18\u00a0h\u00a030, 04\u202f76", "18 h 30, 04 76"),
        ("e\u0301 et e\u0302", "é et e"),
        # What can't be saved isn't spoilt.
        ("Crue 🌊 : n’allez pas sur l’île", "Crue 🌊 : n’allez pas sur l’île"),
        ("Поводь – l’île", "Поводь – l’île"),
        # An address leads nowhere when a letter of it is another.
        ("Voir https://mairie.example/île-verte", "Voir https://mairie.example/île-verte"),
        ("L’île : https://mairie.example/~é_[1]", "L'ile : https://mairie.example/~é_[1]"),
    ],
)
def test_words_are_spelled_within_the_alphabet_where_that_saves_it(typed, sent):
    assert spelled(typed) == sent
    assert spelled(sent) == sent


def test_only_what_no_spelling_saves_is_named_as_dear():
    assert unspellable("L’île – Crue 🌊, на") == ("🌊", "н", "а")
    assert unspellable("L’île – « forêt »…") == ()
