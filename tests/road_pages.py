"""Files of works on roads for tests: incidents of CIFS, and situations of DATEX II."""

from __future__ import annotations

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
TOMORROW = ("2026-11-26T08:00:00+01:00", "2026-11-26T17:00:00+01:00")


def incident(name: str = "i1", **said: str | None) -> str:
    told = {
        "type": "ROAD_CLOSED",
        "street": "Rue Haute",
        "polyline": "45.1 5.1 45.2 5.2",
        "starttime": TOMORROW[0],
        "endtime": TOMORROW[1],
    } | said
    return (
        f'<incident id="{name}">'
        + "".join(f"<{tag}>{text}</{tag}>" for tag, text in told.items() if text)
        + "</incident>"
    )


def incidents(*those: str) -> bytes:
    return f"<incidents>{''.join(those)}</incidents>".encode()


def record(kind: str = "RoadOrCarriagewayOrLaneManagement", managed: str | None = "roadClosed", **said: str) -> str:
    told = {
        "overallStartTime": TOMORROW[0],
        "overallEndTime": TOMORROW[1],
        "latitude": "45.5",
        "longitude": "5.5",
    } | said
    inside = "".join(f"<{tag}>{text}</{tag}>" for tag, text in told.items() if text)
    manages = (
        f"<roadOrCarriagewayOrLaneManagementType>{managed}</roadOrCarriagewayOrLaneManagementType>" if managed else ""
    )
    road = "<roadName><value>D524</value></roadName>"
    return f'<situationRecord xsi:type="sit:{kind}">{road}{inside}{manages}</situationRecord>'


def situations(*records: str, head: str = "", name: str = "s1") -> bytes:
    inside = f'<situation id="{name}">{head}{"".join(records)}</situation>'
    return f"<messageContainer {XSI}><payload>{inside}</payload></messageContainer>".encode()
