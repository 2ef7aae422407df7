"""The promises to whoever programs against Tocsin, kept as files: a change of one shows in a commit."""
