# SPDX-License-Identifier: Apache-2.0
"""Operations: known by their id, one at a time per module, in batches, in place."""
import basekit
import grpc
import protokit
import pytest
from conftest import WAIT_S, wait_starting


# -- by id --


@pytest.mark.real
def test_the_same_id_is_the_same_operation(base, agent):
    jar = base.jar(base.unique())
    first = agent.succeeded(agent.install(jar, op="one"))
    assert agent.install(jar, op="one") == first
    assert agent.operation("one") == first
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_the_same_id_while_it_runs(base, agent):
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=500)
    calls = [basekit.Parallel(agent.install, jar, op="one") for _ in range(5)]
    results = [agent.succeeded(call.result()) for call in calls]
    assert all(result == results[0] for result in results)
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_a_failed_operation_stays_failed(base, agent):
    jar = base.jar(base.unique(), Test_Fail="main")
    first = agent.install(jar, op="one")
    assert agent.install(jar, op="one") == first
    assert base.operations_of(jar.module) == [("install-failed", "1.0.0"), ("uninstall", "1.0.0")]


@pytest.mark.real
def test_another_id_finds_the_module_installed(base, agent):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    again = agent.succeeded(agent.install(jar))
    assert again.execution_time.ToMilliseconds() == 0
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_an_install_that_somebody_else_did(base, agent):
    jar = base.jar(base.unique())
    base.install(jar)
    agent.succeeded(agent.install(jar))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


@pytest.mark.parametrize("change", ["module", "version", "type", "strategy"])
def test_an_id_that_stands_for_another_operation(base, agent, change):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar, op="one"))
    other = {"module": lambda: agent.install_request(jar.as_uri(), "another", "1.0.0", op="one"),
             "version": lambda: agent.install_request(jar.as_uri(), jar.module, "2", op="one"),
             "type": lambda: agent.identity("Uninstall", jar, op="one"),
             "strategy": lambda: agent.install_request(jar, op="one", in_place=True)}[change]()
    method = agent.stub.UninstallModule if change == "type" else agent.stub.InstallModule
    failure = protokit.failure(method, other)
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT and failure.fields == ["operation_id"]
    assert failure.message == f'operation_id: "one" stands for install of {jar.module} 1.0.0'
    assert base.modules() == {f"{jar.module}:1.0.0": "activated"}


def test_without_an_id_one_is_made(base, agent):
    jar = base.jar(base.unique())
    request = agent.install_request(jar)
    request.operation_id = ""
    ids = [agent.stub.InstallModule(request, timeout=WAIT_S).operation.id for _ in range(2)]
    assert ids[0] and ids[0] != ids[1]
    assert agent.operation(ids[0]).module.name == jar.module


def test_an_operation_that_is_not_known(agent):
    failure = protokit.failure(agent.stub.GetOperation, agent.proto.GetOperationRequest(operation_id="nine"))
    assert failure.code == grpc.StatusCode.NOT_FOUND and '"nine"' in failure.message


# -- waiting --


def test_wait_answers_with_the_operation_still_running(base, agent):
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=1500)
    request = agent.install_request(jar, op="one")
    request.wait.nanos = 1000000
    running = agent.stub.InstallModule(request, timeout=WAIT_S).operation
    assert agent.state(running) in ("PENDING", "VERIFYING", "EXECUTING")
    assert not running.HasField("end_time") and not running.HasField("error")
    wait_starting(base, jar)
    assert agent.state(agent.operation("one")) == "EXECUTING"
    agent.succeeded(agent.ended("one"))


def test_an_operation_goes_on_when_its_caller_leaves(base, agent):
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=1000)
    call = agent.stub.InstallModule.future(agent.install_request(jar, op="one"), timeout=WAIT_S)
    wait_starting(base, jar)
    assert call.cancel()
    agent.succeeded(agent.ended("one"))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


def test_a_caller_whose_deadline_passes_finds_it_again(base, agent):
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=1000)
    with pytest.raises(grpc.RpcError) as error:
        agent.stub.InstallModule(agent.install_request(jar, op="one"), timeout=0.3)
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    agent.succeeded(agent.install(jar, op="one"))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


