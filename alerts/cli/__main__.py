"""`python -m alerts.cli` is `tocsin`."""

from alerts.cli import main

main()
