# SPDX-License-Identifier: Apache-2.0
"""The agent as a process, in front of a simulated base and, where a test says so, of a real JVM too.

    /usr/bin/python3 -m pytest tests/agent [--bases sim|jvm|legacy|both]

Tests marked @pytest.mark.real run against both kinds of base, those marked @pytest.mark.lines against a JVM of the legacy
line of Koupleless too; all others need faults, or settings that only the simulator has.
"""
import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import basefixture  # noqa: E402
import basekit  # noqa: E402
import gateway  # noqa: E402
import jarserver  # noqa: E402
import programkit  # noqa: E402
import protokit  # noqa: E402

WAIT_S = protokit.DEADLINE_S
_ids = itertools.count(1)


class Agent(programkit.Program):
    """A running koupleless-agent with a client. States and health come as words: "SUCCEEDED", "UP"."""

    def __init__(self, folder, protos, base, *options, **how):
        super().__init__(
            "koupleless-agent", folder, "--insecure", "--arklet",
            f"http://{base.address}:{basekit.ARKLET_PORT}", "--health-url",
            f"http://{base.address}:{basekit.HTTP_PORT}/actuator/health", "--poll-interval", "100ms",
            *options, **how)
        self.base, self.protos = base, protos
        self.proto = protos["koupleless.agent.v1"]
        self.channel = protokit.channel(self.grpc)
        self.stub = self.proto.AgentServiceStub(self.channel)

    # -- requests --

    def module(self, jar, name=None, version=None, **digests):
        """A ModuleSpec for a Jar, or for a url with @name and @version."""
        url = jar if isinstance(jar, str) else jar.as_uri()
        return self.protos["koupleless.module.v1"].ModuleSpec(
            name=name or jar.module, version=version or jar.version, url=url, **digests)

    def install_request(self, jar, name=None, version=None, op=None, digests=None, in_place=False, **fields):
        strategy = (self.proto.INSTALL_STRATEGY_UNINSTALL_THEN_INSTALL if in_place
                    else self.proto.INSTALL_STRATEGY_INSTALL_ONLY)
        return self.proto.InstallModuleRequest(
            operation_id=op or self.new_id(), module=self.module(jar, name, version, **(digests or {})),
            strategy=strategy, **fields)

    def identity(self, what, jar, op=None, **fields):
        """An Uninstall- or SwitchModuleRequest; @jar: a Jar or (name, version)."""
        name, version = jar if isinstance(jar, tuple) else (jar.module, jar.version)
        request = getattr(self.proto, f"{what}ModuleRequest")
        return request(operation_id=op or self.new_id(), name=name, version=version, **fields)

    @staticmethod
    def new_id():
        return f"op-{next(_ids)}"

    # -- calls --

    def install(self, jar, *args, **kwargs):
        request = self.install_request(jar, *args, **kwargs)
        return self.stub.InstallModule(request, timeout=WAIT_S).operation

    def uninstall(self, jar, **kwargs):
        return self.stub.UninstallModule(self.identity("Uninstall", jar, **kwargs), timeout=WAIT_S).operation

    def switch(self, jar, **kwargs):
        return self.stub.SwitchModule(self.identity("Switch", jar, **kwargs), timeout=WAIT_S).operation

    def batch(self, *requests):
        request = self.proto.BatchInstallRequest(installs=requests)
        return list(self.stub.BatchInstall(request, timeout=WAIT_S).operations)

    def prefetch_request(self, jar, name=None, version=None, op=None, digests=None, **fields):
        return self.proto.PrefetchModuleRequest(
            operation_id=op or self.new_id(), module=self.module(jar, name, version, **(digests or {})), **fields)

    def prefetch(self, jar, *args, op=None, **digests):
        request = self.prefetch_request(jar, *args, op=op, digests=digests)
        return self.stub.PrefetchModule(request, timeout=WAIT_S).operation

    def operation(self, op, wait_s=None):
        request = self.proto.GetOperationRequest(operation_id=op)
        if wait_s is not None:
            request.wait.seconds = wait_s
        return self.stub.GetOperation(request, timeout=WAIT_S).operation

    def operations(self, **which):
        """id -> Operation, oldest first."""
        request = self.proto.ListOperationsRequest(**which)
        return {one.id: one for one in self.stub.ListOperations(request, timeout=WAIT_S).operations}

    def begin(self, request):
        """An Install-, Uninstall- or SwitchModuleRequest that is not waited for; the Operation as it begins."""
        request.wait.SetInParent()  # 0 s
        method = type(request).__name__.removesuffix("Request")
        return getattr(self.stub, method)(request, timeout=WAIT_S).operation

    def knows(self, op):
        """The state of an operation; None before it was asked for."""
        try:
            return self.state(self.operation(op))
        except protokit.grpc.RpcError as error:
            assert error.code() == protokit.grpc.StatusCode.NOT_FOUND
            return None

    def ended(self, op):
        operation = self.operation(op, wait_s=WAIT_S)
        assert self.state(operation) in ("SUCCEEDED", "FAILED")
        return operation

    def modules(self):
        """name:version -> InstalledModule"""
        answer = self.stub.ListModules(self.proto.ListModulesRequest(), timeout=WAIT_S)
        return {f"{module.name}:{module.version}": module for module in answer.modules}

    def health(self):
        return self.stub.GetHealth(self.proto.GetHealthRequest(), timeout=WAIT_S).health

    def start(self, jar, **kwargs):
        """An install that goes on beside the test, once the base works on it; its result() is the Operation."""
        call = basekit.Parallel(self.install, jar, **kwargs)
        wait_starting(self.base, jar)
        return call

    def state(self, operation):
        return self.proto.OperationState.Name(operation.state).removeprefix("OPERATION_STATE_")

    def status(self, number):
        return self.proto.HealthStatus.Name(number).removeprefix("HEALTH_STATUS_")

    def base_status(self):
        return self.status(self.health().base_status)

    def module_status(self, name):
        """Of the first version of a module; None where it is not known."""
        found = [self.status(module.status) for module in self.health().modules if module.name == name]
        return found[0] if found else None

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def wait_ready(self):
        basekit.wait_until(self.is_ready, "the agent to be ready")
        return self

    def serving(self, service):
        """What the gRPC health service says: "SERVING", or "SERVICE_UNKNOWN" where it knows none of this name."""
        health = self.protos["grpc.health.v1"]
        request = health.HealthCheckRequest(service=service)
        try:
            answer = health.HealthStub(self.channel).Check(request, timeout=WAIT_S)
        except protokit.grpc.RpcError as error:
            assert error.code() == protokit.grpc.StatusCode.NOT_FOUND
            return "SERVICE_UNKNOWN"
        return health.HealthCheckResponse.ServingStatus.Name(answer.status)

    # -- judgements --

    def succeeded(self, operation):
        assert self.state(operation) == "SUCCEEDED", operation
        assert not operation.HasField("error")
        return operation

    def failed(self, operation, code, reason):
        assert self.state(operation) == "FAILED", operation
        assert (operation.error.code, operation.error.reason) == (code, reason), operation.error
        return operation.error

    def __exit__(self, *exc):
        self.channel.close()
        super().__exit__(*exc)


