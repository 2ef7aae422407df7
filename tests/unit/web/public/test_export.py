"""The public side as files: each edition whole, and put in place at once."""

from __future__ import annotations

import threading

import pytest

from alerts.model.errors import TocsinError
from alerts.web.public import export as site_files
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


def editions(folder):
    return sorted(each.name for each in folder.with_name("site.editions").iterdir())


def test_old_editions_are_swept_but_for_the_two_before(folder):
    export = Export(folder)
    for number in range(6):
        export.write(an_edition(str(number)))

    assert editions(folder) == ["4", "5", "6"]


def test_an_edition_costs_what_changed_however_many_pages_of_long_ago_there_are(folder, monkeypatch):
    """What stays is linked anew into the first few editions of a process, and touched no more in those after them."""
    export, touched = Export(folder), []
    put = site_files._put
    export.write(an_edition("0", **{f"old{number}": "<p>old</p>" for number in range(50)}))
    monkeypatch.setattr(site_files, "_put", lambda file, content: touched.append(file.name) or put(file, content))
    counts = []
    for number in range(1, 8):
        touched.clear()
        before, whole = folder.resolve(), texts(folder)
        export.write(an_edition(str(number)))
        counts.append(len(touched))

        assert texts(before) == whole, "what others may still read stays as it is"
        assert (folder / "index.html").read_text() == f"<p>{number}</p>"
        assert len(list(folder.glob("alerts/old*/index.html"))) == 50

    assert counts[2:] == [4] * 5


def test_a_disk_that_refuses_leaves_nothing_behind_and_the_edition_that_stands(folder, monkeypatch):
    export, put = Export(folder), site_files._put
    for number in range(4):
        export.write(an_edition(str(number)))

    def refuse(file, content):
        if file.name == "embed.html":
            raise OSError(28, "No space left on device")
        put(file, content)

    monkeypatch.setattr(site_files, "_put", refuse)
    for number in range(4, 9):
        with pytest.raises(OSError, match="No space"):
            export.write(an_edition(str(number)))
    stands = texts(folder), len(editions(folder))
    monkeypatch.setattr(site_files, "_put", put)
    export.write(an_edition("9"))

    assert stands[0]["index.html"] == "<p>3</p>"
    assert stands[1] <= 3, "a full disk is made no fuller"
    assert set(texts(folder).values()) == {"<p>9</p>", "<feed>9</feed>", "p{}"}


def test_what_a_crash_left_is_swept_and_what_stood_before_stays(folder):
    Export(folder).write(an_edition("1"))
    (folder.with_name("site.editions") / "2").mkdir()
    Export(folder).write(an_edition("2"))

    assert editions(folder) == ["1", "3"]
    assert (folder / "index.html").read_text() == "<p>2</p>"


def test_what_was_on_when_it_was_written_is_not_taken_for_how_it_ended(folder):
    """The daemon may have been away when it ended: its page would say for ever that it is on."""
    on = {"/alerts.geojson": answer('{"features": [{"properties": {"incident": "one"}}]}', "application/geo+json")}
    none = {"/alerts.geojson": answer('{"features": []}', "application/geo+json")}
    Export(folder).write(an_edition("1", old="<p>old</p>") | on)
    export = Export(folder)
    at_first = export.has("old"), export.has("one")
    export.write(an_edition("2") | on)
    while_on = export.has("one")
    export.write(an_edition("3") | none)

    assert at_first == (True, False)
    assert (while_on, export.has("one")) == (False, True)


def test_a_language_that_went_takes_its_pages_with_it_and_a_new_one_lacks_its_own(folder):
    english = {"/en/": answer("<p>on</p>", HTML), "/en/alerts/one": answer("<p>on</p>", HTML)}
    both = Export(folder, ["en"])
    both.write(an_edition("1", old="<p>old</p>") | english)
    has = both.has("one"), both.has("old")
    Export(folder).write(an_edition("2"))

    assert has == (True, False)
    assert not (folder / "en").exists()
    assert (folder / "alerts/old/index.html").is_file()


def test_somebody_elses_folder_is_left_alone(folder):
    folder.mkdir()
    (folder / "theirs").write_text("x")

    with pytest.raises(TocsinError, match="no link of ours; name a new folder"):
        Export(folder).write(an_edition("1"))
    assert texts(folder) == {"theirs": "x"}


def test_somebody_elses_link_is_left_alone_and_nothing_behind_it_is_published(folder, tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/secret").write_text("x")
    folder.symlink_to(tmp_path / "theirs")

    with pytest.raises(TocsinError, match="no link of ours"):
        Export(folder).write(an_edition("1"))
    assert texts(tmp_path) == {"theirs/secret": "x"}


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
