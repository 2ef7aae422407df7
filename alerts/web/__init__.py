"""The daemon's HTTP service."""
