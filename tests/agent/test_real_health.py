# SPDX-License-Identifier: Apache-2.0
"""Health of real bases, with settings of their own (requirements 9.1 to 9.5), through GetHealth, gRPC health and probes."""
import signal

import basekit
import pytest
from test_health import wait_status
from test_probes import BAD, GOOD, health_of, wait_probes

ALL_MODULES = "-Dkoupleless.healthcheck.base.readiness.withAllBizReadiness=true"
KEEP_FAILED = "-Dsofa.ark.auto.uninstall.when.failed.enable=false"
STATIC_DIR = "-Dcom.alipay.sofa.ark.static.biz.dir="


class Elsewhere:
    """Where a base will be: an agent needs no more."""

    def __init__(self):
        self.address = basekit.free_address()


@pytest.mark.parametrize("line", ["current", "legacy"])
def test_9_1_a_base_from_its_start_to_its_end(new_jvm, start_agent, line):
    """It starts, is ready, is stopped for a while, dies, and is back as another one, all of it seen by one agent."""
    place = Elsewhere()
    agent = start_agent(place, "--query-timeout", "6s")
    wait_status(agent, "UNKNOWN", "UNKNOWN")
    wait_probes(agent, BAD, GOOD, BAD)
    assert agent.serving("koupleless.base") == "NOT_SERVING" and health_of(agent, "base") == "UNKNOWN"
    jvm = new_jvm(line=line, address=place.address)
    agent.wait_ready()
    first = wait_status(agent, "UP", "UP")
    wait_probes(agent, GOOD, GOOD, GOOD)
    assert agent.serving("koupleless.base") == "SERVING" and health_of(agent, "base") == "UP"
    jar = jvm.base.jar("pay")
    agent.succeeded(agent.install(jar))
    wait_status(agent, "UP", "UP", pay="UP")
    jvm.signal(signal.SIGSTOP)
    late = wait_status(agent, "UP", "UNKNOWN")
    assert late.message.endswith("late with its answer") and agent.is_ready()
    wait_status(agent, "DOWN", "DOWN")
    wait_probes(agent, GOOD, GOOD, BAD)
    jvm.signal(signal.SIGCONT)
    assert wait_status(agent, "UP", "UP", pay="UP").boot_id == first.boot_id
    jvm.kill()
    wait_status(agent, "UNKNOWN", "UNKNOWN")
    wait_probes(agent, BAD, GOOD, BAD)
    jvm.start()
    agent.wait_ready()
    second = wait_status(agent, "UP", "UP", pay="UP")  # put back
    assert second.boot_id != first.boot_id


@pytest.mark.parametrize("flags, joined", [([KEEP_FAILED], False), ([KEEP_FAILED, ALL_MODULES], True)],
                         ids=["base", "all"])
def test_9_2_a_module_that_fails_to_start(new_jvm, start_agent, flags, joined):
    """It is the base's trouble only where that is asked for; the base takes modules all the same."""
    base = new_jvm(*flags).base
    agent = start_agent(base).wait_ready()
    slow, bad = base.jar("slow", Test_Start_Sleep_Ms=2000), base.jar("bad", Test_Fail="bean")
    call = agent.start(slow)
    health = wait_status(agent, "UP", "UNKNOWN" if joined else "UP", slow="UNKNOWN")
    assert health.message == ("baseStartUp is UNKNOWN: a module is not ready" if joined else "")
    assert base.health().status == 503 and agent.is_ready()
    agent.succeeded(call.result())
    wait_status(agent, "UP", "UP", slow="UP")
    agent.failed(agent.install(bad), "User.InstallBizUserError", "MODULE_START_FAILED")
    health = wait_status(agent, "UP", "DOWN", slow="UP", bad="DOWN")
    assert health.message == ("baseStartUp is DOWN: a module is not ready" if joined
                              else "module bad 1.0.0: it is broken")
    wait_probes(agent, GOOD, GOOD, GOOD)
    agent.succeeded(agent.uninstall(bad))
    wait_status(agent, "UP", "UP", slow="UP")


def test_9_2_a_static_module_that_fails_leaves_a_dead_base(new_jvm, start_agent, tmp_path):
    """Arklet answers SUCCESS for ever, and says nothing of it; a restart of the container is what helps."""
    place, folder = Elsewhere(), tmp_path / "static"
    folder.mkdir()
    agent = start_agent(place)
    jvm = new_jvm(f"{STATIC_DIR}{folder}", address=place.address, wait=False, prepare=lambda base: (
        base.jar("bad", Test_Fail="main").path.rename(folder / "bad.jar")))
    wait_probes(agent, GOOD, BAD, BAD)
    health = wait_status(agent, "DOWN", "DOWN")
    assert health.message == "the health page answered 404 and no health: the base is dead"
    assert jvm.base.call("queryAllBiz", {}).code == "SUCCESS"
    assert agent.serving("koupleless.base") == "NOT_SERVING"
