# SPDX-License-Identifier: Apache-2.0
"""The JVM is another one: what belongs on the base is put back before it counts as ready."""
import http.server
import json
import threading
import urllib.request

import basekit
import protokit
import pytest
from conftest import await_age, wait_starting


@pytest.fixture
def agent_of(controller, start_agent):
    """Starts agents of base-7, with or without the controller."""

    def start(base, with_controller=True, *options):
        reports = ["--controller", f"127.0.0.1:{controller.port}", "--pod-name", "base-7", "--base-deployment", "base"]
        return start_agent(base, *(reports if with_controller else []), *options).wait_ready()

    return start


def restart(base):
    """It dies and is back, empty."""
    await_age(base)
    base.control("restart")


def replay_of(agent):
    """Of a JVM after agent.boot, once it is over and the base is ready."""
    before = agent.boot

    def over():
        health = agent.health()
        return health if health.boot_id not in ("", before) and health.replay.over and agent.is_ready() else None

    health = basekit.wait_until(over, "the end of the replay")
    agent.boot = health.boot_id
    return health


def install_all(agent, *jars):
    for jar in jars:
        agent.succeeded(agent.install(jar))
    agent.boot = agent.health().boot_id


def counts(health):
    replay = health.replay
    return replay.wanted, replay.installed, replay.failed, replay.left_out


def source(agent, health):
    return agent.proto.BaselineSource.Name(health.replay.source).removeprefix("BASELINE_SOURCE_")


def recorded(cache):
    """The last line counts; what is behind it is being written."""
    return json.loads((cache / "modules.json").read_text().rpartition("\n")[0].splitlines()[-1])


def names(base):
    return sorted(base.modules())


def test_all_is_back_when_the_base_is_ready_again(base, controller, agent_of, jars):
    """By the controller's baseline; from the cache, for the jar store is away."""
    agent = agent_of(base)
    some = [base.jar(base.unique()) for _ in range(4)]
    specs = [agent.module(jars.serve(jar), jar.module, jar.version) for jar in some]
    for spec in specs:
        agent.succeeded(agent.install(spec.url, spec.name, spec.version))
    first = controller.next(lambda report: report.ready and len(report.modules) == 4)
    agent.boot = first.boot_id
    jars.status.update({f"/{jar.path.name}": 503 for jar in some})
    controller.baseline = specs
    controller.asked.clear()
    restart(base)

    reports = [controller.next(lambda report: report.boot_id != first.boot_id)]
    while not reports[-1].ready:
        reports.append(controller.next())
    assert "Replaying" in {report.reason for report in reports[:-1]}
    assert len(reports[-1].modules) == 4, "ready with all of them, not before"
    assert controller.asked == ["default/base-7"]
    health = replay_of(agent)
    assert counts(health) == (4, 4, 0, 0) and source(agent, health) == "CONTROLLER"
    assert agent.status(health.status) == "UP" and agent.base_status() == "UP"
    assert [base.operations_of(jar.module) for jar in some] == [[("install", "1.0.0")] * 2] * 4
    told = [event["msg"] for event in agent.events() if "replay" in event["msg"] or event["msg"] == "base is ready"]
    assert told[-8:] == ["replay begins", "replay: baseline", *["replay: module is back"] * 4, "replay over",
                         "base is ready"]


@pytest.mark.parametrize("with_controller", [True, False])
def test_where_nothing_belongs_the_base_is_ready_after_one_look(base, agent_of, with_controller):
    agent = agent_of(base, with_controller, "--poll-interval", "1h")
    assert agent.metrics()["koupleless_agent_rounds_total"] == 1


