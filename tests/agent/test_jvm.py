# SPDX-License-Identifier: Apache-2.0
"""What the JVM says of itself, and a base that is nearly out of metaspace."""
import basekit
import programkit
import pytest

MIB = 1 << 20
EMPTY = 9_000_000  # of a simulated base
MODULE = 600_000
SMALL = ("--metaspace-max", "10000000")  # 90 % are 9,000,000: one module is too much


def refused(agent, operation):
    return agent.failed(operation, "User.MetaspaceFull", "METASPACE_FULL")


def figures_of(agent):
    return basekit.wait_until(lambda: agent.health().HasField("jvm") and agent.health().jvm, "figures")


def test_figures(new_base, start_agent):
    base = new_base("--metaspace-max", str(64 * MIB))
    agent = start_agent(base)
    jvm = figures_of(agent)
    assert (jvm.metaspace_used_bytes, jvm.metaspace_max_bytes) == (EMPTY, 64 * MIB)
    assert (jvm.heap_used_bytes, jvm.heap_max_bytes) == (48 * MIB, 123.75 * MIB)
    assert jvm.metaspace_committed_bytes >= EMPTY and not jvm.metaspace_full and not jvm.message
    agent.succeeded(agent.install(base.jar(base.unique())))
    basekit.wait_until(lambda: agent.health().jvm.metaspace_used_bytes == EMPTY + MODULE, "what the module took")
    metrics = agent.metrics()
    assert metrics["koupleless_agent_jvm_metaspace_used_bytes"] == EMPTY + MODULE
    assert metrics["koupleless_agent_jvm_metaspace_max_bytes"] == 64 * MIB
    assert metrics["koupleless_agent_jvm_heap_max_bytes"] == 123.75 * MIB
    assert metrics["koupleless_agent_jvm_metaspace_full"] == 0
    assert metrics["koupleless_agent_install_metaspace_bytes_sum"] == MODULE
    assert agent.said("operation succeeded")[-1]["metaspace_bytes"] == MODULE


def test_a_base_without_a_limit_takes_everything(base, start_agent):
    agent = start_agent(base, "--metaspace-limit", "1")
    jvm = figures_of(agent)
    assert jvm.metaspace_max_bytes == 0 and not jvm.metaspace_full
    agent.succeeded(agent.install(base.jar(base.unique())))
    assert agent.metrics()["koupleless_agent_jvm_metaspace_max_bytes"] == -1


def test_above_the_limit_nothing_comes_and_everything_goes(new_base, controller, report_agent):
    base = new_base(*SMALL)
    agent = report_agent(base)
    first, other = base.jar(base.unique()), base.jar(base.unique())
    agent.succeeded(agent.install(first))

    error = refused(agent, agent.install(other))
    assert error.message == ("9.2 of 9.5 MiB of metaspace are in use, 96 %, and above 90 % nothing is installed")
    assert not error.retryable
    refused(agent, agent.install(other, in_place=True))
    refused(agent, agent.install(base.jar(first.module, "2.0.0", context="beside")))
    assert [agent.state(one) for one in agent.batch(agent.install_request(other))] == ["FAILED"]
    assert base.operations_of(other.module) == []
    agent.succeeded(agent.install(first))  # it is there
    report = controller.next(lambda report: report.metaspace_full)
    assert report.ready and report.metaspace_message == error.message and not report.reason
    assert agent.health().jvm.message == error.message
    assert agent.metrics()["koupleless_agent_jvm_metaspace_full"] == 1
    assert agent.is_ready()

    newer = base.jar(first.module, "2.0.0", context=first.module)
    agent.succeeded(agent.install(newer, in_place=True))
    agent.succeeded(agent.switch(newer))
    agent.succeeded(agent.uninstall(newer))
    assert base.operations_of(first.module) == [("install", "1.0.0"), ("uninstall", "1.0.0"), ("install", "2.0.0"),
                                                ("uninstall", "2.0.0")]
    assert controller.next(lambda report: not report.metaspace_full).metaspace_message == ""
    agent.succeeded(agent.install(other))


