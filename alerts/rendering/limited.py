"""A sandbox for a town's own templates in which nothing can be changed, run forever, or grow without end.

A template is rendered while an alert waits for it, in the event loop or in a thread, so no clock can stop it from
outside; and by a clock the same alert would differ between a quiet machine and a busy one. So it is counted, not timed
(docs/adr says why): each turn of a loop and each call of a macro costs as many *steps* as its body has nodes, each
filter, call and printed value some more by its length; a template that has spent `STEPS` is stopped. Operations that
take long in a single step (`"x" * 10**9`, `10 ** 10 ** 10`, padding to a width) are checked first.

The values given to a template are immutable (Jinja's immutable sandbox), among them the words that all posts share.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any

from jinja2 import TemplateRuntimeError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import FILTERS
from jinja2.runtime import Context, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment

STEPS = 50_000
"""The budget of one template: a hundred and fifty times the cost of the shipped ones, and a fiftieth of a second."""
LARGEST = 100_000
"""Characters of a text and things of a list that a template may make; the longest post has 63,206."""
LONGEST_SOURCE = 200_000
"""Characters of a template's file."""
MOST_TURNS = 1000
"""Of `range`."""
_BITS = 4096
"""Of a number."""
_PER_STEP = 64
"""Characters that are copied in the time of a step."""
# A call costs more than a node, whatever the function does.
_A_CALL = 10
# Nested values are measured down to this level; deeper ones are refused.
_DEEPEST = 8

_OF_TEXT = frozenset({
    "capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdecimal", "isdigit",
    "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "lower", "lstrip", "partition", "removeprefix",
    "removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines",
    "startswith", "strip", "swapcase", "title", "upper", "unescape", "striptags",
})  # fmt: skip
"""The methods of a text that don't lengthen it, and the two whose result is measured first."""
_OF_NUMBERS = frozenset(("real", "imag", "numerator", "denominator", "is_integer", "bit_length"))
_FILTERS = (
    "abs", "attr", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "forceescape",
    "groupby", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr",
    "replace", "reverse", "round", "safe", "select", "selectattr", "sort", "string", "sum", "title", "trim",
    "truncate", "unique", "upper", "urlencode", "wordcount",
)  # fmt: skip
"""Jinja's filters that a template may use: those that make a text no longer than what they are given, by much."""


class TooMuch(TemplateRuntimeError):
    """A template does more than a post needs."""


class _Spent:
    """The steps that one rendering has left."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS


# By context, since several renderings run in threads and tasks at the same time.
_SPENT: ContextVar[_Spent | None] = ContextVar("spent", default=None)


@contextmanager
def limits() -> Iterator[None]:
    """Everything that is rendered within shares one count of steps."""
    token = _SPENT.set(_Spent())
    try:
        yield
    finally:
        _SPENT.reset(token)


def spend(steps: int) -> bool:
    """Count so many steps; returns True, so that it can be used in a condition. Raises TooMuch if none are left."""
    spent = _SPENT.get()
    if spent is not None:
        spent.left -= steps
        if spent.left < 0:
            raise TooMuch("it repeats more than a post needs")
    return True


def fits(size: int) -> int:
    """The size, where it is one that a template may make. Raises TooMuch."""
    if size > LARGEST:
        raise TooMuch(f"it makes a text or a list of more than {LARGEST:,}")
    return size


def size_of(value: object, depth: int = _DEEPEST) -> int:
    """About how many characters a value has when it is written out, a list's as many as its things. Raises TooMuch."""
    if isinstance(value, str | bytes):
        return fits(len(value))
    if isinstance(value, int) and abs(value.bit_length()) > _BITS:
        raise TooMuch("it makes a number of more than a thousand digits")
    if not isinstance(value, list | tuple | set | frozenset | dict):
        return 1
    if depth == 0:
        raise TooMuch("it nests lists deeper than a post needs")
    things: Iterable[object] = (each for pair in value.items() for each in pair) if isinstance(value, dict) else value
    size = fits(len(value))
    for each in things:
        size = fits(size + size_of(each, depth - 1))
    return size


