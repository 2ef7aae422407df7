"""Composing an alert: one page, with each channel's post beside it as it is typed, and nothing typed is ever lost."""

from alerts.web.console.compose.routes import routes
from alerts.web.console.drafts import fields_of

__all__ = ["fields_of", "routes"]
