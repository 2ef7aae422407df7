"""Health: the checks, the conditions that count as trouble, and the notices to those on call.

`monitor` decides without input or output; `checks` runs each minute; `notices` stores the warnings as messages, so that
lanes send them. Waiting alerts (`approvals`) and events at the desk (`desk_events`) are reported too.
"""
