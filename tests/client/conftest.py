from tests.verification.conftest import picture

__all__ = ["picture"]
