# SPDX-License-Identifier: Apache-2.0
"""Operations as a list, as a stream of what becomes of them, and how far a download is."""
import basekit
import grpc
import protokit
import pytest
from conftest import WAIT_S


class Watch:
    """A WatchOperations; messages as lists of (id, state)."""

    def __init__(self, agent, **which):
        self.agent = agent
        request = agent.proto.WatchOperationsRequest(**which)
        self.stream = agent.stub.WatchOperations(request, timeout=WAIT_S)

    def next(self):
        return [(one.id, self.agent.state(one)) for one in next(self.stream).operations]

    def until(self, op, state):
        """All states of @op that were told up to @state."""
        told = []
        while not told or told[-1] != state:
            told += [one_state for one_id, one_state in self.next() if one_id == op]
        return told

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stream.cancel()


def test_the_list(base, agent, jars):
    one, two = base.jar(base.unique()), base.jar(base.unique())
    assert agent.operations() == {}
    agent.succeeded(agent.install(one, op="a"))
    agent.succeeded(agent.uninstall(one, op="b"))
    jars.hold.clear()
    agent.begin(agent.install_request(jars.serve(two), two.module, two.version, op="c"))
    assert list(agent.operations()) == ["a", "b", "c"]
    assert agent.operations()["a"] == agent.operation("a")
    assert list(agent.operations(module=one.module)) == ["a", "b"]
    assert list(agent.operations(running=True)) == ["c"]
    assert agent.operations(module=one.module, running=True) == {}
    jars.hold.set()
    agent.succeeded(agent.ended("c"))
    assert agent.operations(running=True) == {}


@pytest.mark.real
def test_watch_tells_each_stage(base, agent, jars):
    jar, other = base.jar(base.unique(), Test_Start_Sleep_Ms=300), base.jar(base.unique())
    agent.wait_ready()
    agent.succeeded(agent.install(other, op="before"))
    jars.hold.clear()
    with Watch(agent) as watch, Watch(agent, module=other.module) as others, Watch(agent, running=True) as running:
        assert watch.next() == others.next() == [("before", "SUCCEEDED")]
        assert running.next() == []
        agent.begin(agent.install_request(jars.serve(jar), jar.module, jar.version, op="one"))
        assert watch.until("one", "DOWNLOADING")[-1] == "DOWNLOADING"
        jars.hold.set()
        told = watch.until("one", "SUCCEEDED")
        assert "EXECUTING" in told and told == sorted(told, key=["VERIFYING", "PENDING", "EXECUTING", "CHECKING",
                                                                 "SUCCEEDED"].index)
        assert running.until("one", "SUCCEEDED")[-1] == "SUCCEEDED"
        agent.succeeded(agent.uninstall(other, op="two"))
        assert others.until("two", "SUCCEEDED")[-1] == "SUCCEEDED"


def test_many_at_once_are_no_burden_to_a_watcher(base, agent):
    requests = [agent.install_request("file:///none.jar", f"none{i}", "1", op=f"op{i}") for i in range(1000)]
    with Watch(agent, running=True) as watch:
        assert watch.next() == []
        agent.batch(*requests)
        last = {}
        while len(last) < 1000 or set(last.values()) != {"FAILED"}:
            last.update(watch.next())


def test_a_watcher_that_does_not_read_is_sent_away(base, agent):
    with Watch(agent) as watch:
        assert watch.next() == []
        for _ in range(900):  # each is told at least twice, and has 4 KB
            agent.install("file:///" + "x" * 4000, "none", "1")
        with pytest.raises(grpc.RpcError) as error:
            while True:
                watch.next()
        assert protokit.Failure(error.value).code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_how_far_a_download_is(base, agent, jars):
    jar = base.jar(base.unique())
    url, size = jars.serve(jar), jar.path.stat().st_size
    jars.cut["/" + jar.path.name] = [100, 50]
    operation = agent.succeeded(agent.install(url, jar.module, jar.version))
    assert (operation.downloaded_bytes, operation.total_bytes) == (size, size)
    jars.hold.clear()
    other = base.jar(base.unique())
    agent.begin(agent.install_request(jars.serve(other), other.module, other.version, op="held"))
    basekit.wait_until(lambda: jars.held[-1:] == ["/" + other.path.name], "the download")
    assert agent.operation("held").downloaded_bytes == 0
    jars.hold.set()
    agent.succeeded(agent.ended("held"))
    local = agent.succeeded(agent.install(base.jar(base.unique())))
    assert (local.downloaded_bytes, local.total_bytes) == (0, 0)


def test_too_many_arguments(base, agent):
    request = agent.install_request(base.jar(base.unique()), args=["x" * 1000] * 9)
    failure = protokit.failure(agent.stub.InstallModule, request)
    assert (failure.code, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["args"])
