from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password

from facesite import settings as product
from facesite.hashers import AT_ONCE, PatientPBKDF2Hasher


class TestPatientPBKDF2Hasher:
    def test_is_what_the_product_hashes_with(self):
        assert product.PASSWORD_HASHERS[0] == "facesite.hashers.PatientPBKDF2Hasher"

    def test_reads_passwords_that_django_hashed_before(self, settings):
        before = PBKDF2PasswordHasher().encode("a long password", "salt", 1_000)
        settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
        assert check_password("a long password", before)
        assert make_password("a long password").startswith("pbkdf2_sha256$")

    def test_hashes_no_more_than_a_few_at_once(self, monkeypatch):
        lock, running, most = threading.Lock(), [0], [0]

        def slow(self, password, salt, iterations=None):
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.01)
            with lock:
                running[0] -= 1
            return "hash"

        monkeypatch.setattr(PBKDF2PasswordHasher, "encode", slow)
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(lambda _: PatientPBKDF2Hasher().encode("p", "s"), range(16))) == {"hash"}
        assert most[0] == AT_ONCE