def pytest_configure(config):
    config.addinivalue_line("markers", "real: runs against the simulator and a real base")
    config.addinivalue_line("markers", "lines: ... and one of the legacy line")


session_bases = basefixture.session_bases


def pytest_addoption(parser):
    basefixture.add_option(parser, "tests marked as real")


def pytest_generate_tests(metafunc):
    if "base_kind" in metafunc.fixturenames:
        lines = metafunc.definition.get_closest_marker("lines") is not None
        real = lines or metafunc.definition.get_closest_marker("real") is not None
        kinds = basefixture.kinds(metafunc.config, lines) if real else ["sim"]
        metafunc.parametrize("base_kind", kinds, scope="session")


@pytest.fixture(scope="session", name="protos")
def fixture_protos(tmp_path_factory):
    return protokit.load(tmp_path_factory.mktemp("protos"))


def modules_now(base):
    """As base.modules(), while something starts: asks anew where the install holds the event loop."""

    def asked():
        try:
            answer = base.call("queryAllBiz", {}, timeout_s=0.5)
        except OSError:
            return None
        return {f"{m['bizName']}:{m['bizVersion']}": m["bizState"].lower() for m in answer.data}, True

    return basekit.wait_until(asked, "an answer")[0]


def wait_starting(base, jar):
    """Until the base says that it starts the module of @jar."""
    basekit.wait_until(lambda: modules_now(base).get(f"{jar.module}:{jar.version}") == "resolved",
                       f"the start of {jar.module} {jar.version}")


