from django.urls import path

from attendance.kiosks.consumers import KioskConsumer
from attendance.kiosks.opening import ByKioskCookie

websocket_urlpatterns = [path("ws/kiosk/", ByKioskCookie(KioskConsumer.as_asgi()))]  # type: ignore[arg-type,no-untyped-call]
