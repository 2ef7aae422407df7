"""Telegram: `wire` sends, `answers` tells what an answer means, `channel` is the channel, `search` finds lost posts.

`bulk` tells one message to many private chats, `client` is the bot's side of a conversation.
"""
