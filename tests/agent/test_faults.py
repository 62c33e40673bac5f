# SPDX-License-Identifier: Apache-2.0
"""Answers that are lost, a base that is slow or gone, somebody else at work, and an agent that dies."""
import basekit
import grpc
import protokit
import pytest
from conftest import WAIT_S, modules_now, restart, wait_starting

STUCK = ("--install-timeout", "1s", "--query-timeout", "300ms")
BUSY = "another operation on the module does not end"


def fault(base, kind, command, count=1, **more):
    base.control("fault", fault=kind, command=command, count=count, **more)


# -- lost answers: what the base says then counts --


@pytest.mark.parametrize("kind", ["lost-answer", "half", "wrong-json"])
def test_the_answer_to_an_install_is_lost(base, agent, kind):
    jar = base.jar(base.unique())
    fault(base, kind, "installBiz")
    agent.succeeded(agent.install(jar))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_the_answer_is_lost_and_the_module_still_starts(base, start_agent):
    """The command's time is over before the module has started."""
    agent = start_agent(base, "--install-timeout", "1s")
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=1500)
    agent.succeeded(agent.install(jar))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_the_answer_of_a_failing_module_is_lost(base, agent):
    jar = base.jar(base.unique(), Test_Fail="main")
    fault(base, "lost-answer", "installBiz")
    error = agent.failed(agent.install(jar), "Arklet.NetworkError", "ANSWER_LOST")
    assert error.retryable
    assert base.operations_of(jar.module) == [("install-failed", "1.0.0"), ("uninstall", "1.0.0")]


@pytest.mark.parametrize("kind", ["drop", "500"])
def test_the_install_itself_is_lost(base, agent, kind):
    """It may be done or not: it is not sent a second time, but by the next operation."""
    jar = base.jar(base.unique())
    fault(base, kind, "installBiz")
    agent.failed(agent.install(jar), "Arklet.NetworkError", "ANSWER_LOST")
    assert base.operations_of(jar.module) == []
    agent.succeeded(agent.install(jar))


def test_an_answer_over_the_limit(base, agent):
    jar = base.jar(base.unique())
    fault(base, "huge", "installBiz", bytes=9 << 20)
    agent.succeeded(agent.install(jar))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_a_large_answer(base, agent):
    jar = base.jar(base.unique())
    fault(base, "huge", "installBiz", bytes=7 << 20)
    assert agent.succeeded(agent.install(jar)).metaspace_bytes == 600000


@pytest.mark.parametrize("kind", ["lost-answer", "half", "drop", "500"])
def test_the_answer_to_an_uninstall_is_lost(base, agent, kind):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    fault(base, kind, "uninstallBiz")
    agent.succeeded(agent.uninstall(jar))
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0")]


@pytest.mark.parametrize("kind", ["lost-answer", "drop"])
def test_the_answer_to_a_switch_is_lost(base, agent, kind):
    name = base.unique()
    old, new = base.jar(name, "1.0.0"), base.jar(name, "2.0.0", context=name + "-2")
    agent.succeeded(agent.install(old))
    agent.succeeded(agent.install(new))
    fault(base, kind, "switchBiz")
    agent.succeeded(agent.switch(new))
    assert base.modules() == {f"{name}:1.0.0": "deactivated", f"{name}:2.0.0": "activated"}


@pytest.mark.parametrize("command", ["uninstall", "switch"])
def test_a_command_that_is_always_lost_ends(base, start_agent, command):
    """And is not repeated as fast as it goes."""
    agent = start_agent(base, *STUCK)
    name = base.unique()
    old, new = base.jar(name, "1.0.0"), base.jar(name, "2.0.0", context=name + "-2")
    agent.succeeded(agent.install(old))
    agent.succeeded(agent.install(new))
    fault(base, "drop", f"{command}Biz", count=1000)
    agent.failed(getattr(agent, command)(new), "Arklet.NetworkError", "ANSWER_LOST")
    left, = base.get("/sim/state").json["faults"]
    assert 1000 - left["count"] < 50
    assert base.operations_of(name) == [("install", "1.0.0"), ("install", "2.0.0")]


