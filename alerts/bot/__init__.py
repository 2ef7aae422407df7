"""The Telegram bot: conversations with subscribers and with officers, and how updates reach them."""
