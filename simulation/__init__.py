"""The whole daemon in one process under virtual time: one seed decides its world, and an audit reads the result."""
