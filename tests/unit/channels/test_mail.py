"""Mail without a relay: what a letter holds whatever is said, what an answer means, what channels.toml may say."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.channels.mail.answers import DialogueStep, broken_off, refusal, why_broken
from alerts.channels.mail.mime import subject, written
from alerts.channels.settings import MailSettings
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, InDoubt, Rejected, Retry
from alerts.model.post import LONGEST_SUBJECT, About, Message, PostKind
from alerts.model.reason import because, reason_of
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TOLD = {"kind": "mail", "host": "smtp.example", "sender": "alertes@town.example", "to": "tous@listes.example"}
WHY = because("mail_unreadable")


def settings(**more: Any) -> MailSettings:
    return MailSettings.model_validate({**TOLD, **more})


def letter(plain: str, **more: Any) -> Any:
    content = written(Message(plain, plain, **more), settings(), None, None, NOW).content
    return message_from_bytes(content, policy=policy.default)


class TestLetter:
    @given(st.text(min_size=1))
    def test_whatever_is_said_is_read_back_in_short_lines_of_seven_bits(self, words):
        content = written(Message(words, words), settings(), words, None, NOW).content
        read = message_from_bytes(content, policy=policy.default)

        assert content.isascii()
        assert max(map(len, content.split(b"\r\n"))) <= 78 + len("alertes@town.example")
        assert b"\n" not in content.replace(b"\r\n", b"")
        assert read["Subject"] == subject(Message(words, words))
        whole = words.encode(errors="replace").decode()
        told = read.get_body(("plain",)).get_payload(decode=True).decode()
        assert told.replace("\r\n", "\n").replace("\r", "\n") == f"{whole}\n".replace("\r\n", "\n").replace("\r", "\n")
        assert len(read.defects) == 0

    @pytest.mark.parametrize("name", ["Ville", "Ville de l’Isère", "Mairie n° 1 – " * 6])
    def test_a_sender_is_read_back(self, name):
        told = settings(sender=f"{name.strip()} <alertes@town.example>")
        content = written(Message("a", "a"), told, None, None, NOW).content
        # The newer reader puts blanks between the encoded words of a name (RFC 2047, 6.2 has none).
        name_read, address = parseaddr(str(make_header(decode_header(message_from_bytes(content)["From"]))))
        assert (name_read, address) == (name.strip(), "alertes@town.example")

    def test_a_sender_without_a_name_is_an_address_alone(self):
        assert letter("Crue")["From"] == "alertes@town.example"

    def test_a_subject_has_nothing_that_cannot_be_seen(self):
        assert letter("Crue\x00 de\t l’Isère \u202e!\x1b[31m")["Subject"] == "Crue de l’Isère ![31m"

    def test_a_long_subject_is_cut_at_a_word_and_stands_whole_in_the_letter(self):
        words = "Évacuez les berges de l’Isère " * 10
        said = subject(Message(words, words))
        assert said.endswith("…")
        assert len(said) <= LONGEST_SUBJECT
        assert words.startswith(said[:-1])

    def test_an_exercise_says_so_in_its_subject(self):
        about = About("p", "a", "i", "m", PostKind.PUBLISH, Severity.SEVERE, exercise=True)
        words = "EXERCICE\nCrue de l’Isère\nRestez chez vous\nEXERCICE"
        assert subject(Message(words, words, about=about)) == "EXERCICE – Crue de l’Isère"

    def test_a_bold_headline_and_the_address_can_be_read_in_the_page(self):
        words = "Crue & vent\nEn savoir plus : https://town.example/a?b=1&c=2"
        html = "<b>Crue &amp; vent</b>\nEn savoir plus : https://town.example/a?b=1&amp;c=2"
        message = Message(html, words, link="https://town.example/a?b=1&c=2")
        content = written(message, settings(), None, None, NOW).content
        page = message_from_bytes(content, policy=policy.default).get_body(("html",)).get_content()
        assert "<b>Crue &amp; vent</b><br>" in page
        assert '<a href="https://town.example/a?b=1&amp;c=2">https://town.example/a?b=1&amp;c=2</a>' in page


class TestAnswers:
    @in_one_test
    @pytest.mark.parametrize("step", DialogueStep)
    def test_only_what_ends_after_the_final_dot_is_in_doubt(self, step):
        expected = InDoubt if step is DialogueStep.DOT else Retry
        assert type(broken_off(step, WHY)) is expected
        # No answer that an SMTP server gives: a proxy's, or another protocol's.
        assert type(refusal(step, -1, "HTTP/1.1 400")) is expected
        assert type(refusal(step, 334, "")) is expected

    @in_one_test
    @pytest.mark.parametrize("step", DialogueStep)
    def test_a_refusal_for_now_is_certain_and_counts_once_a_letter_was_named(self, step):
        error = refusal(step, 450, "4.2.1 full")
        assert isinstance(error, Retry)
        assert (error.sent, error.whole_channel) == (step >= DialogueStep.SENDER, step < DialogueStep.SENDER)

    @in_one_test
    @pytest.mark.parametrize(
        ("code", "words"), [(421, "bye"), (450, "4.7.1 slow down"), (451, "4.3.0 trouble"), (550, "5.4.5 quota")]
    )
    def test_what_means_all_that_comes_from_here_holds_the_channel(self, code, words):
        error = refusal(DialogueStep.LIST, code, words)
        assert isinstance(error, Retry)
        assert error.whole_channel

    @pytest.mark.parametrize(
        ("step", "code", "words", "kind"),
        [
            (DialogueStep.CONNECT, 554, "no", BadCredential),
            (DialogueStep.HELLO, 550, "no", BadCredential),
            (DialogueStep.LOGIN, 504, "no such mechanism", BadCredential),
            (DialogueStep.SENDER, 553, "not yours", BadCredential),
            (DialogueStep.SENDER, 552, "too large", Rejected),
            (DialogueStep.LIST, 530, "sign in first", BadCredential),
            (DialogueStep.LIST, 550, "5.7.1 not allowed", Rejected),
            (DialogueStep.CONTENT, 554, "no", Rejected),
            (DialogueStep.DOT, 552, "5.3.4 too large", Rejected),
        ],
    )
    def test_a_refusal_for_good_is_the_letters_or_the_channels(self, step, code, words, kind):
        error = refusal(step, code, words)
        assert type(error) is kind
        assert str(code) in str(error.reason)

    @in_one_test
    @pytest.mark.parametrize(
        ("cause", "code"),
        [
            (socket.gaierror(-2, "unknown"), "mail_unresolved"),
            (ConnectionRefusedError(), "mail_connection_refused"),
            (ssl.SSLError("certificate verify failed"), "no_tls"),
            (TimeoutError(), "no_connection_within"),
            (OSError("no route"), "mail_no_connection"),
        ],
    )
    def test_why_there_is_no_connection_is_told_with_what_to_look_at(self, cause, code):
        wrapped = OSError("wrapped by the library")
        wrapped.__cause__ = cause
        for error in (cause, wrapped):
            assert why_broken(DialogueStep.CONNECT, error, 5)["why"].code == code


class TestSettings:
    @pytest.mark.parametrize(
        ("tls", "port"),
        [({}, 587), ({"tls": "implicit"}, 465), ({"tls": "none", "host": "::1"}, 25), ({"port": 26}, 26)],
    )
    def test_the_port_is_the_usual_one(self, tls, port):
        assert settings(**tls).relay_port == port

    @in_one_test
    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"user": "a"}, "mail_half_a_login"),
            ({"password": {"env": "A"}}, "mail_half_a_login"),
            ({"api_url": "https://a.example"}, "mail_api_url"),
            ({"sender": "Ville\x07 <a@b.example>"}, "mail_unprintable"),
        ],
    )
    def test_what_would_not_be_safe_is_refused(self, wrong, code):
        with pytest.raises(ValidationError) as caught:
            settings(**wrong)
        [error] = caught.value.errors()
        assert reason_of(error["ctx"]["error"]).code == code

    @in_one_test
    @pytest.mark.parametrize(
        "wrong",
        [
            {"to": "a@b.example\nBcc: c@d.example"},
            {"to": "a@b.example, c@d.example"},
            {"to": "nobody"},
            {"sender": "a@b.example\r\nX: y"},
            {"sender": "Ville\r\nX: y <a@b.example>"},
            {"host": "smtp.example\r\nX"},
            {"sender": "Ville <Mairie <a@b.example>"},
        ],
    )
    def test_no_address_is_anything_but_one(self, wrong):
        with pytest.raises(ValidationError):
            settings(**wrong)
