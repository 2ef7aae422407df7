"""The stand-in of a town's own system that takes signed posts."""
