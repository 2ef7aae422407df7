"""The decisions: known or new, here or elsewhere, grave enough or not, published at once or after a review.

`actions` is the one entrance: the command line, the feeds and all others act through it, each action one transaction.
Everything the desk leaves out has a reason.
"""
