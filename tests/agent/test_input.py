# SPDX-License-Identifier: Apache-2.0
"""What is refused, and the command line."""
import basekit
import grpc
import programkit
import protokit
import pytest

INVALID = grpc.StatusCode.INVALID_ARGUMENT
URL = "http://192.0.2.1/m.jar"


def refused(agent, method, request, *fields):
    failure = protokit.failure(getattr(agent.stub, method), request)
    assert failure.code == INVALID, failure.message
    assert failure.fields == list(fields), failure.message
    return failure


@pytest.mark.parametrize("changes, field", [
    ({"module": None}, "module"),
    ({"name": ""}, "module.name"),
    ({"name": "a:b"}, "module.name"),
    ({"name": "a b"}, "module.name"),
    ({"name": "x" * 254}, "module.name"),
    ({"version": ""}, "module.version"),
    ({"version": "1:2"}, "module.version"),
    ({"url": ""}, "module.url"),
    ({"url": "http://192.0.2.1/" + "x" * 4096}, "module.url"),
    ({"md5": "abc"}, "module.md5"),
    ({"sha256": "z" * 64}, "module.sha256"),
    ({"strategy": 7}, "strategy"),
    ({"wait": -1}, "wait"),
    ({"operation_id": "x" * 129}, "operation_id"),
])
@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_an_install(base, agent, changes, field, batch):
    spec = agent.protos["koupleless.module.v1"].ModuleSpec(name="m", version="1", url=URL)
    request = agent.proto.InstallModuleRequest(operation_id=changes.get("operation_id", "x"),
                                               strategy=changes.get("strategy", 0))
    for name in ("name", "version", "url", "md5", "sha256"):
        if name in changes:
            setattr(spec, name, changes[name])
    if "module" not in changes:
        request.module.CopyFrom(spec)
    if "wait" in changes:
        request.wait.seconds = changes["wait"]
    if not batch:
        refused(agent, "InstallModule", request, field)
    elif "wait" not in changes:  # a batch waits for all of it
        good = agent.install_request(base.jar(base.unique()))
        refused(agent, "BatchInstall", agent.proto.BatchInstallRequest(installs=[good, request]),
                f"installs[1].{field}")
        assert agent.knows(good.operation_id) is None, "none of it is begun"
    assert base.modules() == {}


@pytest.mark.parametrize("method", ["Uninstall", "Switch"])
@pytest.mark.parametrize("changes, field", [
    ({"name": ""}, "name"), ({"name": "a:b"}, "name"), ({"version": ""}, "version"),
    ({"version": "1:2"}, "version"), ({"wait": -1}, "wait"), ({"operation_id": "x" * 129}, "operation_id"),
    ({"name": "x" * 254}, "name"), ({"version": "x" * 254}, "version")])
def test_an_uninstall_or_switch(agent, method, changes, field):
    request = agent.identity(method, ("m", "1"))
    for name in ("name", "version", "operation_id"):
        if name in changes:
            setattr(request, name, changes[name])
    if "wait" in changes:
        request.wait.seconds = changes["wait"]
    refused(agent, f"{method}Module", request, field)


def test_the_longest_id(base, agent):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar, op="x" * 128))
    agent.succeeded(agent.operation("x" * 128))


def test_a_prefetch(agent):
    refused(agent, "PrefetchModule", agent.proto.PrefetchModuleRequest(), "module")
    refused(agent, "PrefetchModule", agent.proto.PrefetchModuleRequest(module={"name": "m", "version": "1"}),
            "module.url")


def test_a_question_for_an_operation(agent):
    request = agent.proto.GetOperationRequest(operation_id="x")
    request.wait.nanos = -1
    refused(agent, "GetOperation", request, "wait")


def test_empty_and_large_batches(agent):
    refused(agent, "BatchInstall", agent.proto.BatchInstallRequest(), "installs")
    spec = agent.protos["koupleless.module.v1"].ModuleSpec
    installs = [agent.proto.InstallModuleRequest(module=spec(name=f"m{i}", version="1", url=URL))
                for i in range(1001)]
    refused(agent, "BatchInstall", agent.proto.BatchInstallRequest(installs=installs), "installs")


