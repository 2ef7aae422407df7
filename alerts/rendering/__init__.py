"""Alerts into words: templates, the station's language and time zone, and the count and the cut of each platform."""
