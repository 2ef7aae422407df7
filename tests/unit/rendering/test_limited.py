"""A town's own template can't hold an alert up, can't fill the memory, and can't change what others are given."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from jinja2 import DictLoader, StrictUndefined, TemplateError

from alerts.rendering.library import FAULTS, Library
from alerts.rendering.limited import LARGEST, STEPS, LimitedEnvironment, TooMuch, limits, spend
from tests.walls import in_one_test


def printed(source, *, html=False, **known):
    environment = LimitedEnvironment(loader=DictLoader({"t": source}), undefined=StrictUndefined, autoescape=html)
    with limits():
        return environment.get_template("t").render(known)


LOOP = "{% for a in range(1000) %}"
SIXTY = "{% set n = namespace(s='x') %}{% for a in range(60) %}"
LONG = {
    "loops": LOOP + LOOP + LOOP + "{% endfor %}" * 3,
    "a loop over nothing it takes": LOOP + "{% for b in range(1000) if a == 5000 %}{% endfor %}{% endfor %}",
    "a range": "{% for a in range(10**9) %}{% endfor %}",
    "a text times": "{{ 'x' * 10**9 }}",
    "a text times in a loop": SIXTY + "{% set n.s = n.s * 2 %}{% endfor %}",
    "a list times": "{{ ([0] * 10**9) | length }}",
    "doubled by +": SIXTY + "{% set n.s = n.s + n.s %}{% endfor %}",
    "doubled by ~": SIXTY + "{% set n.s = n.s ~ n.s %}{% endfor %}",
    "doubled by a block": SIXTY + "{% set b %}{{ n.s }}{{ n.s }}{% endset %}{% set n.s = b %}{% endfor %}",
    "a list in itself": SIXTY + "{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
    "a power": "{{ 9 ** 99999999 }}",
    "a big number": SIXTY + "{% set n.s = (n.s | int(7)) * (n.s | int(7)) %}{% endfor %}",
    "a width": "{{ '%999999999d' % 1 }}",
    "a width by a filter": "{{ '%999999999d' | format(1) }}",
    "a width by a method": "{{ '{:999999999}'.format(1) }}",
    "padding": "{{ 'x'.ljust(10**9) }}",
    "centred": "{{ 'x' | center(10**9) }}",
    "indented": "{{ 'x\n' | indent(10**9) }}",
    "bytes": "{{ (1).to_bytes(10**9, 'big') }}",
    "replaced": "{{ ('x' * 90000).replace('x', 'y' * 90000) | length }}",
    "replaced by a filter": "{{ ('x' * 90000) | replace('x', 'y' * 90000) | length }}",
    "replaced nothing": "{{ ('x' * 90000) | replace('', 'y' * 90000) | length }}",
    "joined": "{{ (['x' * 90000] * 90000) | join | length }}",
    "joined by": "{{ ('y' * 90000).join(['x'] * 90000) | length }}",
    "mapped and joined": "{{ range(1000) | map('replace', '', 'y' * 9000) | join | length }}",
    "a macro that calls itself twice": "{% macro m(n) %}{{ m(n - 1) }}{{ m(n - 1) if n }}{% endmacro %}{{ m(60) }}",
    "a recursive loop": "{% for a in [1, 1] recursive %}{{ loop([1, 1]) if loop.depth < 60 }}{% endfor %}",
    "letters": "{% for a in range(1000) %}" + "x" * 90_000 + "{% endfor %}",
    "itself": "{% include 't' %}{% include 't' %}",
    "lorem": "{{ lipsum(n=100000) }}",
    "a very long file": "{# " + "x" * 300_000 + " #}",
}


@in_one_test
@pytest.mark.parametrize(("name", "html"), [*((name, False) for name in LONG), (next(iter(LONG)), True)])
def test_what_would_take_long_is_stopped_soon(name, html):
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(FAULTS):
        printed(LONG[name], html=html)
    assert time.process_time() - started < 30
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50_000_000


WHAT_MAY_BE_DONE = {
    "{{ a | capital if a is string and false else a | upper }}": "FLOOD",
    "{{ areas | join(', ') }} {{ areas | length }}": "Old town, Harbour 2",
    "{% for each in areas %}{{ loop.index }}/{{ loop.length }} {{ each }}{{ '; ' if not loop.last }}{% endfor %}":
        "1/2 Old town; 2/2 Harbour",
    "{% for each in areas if each != 'Harbour' %}{{ each }}{% else %}none{% endfor %}": "Old town",
    "{{ a ~ ' & ' ~ 7 }} {{ a + '!' }} {{ '=' * 5 }} {{ 2 ** 10 }} {{ 7 % 4 }}": "flood & 7 flood! ===== 1024 3",
    "{{ a.replace('o', '0').title() }} {{ a.startswith('fl') }} {{ ', '.join(areas) }}": "Fl00D True Old town, Harbour",
    "{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(a) }}{{ m(none) }}": "[flood][]",
    "{% set b %}x{{ a }}{% endset %}{{ b }}{{ areas | map('upper') | list | first }}": "xfloodOLD TOWN",
    "{{ words.name }} {{ words['name'] }} {{ areas | sort | last }} {{ [3, 1] | sum }}": "Crue Crue Old town 4",
}  # fmt: skip


@in_one_test
@pytest.mark.parametrize("source", WHAT_MAY_BE_DONE)
def test_what_a_post_needs_goes_on(source):
    environment = LimitedEnvironment(loader=DictLoader({"t": source}), undefined=StrictUndefined)
    environment.let(capital=str.capitalize)
    known = {"a": "flood", "areas": ["Old town", "Harbour"], "words": {"name": "Crue"}}
    with limits():
        assert environment.get_template("t").render(known) == WHAT_MAY_BE_DONE[source]


def test_joining_keeps_what_is_escaped_escaped():
    assert printed("{{ '<b>' ~ x ~ ('<i>' | safe) }}", html=True, x="<x>") == "&lt;b&gt;&lt;x&gt;<i>"
    assert printed("{{ '<b>' ~ x }}", x="<x>") == "<b><x>"


@in_one_test
@pytest.mark.parametrize(
    "source",
    [
        "{{ words.update(name='Rien') }}",
        "{{ words.pop('name') }}",
        "{{ words.clear() }}",
        "{{ areas.append('Ailleurs') }}",
        "{{ areas.sort() }}",
        "{% set words.name = 'Rien' %}",
        "{{ words.__class__ }}",
    ],
)
def test_nothing_that_is_given_can_be_changed(source):
    words, areas = {"name": "Crue"}, ["Old town", "Harbour"]
    with pytest.raises((TemplateError, *FAULTS)):
        printed(source, words=words, areas=areas)
    assert (words, areas) == ({"name": "Crue"}, ["Old town", "Harbour"])


def test_each_rendering_has_its_own_count_and_what_is_outside_has_none():
    for _ in range(3):
        assert printed("{% for a in range(1000) %}{{ a }}{% endfor %}").endswith("999")
    assert spend(10 * STEPS)
    with limits(), pytest.raises(TooMuch):
        spend(STEPS + 1)


def test_a_template_that_prints_too_much_falls_back(tmp_path):
    (tmp_path / "fr" / "default").mkdir(parents=True)
    (tmp_path / "fr" / "default" / "publish.j2").write_text("x" * (LARGEST + 1))
    library = Library([tmp_path])
    with pytest.raises(TooMuch, match="more than 100,000"):
        library.printed("fr/default/publish.j2", "plain", {})
