from __future__ import annotations

from django.urls import path

from attendance.kiosks import device_views, views

site_urls = [
    path("", views.kiosks, name="kiosks"),
    path("new/", views.new_kiosk, name="new_kiosk"),
    path("<uuid:uuid>/", views.kiosk, name="kiosk"),
    path("<uuid:uuid>/code/", views.new_code, name="new_code"),
    path("<uuid:uuid>/camera/", views.accept_camera, name="accept_camera"),
    path("<uuid:uuid>/revoke/", views.revoke, name="revoke"),
]
"""Where staff set kiosks up, under site/kiosks/ (namespace "kiosks")."""
device_urls = [
    path("", device_views.page, name="page"),
    path("pair/", device_views.pair, name="pair"),
]
"""What a device opens, under kiosk/ (namespace "kiosk")."""
