"""Addresses of the pages under /site/webhooks/."""

from __future__ import annotations

from django.urls import path

from api.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.webhooks, name="all"),
    path("new/", views.new_webhook, name="new"),
    path("<uuid:uuid>/", views.webhook, name="one"),
    path("<uuid:uuid>/switch/", views.switch, name="switch"),
    path("<uuid:uuid>/test/", views.test, name="test"),
    path("<uuid:uuid>/secret/", views.renew_secret, name="secret"),
    path("<uuid:uuid>/delete/", views.delete, name="delete"),
    path("<uuid:uuid>/deliveries/<int:pk>/replay/", views.replay, name="replay"),
]
