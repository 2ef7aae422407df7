"""Who may sign in: passwords, second factors, sessions, tokens, and an audit log that shows whether it was changed."""
