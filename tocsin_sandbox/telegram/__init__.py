"""The stand-in of Telegram: the Bot API."""