def await_age(base, seconds=3):
    """From then on the age of a JVM, in whole seconds, tells it from the next one: agents allow for 1.5 s."""

    def old_enough():
        try:
            answer = base.call("health", {"type": "system", "metrics": ["jvm"]}, timeout_s=0.5)
        except OSError:  # a module starts on this event loop
            return False
        return answer.data["healthData"]["jvm"]["run time(s)"] >= seconds

    basekit.wait_until(old_enough, "a JVM of some age")


def restart(base, ms=0):
    """A simulated base dies and is back, empty, after @ms."""
    base.control("restart", ms=ms)

    def back():
        try:
            return not base.modules() and base.health().status == 200
        except OSError:
            return False

    basekit.wait_until(back, "the base")


@pytest.fixture
def base(base_kind, session_bases):
    """A ready base without modules and faults."""
    one = session_bases(base_kind)
    if base_kind == "sim":
        one.control("clear")
    one.clean()
    return one


@pytest.fixture
def new_base(tmp_path):
    """Starts simulated bases with options of their own."""
    started = []

    def start_simulator(*options, address=None):
        started.append(basekit.Simulator(tmp_path / f"sim{len(started)}", *options, first=address))
        return started[-1].bases[0]

    yield start_simulator
    for one in started:
        one.__exit__()


@pytest.fixture
def new_jvm(request, tmp_path):
    """Starts real bases with flags of their own: a basekit.RealBase. Skips where --bases asks for none of their line."""
    started = []

    def start_jvm(*flags, line="current", **options):
        if request.config.getoption("--bases") not in ("both", {"current": "jvm"}.get(line, line)):
            pytest.skip("--bases asks for no such one")
        try:
            started.append(basekit.RealBase(tmp_path / f"jvm{len(started)}", *flags, line=line, **options))
        except basekit.Unavailable as error:
            pytest.skip(str(error))
        return started[-1]

    yield start_jvm
    for one in started:
        one.__exit__()


@pytest.fixture
def start_agent(tmp_path, protos):
    """Starts agents: start_agent(base, *options, cache=True, **how). Those of one base have the same cache directory."""
    started, caches = [], {}

    def start_one(one_base, *options, cache=True, **how):
        kept = caches.setdefault(one_base.address, tmp_path / (f"cache-{len(caches)}" if caches else "cache"))
        shared = ["--cache-dir", str(kept)] if cache else []
        agent = Agent(tmp_path / f"agent{len(started)}", protos, one_base, *shared, *options, **how)
        started.append(agent)
        return agent

    yield start_one
    for one in started:
        one.__exit__(None)


@pytest.fixture
def agent(base, start_agent):
    """In front of `base`, with a cache directory."""
    return start_agent(base)


@pytest.fixture
def jars(tmp_path):
    """An HTTP server for jars."""
    with jarserver.JarServer(tmp_path / "served") as server:
        yield server


@pytest.fixture
def controller(protos):
    """Takes reports."""
    with gateway.Controller(protos) as one:
        yield one


@pytest.fixture
def report_agent(controller, start_agent):
    """Starts agents that report to `controller`."""

    def start(base, *options, **how):
        return start_agent(base, "--controller", f"127.0.0.1:{controller.port}", "--namespace", "shop",
                           "--pod-name", "base-7", "--base-deployment", "base", "--pod-ip", "192.0.2.7",
                           "--node-name", "node-1", "--zone", "zone-a", *options, **how)

    return start
