# SPDX-License-Identifier: Apache-2.0
"""Health of base and modules in the five scenarios, as GetHealth, WatchHealth, probes and gRPC health tell it."""
import basekit
import pytest
from conftest import WAIT_S, await_age, restart


def wait_status(agent, base_status=None, status=None, **modules):
    """Waits until the health is as given; the BaseHealth then."""

    def reached():
        health = agent.health()
        found = {module.name: agent.status(module.status) for module in health.modules}
        return (base_status in (None, agent.status(health.base_status))
                and status in (None, agent.status(health.status))
                and all(found.get(name) == wanted for name, wanted in modules.items())) and health

    return basekit.wait_until(reached, f"{status}, base {base_status}, {modules}")


# -- 1: the base starts --


def test_a_base_that_starts(new_base, start_agent):
    base = new_base("--start-ms", "4000")
    agent = start_agent(base)
    health = wait_status(agent, "UNKNOWN", "UNKNOWN")
    assert health.message and not agent.is_ready()
    assert agent.serving("") == "NOT_SERVING"
    health = wait_status(agent, "UP", "UP")
    assert health.message == "" and health.boot_id
    agent.wait_ready()
    assert agent.serving("") == "SERVING" and agent.serving("koupleless.base") == "SERVING"


@pytest.mark.real
def test_a_ready_base(base, agent):
    health = wait_status(agent, "UP", "UP")
    assert not health.modules
    assert agent.wait_ready().serving("koupleless.base") == "SERVING"
    assert agent.get("/healthz")[0] == 200


def test_a_base_that_is_not_there(new_base, start_agent, tmp_path):
    absent = basekit.Base("sim", basekit.free_address(), tmp_path)
    agent = start_agent(absent)
    health = wait_status(agent, "UNKNOWN", "UNKNOWN")
    assert "health page does not answer" in health.message
    assert agent.get("/healthz")[0] == 200 and not agent.is_ready()
    new_base(address=absent.address)
    agent.wait_ready()


# -- 2: a static merge that failed leaves a JVM without context --


@pytest.mark.parametrize("page, status, judged, meaning", [
    ("html", 404, "DOWN", "the base is dead"), ("404", 404, "UNKNOWN", "the base has no such page"),
    ("401", 401, "UNKNOWN", "it is not open to the agent")])
def test_a_page_that_is_no_health(base, agent, page, status, judged, meaning):
    agent.wait_ready()
    base.control("fault", fault="actuator", page=page, count=-1)
    health = wait_status(agent, judged, judged)
    assert health.message == f"the health page answered {status} and no health: {meaning}"
    basekit.wait_until(lambda: not agent.is_ready(), "an agent that is not ready")
    assert agent.serving("koupleless.base") == "NOT_SERVING"
    assert base.call("queryAllBiz", {}).code == "SUCCESS", "Arklet does not know"
    base.control("clear")
    agent.wait_ready()


def test_a_page_that_hangs(base, start_agent):
    """Late at first, which takes nothing out of traffic; then the base is DOWN. Modules are seen meanwhile."""
    agent = start_agent(base, "--query-timeout", "6s").wait_ready()
    base.control("fault", fault="actuator", page="hang", count=-1)
    with Watch(agent) as watch:
        late = watch.until(lambda health: agent.status(health.status) == "UNKNOWN")
        assert agent.status(late.base_status) == "UP" and agent.is_ready()
        assert late.message == "the health page is late with its answer"
        jar = base.jar(base.unique())
        base.install(jar)
        watch.until(lambda health: [module.name for module in health.modules] == [jar.module])
        down = watch.until(lambda health: agent.status(health.base_status) == "DOWN")
        assert "the health page does not answer" in down.message
    basekit.wait_until(lambda: not agent.is_ready(), "an agent that is not ready")
    base.control("clear")
    wait_status(agent, "UP", "UP")
    agent.wait_ready()


# -- 3: hot deploy --


@pytest.mark.lines
def test_a_module_that_starts(base, agent):
    agent.wait_ready()
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=2500)
    call = agent.start(jar)
    health = wait_status(agent, **{jar.module: "UNKNOWN"})
    assert (agent.status(health.status), agent.status(health.base_status)) == ("UP", "UP")
    assert health.modules[0].message == "it is starting"
    if base.kind == "sim":  # a real one is UP again somewhat before it has started
        assert base.health().status == 503, "which is by design, and says nothing"
        assert not call.done()
    assert agent.is_ready() and agent.serving(f"koupleless.module.{jar.module}") == "NOT_SERVING"
    agent.succeeded(call.result())
    wait_status(agent, "UP", "UP", **{jar.module: "UP"})
    assert agent.serving(f"koupleless.module.{jar.module}") == "SERVING"


