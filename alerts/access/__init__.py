"""Who may come in: passwords, second factors, sessions, tokens, and the record that shows whether it was touched."""
