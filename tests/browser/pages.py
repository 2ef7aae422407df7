"""Every page in one place, for checks and pictures; tests hold the desk's and the public's against the routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.browser.editions import STATES
from tests.browser.lively import Day
from tests.browser.public_town import PublicDay

BEHIND: Mapping[str, Callable[[Day], tuple[str, ...]]] = {
    "/": lambda _: ("/",),
    "/alerts": lambda _: ("/alerts",),
    "/alerts/{id}": lambda day: (f"/alerts/{day.thread}", f"/alerts/{day.failed}", f"/alerts/{day.exercise}"),
    "/alerts/{id}/report": lambda day: (f"/alerts/{day.thread}/report",),
    "/left-out": lambda _: ("/left-out",),
    "/notices": lambda _: ("/notices",),
    "/channels": lambda _: ("/channels",),
    "/timeline": lambda _: ("/timeline",),
    "/calendar": lambda _: ("/calendar",),
    "/waiting": lambda _: ("/waiting",),
    "/waiting/{id}": lambda day: (f"/waiting/{day.waiting}", f"/waiting/{day.exercise}", f"/waiting/{day.vetoed}"),
    "/compose": lambda day: (
        "/compose",
        "/compose?hazard=water-cut",
        "/compose?hazard=evacuation&exercise=1",
        f"/compose?update={day.thread}",
    ),
    "/polls": lambda _: ("/polls",),
    "/polls/new": lambda _: ("/polls/new",),
    "/account": lambda _: ("/account",),
    "/account/code": lambda _: ("/account/code",),
    "/accounts": lambda _: ("/accounts",),
    "/record": lambda _: ("/record",),
    "/offline": lambda _: ("/offline",),
}
"""What an administrator sees: the route, and addresses of it on a lively day."""
OF_A_POLL = ("/polls/{id}", "/polls/{id}/publish")
"""What there is to see of a poll."""
WHERE_IT_LISTENS = ("/heard", "/heard/all", "/heard/questions/{id}", "/heard/said/{id}")
"""What an author sees where the town listens; `test_listening` looks at them."""
WHERE_PEOPLE_REPORT: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "/reports": lambda _: "/reports",
    "/reports/{number}": lambda told: f"/reports/{told['road']}",
    "/reports/{number}/photo": lambda told: f"/reports/{told['road']}/photo",
    "/reports/new": lambda _: "/reports/new",
    "/reports/notices": lambda _: "/reports/notices",
}
"""What an author sees where the town takes reports; `test_reports_desk` looks at them."""
ON_THE_WAY_IN = ("/sign-in", "/sign-in/password", "/sign-in/second-factor", "/sign-in/code")
"""What is seen while somebody signs in, in that order."""
NO_PAGES: Mapping[str, str] = {
    "/alerts/{id}.xml": "CAP",
    "/alerts/{id}/picture": "a picture",
    "/compose/draft": "what a script asks",
    "/compose/pictures/{name}": "a picture",
    "/districts.geojson": "outlines for the map",
    "/events": "what is live",
    "/fragments/alerts/{id}": "a part of a page",
    "/fragments/channels": "a part of a page",
    "/fragments/heard": "a part of a page",
    "/fragments/now": "a part of a page",
    "/fragments/reports": "a part of a page",
    "/looks/cards/{digest}.png": "a picture",
    "/looks/logo": "a picture",
    "/manifest.webmanifest": "what makes an app of the desk",
    "/worker.js": "a script",
    "/polls/{id}/picture.png": "a picture",
    "/reports/export.csv": "a file",
    "/reports/export.geojson": "a file",
    "/reports/map.geojson": "pins for the map",
    "/reports/{number}/photo.jpg": "a picture",
    "/waiting/{id}/picture/{digest}": "a picture",
}
"""What can be asked for and is no page, with what it is."""
NO_SUCH_PAGE = "/no/such/page"
IN_FILES: Mapping[str, Sequence[str]] = {
    "/": tuple(STATES),
    "/alerts/{id}": ("calm", "severe", "extreme"),
    "/easy": ("calm", "extreme", "stale"),
    "/embed": ("calm", "severe", "stale"),
    "/streets": ("calm", "severe", "stale"),
    "/poster": ("calm",),
    "/privacy": ("calm",),
    "/404.html": ("calm",),
}
"""The town's own pages that are in an edition, and the states that each is looked at in (`test_every_page`)."""
ON_SCREENS = ("/panel", "/panel/{n}")
"""What screens show; `test_panel` looks at them in its own states and sizes."""
ANSWERED = (
    "/mail",
    "/mail/confirm/{seal}",
    "/mail/{token}",
    "/sms",
    "/sms/{token}",
    "/polls/{poll}",
    "/report",
    "/report/{number}/{token}",
    "/reports",
    "/reports/{number}",
    "/reports/{number}/notice",
    "/reports/{number}/notice/{notice}",
)
"""The town's own pages that the daemon answers: each is visited by `test_every_page`, in all that it can say."""
PUBLIC_NO_PAGES: Mapping[str, str] = {
    "/accent.css": "a colour",
    "/alerts.geojson": "for maps",
    "/alerts/{id}.geojson": "for maps",
    "/alerts/{id}/card.png": "a picture",
    "/calendar.ics": "a calendar",
    "/cap/{id}.xml": "CAP",
    "/card.png": "a picture",
    "/districts.geojson": "for maps",
    "/embed.html": "a part of a page",
    "/events": "what is live",
    "/favicon.svg": "a picture",
    "/feed.atom": "a feed",
    "/healthz": "for those who operate it",
    "/icon.png": "a picture",
    "/logo.svg": "a picture",
    "/manifest.webmanifest": "for the browser",
    "/metrics": "for those who operate it",
    "/panel.json": "for programs",
    "/panel.txt": "for displays",
    "/polls/{poll}.json": "for programs",
    "/push/key": "for programs",
    "/readyz": "for those who operate it",
    "/report/challenge": "what a script asks",
    "/report/fresh": "what a script asks",
    "/report/streets.json": "what a script asks",
    "/reports.geojson": "for maps",
    "/reports/{number}.jpg": "a picture",
    "/robots.txt": "for programs",
    "/signaler": "leads to the form",
    "/sitemap.xml": "for programs",
    "/static/{file}": "style, scripts, pictures",
    "/streets.json": "what a script asks",
    "/sw.js": "for the browser",
    "/{path}": "whatever an edition answers",
}
"""What the public side answers and is no page, with what it is."""
PUBLIC: Mapping[str, Callable[[PublicDay], str]] = {
    "now": lambda _: "",
    "grave": lambda day: f"alerts/{day.grave}",
    "mapped": lambda day: f"alerts/{day.mapped}",
    "works": lambda day: f"alerts/{day.works}",
    "over": lambda day: f"alerts/{day.over}",
    "embed": lambda _: "embed",
    "not-found": lambda _: "404.html",
}
"""The town's own page: what is to be seen there, and where below its language."""
PINS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "pins": lambda _: "reports",
    "pin": lambda told: f"reports/{told['road']}",
    "pin-over": lambda told: f"reports/{told['lamp']}",
    "pin-notice": lambda told: f"reports/{told['road']}/notice",
}
"""What people report, as everybody sees it (`ReportingTown.reported`); `test_pins` looks at them."""


def representatives(day: Day) -> list[str]:
    """One address of each kind of page: what others are made of stands on these."""
    return [
        "/",
        f"/alerts/{day.thread}",
        f"/waiting/{day.waiting}",
        "/compose?hazard=water-cut",
        "/account",
    ]


def addresses(day: Day) -> list[str]:
    """Every address of a lively day."""
    return [address for of_route in BEHIND.values() for address in of_route(day)]