@pytest.mark.real
def test_a_module_that_failed_and_is_gone(base, agent):
    agent.wait_ready()
    jar = base.jar(base.unique(), Test_Fail="bean")
    agent.install(jar)
    basekit.wait_until(lambda: not agent.health().modules, "its end")
    wait_status(agent, "UP", "UP")
    assert agent.is_ready()


def test_a_module_that_failed_and_stays(new_base, start_agent):
    base = new_base("--keep-failed")
    agent = start_agent(base).wait_ready()
    jar = base.jar(base.unique(), Test_Fail="main")
    agent.install(jar)
    health = wait_status(agent, "UP", "DOWN", **{jar.module: "DOWN"})
    assert health.message == f"module {jar.module} 1.0.0: it is broken"
    assert agent.is_ready(), "the base takes modules"
    agent.succeeded(agent.uninstall(jar))
    wait_status(agent, "UP", "UP")


@pytest.mark.parametrize("mode", ["startup", "modules"])
def test_with_all_biz_readiness(new_base, start_agent, mode):
    """baseStartUp joins the modules' states: UNKNOWN while one starts, and the base's own stays UP."""
    base = new_base("--readiness", mode)
    agent = start_agent(base).wait_ready()
    jar = base.jar(base.unique(), Test_Start_Sleep_Ms=1500)
    call = agent.start(jar)
    health = wait_status(agent, "UP", "UNKNOWN", **{jar.module: "UNKNOWN"})
    assert health.message == "baseStartUp is UNKNOWN: a module is not ready"
    agent.succeeded(call.result())
    wait_status(agent, "UP", "UP", **{jar.module: "UP"})


def test_names_as_documented(new_base, start_agent):
    base = new_base("--health-names", "documented")
    agent = start_agent(base).wait_ready()
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    base.get(f"/{jar.module}/set/DOWN")
    wait_status(agent, "UP", "DOWN", **{jar.module: "DOWN"})


def test_states_in_upper_case(new_base, start_agent):
    base = new_base("--runtime", "2.1.3")
    agent = start_agent(base).wait_ready()
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    assert agent.modules()[f"{jar.module}:1.0.0"].state == "activated"
    wait_status(agent, "UP", "UP", **{jar.module: "UP"})


# -- 4: running --


@pytest.mark.lines
@pytest.mark.parametrize("indicator, module, root", [
    ("DOWN", "DOWN", "DOWN"), ("UNKNOWN", "UNKNOWN", "UP"), ("OUT_OF_SERVICE", "UP", "UP")])
def test_9_3_an_indicator_of_a_module(base, agent, indicator, module, root):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    wait_status(agent, "UP", "UP", **{jar.module: "UP"})
    base.get(f"/{jar.module}/set/{indicator}")
    health = wait_status(agent, "UP", root, **{jar.module: module})
    assert health.message == (f"module {jar.module} 1.0.0: test is DOWN" if root == "DOWN" else "")
    assert agent.is_ready() and agent.get("/livez")[0] == 200
    expected = "SERVING" if module == "UP" else "NOT_SERVING"
    basekit.wait_until(lambda: agent.serving(f"koupleless.module.{jar.module}") == expected, expected)
    base.get(f"/{jar.module}/set/UP")
    wait_status(agent, "UP", "UP", **{jar.module: "UP"})


@pytest.mark.lines
def test_9_5_each_module_has_a_health_of_its_own(base, agent):
    well, sick = base.jar(base.unique()), base.jar(base.unique())
    for jar in (well, sick):
        agent.succeeded(agent.install(jar))
    base.get(f"/{sick.module}/set/DOWN")
    wait_status(agent, "UP", "DOWN", **{well.module: "UP", sick.module: "DOWN"})
    basekit.wait_until(lambda: agent.serving(f"koupleless.module.{sick.module}") == "NOT_SERVING", "NOT_SERVING")
    assert agent.serving(f"koupleless.module.{well.module}") == "SERVING"
    assert agent.serving("koupleless.base") == "SERVING" and agent.is_ready()
    listed = {module["bizName"] for module in base.get("/actuator/info").json["arkBizInfo"]}
    assert listed == {"base", well.module, sick.module}


@pytest.mark.real
def test_a_module_without_spring(base, agent):
    """It keeps the root page DOWN for good; Arklet says that it runs."""
    jar = base.jar(base.unique(), Test_Spring="false")
    agent.succeeded(agent.install(jar))
    wait_status(agent, "UP", "UP", **{jar.module: "UP"})
    assert base.health().status == 503


