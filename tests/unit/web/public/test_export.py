"""The public side as files: each edition whole, and put in place at once."""

from __future__ import annotations

import threading

import pytest

from alerts.model.errors import TocsinError
from alerts.web.public.answers import answer
from alerts.web.public.export import Export

HTML = "text/html; charset=utf-8"


def an_edition(mark: str, **more: str):
    pages = {"/": f"<p>{mark}</p>", "/alerts/one": f"<p>{mark}</p>", "/embed.html": f"<p>{mark}</p>"}
    pages |= {f"/alerts/{name}": text for name, text in more.items()}
    return {path: answer(text, HTML) for path, text in pages.items()} | {
        "/feed.atom": answer(f"<feed>{mark}</feed>", "application/atom+xml"),
        "/always.css": answer("p{}", "text/css"),
    }


def texts(folder):
    return {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "site"


def test_any_web_server_finds_each_page_where_its_address_says(folder):
    Export(folder).write(an_edition("1"))

    assert texts(folder) == {
        "index.html": "<p>1</p>",
        "alerts/one/index.html": "<p>1</p>",
        "embed.html": "<p>1</p>",
        "feed.atom": "<feed>1</feed>",
        "always.css": "p{}",
    }


def test_what_did_not_change_is_the_same_file_and_what_is_gone_from_the_edition_stays(folder):
    export = Export(folder)
    export.write(an_edition("1", old="<p>old</p>"))
    before = (folder / "always.css").stat().st_ino
    export.write(an_edition("2"))

    assert (folder / "always.css").stat().st_ino == before
    assert (folder / "index.html").read_text() == "<p>2</p>"
    assert (folder / "alerts/old/index.html").read_text() == "<p>old</p>"


def test_an_edition_that_says_the_same_is_not_written_again(folder):
    export = Export(folder)
    export.write(an_edition("1"))
    place = folder.resolve()
    export.write(an_edition("1"))

    assert folder.resolve() == place


def test_a_new_process_goes_on_from_what_stands_there(folder):
    Export(folder).write(an_edition("1", old="<p>old</p>"))
    Export(folder).write(an_edition("2"))

    assert (folder / "index.html").read_text() == "<p>2</p>"
    assert (folder / "alerts/old/index.html").read_text() == "<p>old</p>"


def test_old_editions_are_swept_but_for_the_one_before(folder):
    export = Export(folder)
    for number in range(6):
        export.write(an_edition(str(number)))

    assert sorted(each.name for each in folder.with_name("site.editions").iterdir()) == ["5", "6"]


def test_somebody_elses_folder_is_left_alone(folder):
    folder.mkdir()
    (folder / "theirs").write_text("x")

    with pytest.raises(TocsinError, match="no link of ours; name a new folder"):
        Export(folder).write(an_edition("1"))
    assert texts(folder) == {"theirs": "x"}


def test_who_opens_it_at_any_moment_finds_one_whole_edition(folder):
    """A reader that holds the folder open, as a server does for a request, sees one edition while 20 are written."""
    export = Export(folder)
    export.write(an_edition("0"))
    mixtures, looked, done = [], [], threading.Event()

    def read():
        while not done.is_set():
            place = folder.resolve()
            try:
                said = {(place / name).read_text() for name in ("index.html", "alerts/one/index.html", "embed.html")}
            except FileNotFoundError:
                continue  # two editions later it is swept; a server would have opened its files by then
            looked.append(said)
            if len(said) != 1:
                mixtures.append(said)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 21):
        export.write(an_edition(str(number)))
    done.set()
    reader.join()

    assert mixtures == []
    assert looked