def test_an_old_version_whose_uninstall_is_lost_in_place(base, agent):
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    fault(base, "lost-answer", "uninstallBiz")
    agent.succeeded(agent.install(base.jar(name, "2.0.0"), in_place=True))
    assert base.operations_of(name) == [("install", "1.0.0"), ("uninstall", "1.0.0"),
                                        ("install", "2.0.0")]


def test_the_answer_that_puts_the_old_version_back_is_lost(base, agent):
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    fault(base, "lost-answer", "installBiz", count=2)
    operation = agent.install(base.jar(name, "2.0.0", Test_Fail="main"), in_place=True)
    assert agent.failed(operation, "Arklet.NetworkError", "ANSWER_LOST").restored
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_questions_without_an_answer_before_anything_is_sent(base, agent):
    jar = base.jar(base.unique())
    fault(base, "drop", "queryAllBiz", count=2)
    agent.succeeded(agent.install(jar))


# -- Arklet accepts and never answers --


def test_arklet_never_answers(base, start_agent):
    agent = start_agent(base, *STUCK)
    jar = base.jar(base.unique())
    fault(base, "hang", "", count=-1)
    for operation in (agent.install(jar), agent.uninstall(jar), agent.switch(jar)):
        agent.failed(operation, "Arklet.NetworkError", "ANSWER_LOST")
    basekit.wait_until(lambda: not agent.is_ready(), "an agent that is not ready")
    assert base.operations_of(jar.module) == []
    base.control("clear")
    agent.succeeded(agent.install(jar))
    agent.wait_ready()


def test_an_install_that_is_never_answered(base, start_agent):
    agent = start_agent(base, *STUCK)
    jar = base.jar(base.unique())
    fault(base, "hang", "installBiz")
    agent.failed(agent.install(jar), "Arklet.NetworkError", "ANSWER_LOST")
    agent.succeeded(agent.install(jar))


def test_a_module_that_never_starts(base, start_agent):
    """Twice the time of a command is waited; what starts then is found by the next operation."""
    agent = start_agent(base, *STUCK)
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=4000)
    error = agent.failed(agent.install(jar), "Arklet.InstallModuleTimedOut", "TIMED_OUT")
    assert error.message == f"{jar.module} 1.0.0 is still starting" and error.retryable
    basekit.wait_until(lambda: modules_now(base) == {f"{jar.module}:1.0.0": "activated"}, "the start")
    agent.succeeded(agent.install(jar))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_arklets_port_is_closed(base, agent):
    jar = base.jar(base.unique())
    base.control("fault", fault="refuse")
    for operation in (agent.install(jar), agent.uninstall(jar), agent.switch(jar)):
        assert agent.failed(operation, "Arklet.ArkletServiceNotFound", "ARKLET_UNREACHABLE").retryable
    failure = protokit.failure(agent.stub.ListModules, agent.proto.ListModulesRequest())
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "ARKLET_UNREACHABLE")
    base.control("clear")
    agent.succeeded(agent.install(jar))


def test_the_base_dies_while_it_installs(base, agent):
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=30000)
    call = agent.start(jar)
    restart(base, 1500)
    agent.failed(call.result(), "Arklet.NetworkError", "ANSWER_LOST")
    assert base.operations_of(jar.module) == []


def test_an_old_runtime(base, agent):
    """A failed question is not an answered one."""
    fault(base, "exception", "queryAllBiz", count=-1, text="java.lang.NullPointerException")
    error = agent.failed(agent.install(base.jar(base.unique())), "Arklet.NetworkError", "ANSWER_LOST")
    assert "java.lang.NullPointerException" in error.message


# -- somebody else at work --


def hold_lock(base, name, version, ms):
    """Somebody installs another module under this identity, which holds Arklet's lock on it."""
    other = base.jar(base.unique("lock"), Test_Start_Sleep_Ms=ms)
    call = basekit.Parallel(base.install, other, name=name, version=version)
    wait_starting(base, other)
    return call