# -- uninstall and switch --


@pytest.mark.lines
def test_uninstall(base, agent):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    operation = agent.succeeded(agent.uninstall(jar))
    assert (operation.type, operation.module.name) == ("uninstall", jar.module)
    assert agent.modules() == {}
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0")]


@pytest.mark.real
def test_uninstall_of_what_is_not_there(base, agent):
    agent.succeeded(agent.uninstall(("nobody", "1.0.0")))
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    agent.succeeded(agent.uninstall((jar.module, "2.0.0")))
    assert base.modules() == {f"{jar.module}:1.0.0": "activated"}


@pytest.mark.lines
def test_uninstall_of_a_module_without_spring(base, agent):
    """Arklet 2.1.6 says that it failed, and it is gone."""
    jar = base.jar(base.unique(), Test_Spring="false")
    agent.succeeded(agent.install(jar))
    agent.succeeded(agent.uninstall(jar))
    assert base.modules() == {}


@pytest.mark.lines
def test_switch(base, agent):
    name = base.unique()
    old, new = base.jar(name, "1.0.0"), base.jar(name, "2.0.0", context=name + "-2")
    agent.succeeded(agent.install(old))
    agent.succeeded(agent.install(new))
    assert agent.succeeded(agent.switch(new)).type == "switch"
    assert base.modules() == {f"{name}:1.0.0": "deactivated", f"{name}:2.0.0": "activated"}
    agent.succeeded(agent.switch(new))
    agent.succeeded(agent.switch(old))
    assert base.modules() == {f"{name}:1.0.0": "activated", f"{name}:2.0.0": "deactivated"}


def test_switch_to_what_is_not_there(agent):
    error = agent.failed(agent.switch(("nobody", "1")), "Arklet.NoMatchedBiz", "MODULE_NOT_FOUND")
    assert not error.retryable


def test_switch_to_a_broken_module(new_base, start_agent):
    base = new_base("--keep-failed")
    agent = start_agent(base)
    jar = base.jar(base.unique(), Test_Fail="main")
    agent.install(jar)
    error = agent.failed(agent.switch(jar), "Arklet.InstallationRequirementNotMet", "MODULE_STATE")
    assert error.message == f"Switch Biz: {jar.module}:1.0.0's state must not be broken."


# -- order --


def test_operations_on_one_module_run_in_order(base, agent):
    name = base.unique()
    one, two = (base.jar(name, version, context=f"{name}-{version}", Test_Start_Sleep_Ms=300)
                for version in ("1", "2"))
    requests = [(agent.stub.InstallModule, agent.install_request(one, op="i1")),
                (agent.stub.UninstallModule, agent.identity("Uninstall", one, op="u1")),
                (agent.stub.InstallModule, agent.install_request(two, op="i2")),
                (agent.stub.UninstallModule, agent.identity("Uninstall", two, op="u2"))]
    for method, request in requests:
        request.wait.SetInParent()  # 0 s: don't wait
        method(request, timeout=WAIT_S)
    agent.succeeded(agent.ended("u2"))
    assert base.operations_of(name) == [("install", "1"), ("uninstall", "1"),
                                        ("install", "2"), ("uninstall", "2")]


def test_a_failed_operation_does_not_hold_up_the_next(base, agent):
    name = base.unique()
    bad, good = base.jar(name, Test_Fail="main", Test_Start_Sleep_Ms=200), base.jar(name)
    call = basekit.Parallel(agent.install, bad)
    wait_starting(base, bad)
    agent.succeeded(agent.install(good))
    agent.failed(call.result(), "User.InstallBizUserError", "MODULE_START_FAILED")


# -- batches --


@pytest.mark.real
def test_a_batch_goes_by_priority(base, agent):
    late, first, middle = (base.jar(base.unique(), priority=priority, Test_Spring="false")
                           for priority in (200, -1, 50))
    operations = agent.batch(*(agent.install_request(jar) for jar in (late, first, middle)))
    assert [operation.module.name for operation in operations] == [
        late.module, first.module, middle.module]
    for operation in operations:
        agent.succeeded(operation)
    done = base.modules_in_order()
    assert [name for name in done if name in (late.module, first.module, middle.module)] == [
        first.module, middle.module, late.module]