class _Compiler(CodeGenerator):
    """Calls what `_count` put into a template directly; a template's own calls go through the sandbox."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802 - Jinja's
        """Write the code of a call."""
        if not isinstance(node.node, nodes.EnvironmentAttribute):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        for place, given in enumerate(node.args):
            self.write(", " if place else "(")
            self.visit(given, frame)
        self.write(")")


class LimitedEnvironment(ImmutableSandboxedEnvironment):
    """As Jinja's, with everything counted. Its filters are the ones of `_FILTERS`, and what is added by `let`."""

    code_generator_class = _Compiler
    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, **settings: Any) -> None:
        super().__init__(finalize=_printed, **settings)
        self.filters = {name: _counted(name, FILTERS[name]) for name in _FILTERS}
        # It makes any amount of text in a single step.
        del self.globals["lipsum"]
        self.globals["range"] = _range
        self.spend, self.joined = spend, self._joined

    def let(self, **filters: Callable[[str], str]) -> None:
        """Filters of ours."""
        self.filters.update({name: _counted(name, function) for name, function in filters.items()})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse a template and insert the counting into it."""
        if len(source) > LONGEST_SOURCE:
            raise TooMuch(f"it has {len(source):,} characters, more than {LONGEST_SOURCE:,}")
        template = super()._parse(source, name, filename)
        _count(template)
        return template

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """One of the operators by which something grows."""
        # "%1000000d" pads to a million characters, in a step whose size nobody sees beforehand.
        if operator == "%" and isinstance(left, str | bytes):
            raise TooMuch("it formats with %: write the parts one after the other")
        _must_fit(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """True if the attribute may be read: of texts and numbers, only those that make nothing grow."""
        if isinstance(obj, str):
            return attr in _OF_TEXT
        if isinstance(obj, int | float | complex):
            return attr in _OF_NUMBERS
        return not isinstance(obj, bytes | bytearray) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """None for what is no `format` of a text; that pads to any width."""
        if super().wrap_str_format(value) is None:
            return None
        raise TooMuch("it formats a text: write the parts one after the other")

    def call(self, context: Context, function: Any, /, *args: Any, **named: Any) -> Any:
        """A call of a function or method that the template was given."""
        spend(_A_CALL)
        said = getattr(function, "__self__", None)
        if isinstance(said, str):
            _must_fit_method(said, getattr(function, "__name__", ""), args)
        return super().call(context, function, *args, **named)

    def _joined(self, *parts: Any) -> str:
        """Return the result of `a ~ b`."""
        spend(_A_CALL + 1 + fits(sum(map(size_of, parts))) // _PER_STEP)
        return markup_join(parts) if self.autoescape else str_join(parts)


def _must_fit(operator: str, left: Any, right: Any) -> None:
    """Raise TooMuch where an operator would make more than fits."""
    numbers = [each for each in (left, right) if isinstance(each, int)]
    sizes = [len(each) for each in (left, right) if isinstance(each, str | bytes | list | tuple)]
    if operator == "+" or len(sizes) == 2:
        fits(sum(sizes))
    elif operator == "*" and sizes and numbers:
        fits(sizes[0] * max(numbers[0], 0))
    elif operator == "**" and len(numbers) == 2 and abs(left).bit_length() * max(right, 0) > _BITS:
        raise TooMuch("it makes a number of more than a thousand digits")
    for each in (left, right):
        size_of(each) if isinstance(each, int) else None
    spend(1 + sum(sizes) // _PER_STEP)


def _must_fit_method(said: str, method: str, args: tuple[Any, ...]) -> None:
    for each in args:
        if not isinstance(each, Iterator):
            size_of(each)
    if method == "replace" and len(args) > 1 and all(isinstance(each, str) for each in args[:2]):
        fits(len(said) + said.count(args[0]) * len(args[1]))
    elif method == "join" and args:
        fits(_length_joined(args[0], said))
    spend(1 + len(said) // _PER_STEP)


def _length_joined(things: Any, between: str) -> int:
    if isinstance(things, Iterator):
        raise TooMuch("it joins what can't be counted: make a list of it first")
    size = size_of(things if isinstance(things, str | list | tuple | dict | set | frozenset) else list(things))
    return size + len(between) * len(things)


def _counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that costs by what it is given."""
    hidden = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def counted(*args: Any, **named: Any) -> Any:
        given = args[hidden:]
        # A generator has no length: what fits is taken out of it, and one more that tells that it was too much.
        if given and name in ("join", "sum", "list", "sort", "unique", "string") and isinstance(given[0], Iterator):
            given = (list(islice(given[0], LARGEST + 1)), *given[1:])
            args = (*args[:hidden], *given)
        size = sum(size_of(each) for each in (*given, *named.values()))
        if name == "join":
            size = fits(_length_joined(given[0], str(named.get("d", given[1] if len(given) > 1 else ""))))
        if name == "replace" and len(given) > 2:
            size = fits(len(str(given[0])) + str(given[0]).count(str(given[1])) * len(str(given[2])))
        spend(1 + fits(size) // _PER_STEP)
        made = function(*args, **named)
        size_of(made)
        return made

    return counted


def _printed(value: Any) -> Any:
    """A value on its way into the text; None prints nothing."""
    if value is None:
        return ""
    spend(1 + size_of(value) // _PER_STEP)
    return value


def _range(*bounds: int) -> range:
    turns = range(*bounds)
    if len(turns) > MOST_TURNS:
        raise TooMuch(f"its range has {len(turns):,} turns, more than {MOST_TURNS:,}")
    return turns


# --- the counting, put into a template ------------------------------------------------------------------------------


def _count(template: nodes.Template) -> None:
    """Let each repeatable body count its cost, and join texts by the checked operation."""
    for loop in template.find_all(nodes.For):
        if loop.test is not None:
            # A loop's filter runs for each thing, also for those that the body never sees.
            loop.test = nodes.And(_spending(_weight(loop.test), loop.lineno), loop.test, lineno=loop.lineno)
    # Before bodies are weighed: the calls that stand for `~` are to be counted too.
    _join_safely(template)
    repeated: list[Any] = [template, *template.find_all((nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block))]
    for each, weight in [(each, _weight(each)) for each in repeated]:
        each.body.insert(0, nodes.ExprStmt(_spending(weight, each.lineno or 1), lineno=each.lineno or 1))
    # Nodes that were put in belong to no environment yet, and compiling asks for one.
    if template.environment is not None:
        template.set_environment(template.environment)


def _join_safely(node: nodes.Node) -> None:
    for name, value in [*node.iter_fields()]:
        if isinstance(value, list):
            setattr(node, name, [_safely_joined(each) for each in value])
        elif isinstance(value, nodes.Node):
            setattr(node, name, _safely_joined(value))
    for child in node.iter_child_nodes():
        _join_safely(child)


def _safely_joined(value: Any) -> Any:
    # Jinja compiles `a ~ b` into a join of its own that no hook of the sandbox sees.
    if not isinstance(value, nodes.Concat):
        return value
    line = value.lineno
    return nodes.Call(nodes.EnvironmentAttribute("joined", lineno=line), value.nodes, [], None, None, lineno=line)


def _spending(steps: int, line: int) -> nodes.Call:
    spent = nodes.Const(_A_CALL + steps, lineno=line)
    return nodes.Call(nodes.EnvironmentAttribute("spend", lineno=line), [spent], [], None, None, lineno=line)


def _weight(node: nodes.Node) -> int:
    """How many steps a body takes once: its nodes, and the letters that it prints."""
    return 1 + sum(
        1 + (len(each.data) // _PER_STEP if isinstance(each, nodes.TemplateData) else 0)
        for each in node.find_all(nodes.Node)
    )
