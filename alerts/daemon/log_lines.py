"""The log: key=value on a terminal, JSON elsewhere; facts with fields, on standard error."""

from __future__ import annotations

import logging
import os
import sys

import structlog

# Without the frames' locals: among them are the credentials of whoever was calling.
_PLAINLY = structlog.dev.plain_traceback


def set_up_log(level: str = "info") -> None:
    """Send structlog's events and the libraries' warnings to standard error, one line each."""
    on_terminal = sys.stderr.isatty()
    colours = on_terminal and not os.environ.get("NO_COLOR")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if on_terminal else "iso", utc=not on_terminal),
    ]
    if on_terminal:
        last: list[structlog.typing.Processor] = [
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=_PLAINLY)
        ]
    else:
        plainly = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
        last = [structlog.processors.ExceptionRenderer(plainly), structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_foreign(last)))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for library in ("httpx", "httpcore", "tweepy", "telegram", "oauthlib", "requests_oauthlib"):
        # At their lower levels these print addresses with tokens and OAuth parameters.
        logging.getLogger(library).setLevel(logging.WARNING)


def _foreign(last: list[structlog.typing.Processor]) -> list[structlog.typing.Processor]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