def test_what_an_install_in_place_removed_comes_back_above_the_limit(new_base, start_agent):
    base = new_base(*SMALL)
    agent = start_agent(base)
    name = base.unique()
    agent.succeeded(agent.install(base.jar(name)))
    failing = base.jar(name, "2.0.0", Test_Fail="main")
    assert agent.failed(agent.install(failing, in_place=True), "User.InstallBizUserError", "MODULE_START_FAILED").restored
    assert base.modules() == {f"{name}:1.0.0": "activated"}


def test_a_jvm_that_does_not_say_is_not_judged(new_base, start_agent):
    """It is asked, and fails by itself."""
    base = new_base("--metaspace-max", "1000")
    base.control("fault", fault="exception", command="health", count=-1, text="java.lang.NullPointerException")
    agent = start_agent(base)
    assert refused(agent, agent.install(base.jar(base.unique()))).message == "java.lang.OutOfMemoryError: Metaspace"
    assert not agent.health().HasField("jvm")


@pytest.fixture(name="forgetful_base", params=["sim", "jvm"])
def fixture_forgetful_base(request, new_base, tmp_path):
    """A small heap in which uninstalled modules stay softly reachable."""
    if request.param == "sim":
        yield new_base("--heap-kept", str(4 * MIB))
        return
    try:
        real = basekit.RealBase(tmp_path / "jvm", "-Xmx64m", "-XX:SoftRefLRUPolicyMSPerMB=1000000")
    except basekit.Unavailable as error:
        pytest.skip(str(error))
    with real:
        yield real.base


def test_soft_references_fill_a_small_heap(forgetful_base, start_agent):
    """Installs take seconds then, and none fails; the base is as well as before."""
    agent = start_agent(forgetful_base)
    jvm = figures_of(agent)
    jar, rounds = forgetful_base.jar(forgetful_base.unique()), 0
    while jvm.heap_used_bytes < 0.9 * jvm.heap_max_bytes:
        agent.succeeded(agent.install(jar))
        agent.succeeded(agent.uninstall(jar))
        rounds += 1
        assert rounds < 60
        jvm = figures_of(agent)
    for _ in range(2):
        agent.succeeded(agent.install(jar))
        agent.succeeded(agent.uninstall(jar))
    assert agent.is_ready() and agent.health().base_status == agent.health().status
    assert forgetful_base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0")] * (rounds + 2)


@pytest.mark.parametrize("value", ["-1", "101", "much"])
def test_a_share_is_a_percentage(value):
    ended = programkit.run("koupleless-agent", "--metaspace-limit", value)
    assert ended.returncode == 2 and "--metaspace-limit" in ended.stderr


def test_a_base_that_was_awaited_is_asked(new_base, start_agent, jars):
    """By an operation of the agent before, to which the base was not there at first."""
    base = new_base(*SMALL)
    agent = start_agent(base)
    jar = base.jar(base.unique())
    jars.hold.clear()
    agent.begin(agent.install_request(jars.serve(jar), jar.module, jar.version, op="one"))
    agent.kill()
    base.control("restart", ms=1500)
    jars.hold.set()
    later = start_agent(base, "--metaspace-limit", "1")
    refused(later, later.ended("one"))
    assert base.operations_of(jar.module) == []


def test_a_real_jvm(tmp_path, start_agent):
    try:
        real = basekit.RealBase(tmp_path / "jvm", "-XX:MaxMetaspaceSize=64m")
    except basekit.Unavailable as error:
        pytest.skip(str(error))
    with real:
        base = real.base
        jar = base.jar(base.unique())
        strict = start_agent(base, "--metaspace-limit", "1")
        jvm = figures_of(strict)
        assert jvm.metaspace_max_bytes == 64 * MIB
        assert MIB < jvm.metaspace_used_bytes <= jvm.metaspace_committed_bytes < 64 * MIB
        assert MIB < jvm.heap_used_bytes < jvm.heap_max_bytes and jvm.uptime.seconds >= 0
        assert " of 64.0 MiB of metaspace are in use" in refused(strict, strict.install(jar)).message
        assert base.modules() == {}
        strict.stop()
        agent = start_agent(base)
        taken = agent.succeeded(agent.install(jar)).metaspace_bytes
        assert 0 < taken < 64 * MIB
        basekit.wait_until(lambda: agent.health().jvm.metaspace_used_bytes > jvm.metaspace_used_bytes,
                           "what the module took")
