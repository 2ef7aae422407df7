"""Says when it can't: what is looked at, what counts as trouble, and the notices that those on call get.

`monitor` decides without input or output; `checks` looks each minute; `notices` stores what is said as messages, so
that lanes send them. What waits for a person (`approvals`) and what happened at the desk (`desk_events`) too.
"""
