"""The live inferencer with endpoints that work: completions, stand-ins, cancelling, closing."""

from __future__ import annotations

import _thread
import time
from dataclasses import replace
from threading import Timer, active_count

import pytest
from aiohttp import web
from endpoints import all_of, ask, body, endpoint, model, reply, requests

from hubbub.config.models import ModelConfig
from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.inferencer import LiveInferencer
from hubbub.llm.tokens import estimate_tokens
from hubbub.testing import Faults, ModelServer


def echo(request: ChatRequest) -> str:
    return f"{request.user}, seed {request.seed}"


def test_each_request_gets_its_own_completion() -> None:
    with ModelServer(echo) as server:
        found = ask(model(server.url), 200)
        assert {key: c.text for key, c in found.items()} == {
            i: f"agent {i}, seed {i}" for i in range(200)
        }
        one = found[0]
        assert (one.failure, one.attempts, one.mode) == ("", 1, "json_schema")
        assert (one.endpoint, one.finish, one.recorded) == (server.url, "stop", False)
        assert one.prompt_tokens > 0
        assert one.latency > 0
        assert server.counts == {"ok": 200}


def test_work_is_spread_by_least_outstanding() -> None:
    with (
        ModelServer(echo, latency=0.02) as quick,
        ModelServer(echo, latency=0.08) as slow,
    ):
        ask(model(quick.url, slow.url, concurrency=4), 100)
        assert quick.counts["ok"] + slow.counts["ok"] == 100
        assert quick.counts["ok"] > 2 * slow.counts["ok"] > 0
        assert quick.busy.peak == slow.busy.peak == 4


def test_requests_go_out_in_the_order_they_came() -> None:
    with ModelServer(echo) as server:
        ask(model(server.url, concurrency=1), 30)
        assert [asked.user for asked in server.log] == [f"agent {i}" for i in range(30)]


def test_several_models_answer_side_by_side() -> None:
    with ModelServer(lambda _: "one") as one, ModelServer(lambda _: "two") as two:
        models = {"a": model(one.url), "b": model(two.url)}
        stand_ins = {"c": lambda request: f"three {request.user}"}
        with LiveInferencer[int](models, stand_ins=stand_ins) as inferencer:
            asked = [requests(3, name=name)[i] for i, name in enumerate("abc")]
            inferencer.submit(asked)
            assert {k: c.text for k, c in all_of(inferencer).items()} == {
                0: "one",
                1: "two",
                2: "three agent 2",
            }
            assert [u.completions for u in inferencer.usage().values()] == [1, 1, 1]


def test_a_double_may_give_whole_completions_and_what_it_raises_is_raised() -> None:
    def answer(request: ChatRequest) -> Completion:
        if request.seed == 1:
            raise ZeroDivisionError
        return Completion(None, "refused")

    with LiveInferencer[int]({}, stand_ins={"m": answer}) as inferencer:
        inferencer.submit(requests(1))
        assert inferencer.wait() == [(0, Completion(None, "refused"))]
        inferencer.submit(requests(2)[1:])
        with pytest.raises(ZeroDivisionError):
            inferencer.wait()
        assert inferencer.usage()["m"].failures == {"refused": 1}


def test_the_figures_add_up() -> None:
    with ModelServer(echo, latency=0.05, faults=Faults(rate_limited=0.1, retry_after=0)) as server:
        with LiveInferencer[int]({"m": model(server.url, concurrency=8)}) as inferencer:
            inferencer.submit(requests(120))
            found = all_of(inferencer)
            usage = inferencer.usage()["m"]
        assert usage == inferencer.usage()["m"]  # also after closing
    assert (usage.requests, usage.completions, usage.failures) == (120, 120, {})
    assert usage.rate_limited == usage.retries == server.counts["rate_limited"] > 0
    assert usage.prompt_tokens == sum(c.prompt_tokens for c in found.values()) > 0
    assert usage.cached_tokens == sum(c.cached_tokens for c in found.values()) > 0
    assert usage.completion_tokens == sum(c.completion_tokens for c in found.values()) > 0
    assert usage.p50 == pytest.approx(sorted(c.latency for c in found.values())[59], rel=0.03)
    assert 0.04 < usage.p50 <= usage.p90 <= usage.p99
    there = usage.endpoints[server.url]
    assert (there.served, there.failed, there.in_flight) == (120, usage.rate_limited, 0)
    assert there.state == "closed"


def test_slots_are_busy_while_there_is_work_and_idle_time_does_not_count() -> None:
    with ModelServer(echo, latency=0.05) as server:
        config = model(server.url, concurrency=8)
        with LiveInferencer[int]({"m": config}) as inferencer:
            assert inferencer.usage()["m"].busy_share == 0
            inferencer.submit(requests(160))
            all_of(inferencer)
            busy = inferencer.usage()["m"].busy_share
            time.sleep(0.2)
            assert inferencer.usage()["m"].busy_share == busy > 0.85
            inferencer.submit(requests(4))  # half of the slots
            all_of(inferencer)
            assert inferencer.usage()["m"].busy_share < busy


