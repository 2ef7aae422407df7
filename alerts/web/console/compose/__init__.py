"""Composing an alert: one page, with each channel's post beside it as it is typed, and nothing typed is ever lost."""

from alerts.web.console.compose.prefill import fields_of
from alerts.web.console.compose.routes import routes

__all__ = ["fields_of", "routes"]
