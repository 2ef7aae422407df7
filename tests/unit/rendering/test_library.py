"""The parts that a template lays out come back as they were written."""

from __future__ import annotations

import pytest
from jinja2 import Environment, TemplateSyntaxError

from alerts.rendering.library import Part, split

ENVIRONMENT = Environment(extensions=["alerts.rendering.library.PartExtension"], autoescape=True)


def printed(source: str, **facts: object) -> list[object]:
    return list(split(ENVIRONMENT.from_string(source).render(facts)))


def test_parts_and_layout_come_back_in_order() -> None:
    source = 'Avis\n{% part "area" %}{{ a }}{% endpart %}\n{% part "more", keep=true %} b {% short %}c{% endpart %}.'
    area, more = Part("area", "&lt;x&gt;", "", keep=True), Part("more", "b", "", keep=True)
    assert printed(source, a="<x>") == ["Avis\n", area, "\n", more, "."]


def test_a_short_form_is_kept_only_where_it_is_shorter() -> None:
    source = '{% part "x" %}long{% short %}court{% endpart %}{% part "y" %}long{% short %}l{% endpart %}'
    assert printed(source)[1::2] == [Part("x", "long"), Part("y", "long", "l")]


def test_keep_may_depend_on_the_alert() -> None:
    source = '{% part "x", keep=grave %}a{% endpart %}'
    assert printed(source, grave=True)[1] == Part("x", "a", keep=True)
    assert printed(source, grave=False)[1] == Part("x", "a")


def test_a_part_s_text_may_use_all_of_jinja() -> None:
    assert printed('{% part "x" %}{% for n in [1, 2] %}{{ n }}{% if n > 1 %}!{% endif %}{% endfor %}{% endpart %}')[
        1
    ] == Part("x", "12!")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('a\n{% part "x", kept=true %}a{% endpart %}', "no option 'kept'"),
        ('a\n{% part "x" %}{% part "y" %}a{% endpart %}{% endpart %}', "inside another part"),
        ('a\n{% part "x" %}{% if 1 %}{% part "y" %}a{% endpart %}{% endif %}{% endpart %}', "inside another part"),
        ('a\n{% part "x" %}a', "endpart"),
    ],
)
def test_a_part_that_is_written_wrong_is_told_with_its_line(source: str, said: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=said) as caught:
        ENVIRONMENT.from_string(source)
    assert caught.value.lineno == 2
