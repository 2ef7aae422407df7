"""The bus: whoever hears badly harms nobody else."""

from __future__ import annotations

from alerts.model.events import Events, PostsStored


def test_a_subscriber_that_raises_is_logged_and_the_others_hear_and_nobody_who_published_is_refused(caplog):
    events, heard = Events(), []

    def broken(_) -> None:
        raise ValueError("here")

    events.subscribe(PostsStored, broken)
    events.subscribe(PostsStored, heard.append)
    events.publish(PostsStored())
    assert heard == [PostsStored()]
    assert [each.getMessage() for each in caplog.records] == ["a subscriber of PostsStored failed"]
