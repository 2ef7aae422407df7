"""The whole house in one process under virtual time: its world is decided by one seed, and audited at the end."""