@pytest.mark.real
def test_a_module_that_is_gone(base, agent):
    jar = base.jar(base.unique())
    service = f"koupleless.module.{jar.module}"
    assert agent.serving(service) == "SERVICE_UNKNOWN"
    agent.succeeded(agent.install(jar))
    basekit.wait_until(lambda: agent.serving(service) == "SERVING", "SERVING")
    agent.succeeded(agent.uninstall(jar))
    basekit.wait_until(lambda: not agent.health().modules, "the module to be gone")
    basekit.wait_until(lambda: agent.serving(service) == "NOT_SERVING", "NOT_SERVING")


def test_what_somebody_else_does_is_seen(base, agent):
    jar = base.jar(base.unique())
    base.install(jar)
    wait_status(agent, "UP", "UP", **{jar.module: "UP"})


def test_arklet_alone_fails(base, agent):
    agent.wait_ready()
    base.control("fault", fault="refuse")
    health = wait_status(agent, "UP", "DOWN")
    assert health.message == "Arklet does not answer"
    basekit.wait_until(lambda: not agent.is_ready(), "an agent that is not ready")
    base.control("clear")
    agent.wait_ready()


# -- 5: the base starts anew --


def test_another_jvm_has_another_boot_id(base, agent):
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    first = wait_status(agent, "UP", "UP", **{jar.module: "UP"})
    assert agent.wait_ready().health().boot_id == first.boot_id
    await_age(base)
    restart(base)
    basekit.wait_until(lambda: agent.health().boot_id not in ("", first.boot_id), "another boot id")
    agent.wait_ready()


# -- without a page --


def test_without_a_health_page(base, start_agent):
    agent = start_agent(base, "--health-url", "").wait_ready()
    base.control("fault", fault="refuse")
    assert wait_status(agent, "DOWN", "DOWN").message == "Arklet does not answer"
    base.control("clear")
    agent.wait_ready()


# -- streams --


class Watch:
    """What a stream of health has said; .until() reads on."""

    def __init__(self, agent):
        self.agent = agent
        self.stream = agent.stub.WatchHealth(agent.proto.WatchHealthRequest(), timeout=WAIT_S)

    def until(self, condition):
        for message in self.stream:
            if condition(message.health):
                return message.health
        raise AssertionError("the stream ended")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stream.cancel()


@pytest.mark.real
def test_watch_tells_the_health_now_and_each_change(base, agent):
    agent.wait_ready()
    jar = base.jar(base.unique())
    with Watch(agent) as watch, Watch(agent) as other:
        assert next(watch.stream).health == agent.health()
        agent.succeeded(agent.install(jar))
        for one in (watch, other):
            one.until(lambda health: [agent.status(m.status) for m in health.modules] == ["UP"])
        base.get(f"/{jar.module}/set/DOWN")
        watch.until(lambda health: agent.status(health.status) == "DOWN")
        other.stream.cancel()
        agent.succeeded(agent.uninstall(jar))
        watch.until(lambda health: not health.modules and agent.status(health.status) == "UP")


def test_watch_says_nothing_where_nothing_changes(base, agent):
    agent.wait_ready()
    with Watch(agent) as watch:
        first = next(watch.stream).health
        base.control("fault", fault="refuse")
        second = next(watch.stream).health
        assert agent.status(second.status) == "DOWN", "the very next message is the change"
        base.control("clear")


def test_many_watches_and_a_stop(base, start_agent):
    agent = start_agent(base).wait_ready()
    watches = [Watch(agent) for _ in range(20)]
    for watch in watches:
        next(watch.stream)
    agent.process.terminate()
    assert agent.process.wait(10) == 0


def test_grpc_health_watch(base, agent):
    agent.wait_ready()
    health = agent.protos["grpc.health.v1"]
    stream = health.HealthStub(agent.channel).Watch(
        health.HealthCheckRequest(service="koupleless.base"), timeout=WAIT_S)
    assert next(stream).status == health.HealthCheckResponse.SERVING
    base.control("fault", fault="actuator", page="html", count=-1)
    assert next(stream).status == health.HealthCheckResponse.NOT_SERVING
    base.control("clear")
    assert next(stream).status == health.HealthCheckResponse.SERVING
    stream.cancel()


@pytest.mark.real
def test_commands_of_arklet(agent):
    commands = agent.stub.ListCommands(agent.proto.ListCommandsRequest(), timeout=WAIT_S).commands
    ids = [command.id for command in commands]
    assert ids == sorted(ids)
    assert {"installBiz", "uninstallBiz", "switchBiz", "queryAllBiz", "health", "help"} <= set(ids)
    assert {command.id: command.description for command in commands}["switchBiz"] == "switch one ark biz"
