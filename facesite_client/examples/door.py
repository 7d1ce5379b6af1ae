"""A door that opens for whoever is enrolled: 20 lines. `pip install facesite-client[live] opencv-python-headless`."""

import asyncio
import os

import cv2

from facesite_client import AsyncFacesite
from facesite_client.live import decide


def camera():
    device = cv2.VideoCapture(0)
    while (shot := device.read())[0]:
        yield cv2.imencode(".jpg", shot[1])[1].tobytes()


async def main():
    async with AsyncFacesite(os.environ["FACESITE"], os.environ["FACESITE_KEY"]) as site:
        while True:  # a session lasts five minutes
            async for decision in decide(site, camera()):
                if decision.is_match and decision.liveness.verdict == "bona_fide":
                    print("opened for", decision.person.name)  # your relay goes here


if __name__ == "__main__":
    asyncio.run(main())
