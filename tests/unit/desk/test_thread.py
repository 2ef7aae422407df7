"""An incident on each channel: its first post, its updates, its end, and what takes whose place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.approve import MessageKind, approve, kind_of
from alerts.desk.routing import Reach, reach_of
from alerts.model.alert import MsgType, Resource, ResponseType, Severity, Urgency
from alerts.model.incident import AlertState
from alerts.model.post import Means, PostState
from alerts.model.town import SourceRules
from tests.unit.desk.conftest import LATER, NOW, PAGE, SENDER, TELEGRAM, X, an_alert, an_info, cancelling, following
from tests.walls import in_one_test

ALL = {"x", "page", "telegram"}
S = PostState


def out(town, alert):
    """Hear it, and let the lanes deliver it."""
    filed = town.hear(alert)
    town.deliver(filed)
    return filed


def test_a_first_message_is_published_everywhere(town):
    filed = town.hear(an_alert())

    assert town.kinds(filed) == dict.fromkeys(ALL, "publish")
    assert {post.means for post in town.posts(filed).values()} == {Means.NEW}
    assert {post.expires for post in town.posts(filed).values()} == {LATER}
    assert filed.channels == ALL


def test_an_update_is_told_by_each_channel_s_means(town):
    first = out(town, an_alert())
    update = town.hear(following(first.stored.alert, headline="Plus fort"))

    means = {name: post.means for name, post in town.posts(update).items()}
    assert means == {"x": Means.REPLY, "page": Means.EDIT, "telegram": Means.REPLY}
    assert town.kinds(update) == dict.fromkeys(ALL, "update")


def test_an_end_is_told_by_each_channel_s_means_and_may_be_late(make_town):
    town = make_town(channels=(X, replace(PAGE, on_end=Means.DELETE), TELEGRAM))
    first = out(town, an_alert())
    end = town.hear(cancelling(first.stored.alert))

    posts = town.posts(end)
    assert {name: post.means for name, post in posts.items()} == {
        "x": Means.REPLY,
        "page": Means.DELETE,
        "telegram": Means.REPLY,
    }
    assert {post.kind for post in posts.values()} == {"end"}
    assert all(post.expires >= NOW + timedelta(hours=6) for post in posts.values())
    assert {post.severity for post in posts.values()} == {Severity.MODERATE}, "of what it ends"


def test_each_end_has_its_own_words(town):
    texts = {}
    for name, changes in {
        "cancelled": {"msg_type": MsgType.CANCEL},
        "all clear": {"response_types": (ResponseType.ALL_CLEAR,)},
        "expired": {"expires": NOW, "headline": "Fin"},
    }.items():
        first = out(town, an_alert(event=f"Vent {name}", headline=name))
        town.pass_(minutes=2)
        texts[name] = town.posts(town.hear(following(first.stored.alert, event="x", **changes)))[
            "telegram"
        ].message.plain
    assert len(set(texts.values())) == 3
    assert "retir" in texts["cancelled"].lower()


def test_what_has_not_gone_out_is_replaced(town):
    first = town.hear(an_alert())
    town.deliver(first, S.SENT, "x")
    update = town.hear(following(first.stored.alert, headline="Plus fort"))

    assert town.states(first) == {"x": "sent", "page": "superseded", "telegram": "superseded"}
    assert town.kinds(update) == {"x": "update", "page": "publish", "telegram": "publish"}
    assert str(town.posts(first)["page"].reason) == f"{update.stored.id} took its place before it went out"
    assert ("superseded", f"{update.stored.id} took its place before it went out") in town.decisions(first)


def test_what_may_be_out_already_is_updated_not_replaced(town):
    first = town.hear(an_alert())
    town.deliver(first, S.SENDING, "x")
    town.deliver(first, S.IN_DOUBT, "page")
    update = town.hear(following(first.stored.alert, headline="Plus fort"))

    assert town.states(first) == {"x": "sending", "page": "in_doubt", "telegram": "superseded"}
    assert town.kinds(update) == {"x": "update", "page": "update", "telegram": "publish"}


@in_one_test
@pytest.mark.parametrize("state", [S.FAILED, S.DROPPED, S.REJECTED, S.EXPIRED])
def test_where_it_never_appeared_an_update_is_a_first_post_and_an_end_is_nothing(town, state):
    first = town.hear(an_alert())
    town.deliver(first)
    town.deliver(first, state, "x")
    update = town.hear(following(first.stored.alert, headline="Plus fort"))
    assert town.kinds(update) == {"x": "publish", "page": "update", "telegram": "update"}

    town.deliver(update, state, "x")
    town.deliver(update, S.SENT, "page", "telegram")
    assert set(town.kinds(town.hear(cancelling(update.stored.alert)))) == {"page", "telegram"}


def test_a_cancellation_takes_back_what_is_still_in_the_outbox(town):
    first = town.hear(an_alert())
    cancel = town.hear(cancelling(first.stored.alert))

    assert set(town.states(first).values()) == {"superseded"}
    assert town.posts(cancel) == {}
    assert cancel.stored.state is AlertState.LEFT_OUT
    assert str(cancel.stored.reason) == f"it withdrew {first.stored.id} before that went out: there is nothing to end"
    assert town.stored(cancel).reason == cancel.stored.reason


def test_an_end_is_told_once(town):
    first = out(town, an_alert())
    out(town, cancelling(first.stored.alert))
    again = town.hear(cancelling(first.stored.alert, sent=LATER))

    assert str(again.stored.reason) == "it ends what is over here already"
    assert town.posts(again) == {}


def test_a_channel_that_tells_no_ends_tells_none(make_town):
    town = make_town(channels=(replace(X, on_end=Means.NONE), PAGE))
    first = out(town, an_alert())
    end = town.hear(cancelling(first.stored.alert))

    assert set(town.kinds(end)) == {"page"}
    assert ("no_post", "x: this channel tells no ends") in town.decisions(end)


def test_an_incident_that_goes_on_after_its_end_begins_anew_and_can_be_updated_and_ended(town):
    first = out(town, an_alert())
    end = out(town, cancelling(first.stored.alert))
    anew = out(town, following(end.stored.alert, headline="Et pourtant"))
    assert set(town.kinds(anew).values()) == {"publish"}

    update = out(town, following(anew.stored.alert, headline="Plus fort"))
    assert set(town.kinds(update).values()) == {"update"}
    assert set(town.kinds(town.hear(cancelling(update.stored.alert))).values()) == {"end"}


def test_an_update_whose_time_has_run_out_ends_what_is_on(town):
    first = out(town, an_alert())
    town.pass_(hours=1)
    update = town.hear(following(first.stored.alert, expires=NOW + timedelta(minutes=30)))

    assert set(town.kinds(update).values()) == {"end"}


def test_a_cancellation_whose_info_has_run_out_still_ends(town):
    first = out(town, an_alert())
    town.pass_(hours=1)
    end = town.hear(following(first.stored.alert, msg_type=MsgType.CANCEL, expires=NOW + timedelta(minutes=30)))

    assert set(town.kinds(end).values()) == {"end"}


def test_a_less_grave_update_goes_where_the_incident_is_whatever_the_thresholds(make_town):
    town = make_town(sources={"meteo": SourceRules(severity=Severity.MODERATE)})
    first = out(town, an_alert(severity=Severity.SEVERE))
    update = town.hear(following(first.stored.alert, severity=Severity.MINOR))

    assert town.kinds(update) == dict.fromkeys(ALL, "update")


def test_a_less_grave_update_does_not_appear_where_it_is_too_slight_and_nothing_was(town):
    first = town.hear(an_alert())
    town.deliver(first, S.SENT, "page", "telegram")
    update = town.hear(following(first.stored.alert, severity=Severity.MINOR))

    assert set(town.kinds(update)) == {"page", "telegram"}
    assert town.states(first)["x"] == "superseded", "what is no longer true doesn't go out either"


def test_an_end_goes_nowhere_else(town):
    first = town.hear(an_alert())
    town.deliver(first, S.SENT, "x")
    town.deliver(first, S.FAILED, "page", "telegram")
    end = town.hear(following(first.stored.alert, msg_type=MsgType.CANCEL))

    assert set(town.kinds(end)) == {"x"}


def test_a_graver_update_reaches_channels_the_first_was_too_slight_for(town):
    first = out(town, an_alert(severity=Severity.MINOR))
    assert set(town.kinds(first)) == {"page", "telegram"}
    update = town.hear(following(first.stored.alert, severity=Severity.SEVERE))

    assert town.kinds(update) == {"x": "publish", "page": "update", "telegram": "update"}


def test_an_update_that_waits_does_not_hold_up_what_may_go_out(make_town):
    town = make_town(sources={"meteo": SourceRules(publish="approve", urgent="auto")})
    urgent = an_alert(severity=Severity.SEVERE, urgency=Urgency.IMMEDIATE)
    first = town.hear(urgent)
    assert set(town.states(first).values()) == {"queued"}
    update = town.hear(following(urgent, headline="Plus calme"))

    assert set(town.states(first).values()) == {"queued"}
    assert town.kinds(update) == dict.fromkeys(ALL, "update"), "for by the time it is validated the first is out"
    assert set(town.states(update).values()) == {"waiting"}


def test_what_waits_is_replaced_by_a_newer_one_that_waits(make_town):
    town = make_town(sources={"meteo": SourceRules(publish="approve")})
    first = town.hear(an_alert())
    update = town.hear(following(first.stored.alert, headline="Plus fort"))

    assert set(town.states(first).values()) == {"superseded"}
    stored = town.stored(first)
    assert (stored.state, str(stored.reason)) == (
        AlertState.LEFT_OUT,
        f"{update.stored.id} took its place before it went out",
    )
    town.act(lambda alerts: approve(alerts, update.stored.id, "ana", NOW))
    assert town.states(update) == dict.fromkeys(ALL, "queued")


def test_a_cancellation_of_the_first_of_two_ends_the_incident_though_the_first_never_went_out(make_town):
    town = make_town(sources={"meteo": SourceRules(publish="approve")})
    first = town.hear(an_alert())
    update = town.hear(following(first.stored.alert, headline="Plus fort"))
    town.act(lambda alerts: approve(alerts, update.stored.id, "ana", NOW))
    town.deliver(update)
    end = town.hear(cancelling(first.stored.alert))

    assert set(town.kinds(end).values()) == {"end"}


def test_a_cancel_without_words_from_a_source_with_a_threshold_needs_no_validation(make_town):
    town = make_town(sources={"meteo": SourceRules(severity=Severity.MODERATE)})
    first = out(town, an_alert())
    end = town.hear(cancelling(first.stored.alert))

    assert set(town.states(end).values()) == {"queued"}


def test_an_update_speaks_of_what_its_readers_saw_last(make_town):
    town = make_town(channels=(PAGE, TELEGRAM))
    first = town.hear(an_alert(severity=Severity.SEVERE))
    town.deliver(first)
    second = town.hear(following(first.stored.alert, severity=Severity.EXTREME))
    town.deliver(second, S.SENT, "telegram")
    town.deliver(second, S.FAILED, "page")
    third = town.hear(following(second.stored.alert, severity=Severity.EXTREME, headline="Encore"))

    page, telegram = (town.posts(third)[name].message.plain for name in ("page", "telegram"))
    raised = "Le danger passe de grave à extrême."
    assert raised in page, "they saw Severe"
    assert raised not in telegram, "they saw Extreme"


def test_the_link_is_in_the_first_post_of_an_incident_alone(town):
    first = out(town, an_alert())
    update = town.hear(following(first.stored.alert, headline="Plus fort"))

    assert town.posts(first)["x"].message.link
    assert town.posts(update)["x"].message.link is None
    assert town.posts(update)["telegram"].message.link


class TestPicture:
    """A file of this machine is published where an officer named it, and nowhere else."""

    PICTURE = Resource("Carte des rues fermées", "image/png", uri="file:///srv/carte%20du%20bourg.png")

    def test_an_officer_s_picture_goes_along_with_its_words(self, town):
        filed = town.post(an_alert(sender=SENDER, resources=(self.PICTURE,)))

        image = town.posts(filed)["x"].message.image
        assert (image.path, image.alt) == ("/srv/carte du bourg.png", "Carte des rues fermées")

    def test_a_feed_can_not_publish_our_files(self, town):
        filed = town.hear(an_alert(sender=SENDER, resources=(self.PICTURE,)))

        assert town.posts(filed)["x"].message.image is None

    @in_one_test
    @pytest.mark.parametrize(
        "changes",
        [
            {"uri": "file:///etc/passwd", "mime_type": "text/plain"},
            {"uri": "https://saint-martin.example/carte.png"},
            {"uri": "file://elsewhere.example/carte.png"},
            {"uri": None},
        ],
    )
    def test_nothing_else_is_taken_for_a_picture(self, town, changes):
        filed = town.post(an_alert(sender=SENDER, resources=(replace(self.PICTURE, **changes),)))

        assert town.posts(filed)["x"].message.image is None

    def test_a_message_of_another_sender_names_no_file_here(self, town):
        filed = town.post(an_alert(resources=(self.PICTURE,)))

        assert town.posts(filed)["x"].message.image is None


def test_an_alert_with_two_languages_is_one_post_a_channel(town):
    alert = replace(an_alert(), infos=(an_info(language="en-GB", headline="Gale"), an_info()))

    assert "Coup de vent" in town.posts(town.hear(alert))["telegram"].message.plain


class TestReach:
    """What its readers have before them: only what was answered for."""

    def reach(self, town, filed):
        with town.alerts() as alerts:
            return reach_of(alerts.thread(filed.stored.incident_id))

    def test_what_is_sent_is_live_and_the_rest_is_named(self, town):
        first = town.hear(an_alert())
        town.deliver(first, S.SENT, "x")
        town.deliver(first, S.FAILED, "page")

        reach = self.reach(town, first)
        assert (reach.live, reach.failed, reach.coming, reach.meant) == (("x",), ("page",), ("telegram",), 3)

    @in_one_test
    @pytest.mark.parametrize("state", [S.WAITING, S.QUEUED, S.SENDING, S.IN_DOUBT, S.FAILED])
    def test_an_end_that_is_not_out_ends_nothing(self, town, state):
        first = out(town, an_alert())
        end = town.hear(cancelling(first.stored.alert))
        town.deliver(end, state, "x")
        town.deliver(end, S.SENT, "page", "telegram")

        reach = self.reach(town, first)
        assert (reach.live, set(reach.ended)) == (("x",), {"page", "telegram"})
        assert [(post.channel, post.kind, post.state) for post in reach.then] == [("x", "end", state)]

    def test_what_was_taken_back_unsent_counts_nowhere(self, town):
        first = town.hear(an_alert())
        town.hear(cancelling(first.stored.alert))

        assert self.reach(town, first) == Reach()


class TestKind:
    """What a message is called that waits."""

    @pytest.mark.parametrize(
        ("changes", "kind"),
        [
            ({"headline": "Plus fort"}, MessageKind.UPDATE),
            ({"msg_type": MsgType.CANCEL}, MessageKind.CANCELLATION),
            ({"response_types": (ResponseType.ALL_CLEAR,), "urgency": Urgency.PAST}, MessageKind.END),
        ],
    )
    def test_what_goes_on_about_an_alert(self, town, changes, kind):
        first = out(town, an_alert())
        then = town.hear(following(first.stored.alert, **changes))

        assert kind_of(first.stored, list(town.posts(first).values())) is MessageKind.ALERT
        assert kind_of(then.stored, list(town.posts(then).values())) is kind
