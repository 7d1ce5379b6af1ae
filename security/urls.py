from __future__ import annotations

from django.urls import URLPattern, path

from security.retention import views as retention

app_name = "security"
urlpatterns: list[URLPattern] = [
    path("retention/", retention.retention, name="retention"),
    path("retention/run/", retention.run, name="run_retention"),
]
