"""From a face before the camera to a check-in: the real socket, engine and history."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from attendance.models import Punch
from attendance.punches.services import save_attendance_policy
from security.roles.table import Role
from tests.support.operators import make_operator
from tests.support.sockets import communicator, show_all
from tests.verification.conftest import ADA, ada, enrol, face_of, picture  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine", "liveness_off")]


@pytest.mark.usefixtures("ada")
async def test_somebody_who_looks_into_the_camera_of_a_door_is_in(staff, picture):  # noqa: F811
    await sync_to_async(save_attendance_policy)(actor=staff, cameras="doors", cooldown_minutes=2)
    door = await sync_to_async(make_operator)(Role.KIOSK)
    socket = await communicator("/ws/verification/", door)
    await socket.connect()
    await socket.send_json_to({"type": "configure", "mode": "identify"})
    said = await show_all(socket, [picture(ADA, 4)] * 10, first=1)
    (decision,) = [message for message in said if message["type"] == "decision"]
    punch = await sync_to_async(Punch.objects.select_related("person", "attempt").get)()
    assert punch.attempt
    assert (punch.person.name, punch.direction, str(punch.attempt.uuid)) == ("Ada", "in", decision["attempt"])
    await socket.disconnect()