@pytest.mark.parametrize("away", ["standalone", "refuses", "old", "senseless"])
def test_the_own_copy_where_no_controller_answers(base, controller, agent_of, away):
    agent = agent_of(base, away != "standalone")
    install_all(agent, *[base.jar(base.unique()) for _ in range(2)])
    there = names(base)
    controller.refuse = away == "refuses"
    controller.baseline = None if away == "old" else []
    if away == "senseless":
        controller.baseline = [agent.module(base.jar(base.unique()))]
        controller.baseline[0].sha256 = "../../" + "0" * 58
    restart(base)
    health = replay_of(agent)
    assert counts(health) == (2, 2, 0, 0) and source(agent, health) == "OWN_COPY"
    assert names(base) == there


def test_agent_and_jvm_die_together(base, agent_of, tmp_path):
    """Also while a module is being installed. What others took off, with or without an agent, stays off."""
    cache = tmp_path / "cache"
    agent = agent_of(base, False)
    stays, goes, goes_later, slow = (base.jar(base.unique(), **more) for more in
                                     ({}, {}, {}, {"Test_Start_Sleep_Ms": 1000}))
    install_all(agent, stays, goes, goes_later)
    base.uninstall(goes.module, goes.version)
    basekit.wait_until(lambda: f"{goes.module}:1.0.0" not in recorded(cache), "its record to go")
    agent.kill()
    base.uninstall(goes_later.module, goes_later.version)
    agent = agent_of(base, False)
    assert not agent.health().HasField("replay"), "the JVM is the same, and has lost nothing"
    basekit.wait_until(lambda: f"{goes_later.module}:1.0.0" not in recorded(cache), "this one's, too")
    await_age(base, 5)  # agents may differ by two seconds
    call = agent.start(slow)
    agent.kill()
    base.control("restart")
    with pytest.raises(protokit.grpc.RpcError):
        call.result()
    health = agent_of(base, False).health()
    assert counts(health) == (2, 2, 0, 0)
    assert names(base) == sorted([f"{stays.module}:1.0.0", f"{slow.module}:1.0.0"])


@pytest.mark.parametrize("together", [False, True], ids=["alone", "in-a-batch"])
def test_the_base_does_not_wait_for_the_jar_of_another_version(base, agent_of, jars, together):
    """Which was asked for before the JVM died: of the module itself, or of one that is to be installed with it."""
    agent = agent_of(base, False)
    name = base.unique()
    install_all(agent, base.jar(name))
    boot = agent.health().boot_id
    new, other = base.jar(name, "2.0.0", context=name + "-2"), base.jar(base.unique())
    jars.hold.clear()
    held = other if together else new
    specs = [agent.module(jars.serve(jar) if jar is held else jar, jar.module, jar.version)
             for jar in ([new, other] if together else [new])]
    call = agent.stub.BatchInstall.future(
        agent.proto.BatchInstallRequest(installs=[agent.proto.InstallModuleRequest(module=spec) for spec in specs]))
    basekit.wait_until(lambda: jars.held, "the download")
    restart(base)
    basekit.wait_until(lambda: agent.health().boot_id != boot, "the new JVM")
    agent.wait_ready()
    assert names(base) == [f"{name}:1.0.0"]
    jars.hold.set()
    for operation in call.result().operations:
        agent.succeeded(operation)
    assert names(base) == sorted([f"{name}:1.0.0"] + [f"{spec.name}:{spec.version}" for spec in specs])


def test_large_records_are_read(base, agent_of, tmp_path):
    agent = agent_of(base, False)
    install_all(agent, base.jar(base.unique()))
    agent.kill()
    path = tmp_path / "cache" / "modules.json"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(json.dumps(recorded(path.parent) | {"of a later version": "x" * (2 << 20)}))
    agent = agent_of(base, False)
    assert not agent.health().HasField("replay"), "it knows the JVM"


