"""The whole program as real processes against the sandbox, killed at random; what is there is held against promises."""
