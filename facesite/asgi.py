"""HTTP goes to Django, websockets to the apps' consumers: same origin and a logged-in session only."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")

from django.core.asgi import get_asgi_application  # noqa: E402

http_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from enrollment.routing import websocket_urlpatterns as enrollment_sockets  # noqa: E402
from verification.routing import websocket_urlpatterns as verification_sockets  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http_application,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([*enrollment_sockets, *verification_sockets]))
        ),
    }
)
