"""What is said of citizens' reports: why one isn't taken, why it is held, and what became of it.

Reasons like any other (`reason.py` is where they are read).
"""

from __future__ import annotations

from collections.abc import Mapping

REPORTED: Mapping[str, str] = {
    # Not taken
    "no_such_kind": "'{name}' is no kind of report; known: {known}",
    "report_stopped": "{stop}",
    "report_address_unknown": "that address isn't known here; give a position, or another address",
    "report_address_near": "that address isn't known here; perhaps {near}",
    "report_without_place": "where is it? Give a position or an address",
    "report_off_globe": "{lat}, {lon} is no place on the globe",
    "report_text_long": "the text has {count} characters; allowed: {most}",
    "report_at_when": "it can be told of the last {hours} hours, not of later than now",
    "reports_too_many": "too many reports come in at once; please try again in a minute",
    "report_far_too_many": (
        "a great many reports came from your network or chat; please try again in an hour, and in danger call 112"
    ),
    # Held for an officer
    "report_pace": "{count} reports came from one network or chat within {hours} h",
    "report_same_words": "whoever sent it said the same in {report}",
    "report_same_photo": "whoever sent it sent the same photo with {report}",
    "report_outside": "the place is outside the town",
    "report_words": "it says “{words}”",
    # The page's form, which doubts or refuses what no hand sends
    "report_without_kind": "what is it? Choose one of the kinds",
    "report_form_unknown": "its form is none of this page's",
    "report_form_hasty": "its form was sent sooner than anybody fills it in",
    "report_form_old": "its form was opened more than {hours} hours before",
    "report_form_trap": "a field was filled in that nobody sees",
    "report_form_slow": "it took too long to arrive; try again, without a photo where the network is slow",
    "report_form_unread": "what was sent can't be read; please send the form once more",
    "report_photos_many": "too many photos arrive just now; send it without, or try again in a minute",
    # Its photo, and its proof of work
    "photo_too_large": "the photo has {size:number} MB; allowed: up to {most} MB",
    "photo_of_no_kind": "this is no photo that can be taken; allowed: JPEG, PNG or WebP",
    "photo_many_pixels": "the photo has {width} × {height} pixels; allowed: up to {most} million",
    "photo_broken": "the photo can't be opened: it is broken or cut off; allowed: a whole one",
    "photo_unfetched": "the photo couldn't be fetched from Telegram; please send it once more",
    "photo_box": "a box covers nothing of the photo",
    "proof_missing": "it came without a proof of work, as from a browser without scripts",
    "proof_wrong": "its proof of work is wrong",
    "proof_late": "its proof of work is too old",
    "proof_spent": "its proof of work was used before",
    # For programs, and on the way to other servers
    "no_reports_here": "this town takes no reports: channels.toml has no [reports]",
    "position_unread": "{text} is no position; allowed: latitude and longitude, such as 45.19,5.71",
    "forward_key_refused": "the receiver doesn't accept our key ({status}); mend key in [reports.forward.{name}]",
    "forward_private": "{host} is in the town's own network; allow_private in [reports.forward.{name}] allows that",
    "forward_cut_off": "Tocsin ended while it was being sent",
    "forward_not_found": "the answer was lost and the report isn't found there, where it may be all the same",
    "forward_given_up": "given up after {days} days: {why}",
    "forward_of_nothing": "nothing of it is left to be sent, or its kind isn't handed on any more",
    "nothing_to_forward": "nothing of {name} failed or is in doubt on its way to another server",
    # By Open311
    "open311_not_utf8": "the form is no UTF-8 text",
    "open311_many_fields": "the form has more than {most} fields",
    "open311_twice": "{name} is given twice",
    "open311_moment": "{name} is no time; allowed: such as 2026-11-27T12:00:00Z, with its offset",
    "open311_many_ids": "too many numbers at once; allowed: {most}",
    "open311_status": "{name} is something else; allowed: {allowed}",
    "open311_span": "{first} and {last} may be {days} days apart, the earlier one first",
    "open311_key": "{name} is missing or unknown, or was withdrawn; the town hall gives one",
    "open311_no_service": "{name} is missing: it says what is reported",
    "open311_unknown": "there is no request of that number",
    "open311_jurisdiction": "{name} is another town's; leave it out",
    "open311_long": "the address is too long; allowed: up to {most} characters",
    "open311_no_method": "{method} does nothing here; reports are sent to {name} by POST",
    "open311_no_address": "there is no such address; one ends as {name} does",
    "open311_contact": "the town hall: {town}",
    "open311_key_service": "a key is a token that the town hall gives: {town}",
    "open311_public": "shown on the town's map once an officer has accepted it",
    "open311_not_public": "seen by those on duty alone",
    "open311_link": "where it stands, and how to erase it: {link}",
    "open311_cut": "of the description the first {most} characters are kept",
    "open311_no_media": "the address in {name} isn't opened; the town's own page takes a photo",
    # What many report
    "several_report": "Several residents report: {kind} ({places})",
    "drafted_of_reports": "made of what residents reported: {reports}",
    "several_reported": (
        "{count} residents reported this between {since:clock} and {until:clock}, within {metres} m. It isn't "
        "confirmed yet."
    ),
}
"""By code; `SENTENCES` holds them with all others."""