def test_a_batch_begins_when_all_jars_are_there(base, agent, jars):
    early, late = base.jar(base.unique()), base.jar(base.unique(), priority=1)
    jars.hold.clear()
    url = jars.serve(late)
    call = basekit.Parallel(agent.batch, agent.install_request(early, op="early"),
                            agent.install_request(url, late.module, late.version))
    basekit.wait_until(lambda: jars.held, "the download")
    basekit.wait_until(lambda: agent.operation("early").digest, "the other jar")
    assert agent.state(agent.operation("early")) == "PENDING"
    jars.hold.set()
    for operation in call.result():
        agent.succeeded(operation)
    done = base.modules_in_order()
    assert done.index(late.module) < done.index(early.module)


def test_one_failure_of_a_batch_leaves_the_others(base, agent, tmp_path):
    good, bad = base.jar(base.unique()), base.jar(base.unique(), Test_Fail="main", priority=1)
    missing = (tmp_path / "none.jar").as_uri()
    operations = agent.batch(agent.install_request(bad), agent.install_request(missing, "none", "1"),
                             agent.install_request(good))
    agent.failed(operations[0], "User.InstallBizUserError", "MODULE_START_FAILED")
    agent.failed(operations[1], "Arklet.PullBizError", "JAR_UNAVAILABLE")
    agent.succeeded(operations[2])
    assert base.modules() == {f"{good.module}:1.0.0": "activated"}


def test_a_batch_behind_another_operation_on_one_of_its_modules(base, agent):
    slow, other = base.jar(base.unique(), Test_Start_Sleep_Ms=500), base.jar(base.unique())
    call = agent.start(slow)
    operations = agent.batch(agent.install_request(slow), agent.install_request(other))
    for operation in [call.result(), *operations]:
        agent.succeeded(operation)
    assert base.operations_of(slow.module) == [("install", "1.0.0")]


def test_two_batches_of_the_same_modules(base, agent):
    jars = [base.jar(base.unique()) for _ in range(3)]
    calls = [basekit.Parallel(agent.batch, *(agent.install_request(jar) for jar in order))
             for order in (jars, jars[::-1])]
    for call in calls:
        for operation in call.result():
            agent.succeeded(operation)
    assert all(base.operations_of(jar.module) == [("install", "1.0.0")] for jar in jars)


def test_a_module_twice_in_a_batch(base, agent):
    jar = base.jar(base.unique())
    request = agent.proto.BatchInstallRequest(
        installs=[agent.install_request(jar), agent.install_request(jar)])
    failure = protokit.failure(agent.stub.BatchInstall, request)
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT and failure.fields == ["installs"]
    assert base.modules() == {}


def test_what_a_batch_waits_for_is_not_forgotten(base, agent, jars, tmp_path):
    """LIMIT_OPERATIONS others end meanwhile, so that the oldest that have ended are forgotten."""
    slow = base.jar(base.unique())
    missing = (tmp_path / "none.jar").as_uri()
    jars.hold.clear()
    call = basekit.Parallel(agent.batch, agent.install_request(missing, "none", "1", op="early"),
                            agent.install_request(jars.serve(slow), slow.module, slow.version))
    basekit.wait_until(lambda: jars.held, "the download")
    agent.ended("early")
    agent.install(missing, "none", "1", op="later")
    for _ in range(1000):
        agent.install(missing, "none", "1")
    assert agent.knows("later") is None and agent.knows("early") == "FAILED"
    jars.hold.set()
    early, late = call.result()
    assert early.id == "early"
    agent.failed(early, "Arklet.PullBizError", "JAR_UNAVAILABLE")
    agent.succeeded(late)


def test_an_id_twice_in_a_batch(base, agent):
    one, two = base.jar(base.unique()), base.jar(base.unique())
    request = agent.proto.BatchInstallRequest(
        installs=[agent.install_request(one, op="x"), agent.install_request(two, op="x")])
    failure = protokit.failure(agent.stub.BatchInstall, request)
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT
    assert failure.fields == ["installs[1].operation_id"]
    assert agent.knows("x") is None and base.modules() == {}