@pytest.mark.real
def test_the_lock_is_waited_for(base, agent):
    jar = base.jar(base.unique())
    other = hold_lock(base, jar.module, jar.version, 1500)
    agent.succeeded(agent.install(jar))
    assert other.result().code == "SUCCESS"
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_the_lock_is_waited_for_by_uninstall_and_switch(base, agent):
    name = base.unique()
    old, new = base.jar(name, "1.0.0"), base.jar(name, "2.0.0", context=name + "-2")
    agent.succeeded(agent.install(old))
    agent.succeeded(agent.install(new))
    other = hold_lock(base, name, "2.0.0", 600)
    agent.succeeded(agent.switch(new))
    other.result()
    other = hold_lock(base, name, "2.0.0", 600)
    agent.succeeded(agent.uninstall(new))
    other.result()


def test_a_lock_that_is_never_given_back(new_base, start_agent):
    base = new_base("--loops", "0")
    agent = start_agent(base, *STUCK)
    name = base.unique()
    old = base.jar(name, "1.0.0")
    agent.succeeded(agent.install(old))
    others = [hold_lock(base, name, version, 10000) for version in ("1.0.0", "2.0.0")]
    in_place = basekit.Parallel(agent.install, base.jar(name, "3.0.0"), in_place=True)
    for operation in (in_place.result(), agent.uninstall(old),
                      agent.install(base.jar(name, "2.0.0", context=name + "-2"))):
        error = agent.failed(operation, "Arklet.InstallBizExecuting", "MODULE_BUSY")
        assert error.message == BUSY and error.retryable
    assert base.operations_of(name) == [("install", "1.0.0")]
    assert not any(other.done() for other in others)


@pytest.mark.real
def test_somebody_else_installs_the_same(base, agent):
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=800)
    call = basekit.Parallel(base.install, jar)
    wait_starting(base, jar)
    agent.succeeded(agent.install(jar))
    assert call.result().code == "SUCCESS"
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


@pytest.mark.real
def test_a_starting_module_is_not_touched(base, agent):
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=800)
    call = basekit.Parallel(base.install, jar)
    wait_starting(base, jar)
    agent.succeeded(agent.uninstall(jar))
    assert call.result().code == "SUCCESS"
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0")]


# -- event loops: an install holds one of four --


@pytest.mark.real
def test_questions_are_answered_while_an_install_holds_an_event_loop(base, start_agent):
    agent = start_agent(base, "--query-timeout", "300ms", "--poll-interval", "1s").wait_ready()
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=4000)
    call = agent.start(jar)
    for _ in range(8):
        assert agent.modules()[f"{jar.module}:1.0.0"].state == "resolved"
        assert agent.stub.ListCommands(agent.proto.ListCommandsRequest(), timeout=WAIT_S).commands
    assert not call.done()
    assert agent.base_status() == "UP" and agent.is_ready()
    agent.succeeded(call.result())


def test_only_one_command_at_a_time(base, agent):
    """Two installs, of two modules, would hold two of the event loops."""
    slow, other = base.jar(base.unique(), Test_Start_Sleep_Ms=800), base.jar(base.unique())
    call = agent.start(slow)
    agent.succeeded(agent.install(other))
    agent.succeeded(call.result())
    assert base.modules_in_order()[-2:] == [slow.module, other.module]


def test_a_base_with_one_event_loop(new_base, start_agent):
    """Nothing is answered while it installs; that is no reason to call it dead."""
    base = new_base("--loops", "1")
    agent = start_agent(base, "--query-timeout", "200ms").wait_ready()
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=2000)
    call = basekit.Parallel(agent.install, jar, op="one")
    basekit.wait_until(lambda: agent.knows("one") == "EXECUTING", "the install")
    failure = protokit.failure(agent.stub.ListModules, agent.proto.ListModulesRequest())
    assert failure.code == grpc.StatusCode.UNAVAILABLE
    while not call.done():
        assert agent.base_status() == "UP"
    agent.succeeded(call.result())


