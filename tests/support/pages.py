"""Every page, by name: one list for `make screenshots` and for the tests that visit all of them.

An address that answers GET stands here, or in NOT_PAGES with the reason. tests/browser/test_every_page.py says so.
"""

from __future__ import annotations

from django.urls import resolve

PAGES = {
    "dashboard": "/",
    "enrol-details": "/enrollment/",
    "people": "/enrollment/people/",
    "person": "/enrollment/people/{person}/",
    "person-capture": "/enrollment/people/{person}/capture/",
    "person-upload": "/enrollment/people/{person}/upload/",
    "person-consent": "/enrollment/people/{person}/consent/",
    "person-export": "/enrollment/people/{person}/export/",
    "erase": "/enrollment/people/{person}/erase/",
    "remove-sample": "/enrollment/samples/{sample}/remove/",
    "receipt": "/enrollment/receipts/{receipt}/",
    "upload": "/enrollment/upload/",
    "groups": "/enrollment/groups/",
    "group": "/enrollment/groups/{group}/",
    "hygiene": "/enrollment/hygiene/",
    "live": "/verification/",
    "photo": "/verification/photo/",
    "attempts": "/verification/attempts/",
    "attempt": "/verification/attempts/{attempt}/",
    "not-this-person": "/verification/attempts/{attempt}/not-this-person/",
    "calibration": "/verification/calibration/",
    "what-if": "/verification/calibration/what-if/?threshold=0.9",
    "unknown": "/verification/unknown/",
    "unknown-faces": "/verification/unknown/faces/?face={unknown}",
    "attendance": "/attendance/",
    "attendance-day": "/attendance/days/?span=day",
    "attendance-week": "/attendance/days/",
    "attendance-month": "/attendance/days/?span=month",
    "attendance-person": "/attendance/people/{person}/",
    "attendance-open": "/attendance/open/",
    "attendance-schedules": "/attendance/schedules/",
    "attendance-new-schedule": "/attendance/schedules/new/",
    "attendance-schedule": "/attendance/schedules/1/",
    "attendance-by-hand": "/attendance/punches/new/",
    "attendance-take-back": "/attendance/punches/{punch}/void/",
    "attendance-policy": "/attendance/policy/",
    "audit": "/audit/",
    "site": "/site/",
    "packs": "/site/packs/",
    "retention": "/site/retention/",
    "consent": "/site/consent/",
    "consent-text": "/site/consent/texts/1/",
    "privacy-notice": "/site/privacy-notice/",
    "operators": "/site/operators/",
    "operator": "/site/operators/1/",
    "new-operator": "/site/operators/new/",
    "api-keys": "/site/api-keys/",
    "new-api-key": "/site/api-keys/new/",
    "approvals": "/site/approvals/",
    "kiosks": "/site/kiosks/",
    "new-kiosk": "/site/kiosks/new/",
    "kiosk": "/site/kiosks/{kiosk}/",
    "webhooks": "/site/webhooks/",
    "new-webhook": "/site/webhooks/new/",
    "webhook": "/site/webhooks/{webhook}/",
    "account": "/account/",
    "account-password": "/account/password/",
    "second-factor": "/account/second-factor/",
    "privacy": "/privacy/",
    "not-found": "/nowhere/",
    "admin": "/admin/",
    "admin-people": "/admin/enrollment/person/",
    "admin-attempts": "/admin/verification/verificationattempt/",
    "admin-policy": "/admin/verification/verificationpolicy/add/",
}
"""Name -> address. What stands in braces is one of the rows that tests/support/example_site.py makes."""
SIGNED_OUT = {"login": "/accounts/login/", "privacy-signed-out": "/privacy/"}
"""Seen by whoever has no login."""
NOT_PAGES = {
    "/account/second-factor/off/": "asks for a second factor that is on; `make screenshots` goes through it",
    "/account/second-factor/recovery-codes/": "likewise",
    "/accounts/login/code/": "likewise",
    "/accounts/openid/": "leads to the provider",
    "/accounts/openid/callback/": "comes back from the provider",
    "/admin/<app_label>/": "Django's own",
    "/admin/<url>": "Django's own",
    "/admin/autocomplete/": "JSON",
    "/admin/jsi18n/": "JavaScript",
    "/admin/login/": "the one page for signing in",
    "/admin/password_change/": "leads to the account",
    "/admin/password_change/done/": "Django's own",
    "/admin/r/<path:content_type_id>/<path:object_id>/": "leads to a page",
    "/api/v1/": "JSON",
    "/api/v1/docs": "Swagger UI, which a package draws",
    "/api/v1/openapi.json": "JSON",
    "/kiosk/": "the screen of a paired device; `make screenshots` and the kiosk's own walk look at it",
    "/attendance/inside/": "the part of the list of who is in that follows it",
    "/attendance/people/<uuid:uuid>/export.csv": "a file",
    "/attendance/people/<uuid:uuid>/export.ics": "a file",
    "/attendance/people/<uuid:uuid>/export.xlsx": "a file",
    "/attendance/days/export.csv": "a file",
    "/attendance/days/export.ics": "a file",
    "/attendance/days/export.xlsx": "a file",
    "/audit/export.csv": "a file",
    "/audit/export.jsonl": "a file",
    "/enrollment/people/<uuid:uuid>/portrait.jpg": "a picture",
    "/enrollment/people/search.json": "JSON",
    "/enrollment/receipts/<uuid:uuid>/receipt.html": "a file",
    "/enrollment/receipts/<uuid:uuid>/receipt.json": "a file",
    "/enrollment/samples/<uuid:uuid>.jpg": "a picture",
    "/healthz": "JSON",
    "/metrics": "for Prometheus",
    "/readyz": "JSON",
    "/site/packs/state/": "the part of the page of packs that follows its work",
    "/today/": "the part of the dashboard that follows the day",
    "/verification/attempts/export.csv": "a file",
}
"""Address as in the urls.py -> why nobody looks at it."""


def visited_routes() -> set[str]:
    """The addresses of all pages, as the urls.py have them."""
    some = {"person", "sample", "receipt", "attempt", "unknown", "punch", "webhook", "kiosk", "group"}
    filled = dict.fromkeys(some, "00000000-0000-0000-0000-000000000000")
    addresses = [path.format(**filled).partition("?")[0] for path in (PAGES | SIGNED_OUT).values()]
    return {f"/{resolve(address).route}" for address in addresses if address != PAGES["not-found"]}
