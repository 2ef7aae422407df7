"""Ours against the barest code that does the same, in the same run: `python -m bench [SUBJECT …]`.

Only ratios travel from one machine to another, so only ratios have goals. docs/benchmarks.md says what each row means.
"""