@pytest.mark.parametrize("fields,wrong", [({"version": "1"}, "name"), ({"name": "m"}, "version"), ({"name": "x" * 254, "version": "1"}, "name"),
                                          ({"name": "m", "version": "1:2"}, "version")])
def test_a_drain(agent, fields, wrong):
    refused(agent, "DrainModule", agent.proto.DrainModuleRequest(**fields), wrong)


def test_a_very_long_wait(base, agent):
    request = agent.install_request(base.jar(base.unique()))
    request.wait.seconds = (1 << 63) - 1
    agent.succeeded(agent.stub.InstallModule(request, timeout=protokit.DEADLINE_S).operation)


# -- epochs: a controller that has lost its leadership does no more harm --


def test_an_older_epoch_is_refused(base, agent):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar, epoch=7))
    for method, request in [("InstallModule", agent.install_request(jar, epoch=6)),
                            ("UninstallModule", agent.identity("Uninstall", jar, epoch=6)),
                            ("SwitchModule", agent.identity("Switch", jar, epoch=1)),
                            ("PrefetchModule", agent.prefetch_request(jar, epoch=6)),
                            ("BatchInstall", agent.proto.BatchInstallRequest(
                                installs=[agent.install_request(jar, epoch=6)]))]:
        failure = protokit.failure(getattr(agent.stub, method), request)
        assert failure.code == grpc.StatusCode.FAILED_PRECONDITION, failure.message
        assert failure.reason == "STALE_EPOCH"
    assert base.modules() == {f"{jar.module}:1.0.0": "activated"}
    agent.succeeded(agent.uninstall(jar))  # somebody who knows of no epochs
    agent.succeeded(agent.install(jar, epoch=8))


def test_what_is_meant_for_another_base_is_refused(base, start_agent):
    agent = start_agent(base, "--namespace", "shop", "--pod-name", "stock-1")
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar, target_base="shop/stock-1"))
    for method, request in [("InstallModule", agent.install_request(jar, target_base="shop/stock-2")),
                            ("UninstallModule", agent.identity("Uninstall", jar, target_base="pay/stock-1")),
                            ("SwitchModule", agent.identity("Switch", jar, target_base="stock-1")),
                            ("PrefetchModule", agent.prefetch_request(jar, target_base="shop/stock-2")),
                            ("BatchInstall", agent.proto.BatchInstallRequest(
                                installs=[agent.install_request(jar, target_base="shop/x")]))]:
        failure = protokit.failure(getattr(agent.stub, method), request)
        assert failure.code == grpc.StatusCode.FAILED_PRECONDITION, failure.message
        assert failure.reason == "BASE_MISMATCH"
    assert base.modules() == {f"{jar.module}:1.0.0": "activated"}
    agent.succeeded(agent.uninstall(jar))  # whoever it is


def test_a_refused_request_does_not_raise_the_epoch(base, agent):
    bad = agent.install_request(URL, "m", "1", epoch=9)
    bad.module.url = ""
    refused(agent, "InstallModule", bad, "module.url")
    agent.succeeded(agent.install(base.jar(base.unique()), epoch=8))


# -- sizes --


def test_a_message_of_64_mib(base, agent):
    jar = base.jar(base.unique())
    request = agent.install_request(jar, args=["x" * (64 << 20)])
    failure = protokit.failure(agent.stub.InstallModule, request)
    assert failure.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    agent.succeeded(agent.install(jar))


def test_more_operations_than_are_remembered(base, agent, jars):
    """LIMIT_OPERATIONS: the oldest are forgotten, those that run are not."""
    jars.hold.clear()
    slow = base.jar(base.unique())
    call = basekit.Parallel(agent.install, jars.serve(slow), slow.module, slow.version, op="slow")
    basekit.wait_until(lambda: jars.held, "the download")
    jar = base.jar(base.unique())
    for i in range(1005):
        agent.succeeded(agent.prefetch(jar, op=f"p{i}"))
    assert agent.knows("p0") is None and agent.knows("p1004") == "SUCCEEDED"
    assert agent.knows("slow") is not None
    jars.hold.set()
    agent.succeeded(call.result())
    assert len([i for i in range(1005) if agent.knows(f"p{i}")]) >= 998


