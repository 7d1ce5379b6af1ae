"""Who is at the door, on a Raspberry Pi with its camera module. `sudo apt install python3-picamera2`, then
`pip install facesite-client[live]` in a venv made with --system-site-packages.
"""

import asyncio
import io
import os

from picamera2 import Picamera2

from facesite_client import AsyncFacesite
from facesite_client.live import decide


def camera():
    device = Picamera2()
    device.configure(device.create_video_configuration(main={"size": (640, 480)}))
    device.start()
    while True:
        picture = io.BytesIO()
        device.capture_file(picture, format="jpeg")
        yield picture.getvalue()


async def main():
    frames = camera()  # one camera for all sessions
    async with AsyncFacesite(os.environ["FACESITE"], os.environ["FACESITE_KEY"]) as site:
        while True:
            async for decision in decide(site, frames, frames_per_second=5):
                print(decision.verdict, decision.person.name if decision.person else "", *decision.reasons)


if __name__ == "__main__":
    asyncio.run(main())
