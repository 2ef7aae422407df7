"""Here or not: codes, outlines, circles, holes, and what senders make of them."""

from __future__ import annotations

import gc
import random
import weakref
from time import process_time

import pytest

from alerts.desk.territory import EXCLUDED, Territory, territory_of
from alerts.model.alert import Area, Circle, NamedValue
from alerts.model.errors import Misuse
from alerts.model.incident import LeftOut
from alerts.model.town import DISTRICT, District, Town
from tests.unit.desk.conftest import CENTRE, HERE, MILL, an_alert, square
from tests.walls import in_one_test

TOWN = Territory((HERE,), (CENTRE, MILL))
MIDDLE = (45.19, 5.71)


def ring(*points):
    return (*points, points[0])


def box(south, west, north, east):
    return ring((south, west), (south, east), (north, east), (north, west))


def located(*areas, territory=TOWN, **more):
    found = territory.locate(an_alert(areas=areas), **more)
    return str(found.reason) if isinstance(found, LeftOut) else found


@in_one_test
@pytest.mark.parametrize(
    "codes",
    [
        (HERE,),
        (NamedValue("insee", "38185"),),
        (NamedValue("INSEE", "38001 38185,38002"),),
        (NamedValue("NUTS3", "FR999"), HERE),
        (NamedValue(DISTRICT, "d2"),),
    ],
)
def test_a_code_of_ours_is_here(codes):
    assert located(Area("Saint-Martin", geocodes=codes)) == ("Saint-Martin",)


def test_another_value_of_a_scheme_we_know_is_elsewhere():
    assert located(Area("Ailleurs", geocodes=(NamedValue("INSEE", "38001"),))) == "outside our areas: Ailleurs"


def test_a_scheme_we_don_t_know_can_not_be_matched():
    reason = 'its area can\'t be matched: Somewhere (area = "any" takes it)'

    assert located(Area("Somewhere", geocodes=(NamedValue("EMMA_ID", "FR010"),))) == reason
    assert located(Area("Somewhere")) == reason
    codes_alone = Territory((HERE,))
    assert located(Area("Somewhere", polygons=(box(45, 5, 46, 6),)), territory=codes_alone) == reason


def test_an_alert_that_names_no_area_at_all_says_so():
    assert located() == 'it names no area, so nobody can tell whether it is for here (area = "any" takes it)'


def test_of_several_areas_those_that_are_here_are_told():
    areas = [
        Area(name, geocodes=(NamedValue("INSEE", code),)) for name, code in (("A", "1"), ("B", "38185"), ("C", "2"))
    ]

    assert located(*areas) == ("B",)
    assert located(areas[0], areas[2]) == "outside our areas: A; C"
    many = [Area(str(n), geocodes=(NamedValue("INSEE", str(n)),)) for n in range(9)]
    assert located(*many) == "outside our areas: 0; 1; 2; 3; … (+5)"


@pytest.mark.parametrize("areas", [(), (Area("Ailleurs", geocodes=(NamedValue("INSEE", "1"),)),)])
def test_any_area_lets_everything_through(areas):
    assert located(*areas, any_area=True) == tuple(area.description for area in areas)
    assert located(*areas, territory=Territory()) == tuple(area.description for area in areas)


@pytest.mark.parametrize(
    ("polygon", "here"),
    [
        (box(45, 5, 46, 6), True),
        (box(45.185, 5.705, 45.187, 5.707), True),
        (box(45.18, 5.74, 45.20, 5.80), False),  # shares a border with the mill
        (box(45.18, 5.7399, 45.20, 5.80), False),  # and overlaps by eight metres, as borders do
        (box(45.18, 5.735, 45.20, 5.80), True),
        (box(48, 2, 49, 3), False),
        (ring((45.1, 5.6), (45.3, 5.8), (45.3, 5.6), (45.1, 5.8)), True),  # a bow tie across the town
        (ring((45.0, 179.0), (45.0, -179.0), (46.0, -179.0), (46.0, 179.0)), False),  # two degrees in the Pacific
        (ring((45.1, 5.6), (45.3, 5.8)), False),  # no ring
    ],
)
def test_an_outline_that_covers_ground_of_ours_is_here(polygon, here):
    assert (located(Area("Zone", polygons=(polygon,))) == ("Zone",)) is here


def test_across_the_antimeridian_both_sides_count():
    pacific = ring((-18.0, 177.0), (-18.0, -179.0), (-16.0, -179.0), (-16.0, 177.0))
    for west in (178.0, -179.5):
        island = Territory((), (District("I", "Taveuni", square(west, -17.0, 0.2)),))
        assert located(Area("Zone", polygons=(pacific,)), territory=island) == ("Zone",)
    atlantic = Territory((), (District("A", "Ailleurs", square(0.0, -17.0)),))
    assert located(Area("Zone", polygons=(pacific,)), territory=atlantic) == "outside our areas: Zone"


def test_a_circle_is_kilometres_on_the_ground_eastwards_too():
    def reaches(latitude, longitude, radius):
        return located(Area("Zone", circles=(Circle((latitude, longitude), radius),))) == ("Zone",)

    assert reaches(*MIDDLE, 0.2)
    assert reaches(45.19, 5.70 - 0.0637, 6)  # five kilometres west of the border
    assert not reaches(45.19, 5.70 - 0.0637, 4.5)
    assert not reaches(48.0, 2.0, 10)


