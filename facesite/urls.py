"""Every page's address."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from attendance.kiosks.urls import device_urls as kiosk_urls
from attendance.kiosks.urls import site_urls as kiosk_site_urls
from enrollment.privacy import views as privacy_views
from facesite import health, metrics, views
from security.sign_in.views import SignIn, SignOut
from security.urls import account_urls, sign_in_urls

handler400 = "facesite.hosts.bad_request"
handler500 = "facesite.outages.server_error"
urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("today/", views.today, name="today"),
    path("enrollment/", include("enrollment.urls")),
    path("verification/", include("verification.urls")),
    path("attendance/", include("attendance.urls")),
    path("api/v1/recognition/", include("api.compreface.urls")),
    path("api/v1/", include("api.urls")),
    path("site/packs/", include("enrollment.packs.urls")),
    path("site/consent/", privacy_views.consent, name="site_consent"),
    path("site/consent/policy/", privacy_views.consent_policy, name="site_consent_policy"),
    path("site/consent/texts/<int:pk>/", privacy_views.consent_text, name="consent_text"),
    path("site/privacy-notice/", privacy_views.edit_notice, name="site_privacy_notice"),
    path("privacy/", privacy_views.privacy, name="privacy"),
    path("kiosk/", include((kiosk_urls, "kiosk"))),
    path("site/kiosks/", include((kiosk_site_urls, "kiosks"))),
    path("site/webhooks/", include("api.webhooks.urls")),
    path("", include("security.urls")),
    # One way in and out, and one page for the password, for the admin too.
    path("admin/login/", SignIn.as_view(next_page="admin:index", for_staff=True)),
    path("admin/logout/", SignOut.as_view()),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account:password")),
    path("admin/", admin.site.urls),
    path("accounts/login/", SignIn.as_view(), name="login"),
    path("accounts/logout/", SignOut.as_view(), name="logout"),
    path("accounts/", include((sign_in_urls, "sign_in"))),
    path("account/", include((account_urls, "account"))),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
