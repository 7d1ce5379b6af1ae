from __future__ import annotations

from benchmarks.sample import HEIGHT, LIVELY, WIDTH, make_stream
from recognizer.images import decode_image


class TestMakeStream:
    def test_frames_are_what_the_live_page_sends_and_differ_a_little(self, shared_faces):
        picture = (shared_faces / "portraits" / "obama.jpg").read_bytes()
        frames = make_stream(picture)
        assert len(set(frames)) == LIVELY
        assert decode_image(frames[0]).shape == (HEIGHT, WIDTH, 3)
