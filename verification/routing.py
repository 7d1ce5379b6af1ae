from django.urls import path

from verification.live.consumers import VerificationConsumer

websocket_urlpatterns = [path("ws/verification/", VerificationConsumer.as_asgi())]  # type: ignore[no-untyped-call]
