"""Every page's address."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from enrollment.privacy import views as privacy_views
from facesite import health, views

handler500 = "facesite.outages.server_error"
urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("enrollment/", include("enrollment.urls")),
    path("verification/", include("verification.urls")),
    path("site/consent/", privacy_views.consent, name="site_consent"),
    path("site/consent/policy/", privacy_views.consent_policy, name="site_consent_policy"),
    path("site/consent/texts/<int:pk>/", privacy_views.consent_text, name="consent_text"),
    path("site/privacy-notice/", privacy_views.edit_notice, name="site_privacy_notice"),
    path("privacy/", privacy_views.privacy, name="privacy"),
    path("admin/", admin.site.urls),
    path("accounts/login/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
