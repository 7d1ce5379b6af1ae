"""The ASGI application: HTTP goes to Django, websockets to the apps' consumers.

A websocket is for pages of this site's own origin only, and its consumer asks for a logged-in session, or for a kiosk's
own cookie; or it brings a token that a program got for a page of its own.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")

from django.core.asgi import get_asgi_application

from facesite.env import SettingsError

try:
    http_application = get_asgi_application()
except SettingsError as error:
    sys.exit(str(error))

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from api.live_sessions import TicketOr
from attendance.routing import websocket_urlpatterns as attendance_sockets
from enrollment.routing import websocket_urlpatterns as enrollment_sockets
from facesite.base_path import BasePath
from facesite.languages import SocketInTheirLanguage
from facesite.origins import SameOrigin
from facesite.outages import SocketOutage
from facesite.programs import ApiHandler, ByPath
from facesite.request_ids import WithIds
from facesite.sources import SocketFromAddress
from facesite.turnstile import Turnstile
from verification.routing import websocket_urlpatterns as verification_sockets

# Any other address is refused in the handshake (HTTP 403), as another site's page is: no error of the server.
no_such_socket = re_path("", WebsocketDenier.as_asgi())

sockets = SocketInTheirLanguage(
    URLRouter([*enrollment_sockets, *verification_sockets, *attendance_sockets, no_such_socket])
)

application = WithIds(
    BasePath(
        ProtocolTypeRouter(
            {
                "http": Turnstile(ByPath(calls=ApiHandler(), pages=http_application)),
                "websocket": SocketFromAddress(
                    SocketOutage(TicketOr(sockets, otherwise=SameOrigin(AuthMiddlewareStack(sockets))))
                ),
            }
        )
    )
)