def test_what_does_not_belong_there_is_not_brought_back(base, controller, agent_of):
    agent = agent_of(base)
    stays, removed, unwanted, raced = (base.jar(base.unique()) for _ in range(4))
    install_all(agent, stays, removed, unwanted, raced)
    agent.succeeded(agent.uninstall(removed))
    controller.baseline = [agent.module(stays), agent.module(raced)]
    controller.hold.clear()  # the baseline is on its way, and not of now any more
    restart(base)
    basekit.wait_until(lambda: len(controller.asked) == 2, "the question")
    agent.succeeded(agent.uninstall(raced))
    controller.hold.set()
    assert counts(replay_of(agent)) == (1, 1, 0, 0)
    assert names(base) == [f"{stays.module}:1.0.0"]


def test_what_the_controller_does_not_name_is_forgotten(base, controller, agent_of):
    """It would else come back where the controller is away the next time."""
    agent = agent_of(base)
    name = base.unique()
    install_all(agent, base.jar(name, "1.0.0"))
    new = base.jar(name, "2.0.0")
    controller.baseline = [agent.module(new)]
    restart(base)
    assert counts(replay_of(agent)) == (1, 1, 0, 0)
    controller.refuse = True
    restart(base)
    health = replay_of(agent)
    assert counts(health) == (1, 1, 0, 0) and source(agent, health) == "OWN_COPY"
    assert names(base) == [f"{name}:2.0.0"]


@pytest.mark.parametrize("in_place", [True, False], ids=["in-place", "uninstall"])
def test_what_is_being_taken_off_is_not_in_the_own_copy(base, agent_of, jars, tmp_path, in_place):
    """Also by an operation of the agent before this one, which waits."""
    agent = agent_of(base, False)
    name = base.unique()
    old, new = base.jar(name, "1.0.0"), base.jar(name, "2.0.0")
    install_all(agent, old)
    jars.hold.clear()
    agent.begin(agent.install_request(jars.serve(new), name, "2.0.0", op="new", in_place=in_place))
    if not in_place:
        agent.begin(agent.identity("Uninstall", old, op="gone"))
    basekit.wait_until(lambda: jars.held, "the download")
    agent.kill()
    restart(base)
    agent = agent_of(base, False)
    assert counts(agent.health()) == (0, 0, 0, 0)
    jars.hold.set()
    for op in ("new",) if in_place else ("new", "gone"):
        agent.succeeded(agent.ended(op))
    assert base.operations_of(name) == [("install", "1.0.0"), ("install", "2.0.0")]
    basekit.wait_until(lambda: [name + ":2.0.0"] == [key for key in recorded(tmp_path / "cache") if ":" in key],
                       "the record of the old one to go")


def test_what_was_on_another_base_is_not_brought_here(base, new_base, agent_of):
    """The directory is that of an agent before, maybe of the Pod before on this node."""
    agent = agent_of(base, False)
    install_all(agent, base.jar(base.unique()))
    agent.kill()
    other = new_base()
    agent = agent_of(other, False)
    assert names(other) == []
    jar = other.jar(other.unique())
    install_all(agent, jar)
    restart(other)
    assert counts(replay_of(agent)) == (1, 1, 0, 0)


def test_a_bad_module_holds_nobody_up(base, controller, agent_of):
    """It is told until it is there, or is not wanted any more."""
    agent = agent_of(base)
    good, bad, gone, later = (base.jar(base.unique(), **more) for more in ({}, {"Test_Fail": "main"}, {}, {}))
    missing = f"file://{later.path}.moved"
    agent.boot = agent.health().boot_id
    controller.baseline = [agent.module(bad), agent.module(gone.as_uri() + ".gone", gone.module, "1.0.0"),
                           agent.module(missing, later.module, "1.0.0"), agent.module(good)]
    restart(base)
    health = replay_of(agent)
    assert counts(health) == (4, 1, 3, 0) and names(base) == [f"{good.module}:1.0.0"]
    assert agent.status(health.status) == "DOWN" and agent.status(health.base_status) == "UP"
    assert health.message.startswith(f"module {bad.module} 1.0.0 was not brought back: ")
    assert health.message.endswith("; and 2 more")
    assert all(module.message for module in health.replay.modules[:3])

    agent.succeeded(agent.install(later))
    for jar in (bad, gone):
        agent.succeeded(agent.uninstall(jar))
    basekit.wait_until(lambda: agent.status(agent.health().status) == "UP", "nothing to be missed")
    assert counts(agent.health()) == (2, 2, 0, 0)


