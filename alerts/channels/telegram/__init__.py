"""Telegram: `wire` sends, `answers` interprets answers, `channel` is the channel, `search` finds lost posts.

`bulk` sends one message to many private chats, `client` is the bot's side of a conversation.
"""
