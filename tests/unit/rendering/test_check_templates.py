from __future__ import annotations

from pathlib import Path

from alerts.rendering.checking import check_templates
from tests.unit.rendering.sample_alerts import FRENCH


def check(folder: Path, name: str, text: str) -> list[str]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return [str(fault) for fault in check_templates(FRENCH, [folder])]


GOOD = "".join(f'{{% part "{name}" %}}x{{% endpart %}}' for name in ("headline", "area", "time", "instruction"))


def test_what_ships_is_without_fault() -> None:
    assert check_templates(FRENCH) == []


def test_a_good_template_of_the_station_is_without_fault(tmp_path: Path) -> None:
    assert check(tmp_path, "fr/twitter/wind.publish.j2", GOOD) == []


def test_a_mistake_is_told_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "fr/twitter/publish.j2"
    assert check(tmp_path, "fr/twitter/publish.j2", f"{GOOD}\n{{{{ headlin }}}}") == [
        f"{path}:2: 'headlin' is undefined"
    ]
    assert check(tmp_path, "fr/twitter/publish.j2", "a\n{% if %}")[0].startswith(f"{path}:2: Expected")


def test_a_mistake_that_only_one_end_meets_is_found(tmp_path: Path) -> None:
    faults = check(
        tmp_path, "fr/facebook/end.j2", f"{GOOD}{{% if reason == 'corrected' %}}{{{{ nothing }}}}{{% endif %}}"
    )
    assert faults == [f"{tmp_path}/fr/facebook/end.j2:1: 'nothing' is undefined"]


def test_a_mistake_that_only_a_silent_alert_meets_is_found(tmp_path: Path) -> None:
    faults = check(tmp_path, "fr/twitter/publish.j2", f"{GOOD}{{{{ info.headline.upper() }}}}")
    assert len(faults) == 1
    assert "has no attribute 'upper'" in faults[0]


def test_a_template_that_leaves_out_what_a_post_must_say_is_told(tmp_path: Path) -> None:
    faults = check(tmp_path, "fr/twitter/publish.j2", '{% part "headline" %}x{% endpart %}')
    assert faults == [
        f'{tmp_path}/fr/twitter/publish.j2: says no area, time, instruction: add {{% part "area" %}}…{{% endpart %}}'
    ]


def test_a_name_that_no_alert_looks_for_is_told_with_the_nearest(tmp_path: Path) -> None:
    assert check(tmp_path, "fr/twitter/publsh.j2", GOOD) == [
        (
            f"{tmp_path}/fr/twitter/publsh.j2: this file is never used, for no alert looks for this name; "
            "did you mean fr/twitter/publish.j2?"
        )
    ]


def test_a_hazard_that_does_not_exist_is_told(tmp_path: Path) -> None:
    assert "no such hazard" in check(tmp_path, "fr/hazards/dragon.j2", "")[0]


def test_words_that_cannot_be_read_are_told_with_file_and_line(tmp_path: Path) -> None:
    faults = check(tmp_path, "fr/hazards/wind.j2", "\n{% set name = %}")
    assert faults[0].startswith(f"{tmp_path}/fr/hazards/wind.j2:2: ")


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    assert "no such folder of templates" in str(check_templates(FRENCH, [tmp_path / "nowhere"])[0])
