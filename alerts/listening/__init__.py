"""People's remarks on the town's posts, and the town's answers.

It is off until channels.toml has `hears` or names a feed; then all remarks come in by one way (`hearing.py`): from a
polling ear (`ears.py`), a webhook, the bot, an officer. The town's own questions are in `polls.py`.
"""