def test_a_batch_that_does_not_fit(base, agent, jars):
    """LIMIT_OPERATIONS counts all of its members; those that are known already take no room."""
    first = base.jar(base.unique())
    jars.hold.clear()
    url = jars.serve(first)
    call = basekit.Parallel(agent.install, url, first.module, first.version, op="first")
    basekit.wait_until(lambda: jars.held, "the download")
    known = agent.install_request(url, first.module, first.version, op="first")
    others = [agent.install_request(first.as_uri(), f"none{i}", "1") for i in range(1000)]
    request = agent.proto.BatchInstallRequest(installs=others)
    assert protokit.failure(agent.stub.BatchInstall, request).code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert agent.knows(others[0].operation_id) is None
    batch = basekit.Parallel(agent.batch, known, *others[:999])
    basekit.wait_until(lambda: agent.knows(others[0].operation_id), "the batch")
    jars.hold.set()
    agent.succeeded(call.result())
    assert [agent.state(one) for one in batch.result()] == ["SUCCEEDED"] + ["FAILED"] * 999


# -- prefetch --


@pytest.mark.real
def test_prefetch(base, agent, jars, tmp_path):
    jar = base.jar(base.unique())
    url = jars.serve(jar)
    operation = agent.succeeded(agent.prefetch(jar))
    assert operation.type == "prefetch" and base.modules() == {}
    assert (tmp_path / "cache" / f"{operation.digest}.jar").read_bytes() == jar.path.read_bytes()
    agent.succeeded(agent.install(url, jar.module, jar.version, digests={"sha256": operation.digest}))
    assert jars.requests == []


def test_prefetch_checks_too(base, agent):
    jar = base.jar(base.unique())
    agent.failed(agent.prefetch(jar, md5="0" * 32), "Arklet.PullBizError", "DIGEST_MISMATCH")


# -- in place --


@pytest.mark.lines
def test_in_place(base, agent):
    name = base.unique()
    old, new = base.jar(name, "1.0.0"), base.jar(name, "2.0.0")
    agent.succeeded(agent.install(old))
    agent.succeeded(agent.install(new, in_place=True))
    assert base.modules() == {f"{name}:2.0.0": "activated"}
    assert base.operations_of(name) == [("install", "1.0.0"), ("uninstall", "1.0.0"),
                                        ("install", "2.0.0")]


def test_in_place_of_several_versions(base, agent):
    name = base.unique()
    for version in ("1", "2", "3"):
        agent.succeeded(agent.install(base.jar(name, version, context=f"{name}-{version}")))
    agent.succeeded(agent.install(base.jar(name, "4"), in_place=True))
    assert base.modules() == {f"{name}:4": "activated"}


@pytest.mark.real
def test_in_place_of_a_module_without_spring(base, agent):
    """Its uninstall is answered with an error, but it is gone."""
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0", Test_Spring="false")))
    agent.succeeded(agent.install(base.jar(name, "2.0.0"), in_place=True))
    assert base.modules() == {f"{name}:2.0.0": "activated"}


@pytest.mark.real
@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
def test_the_old_version_comes_back(base, start_agent, cache):
    agent = start_agent(base, cache=cache)
    name = base.unique()
    old, new = base.jar(name, "1.0.0"), base.jar(name, "2.0.0", Test_Fail="bean")
    agent.succeeded(agent.install(old))
    error = agent.failed(agent.install(new, in_place=True), "User.InstallBizUserError",
                         "MODULE_START_FAILED")
    assert error.restored and error.message.endswith(f"asked to fail: {name}:2.0.0")
    assert base.modules() == {f"{name}:1.0.0": "activated"}
    assert base.operations_of(name) == [
        ("install", "1.0.0"), ("uninstall", "1.0.0"), ("install-failed", "2.0.0"),
        ("uninstall", "2.0.0"), ("install", "1.0.0")]
    assert agent.modules()[f"{name}:1.0.0"].digest


