from django.urls import path

from enrollment.capture.consumers import EnrollmentConsumer

websocket_urlpatterns = [path("ws/enrollment/", EnrollmentConsumer.as_asgi())]  # type: ignore[no-untyped-call]
