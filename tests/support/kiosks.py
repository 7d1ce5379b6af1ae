"""Kiosks, paired and not."""

from __future__ import annotations

from attendance.kiosks import services
from attendance.kiosks.cookies import cookie_name
from attendance.models import Kiosk
from tests.support.sockets import Socket, headers, receive_until

HERE = "192.0.2.1"


def make_kiosk(name: str = "Front door", mode: str = "check") -> tuple[Kiosk, str]:
    """With its pairing code."""
    return services.create_kiosk(actor=None, name=name, place="Main entrance", mode=mode, sound=True)


def paired_kiosk(name: str = "Front door", mode: str = "check") -> tuple[Kiosk, str]:
    """With the token of its device."""
    kiosk, code = make_kiosk(name, mode)
    _, token = services.pair_kiosk(code=code, address=HERE)
    kiosk.refresh_from_db()
    return kiosk, token


def device_socket(token: str, path: str = "/ws/kiosk/") -> Socket:
    """A socket of the whole application, as a device with this token opens it."""
    from facesite.asgi import application

    cookie = (b"cookie", f"{cookie_name()}={token}".encode())
    return Socket(application, path, headers=[*headers(None), cookie])


async def open_kiosk(token: str, *, camera: str = "a") -> Socket:
    """Greeted, and configured with a camera."""
    socket = device_socket(token)
    await socket.connect()
    await receive_until(socket, "hello")
    await socket.send_json_to({"type": "configure", "camera": {"id": camera, "label": f"Camera {camera}"}})
    return socket
