# SPDX-License-Identifier: Apache-2.0
"""A base that talks nonsense or is another program, clocks that are set, and many who ask at once."""
import collections
import contextlib

import basekit
import foreign
import grpc
import processor
import programkit
import protokit
import pytest
from conftest import WAIT_S, await_age

STUCK = ("--install-timeout", "1s", "--query-timeout", "300ms")
MEMORY_MB = 256  # far below what an unbounded answer would take
CALLS = 1000


def has_kept_small(agent):
    assert processor.memory_mb(agent.process.pid, "VmHWM:") < MEMORY_MB


def wait_not_ready(agent):
    basekit.wait_until(lambda: not agent.is_ready(), "an agent that is not ready")


def is_well_again(agent, base, jar):
    """It installs what failed before, once."""
    agent.wait_ready()
    agent.succeeded(agent.install(jar))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]
    assert list(agent.modules()) == [f"{jar.module}:1.0.0"]
    has_kept_small(agent)


# -- answers that are none --


@pytest.mark.parametrize("kind", ["wrong-json", "half", "huge", "drop", "500", "lost-answer", "hang"])
def test_no_question_is_answered_well(base, start_agent, kind):
    agent = start_agent(base, *STUCK, "--poll-interval", "2s").wait_ready()
    jar = base.jar(base.unique())
    base.control("fault", fault=kind, command="queryAllBiz", count=-1, bytes=10 << 20)
    for operation in (agent.install(jar), agent.uninstall(jar)):
        assert agent.failed(operation, "Arklet.NetworkError", "ANSWER_LOST").retryable
    failure = protokit.failure(agent.stub.ListModules, agent.proto.ListModulesRequest())
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "ARKLET_UNREACHABLE")
    wait_not_ready(agent)
    assert base.operations_of(jar.module) == []
    base.control("clear")
    is_well_again(agent, base, jar)


def test_the_port_is_closed_for_long(base, start_agent):
    """What comes meanwhile fails at once, and nothing of it is done later."""
    agent = start_agent(base, *STUCK).wait_ready()
    jar = base.jar(base.unique())
    base.control("fault", fault="refuse")
    wait_not_ready(agent)
    for _ in range(4):
        assert agent.failed(agent.install(jar), "Arklet.ArkletServiceNotFound", "ARKLET_UNREACHABLE").retryable
    base.control("clear")
    agent.wait_ready()
    assert base.modules() == {}
    is_well_again(agent, base, jar)


# -- another program has the port --


def ask_somebody_else(server, agent):
    """It is told nothing but questions, and is no base."""
    agent.failed(agent.uninstall(("m", "1.0.0")), "Arklet.NetworkError", "ANSWER_LOST")
    basekit.wait_until(lambda: len(server.asked) > 5, "questions")
    assert not agent.is_ready() and agent.health().boot_id == ""
    assert set(server.asked) <= {"/queryAllBiz", "/health"}
    has_kept_small(agent)


def test_somebody_else_has_the_port(new_base, start_agent):
    with contextlib.ExitStack() as servers:
        pairs = {}
        for name, answer in foreign.ANSWERS.items():
            server = servers.enter_context(foreign.Server(answer))
            pairs[name] = server, start_agent(server, *STUCK, "--poll-interval", "500ms")
        calls = {name: basekit.Parallel(ask_somebody_else, *pair) for name, pair in pairs.items()}
        for name, call in calls.items():
            try:
                call.result()
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error
    server, agent = pairs["another protocol"]
    base = new_base(address=server.address)
    is_well_again(agent, base, base.jar(base.unique()))


def test_a_success_that_installs_nothing(base, start_agent):
    """It has an empty list, as an empty base has, and calls everything a success."""
    jar = base.jar(base.unique())
    with foreign.Server(foreign.EMPTY_LIST) as server:
        agent = start_agent(server, *STUCK)
        agent.failed(agent.install(jar), "Arklet.NetworkError", "ANSWER_LOST")
        agent.succeeded(agent.uninstall(jar))
        assert server.asked.count("/installBiz") == 1 and not agent.is_ready()


# -- the clock on the wall is set --


@pytest.fixture
def clock(tmp_path):
    """clock(offset) sets the clock of the agents that were started with clock.env."""
    path = tmp_path / "clock"

    def set_clock(offset):
        path.with_suffix(".new").write_text(f"{offset}\n", encoding="ascii")
        path.with_suffix(".new").rename(path)

    set_clock("+0")
    set_clock.env = programkit.other_clock("+0")
    del set_clock.env["FAKETIME"]
    set_clock.env.update(FAKETIME_TIMESTAMP_FILE=str(path), FAKETIME_NO_CACHE="1")
    return set_clock


@pytest.mark.parametrize("offset", ["+400d", "-400d"])
def test_the_clock_is_set_while_it_installs(base, controller, report_agent, clock, offset):
    agent = report_agent(base, env=clock.env).wait_ready()
    boot_id = agent.health().boot_id
    jar, other = base.jar(base.unique(), Test_Start_Sleep_Ms=1500), base.jar(base.unique())
    call = agent.start(jar, op="one")
    clock(offset)
    short = agent.install_request(jar, op="one")
    short.wait.FromMilliseconds(100)
    assert agent.state(agent.stub.InstallModule(short, timeout=WAIT_S).operation) == "EXECUTING"
    operation = agent.succeeded(call.result())
    assert abs(operation.end_time.seconds - operation.start_time.seconds) > 300 * 86400, "the clock was not set"
    assert 1 <= operation.execution_time.seconds < 600
    agent.succeeded(agent.install(other))
    controller.next(lambda report: len(report.modules) == 2)
    clock("+0")
    agent.succeeded(agent.uninstall(other))
    report = controller.next(lambda report: report.ready and len(report.modules) == 1)
    assert report.boot_id == boot_id == agent.health().boot_id
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_the_clock_is_set_while_a_module_comes_back(base, start_agent, clock):
    agent = start_agent(base, env=clock.env)
    agent.succeeded(agent.install(base.jar(base.unique(), Test_Start_Sleep_Ms=1500)))
    await_age(base)
    base.control("restart")
    agent.wait_said("replay: baseline")
    clock("+400d")
    (back,) = agent.wait_said("replay: module is back")
    assert 0 < back["ms"] < 600_000