def test_tokens_that_are_not_counted_are_estimated() -> None:
    async def no_usage(_: web.Request) -> web.Response:
        return web.Response(body=body("hello").replace(b'"usage"', b'"other"'))

    with endpoint(no_usage) as url:
        completion = ask(model(url), 1)[0]
    assert completion.prompt_tokens == estimate_tokens("the rules") + estimate_tokens("agent 0")
    assert completion.completion_tokens == estimate_tokens("hello")


def test_wait_gives_up_after_its_timeout_and_goes_on_later() -> None:
    with (
        ModelServer(echo, latency=0.3) as server,
        LiveInferencer[int]({"m": model(server.url)}) as inferencer,
    ):
        assert inferencer.wait() == []
        inferencer.submit(requests(1))
        assert inferencer.wait(timeout=0) == []
        assert inferencer.wait(timeout=0.05) == []
        assert [key for key, _ in inferencer.wait()] == [0]
        assert inferencer.wait() == []


def test_more_can_be_submitted_while_others_are_out() -> None:
    with (
        ModelServer(echo, latency=0.05) as server,
        LiveInferencer[int]({"m": model(server.url)}) as inferencer,
    ):
        asked = requests(40)
        inferencer.submit(asked[:20])
        found = dict(inferencer.wait())
        inferencer.submit(asked[20:])
        assert set(found | all_of(inferencer)) == set(range(40))


def test_what_is_cancelled_never_comes_and_its_requests_are_broken_off() -> None:
    with (
        ModelServer(echo, faults=Faults(hangs=1)) as server,
        LiveInferencer[int]({"m": model(server.url, concurrency=5)}) as inferencer,
    ):
        inferencer.submit(requests(20))
        assert inferencer.wait(timeout=0.1) == []
        inferencer.cancel()
        assert inferencer.wait() == []
        server.faults = Faults()
        inferencer.submit([(100 + key, request) for key, request in requests(20)])
        assert set(all_of(inferencer)) == set(range(100, 120))
        assert server.busy.now == 0
        assert inferencer.usage()["m"].endpoints[server.url].in_flight == 0


def test_cancelling_at_any_time_never_mixes_up_eras() -> None:
    with (
        ModelServer(echo) as server,
        LiveInferencer[int]({"m": model(server.url)}) as inferencer,
    ):
        for era in range(20):
            inferencer.submit([(1000 * era + key, request) for key, request in requests(30)])
            found = inferencer.wait() if era % 2 else []
            assert {key // 1000 for key, _ in found} <= {era}
            inferencer.cancel()
        assert inferencer.wait() == []


def test_ctrl_c_is_heard_while_waiting() -> None:
    with (
        ModelServer(echo, faults=Faults(hangs=1)) as server,
        LiveInferencer[int]({"m": model(server.url)}) as inferencer,
    ):
        inferencer.submit(requests(1))
        timer = Timer(0.3, _thread.interrupt_main)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            inferencer.wait(timeout=10)
        timer.join()
        assert inferencer.wait(timeout=0) == []


def test_closing_twice_and_with_work_outstanding_leaves_nothing_behind() -> None:
    threads = active_count()
    with ModelServer(echo, faults=Faults(hangs=1)) as server:
        inferencer = LiveInferencer[int]({"m": model(server.url)})
        inferencer.submit(requests(3))
        inferencer.close()
        inferencer.close()
        with pytest.raises(RuntimeError, match="closed"):
            inferencer.submit(requests(1))
    LiveInferencer[int]({"m": model("http://localhost:1/v1")}).close()
    assert active_count() == threads


def test_what_goes_wrong_in_the_loop_is_raised_by_wait() -> None:
    with (
        ModelServer(echo) as server,
        LiveInferencer[int]({"m": model(server.url)}) as inferencer,
    ):
        for bad in (None, b"bytes"):  # no such request should exist: an error of the caller's
            key, request = requests(1)[0]
            inferencer.submit([(key, replace(request, user=bad, max_tokens="9"))])
            with pytest.raises(TypeError):
                inferencer.wait(timeout=10)
        inferencer.submit(requests(2))
        assert len(all_of(inferencer)) == 2


def test_a_name_that_is_no_model_is_refused_before_anything_is_sent() -> None:
    with (
        ModelServer(echo) as server,
        LiveInferencer[int]({"small": model(server.url)}) as inferencer,
    ):
        with pytest.raises(ModelError, match=r"no model is called 'smal'.*did you mean 'small'"):
            inferencer.submit([*requests(1, name="small"), *requests(1, name="smal")])
        assert inferencer.wait() == []
        assert server.counts == {}


def test_a_local_model_must_have_been_started() -> None:
    with pytest.raises(ModelError, match="local model 'smollm2-135m' has not been started"):
        LiveInferencer[int]({"m": ModelConfig(local="smollm2-135m")})


def test_no_more_tokens_are_cached_than_the_prompt_has() -> None:
    response = reply()
    response["usage"]["prompt_tokens_details"] = {"cached_tokens": 900}

    async def boasting(_: web.Request) -> web.Response:
        return web.json_response(response)

    with endpoint(boasting) as url:
        found = ask(model(url), 1)[0]
    assert (found.prompt_tokens, found.cached_tokens) == (7, 7)
