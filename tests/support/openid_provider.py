"""A small real OpenID provider (oidc-provider-mock) that insists on PKCE.

python -m tests.support.openid_provider PORT AGE
AGE: seconds until its tokens expire; below zero they have expired when they are issued.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

# It serves plain http on this machine.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import flask
import oidc_provider_mock


def make_app(age: timedelta) -> flask.Flask:
    app = oidc_provider_mock.app(require_nonce=True, access_token_max_age=age)
    challenges: dict[str, str] = {}  # of each code

    @app.before_request
    def check_verifier() -> Any:
        if flask.request.endpoint and flask.request.endpoint.endswith("issue_token"):
            verifier = flask.request.form.get("code_verifier", "")
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
            if challenges.get(flask.request.form.get("code", "")) != digest:
                return flask.jsonify({"error": "invalid_grant"}), 400
        return None

    @app.after_request
    def keep_challenge(response: flask.Response) -> flask.Response:
        code = parse_qs(urlsplit(response.headers.get("Location", "")).query).get("code")
        if code and flask.request.args.get("code_challenge_method") == "S256":
            challenges[code[0]] = flask.request.args["code_challenge"]
        return response

    return app


if __name__ == "__main__":
    make_app(timedelta(seconds=int(sys.argv[2]))).run("127.0.0.1", int(sys.argv[1]), use_reloader=False, threaded=True)