def test_more_operations_than_may_run(base, agent, jars):
    jars.hold.clear()
    jar = base.jar(base.unique())
    url = jars.serve(jar)
    for i in range(1000):
        request = agent.install_request(url, jar.module, jar.version, op=f"i{i}")
        request.wait.SetInParent()
        agent.stub.InstallModule(request, timeout=protokit.DEADLINE_S)
    failure = protokit.failure(agent.stub.InstallModule, agent.install_request(jar))
    assert failure.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    again = agent.install_request(url, jar.module, jar.version, op="i7")
    again.wait.SetInParent()
    assert agent.stub.InstallModule(again, timeout=protokit.DEADLINE_S).operation.id == "i7"
    jars.hold.set()
    agent.succeeded(agent.ended("i999"))
    assert base.operations_of(jar.module) == [("install", "1.0.0")]


# -- the command line --


@pytest.mark.parametrize("options, code, says", [
    (["--help"], 0, "--arklet URL"),
    (["--version"], 0, "koupleless-agent"),
    (["--insecure", "--arklt", "http://127.0.0.1:1"], 2, "--arklet"),
    (["--cachedir", "x"], 2, "--cache-dir"),
    (["--insecure", "operand"], 2, "operand"),
    ([], 2, "--insecure"),
    (["--insecure", "--arklet", "127.0.0.1:1238"], 2, "--arklet"),
    (["--insecure", "--health-url", "ftp://x"], 2, "--health-url"),
    (["--insecure", "--poll-interval", "0s"], 2, "--poll-interval"),
    (["--insecure", "--install-timeout", "0"], 2, "--install-timeout"),
    (["--insecure", "--install-timeout", "soon"], 2, "--install-timeout"),
    (["--insecure", "--max-module-count", "-2"], 2, "--max-module-count"),
    (["--insecure", "--cache-dir", "/proc/nowhere"], 2, "--cache-dir"),
    (["--insecure", "--cache-dir", "/dev/null"], 2, "--cache-dir"),
])
def test_command_line(options, code, says):
    result = programkit.run("koupleless-agent", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0",
                            *options)
    assert result.returncode == code, result.stderr
    said = result.stdout if code == 0 else result.stderr
    assert says in said
    if code:
        assert said.count("\n") == 1, "one line for people"


def test_an_address_that_is_taken(agent):
    result = programkit.run("koupleless-agent", "--insecure", "--listen", agent.grpc, "--http-listen",
                            "127.0.0.1:0")
    assert result.returncode == 1 and f"--listen {agent.grpc}" in result.stderr


def test_metrics(base, agent):
    agent.succeeded(agent.install(base.jar(base.unique())))
    agent.install(base.jar(base.unique(), Test_Fail="main"))
    metrics = agent.metrics()
    total = "koupleless_agent_operations_total"
    assert metrics[total + '{type="install",result="succeeded"}'] == 1
    assert metrics[total + '{type="install",result="failed"}'] == 1
    assert metrics[total + '{type="uninstall",result="succeeded"}'] == 0
    assert metrics["koupleless_agent_operation_duration_seconds_count"] == 2


def test_the_log_tells_each_operation(base, agent):
    good, bad = base.jar(base.unique()), base.jar(base.unique(), Test_Fail="main")
    agent.install(good, op="good")
    agent.install(bad, op="bad")
    told = {event["id"]: event for event in agent.events() if "operation" in event}
    assert told["good"]["msg"] == "operation succeeded" and told["good"]["module"] == good.module
    assert told["bad"]["level"] == "warn" and told["bad"]["code"] == "User.InstallBizUserError"
