"""A report's photo at the desk: blurred for good, shown to everybody only by an officer who saw this very one."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from alerts.model.person import Role
from tests.unit.french import visible, wrong_in
from tests.unit.web.console.reporting import a_reporting_desk, report
from tests.unit.web.console.watching import as_role
from tests.walls import in_one_test

BOX = {"box-1-left": "0", "box-1-top": "0", "box-1-right": "50", "box-1-bottom": "50,0"}


def a_photo() -> bytes:
    """Thin stripes, of which nothing is left where they are blurred."""
    picture = Image.new("RGB", (320, 240))
    picture.putdata([(255, 255, 255) if x // 4 % 2 else (0, 0, 0) for _ in range(240) for x in range(320)])
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
async def desk(tmp_path):
    async with a_reporting_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
async def here(desk):
    """Where the photo of a report is."""
    return f"/reports/{(await report(desk, photo=a_photo())).number}/photo"


async def photo_of(desk, here):
    number = here.split("/")[2]

    def question(unit):
        return unit.reports.photo(unit.reports.by_number(number).id)

    return await desk.service.ask(question)


async def seen(desk, here) -> str:
    [found] = re.findall(r'name="seen" value="([0-9a-f]+)"', await desk.text(here))
    return found


def spread(jpeg: bytes, box) -> int:
    """How far the lightest and the darkest of a part are apart."""
    low, high = Image.open(io.BytesIO(jpeg)).convert("L").crop(box).getextrema()
    return high - low


async def test_a_report_without_a_photo_has_no_such_page(desk):
    one = await report(desk)
    for address in ("photo", "photo.jpg"):
        await desk.text(f"/reports/{one.number}/{address}", status=404)


async def test_the_photo_is_on_the_reports_page_and_leads_to_its_own(desk, here):
    assert f'<a href="/desk{here}"' in await desk.text(here.removesuffix("/photo"))
    async with desk.client.get(f"/desk{here}.jpg") as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert (await answer.read()) == (await photo_of(desk, here)).jpeg


async def test_what_a_box_holds_is_gone_and_the_rest_stays(desk, here):
    status, where, _ = await desk.press(here, seen=await seen(desk, here), do="keep", **BOX)
    assert (status, where) == (303, f"/desk{here}?done=keep")
    kept = await photo_of(desk, here)
    assert kept.released_at is None
    assert spread(kept.jpeg, (8, 8, 150, 110)) < 80
    assert spread(kept.jpeg, (200, 150, 310, 230)) > 200


async def test_it_is_blurred_and_shown_at_once_and_taken_back(desk, here):
    status, _, _ = await desk.press(here, seen=await seen(desk, here), do="release", **BOX)
    assert status == 303
    kept = await photo_of(desk, here)
    assert kept.released_by == "Anne"
    assert spread(kept.jpeg, (8, 8, 150, 110)) < 80
    assert "shown to everybody" in await desk.text(f"{here}?done=release")
    assert (await desk.press(f"{here}/take-back"))[0] == 303
    assert (await photo_of(desk, here)).released_at is None


async def test_nobody_shows_a_photo_that_was_changed_meanwhile(desk, here):
    before = await seen(desk, here)
    await desk.press(here, seen=before, do="keep", **BOX)
    status, _, page = await desk.press(here, seen=before, do="release")
    assert status == 409
    assert "isn’t the one that you saw" in page or "isn&#39;t the one that you saw" in page
    assert (await photo_of(desk, here)).released_at is None


@in_one_test
@pytest.mark.parametrize(
    "wrong",
    [{"box-1-right": "0"}, {"box-1-right": "x"}, {"box-1-top": "-1"}, {"box-1-top": "nan"}, {"box-1-left": ""}],
)
async def test_what_is_no_box_is_said_and_stands_there_as_it_was_typed(desk, here, wrong):
    status, _, page = await desk.press(here, seen=await seen(desk, here), do="release", **{**BOX, **wrong})
    assert status == 400
    assert 'role="alert"' in page
    assert 'value="50,0"' in page
    assert (await photo_of(desk, here)).released_at is None


async def test_who_only_looks_shows_nothing(desk, here):
    digest = await seen(desk, here)
    as_role(desk, Role.VIEWER)
    assert "/photo" not in "".join(re.findall(r'action="([^"]*)"', await desk.text(here)))
    assert (await desk.press(here, seen=digest, do="release", **BOX))[0] == 403
    assert (await photo_of(desk, here)).released_at is None


async def test_the_page_says_no_word_of_english(desk, here):
    desk.language = "fr"
    pages = [await desk.text(f"{here}?done={done}") for done in ("keep", "release", "take-back")]
    pages.append((await desk.press(here, do="release", **{**BOX, "box-1-right": "0"}))[2])
    assert [wrong for page in pages for wrong in wrong_in(visible(page))] == []