def test_the_old_version_comes_back_over_a_broken_one(new_base, start_agent):
    base = new_base("--keep-failed")
    agent = start_agent(base)
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    error = agent.failed(agent.install(base.jar(name, "2.0.0", Test_Fail="main"), in_place=True),
                         "User.InstallBizUserError", "MODULE_START_FAILED")
    assert error.restored
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_an_agent_started_later_knows_the_old_version(base, start_agent, tmp_path):
    agent = start_agent(base)
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    kept = tmp_path / "cache" / "modules.json"
    basekit.wait_until(lambda: kept.exists() and name in kept.read_text(), "what the agent keeps")
    agent.kill()
    later = start_agent(base)
    new = base.jar(name, "2.0.0", Test_Fail="main")
    assert later.failed(later.install(new, in_place=True), "User.InstallBizUserError",
                        "MODULE_START_FAILED").restored
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_a_version_that_somebody_else_installed_does_not_come_back(base, agent):
    name = base.unique()
    base.install(base.jar(name, "1.0.0"))
    new = base.jar(name, "2.0.0", Test_Fail="main")
    error = agent.failed(agent.install(new, in_place=True), "User.InstallBizUserError",
                         "MODULE_START_FAILED")
    assert not error.restored
    assert base.modules() == {}


def test_not_all_old_versions_come_back(base, agent):
    name = base.unique()
    base.install(base.jar(name, "1.0.0"))
    agent.succeeded(agent.install(base.jar(name, "2.0.0", context=name + "-2")))
    error = agent.failed(agent.install(base.jar(name, "3.0.0", Test_Fail="main"), in_place=True),
                         "User.InstallBizUserError", "MODULE_START_FAILED")
    assert not error.restored
    assert list(base.modules()) == [f"{name}:2.0.0"]


def test_a_version_that_somebody_else_installed_comes_back_once_its_jar_is_known(base, agent):
    name = base.unique()
    old = base.jar(name, "1.0.0")
    base.install(old)
    agent.succeeded(agent.install(old))
    assert agent.modules()[f"{name}:1.0.0"].digest == "", "maybe it was another jar"
    operation = agent.install(base.jar(name, "2.0.0", Test_Fail="main"), in_place=True)
    assert agent.failed(operation, "User.InstallBizUserError", "MODULE_START_FAILED").restored
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_a_bad_jar_touches_nothing(base, agent):
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    new = base.jar(name, "2.0.0")
    agent.failed(agent.install(new, in_place=True, digests={"md5": "0" * 32}), "Arklet.PullBizError",
                 "DIGEST_MISMATCH")
    assert base.operations_of(name) == [("install", "1.0.0")]


@pytest.mark.real
def test_a_web_path_of_another_module_touches_nothing(base, agent):
    name, other = base.unique(), base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    agent.succeeded(agent.install(base.jar(other, "1.0.0", context="shop")))
    error = agent.failed(agent.install(base.jar(name, "2.0.0", context="shop"), in_place=True),
                         "Arklet.InstallationRequirementNotMet", "WEB_PATH_IN_USE")
    assert not error.restored
    assert base.operations_of(name) == [("install", "1.0.0")]


def test_an_old_version_that_does_not_go(base, agent):
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name, "1.0.0")))
    base.control("fault", fault="exception", command="uninstallBiz",
                 text="java.lang.reflect.InvocationTargetException")
    operation = agent.install(base.jar(name, "2.0.0"), in_place=True)
    assert agent.state(operation) == "FAILED"
    assert base.modules() == {f"{name}:1.0.0": "activated"}
    assert base.operations_of(name) == [("install", "1.0.0")]


# -- the same version of another jar --


def two_jars(base, **second):
    name = base.unique()
    return base.jar(name), base.jar(name, X_Build="2", **second)


@pytest.mark.real
def test_another_jar_of_a_version_that_runs(base, agent):
    one, two = two_jars(base)
    agent.succeeded(agent.install(one))
    error = agent.failed(agent.install(two), "Arklet.InstallationRequirementNotMet", "OTHER_JAR_INSTALLED")
    assert error.message == f"{one.module} 1.0.0 runs from another jar (sha256 {one.sha256})"
    assert not error.retryable
    assert base.operations_of(one.module) == [("install", "1.0.0")]
    agent.succeeded(agent.install(one))