# -- many at once --


def at_once(agent, requests):
    """Sends all (method, request) at the same time. Return: the answers, or the grpc.RpcError of each."""
    calls = [getattr(agent.stub, method).future(request, timeout=WAIT_S) for method, request in requests]
    return [call.exception() or call.result() for call in calls]


def code_of(outcome):
    return outcome.code().name if isinstance(outcome, grpc.RpcError) else "OK"


def test_two_controllers_at_one_agent(base, agent):
    """The one that lost its leadership goes on for a while; they use ids of their own, and the same ones."""
    jars = [base.jar(base.unique()) for _ in range(10)]
    requests = [("InstallModule", agent.install_request(jar, op=f"{who}-{jar.module}", epoch=epoch))
                for jar in jars for who, epoch in (("old", 1), ("both", 1), ("new", 2), ("both", 2), ("nobody", 0))]
    outcomes = at_once(agent, requests)
    for (_, request), outcome in zip(requests, outcomes):
        if request.epoch != 1 or code_of(outcome) == "OK":
            assert agent.succeeded(outcome.operation).id == request.operation_id
        else:
            assert protokit.Failure(outcome).reason == "STALE_EPOCH"
    for jar in jars:
        assert base.operations_of(jar.module) == [("install", "1.0.0")]
        failure = protokit.failure(agent.stub.UninstallModule, agent.identity("Uninstall", jar, epoch=1))
        assert failure.reason == "STALE_EPOCH"
    assert len(base.modules()) == len(jars)


def test_two_who_want_the_opposite(base, agent):
    """One after the other, in whatever order they came: nothing is done twice."""
    jar = base.jar(base.unique())
    outcomes = at_once(agent, [("InstallModule", agent.install_request(jar)) if i % 2 else
                               ("UninstallModule", agent.identity("Uninstall", jar)) for i in range(40)])
    for outcome in outcomes:
        agent.succeeded(outcome.operation)
    steps = [step for step, _ in base.operations_of(jar.module)]
    assert steps == [("uninstall" if i % 2 else "install") for i in range(len(steps))]
    assert bool(base.modules()) == bool(len(steps) % 2)


def thousand_calls(agent, jars):
    proto = agent.proto
    installs = [("InstallModule", agent.install_request(jar, op=f"crowd-{jar.module}-{i % 5}"))
                for jar in jars for i in range(10)]
    others = [("ListModules", proto.ListModulesRequest()), ("ListCommands", proto.ListCommandsRequest()),
              ("GetHealth", proto.GetHealthRequest()), ("GetOperation", proto.GetOperationRequest(operation_id="none")),
              ("UninstallModule", agent.identity("Uninstall", ("nobody", "1"))),
              ("InstallModule", agent.install_request("no url", "m", "1"))]
    rest = CALLS - len(installs)
    return [call for i in range(rest) for call in (installs[i:i + 1] + [others[i % len(others)]])]


def test_a_thousand_calls_at_once(base, agent):
    jars = [base.jar(base.unique()) for _ in range(20)]
    requests = thousand_calls(agent, jars)
    assert len(requests) == CALLS
    allowed = {"ListModules": {"OK", "RESOURCE_EXHAUSTED"}, "ListCommands": {"OK", "RESOURCE_EXHAUSTED"},
               "GetHealth": {"OK"}, "GetOperation": {"NOT_FOUND"}, "UninstallModule": {"OK"}}
    codes = collections.defaultdict(collections.Counter)
    for (method, request), outcome in zip(requests, at_once(agent, requests)):
        codes[method][code_of(outcome)] += 1
        if method == "InstallModule":
            bad = request.module.url == "no url"
            assert bad == (code_of(outcome) == "INVALID_ARGUMENT") and (bad or agent.succeeded(outcome.operation))
        else:
            assert code_of(outcome) in allowed[method], (method, outcome)
    assert codes["ListModules"]["OK"] and codes["ListCommands"]["OK"], codes
    for jar in jars:
        assert base.operations_of(jar.module) == [("install", "1.0.0")]
    has_kept_small(agent)
    last = base.jar(base.unique())
    agent.wait_ready()
    agent.succeeded(agent.install(last))
    assert len(agent.modules()) == len(jars) + 1


def test_drains_ask_no_more_than_others_at_once(start_agent):
    """Arklet takes connections and does not answer."""
    with foreign.Server(foreign.ANSWERS["the head alone"]) as server:
        agent = start_agent(server, "--query-timeout", "60s")
        drain = agent.proto.DrainModuleRequest(name="m", version="1")
        calls = [agent.stub.DrainModule.future(drain, timeout=protokit.DEADLINE_S) for _ in range(100)]
        basekit.wait_until(lambda: server.asked.count("/queryBizRequests") >= 64, "the questions")
        failure = protokit.failure(agent.stub.ListModules, agent.proto.ListModulesRequest())
        assert failure.code == grpc.StatusCode.RESOURCE_EXHAUSTED
        for call in calls:
            call.cancel()
