"""The bot that citizens subscribe with, and that tells officers what waits: conversations, and how they come in."""
