"""API keys: sent to the endpoints, found nowhere else."""

from __future__ import annotations

import traceback

import pytest
from aiohttp import web
from endpoints import all_of, ask, body, endpoint, model, requests

from hubbub.errors import ModelError
from hubbub.llm.inferencer import LiveInferencer
from hubbub.llm.key import ApiKey
from hubbub.testing import Faults, ModelServer

KEY = "sk-very-secret-0123456789"
ENVIRON = {"MY_KEY": KEY}


def test_the_key_is_sent_as_a_bearer_token() -> None:
    with ModelServer() as server:
        ask(model(server.url, key_env="MY_KEY"), 1, environ=ENVIRON)
        ask(model(server.url), 1, environ=ENVIRON)
        assert [a.authorization for a in server.log] == [f"Bearer {KEY}", ""]


def test_a_wrong_key_is_named_by_its_variable_even_where_the_server_repeats_it() -> None:
    with ModelServer(faults=Faults(echo_key=1)) as server:
        config = model(server.url, key_env="MY_KEY")
        with pytest.raises(ModelError, match="environment variable MY_KEY") as raised:
            ask(config, 2, environ=ENVIRON)
        shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value.__dict__)
        assert KEY not in shown
        assert "***" in str(raised.value)
        assert server.url in str(raised.value)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_key_that_is_repeated_is_blanked_everywhere(status: int) -> None:
    async def parrot(request: web.Request) -> web.Response:
        key = request.headers["Authorization"].removeprefix("Bearer ")
        if status == 200:
            data = body(f"key {key} {key}").replace(b'"stop"', b'"%s"' % key.encode())
            return web.Response(body=data)
        said = "x" * 280 + key + " " + "\x07".join(key)
        return web.json_response({"error": {"message": said}}, status=status)

    with (
        endpoint(parrot) as url,
        LiveInferencer[int](
            {"m": model(url, key_env="MY_KEY", attempts=1)}, environ=ENVIRON
        ) as inferencer,
    ):
        inferencer.submit(requests(1))
        if status == 400:
            with pytest.raises(ModelError) as raised:
                inferencer.wait(timeout=10)
            assert KEY[:10] not in str(raised.value)
            return
        found = all_of(inferencer)
        assert KEY not in repr(found)
        assert KEY not in repr(inferencer.usage())
        if status == 200:
            assert (found[0].text, found[0].finish) == ("key *** ***", "***")


def test_no_half_of_a_long_key_is_left_where_a_word_is_cut() -> None:
    key = "sk-" + "0123456789" * 10

    async def parrot(_: web.Request) -> web.Response:
        return web.Response(body=body("hello").replace(b'"stop"', b'"%s"' % key.encode()))

    with endpoint(parrot) as url:
        found = ask(model(url, key_env="MY_KEY"), 1, environ={"MY_KEY": key})
    assert (found[0].text, found[0].finish) == ("hello", "***")


def test_an_unset_variable_is_named_before_anything_is_asked() -> None:
    for environ in ({}, {"MY_KEY": "  "}):
        with pytest.raises(ModelError, match="model 'm': the environment variable MY_KEY"):
            LiveInferencer[int](
                {"m": model("http://localhost:1/v1", key_env="MY_KEY")}, environ=environ
            )


def test_a_value_that_would_break_a_header_is_refused_unseen() -> None:
    with pytest.raises(ModelError, match="MY_KEY holds characters") as raised:
        ApiKey.of("m", "MY_KEY", {"MY_KEY": f"{KEY}\nX-Evil: 1"})
    assert KEY not in str(raised.value)


def test_a_double_needs_no_key() -> None:
    config = model("http://localhost:1/v1", key_env="MY_KEY")
    with LiveInferencer[int](
        {"m": config}, stand_ins={"m": lambda _: "hi"}, environ={}
    ) as inferencer:
        inferencer.submit(requests(1))
        assert all_of(inferencer)[0].text == "hi"


def test_a_key_does_not_show_itself() -> None:
    key = ApiKey.of("m", "MY_KEY", {"MY_KEY": f" {KEY}\n"})
    assert repr(key) == str(key) == "ApiKey(***)"
    assert key.headers() == {"Authorization": f"Bearer {KEY}"}
    assert key.scrub(f"a {KEY} b") == "a *** b"
    assert ApiKey.of("m", "MY_KEY", {"MY_KEY": "EMPTY"}).scrub("EMPTY") == "EMPTY"
