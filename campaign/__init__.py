"""The whole program as real processes against the sandbox, killed at random; what is seen is held against what was said."""
