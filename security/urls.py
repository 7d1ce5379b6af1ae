from __future__ import annotations

from django.urls import URLPattern, path

from security.sign_in import views

app_name = "security"
urlpatterns: list[URLPattern] = []
account_urls = [
    path("", views.account, name="home"),
    path("password/", views.password, name="password"),
    path("sign-ins/end/", views.end, name="end"),
]
"""The operator's own account, under account/ (namespace "account")."""
