"""Every page's address."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from facesite import health, views

handler500 = "facesite.outages.server_error"
urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("enrollment/", include("enrollment.urls")),
    path("verification/", include("verification.urls")),
    path("", include("security.urls")),
    path("admin/", admin.site.urls),
    path("accounts/login/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
