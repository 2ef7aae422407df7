"""A history of finished posts is what years of posting leave behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.model.incident import Wanted
from alerts.model.post import PostState
from alerts.store.files import migrate, opened
from alerts.store.views import Views
from bench.history import copy_to, fill

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_makes_posts_that_are_sent_and_alerts_that_are_over(tmp_path: Path) -> None:
    assert fill(tmp_path / "tocsin.db", 300, now=NOW) == 300
    with opened(tmp_path / "tocsin.db") as db:
        views = Views(db)
        assert not views.on_now(NOW)
        assert not views.public_incidents(NOW)
        assert sum(views.post_counts().values()) == views.post_counts()["x", PostState.SENT] * 3 == 300
        stored_alerts = views.page(Wanted(words="Verglas"))
        assert stored_alerts
        assert all(stored.alert is not None and stored.alert.sent < NOW for stored in stored_alerts)
        thread = views.threads([stored_alerts[0].incident_id])[stored_alerts[0].incident_id]
        assert [post.channel for post in thread] == ["x", "page", "telegram"]
        assert thread[0].sent_at is not None
        assert NOW - thread[0].sent_at < timedelta(days=1200)
        assert len(views.history(stored_alerts[0].incident_id)) == 1 + 3 * 2


def test_the_second_time_adds_to_it_and_leaves_every_index(tmp_path: Path) -> None:
    file, indexes = tmp_path / "tocsin.db", "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name"
    migrate(file)
    with opened(file) as db:
        before = [row["name"] for row in db.execute(indexes)]
    fill(file, 6, channels=["x"], now=NOW)
    fill(file, 6, channels=["x"], now=NOW)
    with opened(file) as db:
        assert [row["name"] for row in db.execute(indexes)] == before
        assert db.execute("SELECT count(*) FROM attempt").fetchone()[0] == 12
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert not db.execute("PRAGMA foreign_key_check").fetchall()


def test_one_history_is_copied_for_all_who_ask(tmp_path: Path) -> None:
    names = []
    for number in range(2):
        copy_to(tmp_path / f"{number}.db", 3)
        with opened(tmp_path / f"{number}.db") as db:
            names.append([tuple(row) for row in db.execute("SELECT id, stored_at FROM post ORDER BY seq")])
            db.execute("DELETE FROM attempt")

    assert len(names[0]) == 3
    assert names[0] == names[1]
