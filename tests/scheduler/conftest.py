# SPDX-License-Identifier: Apache-2.0
"""The scheduler as a process, and its clients.

    /usr/bin/python3 -m pytest tests/scheduler
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import programkit  # noqa: E402
import protokit  # noqa: E402


class Scheduler(programkit.Program):
    """A running koupleless-scheduler with a client."""

    def __init__(self, folder, protos):
        super().__init__("koupleless-scheduler", folder, "--insecure")
        self.protos = protos
        self.proto = protos["koupleless.scheduler.v1"]
        self.channel = protokit.channel(self.grpc)
        self.stub = self.proto.SchedulerServiceStub(self.channel)

    def place(self, bases, replicas=1, policy=0):
        request = self.proto.PlaceRequest(replicas=replicas, policy=policy, bases=bases)
        return self.stub.Place(request, timeout=protokit.DEADLINE_S)

    def evict(self, instances, replicas=1, policy=0):
        request = self.proto.EvictRequest(replicas=replicas, policy=policy, instances=instances)
        return self.stub.Evict(request, timeout=protokit.DEADLINE_S)

    def base(self, name, **fields):
        """A candidate that can take a module where @fields say nothing else."""
        well = {"ready": True, "agent_reachable": True, "has_ip": True, "selector_matches": True}
        return self.proto.BaseCandidate(**{"name": name, **well, **fields})

    def instance(self, name, **fields):
        return self.proto.InstanceCandidate(
            **{"name": name, "base_name": f"base-of-{name}", "healthy": True, "base_ready": True, **fields})

    def __exit__(self, *exc):
        self.channel.close()
        super().__exit__(*exc)


@pytest.fixture(scope="session", name="protos")
def fixture_protos(tmp_path_factory):
    return protokit.load(tmp_path_factory.mktemp("protos"))


@pytest.fixture(scope="session")
def scheduler(protos, tmp_path_factory):
    """One for all tests: it keeps nothing between questions."""
    with Scheduler(tmp_path_factory.mktemp("scheduler"), protos) as running:
        yield running


@pytest.fixture
def new_scheduler(protos, tmp_path):
    """One of the test's own, whose counters start at 0 and which may be ended."""
    with Scheduler(tmp_path, protos) as running:
        yield running
