"""The whole program as real processes against the sandbox, killed at random; an audit checks what was promised."""
