"""Where strangers' bytes are read: in processes beside the daemon, which hold neither its interpreter nor its secrets.

`parser` marks a function that reads what a stranger wrote; the rooms call it by `read` (on the loop) or `apart` (in a
thread), and `pool` has it done by one of a few processes (`child`), within limits that the system enforces. Why:
docs/adr/0039-strangers-bytes-are-read-apart.md.
"""