def test_a_radius_of_nothing_is_an_epicentre_not_an_area():
    assert located(Area("Séisme", circles=(Circle(MIDDLE, 0.0),))) == (
        'its area can\'t be matched: Séisme (area = "any" takes it)'
    )


def test_a_hole_is_not_covered():
    whole = box(45, 5, 46, 6)
    written = "45.1,5.6 45.1,5.8 45.3,5.8 45.3,5.6 45.1,5.6"
    far = "45.8,5.1 45.8,5.2 45.9,5.2 45.9,5.1 45.8,5.1"

    assert located(Area("Zone", (whole,), geocodes=(NamedValue(EXCLUDED, written),))) == "outside our areas: Zone"
    assert located(Area("Zone", (whole,), geocodes=(NamedValue(EXCLUDED, far),))) == ("Zone",)
    assert located(Area("Zone", (whole,), geocodes=(NamedValue(EXCLUDED, "nonsense"),))) == ("Zone",)


def test_good_shapes_count_beside_bad_ones():
    assert located(Area("Zone", polygons=((), ring((45, 5)), box(45, 5, 46, 6)))) == ("Zone",)


@pytest.mark.parametrize(
    "typed", ["D2", "d2", "Le Moulin d’Élise", "le moulin d'elise", "LE MOULIN D ELISE", "  le-moulin-d-élise "]
)
def test_a_district_is_found_by_code_or_name_however_it_is_typed(typed):
    assert TOWN.district(typed) is MILL


def test_a_district_that_is_none_is_told_with_the_nearest():
    with pytest.raises(Misuse, match=r"--area 'centre bour': no such district; did you mean 'Centre-Bourg'\?"):
        TOWN.district("centre bour")
    with pytest.raises(Misuse, match="no such district; known: Centre-Bourg, Le Moulin d’Élise"):
        TOWN.district("xyz")


def test_a_district_as_a_cap_area_is_latitude_first_and_found_again():
    area = MILL.as_area()

    assert area.polygons[0][0] == (45.18, 5.72)
    assert area.geocodes == (NamedValue(DISTRICT, "D2"),)
    assert located(area) == ("Le Moulin d’Élise",)
    assert located(Area("x", polygons=area.polygons)) == ("x",)


def test_a_district_of_two_islands_has_two_rings():
    both = {"type": "MultiPolygon", "coordinates": [square(1, 1)["coordinates"], square(2, 2)["coordinates"]]}

    assert len(District("I", "Îles", both).as_area().polygons) == 2


def scribble(points, south, west, side):
    """A ring that crosses itself some thousand times, as no sender should make one."""
    chance = random.Random(1)
    return ring(*((south + chance.random() * side, west + chance.random() * side) for _ in range(points)))


@in_one_test
@pytest.mark.parametrize(
    ("points", "south", "west", "side"),
    [(400, 45.0, 5.0, 2.0), (20_000, 45.18, 5.70, 0.04), (24, 45.18, 5.70, 0.02), (400, 45.18, 5.70, 0.02)],
)
def test_a_scribble_costs_no_time_and_still_counts(points, south, west, side):
    alert = an_alert(areas=(Area("Zone", polygons=(scribble(points, south, west, side),)),))
    TOWN.locate(an_alert(areas=(Area("Warm", polygons=(box(45, 5, 46, 6),)),)))

    started = process_time()
    found = TOWN.locate(alert)

    assert found == ("Zone",)
    assert process_time() - started < 5, "mending it whole takes seconds to minutes"


def test_a_scribble_far_from_here_stays_elsewhere():
    assert located(Area("Zone", polygons=(scribble(400, 48.0, 2.0, 2.0),))) == "outside our areas: Zone"
    overlapping_as_borders_do = ring((45.18, 5.7399), *scribble(400, 45.18, 5.75, 0.3), (45.20, 5.7399))
    assert located(Area("Zone", polygons=(overlapping_as_borders_do,))) == "outside our areas: Zone"


def test_a_long_outline_with_a_slip_in_it_keeps_its_shape_near_here():
    bay = ring(*((45.0, 5.0 + step / 50) for step in range(50)), (45.0, 6.0), (46.0, 6.0), (46.0, 5.9), (45.1, 5.9))
    around = (*bay[:-1], (45.1, 5.1), (46.0, 5.1), (46.0, 5.0), (45.2, 5.0), (45.3, 4.9), (45.3, 5.0), bay[-1])

    assert located(Area("Fer à cheval", polygons=(around,))) == "outside our areas: Fer à cheval"


@in_one_test
@pytest.mark.parametrize("odd", ["9" * 400 + ",1", "1," + "9" * 400, "-95,5.7", "45.2,361"])
def test_a_point_that_is_not_on_earth_is_no_corner_of_a_hole(odd):
    written = f"45.1,5.6 45.1,5.8 {odd} 45.3,5.8 45.3,5.6 45.1,5.6"

    assert located(Area("Zone", (box(45, 5, 46, 6),), geocodes=(NamedValue(EXCLUDED, written),))) == (
        "outside our areas: Zone"
    )


def test_a_thousand_towns_each_keep_their_ground_for_as_long_as_they_are_there():
    """To join a town's districts anew for each alert takes longer than all the rest."""
    towns = [Town(f"Town {number}", districts=(CENTRE,)) for number in range(1000)]
    grounds = [territory_of(town) for town in towns]
    assert all(territory_of(town) is ground for town, ground in zip(towns, grounds, strict=True))

    gone = weakref.ref(grounds.pop())
    del towns[-1]
    gc.collect()
    assert gone() is None
