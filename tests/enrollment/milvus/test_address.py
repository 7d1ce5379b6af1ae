from __future__ import annotations

import pytest

from enrollment.milvus.address import AddressInvalid, parse_address


class TestParseAddress:
    def test_takes_host_port_and_collection(self):
        address = parse_address("milvus://engine:1234/faces")
        assert (address.uri, address.token, address.place) == ("http://engine:1234", "", "engine:1234/faces")

    def test_takes_the_usual_port_for_none(self):
        assert parse_address("milvus://[::1]/faces").uri == "http://[::1]:19530"

    def test_takes_a_token_of_name_and_password_and_never_shows_it(self):
        address = parse_address("milvus://root:p%40ss@engine/faces?tls=on")
        assert (address.token, address.uri) == ("root:p@ss", "https://engine:19530")
        assert "p@ss" not in address.place

    def test_certificates_of_one_s_own_mean_tls(self, tmp_path):
        (tmp_path / "ca.pem").touch()
        address = parse_address(f"milvus://engine/faces?ssl_ca={tmp_path}/ca.pem")
        assert (address.tls, address.ssl_ca) == (True, f"{tmp_path}/ca.pem")

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://engine:19530/faces", "milvus://"),
            ("milvus:///faces", "milvus://"),
            ("milvus://engine:none/faces", "milvus://"),
            ("milvus://engine:19530", "collection"),
            ("milvus://engine:19530/my-faces", "letters"),
            ("milvus://engine/faces?ssl=on", "'ssl'"),
            ("milvus://engine/faces?tls=maybe", "tls=on or tls=off"),
            ("milvus://engine/faces?ssl_ca=/nowhere.pem", "no file"),
        ],
    )
    def test_refuses_anything_else_with_a_sentence(self, url, why):
        with pytest.raises(AddressInvalid, match=why):
            parse_address(url)

    def test_does_not_quote_the_token_of_a_wrong_address(self):
        with pytest.raises(AddressInvalid) as refused:
            parse_address("milvus://secret@engine/my-faces")
        assert "secret" not in str(refused.value)
