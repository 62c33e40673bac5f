# SPDX-License-Identifier: Apache-2.0
"""What the kubelet asks the agent about the base, and the health in metrics."""
import signal

import basekit
from conftest import restart

BAD, GOOD = 503, 200


def wait_probes(agent, startup, live, ready):
    """Waits until the probes answer so; what they say then."""

    def told():
        answers = [agent.get(path) for path in ("/startupz", "/livez", "/readyz")]
        return [body for _, body in answers] if [status for status, _ in answers] == [startup, live, ready] else None

    return basekit.wait_until(told, f"startup {startup}, live {live}, ready {ready}")


def test_a_base_that_starts_and_starts_anew(new_base, start_agent):
    base = new_base("--start-ms", "3000")
    agent = start_agent(base)
    startup, live, ready = wait_probes(agent, BAD, GOOD, BAD)
    assert startup.startswith("the base starts: ") and ready.strip() and live.endswith("\n")
    assert wait_probes(agent, GOOD, GOOD, GOOD) == ["ok\n"] * 3
    base.control("restart", ms=1500)
    wait_probes(agent, BAD, GOOD, BAD)
    wait_probes(agent, GOOD, GOOD, GOOD)


def test_only_a_dead_base_is_to_be_restarted(base, agent):
    agent.wait_ready()
    for page, says in (("401", "it is not open to the agent"), ("404", "the base has no such page")):
        base.control("fault", fault="actuator", page=page, count=-1)
        assert says in wait_probes(agent, GOOD, GOOD, BAD)[2]
        base.control("clear")
        wait_probes(agent, GOOD, GOOD, GOOD)
    base.control("fault", fault="refuse")
    assert wait_probes(agent, GOOD, GOOD, BAD)[2] == "Arklet does not answer\n"
    base.control("clear")
    wait_probes(agent, GOOD, GOOD, GOOD)
    base.control("fault", fault="actuator", page="html", count=-1)
    _, live, ready = wait_probes(agent, GOOD, BAD, BAD)
    assert live == ready == "the health page answered 404 and no health: the base is dead\n"
    assert agent.get("/startupz") == (GOOD, "the start is over: " + live)
    base.control("clear")
    wait_probes(agent, GOOD, GOOD, GOOD)


def test_a_base_that_is_stopped_is_late_then_down(tmp_path, start_agent):
    with basekit.Simulator(tmp_path / "stopped") as simulator:
        agent = start_agent(simulator.bases[0], "--query-timeout", "6s").wait_ready()
        simulator.process.send_signal(signal.SIGSTOP)
        basekit.wait_until(lambda: agent.status(agent.health().status) == "UNKNOWN", "UNKNOWN")
        assert agent.is_ready() and agent.base_status() == "UP"
        wait_probes(agent, GOOD, GOOD, BAD)
        assert agent.base_status() == "DOWN"
        simulator.process.send_signal(signal.SIGCONT)
        wait_probes(agent, GOOD, GOOD, GOOD)


def health_of(agent, metric, **labels):
    """The status whose series is 1; None where there are no series."""
    text = "".join(f'{name}="{value}",' for name, value in labels.items())
    series = agent.metrics()
    found = {status: series.get(f'koupleless_agent_{metric}_health{{{text}status="{status}"}}')
             for status in ("UP", "DOWN", "UNKNOWN")}
    if set(found.values()) == {None}:
        return None
    assert sorted(found.values()) == [0, 0, 1], found
    return next(status for status, value in found.items() if value == 1)


def test_health_as_metrics(base, agent):
    agent.wait_ready()
    assert health_of(agent, "base") == "UP"
    jar = base.jar(base.unique())
    own = {"module": jar.module, "version": jar.version}

    def wait_module(status):
        basekit.wait_until(lambda: health_of(agent, "module", **own) == status, f"a module that is {status}")

    assert health_of(agent, "module", **own) is None
    agent.succeeded(agent.install(jar))
    wait_module("UP")
    base.get(f"/{jar.module}/set/DOWN")
    wait_module("DOWN")
    wait_probes(agent, GOOD, GOOD, GOOD)
    agent.succeeded(agent.uninstall(jar))
    wait_module(None)
    failures = 'koupleless_agent_question_failures_total{of="%s"}'
    assert agent.metrics()[failures % "arklet"] == 0
    rounds = agent.metrics()["koupleless_agent_rounds_total"]
    restart(base, ms=300)
    basekit.wait_until(lambda: agent.metrics()[failures % "arklet"] > 0 and agent.metrics()[failures % "page"] > 0,
                       "questions that failed")
    agent.wait_ready()
    assert agent.metrics()["koupleless_agent_rounds_total"] > rounds