def test_a_base_that_dies_of_a_module_is_not_put_into_a_loop(base, agent_of):
    agent = agent_of(base, False)
    good, deadly = base.jar(base.unique()), base.jar(base.unique(), Test_Start_Sleep_Ms=5000)
    install_all(agent, good)
    call = agent.start(deadly)
    for left in (2, 1, 0):
        restart(base)
        if left:
            wait_starting(base, deadly)  # it is tried again, at last after the others, and alone
    assert agent.state(call.result()) == "FAILED"
    health = replay_of(agent)
    assert counts(health) == (2, 1, 0, 1) and names(base) == [f"{good.module}:1.0.0"]
    assert agent.status(health.status) == "DOWN" and deadly.module in health.message
    agent.failed(agent.install(deadly), "Arklet.InstallationRequirementNotMet", "CRASHES_BASE")
    agent.succeeded(agent.uninstall(deadly))
    agent.start(deadly)


def test_the_active_version_comes_back_after_two_deaths(base, agent_of, tmp_path):
    """The second in the middle of a replay, before it was seen who is active."""
    agent = agent_of(base, False)
    name = base.unique()
    one, two = (base.jar(name, f"{i}.0.0", context=f"{name}-{i}") for i in (1, 2))
    slow = base.jar(name, "3.0.0", context=name + "-3", Test_Start_Sleep_Ms=5000)
    for jar in (one, slow, two):
        agent.succeeded(agent.install(jar))
    agent.succeeded(agent.switch(two))
    agent.boot = agent.health().boot_id
    basekit.wait_until(lambda: sum(module.get("inactive", False) for key, module in recorded(tmp_path / "cache").items()
                                   if ":" in key) == 2, "who is active")
    restart(base)
    basekit.wait_until(lambda: base.operations_of(name).count(("install", "1.0.0")) == 2, "the others")
    wait_starting(base, slow)
    restart(base)
    assert counts(replay_of(agent)) == (3, 3, 0, 0)
    assert base.modules()[f"{name}:2.0.0"] == "activated"


class Listener(http.server.ThreadingHTTPServer):
    """Between agent and Arklet; .bodies of the installs."""

    def __init__(self, base):
        self.bodies, outer = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/installBiz":
                    outer.bodies.append(json.loads(body))
                request = urllib.request.Request(f"http://{base.address}:{basekit.ARKLET_PORT}{self.path}", body)
                answer = urllib.request.urlopen(request).read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


def test_arguments_and_the_active_version_come_back(base, start_agent, tmp_path):
    listener = Listener(base)
    agent = start_agent(base, "--arklet", f"http://127.0.0.1:{listener.server_port}").wait_ready()
    name = base.unique()
    one, two = base.jar(name, "1.0.0"), base.jar(name, "2.0.0", context=name + "-2")
    agent.succeeded(agent.install(one, args=["--a=1", "b c"]))
    agent.succeeded(agent.install(two))
    agent.succeeded(agent.switch(two))
    agent.boot = agent.health().boot_id
    basekit.wait_until(lambda: recorded(tmp_path / "cache")[f"{name}:1.0.0"].get("inactive"), "who is active")
    restart(base)
    assert counts(replay_of(agent)) == (2, 2, 0, 0)
    assert base.modules() == {f"{name}:1.0.0": "deactivated", f"{name}:2.0.0": "activated"}
    assert [(body["bizVersion"], body.get("args")) for body in listener.bodies[2:]] == [
        ("2.0.0", None), ("1.0.0", ["--a=1", "b c"])]
    listener.shutdown()
    listener.server_close()
