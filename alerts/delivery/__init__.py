"""One lane per channel: the posts of that channel in order of priority, at the pace its platform allows.

Whether to send, when to try again and what an answer means are pure functions; the lane acts on them.
"""
