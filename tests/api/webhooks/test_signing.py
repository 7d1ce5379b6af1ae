"""Signatures against the example that the specification gives."""

from api.webhooks.signing import PREFIX, headers_for, new_secret, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def test_it_is_what_the_specification_computes():
    """The example of standard-webhooks' own libraries."""
    made = signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY, SECRET)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_sign_side_by_side():
    signed = headers_for("msg_1", 1, BODY, [SECRET, new_secret()])["webhook-signature"].split(" ")
    assert len(signed) == 2
    assert signed[0] == signature("msg_1", 1, BODY, SECRET)


def test_secrets_are_long_and_differ():
    assert new_secret() != new_secret()
    assert new_secret().startswith(PREFIX)
    assert len(new_secret()) == len(PREFIX) + 44
