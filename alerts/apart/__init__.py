"""Reads strangers' bytes in separate processes, which share neither the daemon's interpreter nor its secrets.

`parser` marks a function that reads a stranger's data; the rooms call it by `read` (on the loop) or `apart` (in a
thread), and `pool` has it done by one of a few processes (`child`), within limits that the system enforces. Why:
docs/adr/0039-strangers-bytes-are-read-apart.md.
"""