# -- an agent that dies --


@pytest.mark.real
def test_killed_while_it_installs(base, start_agent):
    agent = start_agent(base)
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=1500)
    call = agent.start(jar, op="one")
    agent.kill()
    with pytest.raises(grpc.RpcError):
        call.result()
    later = start_agent(base)
    later.succeeded(later.install(jar, op="one"))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]
    assert later.modules()[f"{jar.module}:1.0.0"].digest == jar.sha256


def test_a_slow_download_that_both_make(base, start_agent, jars):
    """Without a shared directory the agent fetches the jar to check it, and Arklet to install it, once each."""
    agent = start_agent(base, cache=False)
    jar = base.jar(base.unique())
    url = jars.serve(jar)
    agent.succeeded(agent.prefetch(jar))
    jars.hold.clear()
    call = basekit.Parallel(agent.install, url, jar.module, jar.version)
    basekit.wait_until(lambda: len(jars.held) == 1, "the agent's own download")
    jars.hold.set()
    call.result()
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_killed_between_uninstall_and_install_in_place(base, start_agent):
    agent = start_agent(base)
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    new = base.jar(name, "2.0.0", Test_Start_Sleep_Ms=800)
    call = agent.start(new, op="one", in_place=True)
    agent.kill()
    with pytest.raises(grpc.RpcError):
        call.result()
    later = start_agent(base)
    later.succeeded(later.install(new, op="one", in_place=True))
    assert base.operations_of(name) == [("install", "1.0.0"), ("uninstall", "1.0.0"),
                                        ("install", "2.0.0")]


def test_killed_in_place_what_was_removed_still_comes_back(base, start_agent):
    """The agent started later puts back what the one before took away."""
    agent = start_agent(base)
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    new = base.jar(name, "2.0.0", Test_Fail="main", Test_Start_Sleep_Ms=800)
    call = agent.start(new, op="one", in_place=True)
    agent.kill()
    with pytest.raises(grpc.RpcError):
        call.result()
    later = start_agent(base)
    error = later.failed(later.install(new, op="one", in_place=True), "User.InstallBizUserError",
                         "MODULE_START_FAILED")
    assert error.restored
    assert base.modules() == {f"{name}:1.0.0": "activated"}
    later.succeeded(later.uninstall((name, "1.0.0")))
    error = later.failed(later.install(new, in_place=True), "User.InstallBizUserError",
                         "MODULE_START_FAILED")
    assert not error.restored, "it was uninstalled on purpose meanwhile"
    assert base.modules() == {}


@pytest.mark.parametrize("stage", ["installing", "downloading", "waiting"])
def test_sigterm_with_work_under_way(base, start_agent, jars, stage):
    agent = start_agent(base)
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=30000)
    behind = basekit.Parallel(lambda: None)
    if stage == "downloading":
        jars.hold.clear()
        url = jars.serve(jar)
        call = basekit.Parallel(agent.install, url, jar.module, jar.version)
        basekit.wait_until(lambda: jars.held, "the download")
    else:
        call = agent.start(jar)
        if stage == "waiting":
            behind = basekit.Parallel(agent.uninstall, jar, op="behind")
            basekit.wait_until(lambda: agent.knows("behind"), "the uninstall")
    agent.process.terminate()
    assert agent.process.wait(10) == 0
    for one in (call, behind):
        try:
            one.result()
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    jars.hold.set()
    if stage != "downloading":
        assert modules_now(base) == {f"{jar.module}:1.0.0": "resolved"}, "the base goes on"
        restart(base)


def test_no_new_operations_while_it_stops(base, start_agent):
    agent = start_agent(base)
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=1000)
    call = agent.start(jar)
    agent.process.terminate()

    def refused():
        try:
            agent.install(base.jar(base.unique()))
        except grpc.RpcError as error:
            return error.code() == grpc.StatusCode.UNAVAILABLE
        return False

    basekit.wait_until(refused, "a refusal")
    try:
        call.result()
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert agent.process.wait(10) == 0
