"""Sign-in: passwords, second factors, sessions, tokens, and an audit log that reveals tampering."""
