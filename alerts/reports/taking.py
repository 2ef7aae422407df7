"""The one intake of citizens' reports: the page, the bot, programs, Open311, officers and commands come here.

A report is identified by the key of its form: a form that is sent twice is one report, with one number and one private
link. All of it is stored in one transaction: the checks' result, the report, its number, its source and its first step.
The reporter is identified only by a digest (`sources_of`) under a secret of the day, which is deleted with it.

`take` is the part in the transaction; `alerts.reports.intake` does the rest, for a daemon.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.access.sessions import digest
from alerts.desk.draft import OFFICE
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.listening.remark_acts import SeeToRemark
from alerts.model.bounds import bounded, seal_of, seen
from alerts.model.errors import Misuse
from alerts.model.hazard import fold
from alerts.model.person import Act, Actor, Role, fold_name
from alerts.model.reason import Reason, because
from alerts.model.reports import (
    LONGEST_PLACE,
    LONGEST_TEXT,
    CitizenReport,
    ReportKind,
    ReportPhoto,
    ReportSource,
    ReportsSection,
    ReportState,
    ReportStep,
    Telling,
    Via,
)
from alerts.model.town import Town
from alerts.reports.drafting import AlertsNow, Came, consider
from alerts.reports.photos import Photo
from alerts.reports.places import Places
from alerts.reports.spam_checks import DAY, OUTSIDE, Facts, most_earlier, must_keep_pace, sift
from alerts.store.unit import Unit

BACKDATED = timedelta(days=1)
"""The maximum age of a report whose time an officer or a program gives."""
MOST_UNREVIEWED_PHOTOS = 200
"""If so many photos (of up to a megabyte) await review, an unproven report with another one is refused."""
_LONGEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class ReportDraft:
    """A report as submitted, whatever way it came. `placed` finds its `district`, and whether it `is_outside` the town.

    `source` is the reporter: `net 192.0.2.0/24` (`alerts.model.bounds.network_of`), `chat telegram:123`, `key OPAQUE`;
    it is never stored, only digests of it. `key` identifies a report sent again, and must be as hard to guess as its
    private link, which whoever has the key gets. `chat` is the chat to notify, as (channel, chat's id). `at` is when it
    happened, which only officers and programs may give. `doubt` is a reason for a review, found at the entrance (no
    proof of work, a form sent too fast). `by` is the officer, or the program's owner, who submits it, and `utterance`
    the remark it was made from.
    """

    kind: str
    via: Via
    source: str
    lat: float | None = None
    lon: float | None = None
    address: str | None = None
    text: str = ""
    photo: bytes | None = None
    language: str = "fr"
    key: str | None = None
    chat: tuple[str, int] | None = None
    at: datetime | None = None
    doubt: Reason | None = None
    by: Actor | None = None
    utterance: str | None = None
    district: str | None = None
    is_outside: bool = False


@dataclass(frozen=True, slots=True)
class TakenReport:
    """The result of taking a report; `token` is the proof of its private link: `/report/NUMBER/TOKEN`.

    `fresh`: it was not stored before. `drafted` is the id of the waiting alert that cites it, `incident` that of the
    current incident that it is about. `came` has its other effects.
    """

    report: CitizenReport
    token: str
    fresh: bool = True
    drafted: str | None = None
    incident: str | None = None
    came: Came = field(default_factory=Came)


def section_of(town: Town) -> ReportsSection:
    """Return the town's section of reports; an empty one if it takes none."""
    return town.reports if town.reports is not None else ReportsSection()


def kind_of(town: Town, code: str) -> ReportKind:
    """Return the kind of that code. Raises Misuse if there is none, or if it shows a `stop` in place of the form."""
    kind = section_of(town).kind(code)
    if kind is None:
        raise Misuse(because("no_such_kind", name=code[:40], known=[each.code for each in section_of(town).kinds]))
    if kind.stop is not None:
        raise Misuse(because("report_stopped", stop=kind.stop))
    return kind


def prefix_of(town: Town) -> str:
    """Return the configured prefix of its reports' numbers, else its initials (`Ville de Saint-Martin`: `SM`)."""
    prefix = section_of(town).prefix
    words = re.findall(r"[a-z0-9]+", fold(OFFICE.sub("", town.name)))
    initials = "".join(word[0] for word in words) if len(words) > 1 else "".join(words)[:2]
    return prefix or initials[:_LONGEST_PREFIX].upper() or "R"


def sources_of(unit: Unit, source: str, now: datetime) -> tuple[str, str]:
    """Return a source's digests under the secrets of today and of yesterday.

    Within a day a source always has the same two digests; after midnight, its first one becomes the second.
    """
    return _sources_of(unit, source, now)[:2]


def _sources_of(unit: Unit, source: str, now: datetime) -> tuple[str, str, bytes]:
    """Return a source's digests, and the secret of the links, by one query."""
    today, before, links = f"day {now.date()}", f"day {now.date() - timedelta(days=1)}", "links"
    kept = secrets_of(unit, (today, before, links), now)
    return seal_of(kept[today], source), seal_of(kept[before], source), kept[links]


def secrets_of(unit: Unit, names: Sequence[str], now: datetime) -> dict[str, bytes]:
    """Return the town's secrets of these names; a missing one is created and stored."""
    kept = unit.reports.secrets({name: secrets.token_hex(32) for name in names}, now)
    return {name: bytes.fromhex(value) for name, value in kept.items()}


def check(town: Town, draft: ReportDraft, now: datetime) -> ReportKind:
    """Return the draft's kind. Raises Misuse if the report can't be taken, whoever sends it."""
    kind = kind_of(town, draft.kind)
    if draft.lat is None or draft.lon is None:
        raise Misuse(because("report_without_place"))
    if not _is_on_globe(draft.lat, draft.lon):
        raise Misuse(because("report_off_globe", lat=str(draft.lat), lon=str(draft.lon)))
    if len(draft.text) > LONGEST_TEXT:
        raise Misuse(because("report_text_long", count=len(draft.text), most=LONGEST_TEXT))
    if draft.at is not None and not now - BACKDATED <= draft.at <= now:
        raise Misuse(because("report_at_when", hours=round(BACKDATED / timedelta(hours=1))))
    return kind


def placed(draft: ReportDraft, places: Places) -> ReportDraft:
    """Return the draft with a position if it had an address alone, and the nearest address if a position alone.

    Its district is added too. Raises Misuse for an unknown address.
    """
    if draft.lat is None or draft.lon is None:
        spot = places.find(draft.address) if draft.address else None
        if spot is None and draft.address:
            if near := list(places.suggestions(draft.address)):
                raise Misuse(because("report_address_near", near=near))
            raise Misuse(because("report_address_unknown"))
        draft = replace(draft, lat=spot.point[0], lon=spot.point[1], address=spot.words) if spot else draft
    elif _is_on_globe(draft.lat, draft.lon):
        draft = replace(draft, address=draft.address or places.nearest(draft.lat, draft.lon))
    return _in_its_district(draft, places)


def _in_its_district(draft: ReportDraft, places: Places) -> ReportDraft:
    if draft.lat is None or draft.lon is None or not _is_on_globe(draft.lat, draft.lon):
        return draft
    district = places.district_of(draft.lat, draft.lon)
    is_outside = district is None and not places.is_here(draft.lat, draft.lon)
    return replace(draft, district=district.code if district else None, is_outside=is_outside)


def _is_on_globe(lat: float, lon: float) -> bool:
    return -90 <= lat <= 90 and -180 <= lon <= 180


def take(
    unit: DeskUnit, draft: ReportDraft, photo: Photo | None = None, alerts: AlertsNow | None = None
) -> TakenReport:
    """Take a report, which is stored with the unit's transaction. One with a known key is returned as it is stored.

    `photo` is the draft's, re-encoded; `alerts` has the current alerts, if several reports are taken in one
    transaction. Raises Misuse, before anything is written.
    """
    town, now = unit.desk.station, unit.now
    kind = check(town, draft, now)
    source, before, links = _sources_of(unit, _counted_source(unit, draft), now)
    key = draft.key or f"once {unit.new_id()}"
    # Derived from the form's key by a secret: a form sent again leads to the same page, and nobody can forge a token.
    token = seal_of(links, f"token {draft.via} {key}")[:32]
    key_digest = seal_of(links, f"key {draft.via} {key}")
    known = unit.reports.by_key(key_digest)
    if known is not None:
        return TakenReport(known, token, fresh=False, drafted=known.draft, incident=known.incident)
    doubt = sift(draft, _facts(unit, (source, before), photo))
    new = _report_of(unit, draft, digest(token), doubt, photo)
    report = replace(new, key=key_digest, source=source, source_before=before)
    if (
        photo is not None
        and report.is_unproven
        and unit.reports.unreviewed_photos(MOST_UNREVIEWED_PHOTOS) >= MOST_UNREVIEWED_PHOTOS
    ):
        raise Misuse(because("photo_no_room"))
    unit.reports.add(report)
    if photo is not None:
        unit.reports.put_photo(ReportPhoto(report.id, photo.jpeg, photo.likeness, now))
    # The sender sees its number at once: the chat needs no notification of this step.
    unit.reports.step(ReportStep(report.id, now, report.state, by=report.by, told_at=now), report.channel, report.chat)
    if draft.by is not None:
        officer = Officer(unit, draft.by)
        officer.write(Act.REPORT, report.number, "report added")
        if draft.utterance is not None and unit.desk.station.listens:
            SeeToRemark(draft.utterance).done_by(officer)
    came = _count_teller(
        unit, kind, report, ReportSource(report.id, source, before, report.at), alerts, outside=draft.is_outside
    )
    kept = replace(report, draft=came.draft, incident=came.incident)
    return TakenReport(kept, token, drafted=came.draft, incident=came.incident, came=came)


def _counted_source(unit: DeskUnit, draft: ReportDraft) -> str:
    """Return the source that counts in clusters: one officer is one source, whichever way they type reports in.

    Nobody can see from outside how many people they listened to. A report made from a remark that was read on a
    platform is the remark's author's, and a program (`reporter`) names its sources itself.
    """
    if draft.by is None or draft.by.role is Role.REPORTER:
        return draft.source
    utterance = unit.listening.utterance(draft.utterance) if draft.utterance is not None else None
    if utterance is not None and utterance.by is None:
        return draft.source
    officer = utterance.by if utterance is not None and utterance.by is not None else draft.by.name
    return f"officer {fold_name(officer)}"


def _report_of(
    unit: DeskUnit, draft: ReportDraft, token: str, doubt: Reason | None, photo: Photo | None
) -> CitizenReport:
    """Return the draft as a report with its number; `doubt` is the reason for a review."""
    now = unit.now
    return CitizenReport(
        id=unit.new_id(),
        number=_number(unit, unit.desk.station, now),
        kind=draft.kind,
        state=ReportState.HELD if doubt else ReportState.RECEIVED,
        held=doubt,
        at=draft.at or now,
        received_at=now,
        changed_at=now,
        token=token,
        via=draft.via,
        lat=draft.lat,
        lon=draft.lon,
        place=_line(draft.address or "", LONGEST_PLACE) or None,
        district=draft.district,
        text=_words(draft.text) or None,
        language=draft.language[:35],
        channel=draft.chat[0] if draft.chat else None,
        chat=draft.chat[1] if draft.chat else None,
        by=draft.by.name if draft.by is not None else None,
        utterance=draft.utterance,
        has_photo=photo is not None,
        likeness=photo.likeness if photo else None,
    )


def _facts(unit: DeskUnit, sources: Sequence[str], photo: Photo | None = None) -> Facts:
    earlier = unit.reports.earlier_tellings(sources, unit.now - DAY, most_earlier())
    words = section_of(unit.desk.station).words
    return Facts(unit.now, earlier, photo.likeness if photo else None, words)


def _count_teller(
    unit: DeskUnit,
    kind: ReportKind,
    report: CitizenReport,
    teller: ReportSource,
    alerts: AlertsNow | None = None,
    *,
    outside: bool = False,
) -> Came:
    """Store who sent or confirmed a report; return the effects on clusters, none if the report is outside the town."""
    lat, lon = report.lat, report.lon
    if lat is None or lon is None or outside or (report.held is not None and report.held.code == OUTSIDE):
        unit.reports.tell(teller)
        return Came()
    unit.reports.tell(replace(teller, kind=report.kind, lat=lat, lon=lon))
    is_proven = teller.source != report.source or not report.is_unproven
    telling = Telling(
        report.id, lat, lon, teller.at, teller.source, teller.source_before, by=report.by, proven=is_proven
    )
    return consider(unit, kind, report, telling, alerts)


def agree(unit: DeskUnit, report_id: str, source: str) -> Came | None:
    """Record that another person confirms a report. Returns the effects; None if they had, or if it is closed.

    Raises Misuse if the town takes no reports of that kind any more, and if one source confirms far too many.
    """
    report = unit.reports.by_id(report_id)
    if report is None or not report.is_open:
        return None
    kind = kind_of(unit.desk.station, report.kind)
    own, before = sources_of(unit, source, unit.now)
    # The reporter, and whoever confirmed it before, adds nothing. Both digests count, since it may be past midnight.
    if any({own, before} & {each.source, each.source_before} for each in unit.reports.tellers([report.id])):
        return None
    must_keep_pace(source, _facts(unit, (own, before)))
    unit.reports.add_reporters(report.id)
    return _count_teller(unit, kind, report, ReportSource(report.id, own, before, unit.now))


def _number(unit: Unit, town: Town, now: datetime) -> str:
    year = now.astimezone(town.zone).year
    return f"{prefix_of(town)}-{year % 100:02}-{unit.reports.next_number(year):04}"


def _line(text: str, most: int) -> str:
    return " ".join(seen(bounded(text, most)).split())


def _words(text: str) -> str:
    lines = (" ".join(line.split()) for line in seen(bounded(text, LONGEST_TEXT)).splitlines())
    return "\n".join(lines).strip()


def link_of(town: Town, number: str, token: str) -> str:
    """Return the address of a report's private page; only its path if the town has no public address."""
    return f"{town.public_url or town.mount}/report/{number}/{token}"
