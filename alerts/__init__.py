"""Tocsin: a real-time local alert broadcaster for towns, counties and their like."""

__version__ = "0.1.0"
