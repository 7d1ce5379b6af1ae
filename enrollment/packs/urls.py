"""Addresses of the pages under /site/packs/."""

from __future__ import annotations

from django.urls import path

from enrollment.packs import views

app_name = "packs"
urlpatterns = [
    path("", views.packs, name="all"),
    path("state/", views.state, name="state"),
    path("<str:name>/install/", views.install, name="install"),
    path("<str:name>/verify/", views.verify, name="verify"),
    path("<str:name>/switch/", views.switch, name="switch"),
]