@pytest.mark.real
def test_another_jar_in_place(base, agent):
    one, two = two_jars(base)
    agent.succeeded(agent.install(one))
    agent.succeeded(agent.install(two, in_place=True))
    agent.succeeded(agent.install(two, in_place=True))
    assert base.operations_of(one.module) == [("install", "1.0.0"), ("uninstall", "1.0.0"),
                                              ("install", "1.0.0")]
    assert agent.modules()[f"{one.module}:1.0.0"].digest == two.sha256


@pytest.mark.real
def test_a_jar_that_is_not_known_is_replaced_in_place(base, agent):
    jar = base.jar(base.unique())
    base.install(jar)
    agent.succeeded(agent.install(jar, in_place=True))
    agent.succeeded(agent.install(jar, in_place=True))
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0"),
                                              ("install", "1.0.0")]


# -- once more --


@pytest.mark.real
def test_a_restart_installs_the_same_again_once(base, agent):
    jar = base.jar(base.unique())
    steps = [("install", "1.0.0")]
    agent.succeeded(agent.install(jar))
    for wish in ("first", "first", "second", "second"):
        agent.succeeded(agent.install(jar, in_place=True, restart=wish))
    agent.succeeded(agent.install(jar, in_place=True))
    assert base.operations_of(jar.module) == steps + 2 * [("uninstall", "1.0.0"), ("install", "1.0.0")]


def test_a_restart_is_remembered_by_the_next_agent(base, start_agent):
    agent = start_agent(base)
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=800)
    agent.succeeded(agent.install(jar))
    call = agent.start(jar, op="one", in_place=True, restart="wish")
    agent.kill()
    with pytest.raises(grpc.RpcError):
        call.result()
    later = start_agent(base)
    later.succeeded(later.install(jar, in_place=True, restart="wish"))
    later.succeeded(later.install(jar, in_place=True, restart="wish"))
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0"), ("install", "1.0.0")]


def test_a_restart_that_does_not_go_is_tried_again(base, agent):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    base.control("fault", fault="exception", command="uninstallBiz",
                 text="java.lang.reflect.InvocationTargetException")
    assert agent.state(agent.install(jar, in_place=True, restart="wish")) == "FAILED"
    assert base.operations_of(jar.module) == [("install", "1.0.0")]
    base.control("clear")
    agent.succeeded(agent.install(jar, in_place=True, restart="wish"))
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0"), ("install", "1.0.0")]


@pytest.mark.parametrize("how", [{"in_place": False, "restart": "wish"}, {"in_place": True, "restart": "w" * 254}])
def test_a_restart_that_makes_no_sense(base, agent, how):
    error = protokit.failure(agent.stub.InstallModule, agent.install_request(base.jar(base.unique()), **how))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["restart"])


def test_an_id_stands_for_one_restart(base, agent):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar, op="one", in_place=True, restart="wish"))
    other = agent.install_request(jar, op="one", in_place=True, restart="another")
    failure = protokit.failure(agent.stub.InstallModule, other)
    assert (failure.code, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["operation_id"])


@pytest.mark.parametrize("options", [(), ("--keep-failed",)], ids=["gone", "kept"])
def test_the_jar_before_comes_back(new_base, start_agent, options):
    base = new_base(*options)
    agent = start_agent(base)
    one, two = two_jars(base, Test_Fail="main")
    agent.succeeded(agent.install(one))
    error = agent.failed(agent.install(two, in_place=True), "User.InstallBizUserError",
                         "MODULE_START_FAILED")
    assert error.restored
    assert base.modules() == {f"{one.module}:1.0.0": "activated"}
    assert agent.modules()[f"{one.module}:1.0.0"].digest == one.sha256


def test_a_jar_that_does_not_go_stays(base, agent):
    one, two = two_jars(base)
    agent.succeeded(agent.install(one))
    base.control("fault", fault="exception", command="uninstallBiz",
                 text="java.lang.reflect.InvocationTargetException")
    assert agent.state(agent.install(two, in_place=True)) == "FAILED"
    assert base.operations_of(one.module) == [("install", "1.0.0")]
    assert agent.modules()[f"{one.module}:1.0.0"].digest == one.sha256
