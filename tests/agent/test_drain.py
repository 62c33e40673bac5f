# SPDX-License-Identifier: Apache-2.0
"""Requests under way: DrainModule, and what an uninstall waits for. tests/base/test_requests.py has the command behind it."""
import basekit
import grpc
import protokit
import pytest
from conftest import WAIT_S

HOUR_S = 3600


def request(agent, jar, drain_s=0.0, max_wait_s=None):
    message = agent.proto.DrainModuleRequest(name=jar.module, version=jar.version)
    message.drain_time.FromMilliseconds(int(drain_s * 1000))
    if max_wait_s is not None:
        message.max_wait.FromMilliseconds(int(max_wait_s * 1000))
    return message


def drain(agent, jar, *args):
    return agent.stub.DrainModule(request(agent, jar, *args), timeout=WAIT_S)


def ask(base, jar, ms):
    """A request that takes so long, once it is under way."""
    call = basekit.Parallel(base.get, f"/{jar.module}/version?ms={ms}")
    basekit.wait_until(lambda: under_way(base, jar) > 0, "it to be under way")
    return call


def under_way(base, jar):
    answer = base.call("queryBizRequests", {"bizName": jar.module, "bizVersion": jar.version})
    return answer.data["requests"] if answer.code == "SUCCESS" else None


@pytest.fixture
def jar(base, agent):
    """Installed."""
    one = base.jar(base.unique())
    agent.succeeded(agent.install(one))
    return one


@pytest.mark.real
def test_it_ends_with_the_last_request(base, agent, jar):
    call = ask(base, jar, 700)
    answer = drain(agent, jar, 0, HOUR_S)
    assert call.result().body == f"{jar.module}:1.0.0\n"
    assert (answer.counted, answer.requests) == (True, 0)
    assert answer.waited.ToMilliseconds() > 0


def test_it_waits_no_longer_than_it_may(base, agent, jar):
    call = ask(base, jar, 60000)
    answer = drain(agent, jar, 0.1, 0.1)
    assert (answer.counted, answer.requests) == (True, 1)
    assert answer.waited.ToMilliseconds() >= 200
    assert not call.done()


def test_nothing_under_way_is_over_when_the_time_is(agent, jar):
    assert drain(agent, jar, 0, HOUR_S).counted
    assert drain(agent, jar, 0.3, HOUR_S).waited.ToMilliseconds() >= 300


def test_a_base_that_does_not_count(new_base, start_agent):
    base = new_base()
    agent = start_agent(base)
    jar = base.jar("m")
    agent.succeeded(agent.install(jar))
    call = basekit.Parallel(base.get, "/m/version?ms=60000")
    answer = drain(agent, jar, 0.1, HOUR_S)
    assert (answer.counted, answer.requests) == (False, 0) and answer.waited.ToMilliseconds() >= 100
    agent.succeeded(agent.uninstall(jar))
    assert not call.done()


@pytest.mark.parametrize("times,field", [((-1,), "drain_time"), ((86401,), "drain_time"), ((0, -1), "max_wait")])
def test_times_out_of_range(agent, jar, times, field):
    failure = protokit.failure(agent.stub.DrainModule, request(agent, jar, *times))
    assert (failure.code, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


def test_a_base_that_does_not_answer(base, agent, jar):
    base.control("fault", fault="refuse", command="queryBizRequests", count=-1)
    failure = protokit.failure(agent.stub.DrainModule, request(agent, jar))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "ARKLET_UNREACHABLE")


def test_a_caller_that_leaves_and_an_agent_that_stops(base, start_agent):
    agent = start_agent(base)
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    left, stays = (agent.stub.DrainModule.future(request(agent, jar, HOUR_S), timeout=WAIT_S) for _ in range(2))
    agent.health()  # later calls are answered meanwhile
    left.cancel()
    assert agent.stop() == 0
    assert stays.exception().code() == grpc.StatusCode.UNAVAILABLE


# -- before an uninstall --


@pytest.mark.real
def test_an_uninstall_waits_for_requests(base, agent, jar):
    call = ask(base, jar, 2500)  # Tomcat itself waits for 2 s
    uninstall = basekit.Parallel(agent.uninstall, jar)
    basekit.wait_until(lambda: f"{jar.module}:1.0.0" not in base.modules(), "it to go")
    basekit.wait_until(call.done, "the request, which ended before", timeout_s=1)
    assert call.result().body == f"{jar.module}:1.0.0\n"
    agent.succeeded(uninstall.result())


def test_an_install_in_place_waits_too_and_serves_meanwhile(base, agent, jar):
    second = base.jar(jar.module, "2.0.0", jar.module)
    call = ask(base, jar, 1500)
    install = basekit.Parallel(agent.install, second, op="second", in_place=True)
    basekit.wait_until(lambda: agent.knows("second") is not None, "the install to begin")
    other = base.jar(base.unique())
    agent.succeeded(agent.install(other))  # it waits without Arklet's turn
    assert f"{jar.module}:1.0.0" in base.modules() or call.done()
    assert call.result().body == f"{jar.module}:1.0.0\n"
    agent.succeeded(install.result())
    assert base.get(f"/{jar.module}/version").body == f"{jar.module}:2.0.0\n"


def test_it_does_not_wait_for_ever(base, start_agent):
    agent = start_agent(base, "--requests-timeout", "300ms")
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    call = ask(base, jar, 60000)
    agent.succeeded(agent.uninstall(jar))
    assert not call.done()


def test_it_need_not_wait_at_all(base, start_agent):
    agent = start_agent(base, "--requests-timeout", "0s")
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    base.control("fault", fault="500", command="queryBizRequests", count=1)
    agent.succeeded(agent.uninstall(jar))
    assert base.call("queryBizRequests").head.startswith(b"HTTP/1.1 500")  # nobody has asked before
