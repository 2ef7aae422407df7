"""What people say about the town's posts, and what the town answers.

It is off until channels.toml says `hears` or names a feed; then remarks come in by one way (`hearing.py`), whoever
brings them: an ear that asks (`ears.py`), a webhook, the bot, an officer. What the town asks is in `polls.py`.
"""
