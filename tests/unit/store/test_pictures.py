"""Pictures are kept by their content, once, and no name leads out of their folder."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from threading import Barrier

from PIL import Image

from alerts.apart.pool import POOL
from alerts.model.alert import Alert, Info, Resource
from alerts.store.bare import bare
from alerts.store.pictures import keep_drawing, keep_picture, kept_picture, picture_folder, with_kept_pictures
from tests.pictures import a_png

PNG = a_png()


def test_the_same_picture_is_kept_once(tmp_path):
    folder = picture_folder(tmp_path / "tocsin.db")

    names = {keep_picture(folder, PNG, "image/png") for _ in range(3)}

    [name] = names
    assert kept_picture(folder, name).read_bytes() == bare(PNG)
    assert [file.name for file in folder.iterdir()] == [name], "nothing half-written is left"


def test_an_officer_s_picture_is_kept_while_strangers_hold_all_their_processes(tmp_path):
    folder = picture_folder(tmp_path / "tocsin.db")

    with ThreadPoolExecutor(1) as officer, ExitStack() as held:
        for _ in range(POOL.places):
            held.enter_context(POOL._process())
        name = officer.submit(keep_picture, folder, PNG, "image/png").result(60)

    assert kept_picture(folder, name).read_bytes() == bare(PNG)


def test_threads_that_draw_the_same_picture_at_once_keep_it_once(tmp_path):
    folder, at_once = picture_folder(tmp_path / "tocsin.db"), Barrier(8)

    def keep(drawing):
        at_once.wait()
        return keep_drawing(folder, drawing, "image/png")

    with ThreadPoolExecutor(8) as threads:
        for each in range(20):
            [name] = set(threads.map(keep, [b"drawing %d" % each] * 8))
            assert kept_picture(folder, name).read_bytes() == b"drawing %d" % each
    assert len(list(folder.iterdir())) == 20


def test_no_other_name_leads_anywhere(tmp_path):
    folder = picture_folder(tmp_path / "tocsin.db")
    keep_picture(folder, PNG, "image/png")
    (folder / "secret.png").write_bytes(PNG)

    for name in ("../tocsin.db", "secret.png", "", "/etc/passwd", f"{'0' * 64}.png", f"{'0' * 64}.png/..\n"):
        assert kept_picture(folder, name) is None, name


def test_an_alert_s_picture_is_copied_and_what_can_t_be_read_stays_as_it_was(tmp_path):
    folder = picture_folder(tmp_path / "tocsin.db")
    own = tmp_path / "photo.png"
    own.write_bytes(PNG)
    there = Resource("Le pont", "image/png", uri=own.as_uri())
    others = (
        Resource("Loin", "image/png", uri="https://elsewhere.example/a.png"),
        Resource("Absent", "image/png", uri=(tmp_path / "none.png").as_uri()),
        Resource("Texte", "text/plain", uri=own.as_uri()),
    )
    alert = Alert("a", "s", datetime(2026, 1, 1, tzinfo=UTC), infos=(Info("x", resources=(there, *others)),))

    kept, *rest = with_kept_pictures(alert, folder).infos[0].resources
    own.write_bytes(b"something else")

    assert kept.uri.startswith(folder.resolve().as_uri())
    assert kept_picture(folder, kept.uri.rpartition("/")[2]).read_bytes() == bare(PNG)
    assert tuple(rest) == others


def test_the_copy_of_before_stays_what_it_is_in_an_update(tmp_path):
    folder = picture_folder(tmp_path / "tocsin.db")
    file = io.BytesIO()
    Image.effect_noise((64, 32), 40).save(file, "JPEG")
    name = keep_picture(folder, file.getvalue(), "image/jpeg")
    there = Resource("Le pont", "image/jpeg", uri=(folder / name).as_uri())
    alert = Alert("a", "s", datetime(2026, 1, 1, tzinfo=UTC), infos=(Info("x", resources=(there,)),))

    assert with_kept_pictures(alert, folder) == alert
    assert [each.name for each in folder.iterdir()] == [name]
