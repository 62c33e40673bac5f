# SPDX-License-Identifier: Apache-2.0
"""What a test asks of a running system, wherever its state lives: what was declared, what runs where, what the bases
really did. Whoever starts the system (systemkit, fleetkit) says which processes and bases there are.
"""
import collections
import json

import grpc
from google.protobuf import json_format

import basekit
import programkit
import protokit

WATCHDOG_S = 60  # generous: nothing is judged by time

Operation = collections.namedtuple("Operation", "base operation name version sequence time_ms")


class Asked:
    """Mixed into a running system, which has:

    .protos; .proto: that of the controller; .processes: name -> Program, "controller" and "agent-..." among them;
    .namespace; .base_deployment; .running(): name of a base -> basekit.Base, of those that run now;
    .names(): address -> name of a base, of all that ever ran; .jars: a basekit.Base that makes jars.
    """

    _channels = None  # process -> channel

    # -- clients --

    def _close(self, name):
        channel = (self._channels or {}).pop(name, None)
        if channel:
            channel.close()

    def _stub(self, name, service):
        self._channels = self._channels or {}
        if name not in self._channels:
            self._channels[name] = protokit.channel(self.processes[name].grpc)
        package = "koupleless.controller.v1" if name == "controller" else "koupleless.agent.v1"
        return getattr(self.protos[package], service + "Stub")(self._channels[name])

    @property
    def release(self):
        """Client of ReleaseService."""
        return self._stub("controller", "ReleaseService")

    @property
    def inventory(self):
        """Client of InventoryService."""
        return self._stub("controller", "InventoryService")

    def agent(self, number):
        """Client of one AgentService."""
        return self._stub(f"agent-{number}", "AgentService")

    def call(self, method, name, **fields):
        """A method of ReleaseService on one ModuleDeployment: call("ConfirmBatch", "pay", batch=1)."""
        request = getattr(self.proto, method + "Request")(namespace=self.namespace, name=name, **fields)
        return getattr(self.release, method)(request, timeout=protokit.DEADLINE_S)

    def refused(self, method, name, **fields):
        """The same where it has to fail: how it did."""
        request = getattr(self.proto, method + "Request")(namespace=self.namespace, name=name, **fields)
        return protokit.failure(getattr(self.release, method), request)

    def cli(self, *arguments):
        """Runs the command line; the CompletedProcess."""
        return programkit.run("koupleless", "--server", self.processes["controller"].grpc, "--insecure", *arguments)

    # -- ModuleDeployments --

    def jar(self, name, version="1.0.0", web=False, **extra):
        """A module jar. Without @web it serves no path, and two versions of it run side by side."""
        if not web:
            extra = {"Test_Web": "false", "web_context_path": "", **extra}
        return self.jars.jar(name, version, name, **extra)

    def deployment(self, name, jar, replicas=1, **spec):
        """The message; @spec: more fields in the form of the custom resource. url: another one than the jar's; sha256."""
        strategy = spec.pop("strategy", {})
        module = {"name": jar.module, "version": jar.version, "url": spec.pop("url", jar.as_uri())}
        if "sha256" in spec:
            module["sha256"] = spec.pop("sha256")
        body = {"baseDeploymentName": self.base_deployment, "template": {"spec": {"module": module}},
                "operationStrategy": strategy, **spec}
        if replicas is not None:
            body["replicas"] = replicas
        metadata = {"name": name, "namespace": self.namespace}
        return json_format.ParseDict({"metadata": metadata, "spec": body},
                                     self.protos["koupleless.module.v1"].ModuleDeployment())

    def apply(self, name, jar, **spec):
        request = self.proto.ApplyModuleDeploymentRequest(module_deployment=self.deployment(name, jar, **spec))
        return self.release.ApplyModuleDeployment(request, timeout=protokit.DEADLINE_S).module_deployment

    def get(self, name):
        """The ModuleDeployment, or None."""
        try:
            return self.call("GetModuleDeployment", name).module_deployment
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return None
            raise

    def wait_for(self, name, condition, what, timeout_s=WATCHDOG_S):
        """The ModuleDeployment once its status speaks of its present spec and condition(it) holds."""
        seen = []

        def look():
            md = self.get(name)
            seen[:] = [md]
            settled = md and md.status.observed_generation == md.metadata.generation
            return md if settled and condition(md) else None

        try:
            return basekit.wait_until(look, what, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story(name)}") from None

    def wait_progress(self, name, progress, reason=None, batch=None, timeout_s=WATCHDOG_S):
        def reached(md):
            release = md.status.release_status
            return (release.progress == progress and (reason is None or release.reason == reason)
                    and (batch is None or release.current_batch == batch))

        return self.wait_for(name, reached, f"{name}: {progress} {reason or ''} {batch or ''}", timeout_s)

    def wait_waiting(self, name, batch):
        """Paused until batch @batch is confirmed."""
        return self.wait_progress(name, "Paused", "WaitingForConfirmation", batch)

    def wait_completed(self, name, timeout_s=WATCHDOG_S):
        return self.wait_progress(name, "Completed", timeout_s=timeout_s)

    def wait_gone(self, name):
        """The ModuleDeployment is deleted, and nothing of it is left."""
        basekit.wait_until(lambda: self.get(name) is None and not self.modules(name), f"{name} to be gone")

    # -- what runs where --

    def modules(self, deployment=None):
        """The Module objects, of one ModuleDeployment."""
        selector = f"koupleless.alipay.com/module-deployment={deployment}" if deployment else ""
        request = self.proto.ListModulesRequest(namespace=self.namespace, label_selector=selector)
        return list(self.inventory.ListModules(request, timeout=protokit.DEADLINE_S).modules)

    def available(self, deployment=None):
        """base -> version of the Available Modules of a ModuleDeployment; each base has at most one."""
        modules = [m for m in self.modules(deployment) if m.status.status == "Available"]
        return {m.spec.base_name: m.spec.module.version for m in modules}

    def wait_modules(self, condition, what, deployment=None, timeout_s=WATCHDOG_S):
        """The Module objects once condition(they) holds."""

        def look():
            modules = self.modules(deployment)
            return [modules] if condition(modules) else None

        try:
            return basekit.wait_until(look, what, timeout_s)[0]
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story(deployment)}") from None

    def base_objects(self):
        """name -> Base object."""
        request = self.proto.ListBasesRequest(namespace=self.namespace)
        bases = self.inventory.ListBases(request, timeout=protokit.DEADLINE_S).bases
        return {base.metadata.name: base for base in bases}

    def wait_bases(self, count):
        """So many bases are Ready."""

        def ready():
            return sum(base.status.phase == "Ready" for base in self.base_objects().values()) == count

        basekit.wait_until(ready, f"{count} bases to be Ready")

    def active(self, *names):
        """base -> "name:version" of all that is active there, as the bases themselves say; of all that run, or these."""
        return {name: sorted(key for key, state in base.modules().items() if state.lower() == "activated")
                for name, base in self.running().items() if not names or name in names}

    def events(self, kind="ModuleDeployment", name=""):
        """The Events about an object, or about all of a kind."""
        request = self.proto.ListEventsRequest(namespace=self.namespace, involved_kind=kind, involved_name=name)
        return list(self.inventory.ListEvents(request, timeout=protokit.DEADLINE_S).events)

    # -- what the bases really did --

    def operations(self, name=None):
        """Every operation that the bases carried out, in their order."""
        names, found = self.names(), []
        for log in self.operation_logs():
            for line in log.read_text(encoding="utf-8").splitlines():
                address, operation, module, version, sequence, ms = line.split()
                found.append(Operation(names[address], operation, module, version, int(sequence), int(ms)))
        return [one for one in found if name in (None, one.name) or one.operation == "start"]

    def operations_of(self, name):
        """base -> its operations on a module, as "install 1.0.0", in order."""
        result = collections.defaultdict(list)
        for one in self.operations(name):
            if one.operation != "start":
                result[one.base].append(f"{one.operation} {one.version}")
        return dict(result)

    def installs(self, name):
        """How many real installs of a module there were."""
        return sum(one.operation == "install" for one in self.operations(name))

    def check_operations(self):
        """No version was installed on a base where it ran already."""
        running = collections.defaultdict(set)
        for one in self.operations():
            identity = (one.name, one.version)
            if one.operation == "start":
                running[one.base].clear()
            elif one.operation == "install":
                assert identity not in running[one.base], f"installed twice: {one}"
                running[one.base].add(identity)
            elif one.operation == "uninstall":
                running[one.base].discard(identity)

    def check_agreement(self, name):
        """What runs on the bases = what the Modules of a ModuleDeployment say = what is declared."""
        md = self.get(name)
        module = md.spec.template.spec.module
        declared = f"{module.name}:{module.version}"
        said = sorted(m.spec.base_name for m in self.modules(name) if m.status.status == "Available")
        assert len(said) == len(self.modules(name)), self.story(name)
        if md.spec.replicas >= 0:
            assert len(said) == md.spec.replicas, self.story(name)
        really = {base: [key for key in keys if key.startswith(module.name + ":")]
                  for base, keys in self.active().items()}
        assert really == {base: [declared] if base in said else [] for base in really}, self.story(name)

    def wait_agreement(self, name):
        """check_agreement(), once it holds."""
        last = []

        def agreed():
            try:
                self.check_agreement(name)
            except (AssertionError, OSError) as error:  # OSError: a base that is away
                last[:] = [error]
                return False
            return True

        try:
            basekit.wait_until(agreed, f"agreement about {name}")
        except AssertionError:
            raise last[0] from None

    def story(self, name):
        """What a person would look at when a test fails."""
        lines = []
        try:
            md = self.get(name) if name else None
            if md:
                lines.append(json_format.MessageToJson(md.status.release_status))
                lines += [f"  {c.type}={c.status} {c.reason}: {c.message}" for c in md.status.conditions]
            for m in self.modules(name):
                spec, status = m.spec, m.status
                deleting = " deleting" if m.metadata.HasField("deletion_timestamp") else ""
                lines.append(f"  {m.metadata.name} {spec.module.version} on {spec.base_name} {status.status}"
                             f" {status.reason} {status.message} way={spec.upgrade_way}{deleting}")
            for base in self.base_objects().values():
                lines.append(f"  {base.metadata.name} {base.status.phase} {base.status.reason}")
        except grpc.RpcError as error:
            lines.append(f"  the controller does not tell: {error.code()}")
        lines += [f"  {one}" for one in self.operations()[-30:]]
        for process, running in self.processes.items():
            ended = running.process.poll()
            if ended is not None:
                lines.append(f"  {process} has ended with {ended}: {running.log.read_text()[-1500:]}")
            lines += [f"  {process}: {json.dumps(event)}" for event in running.events()
                      if event.get("level") in ("warn", "error")][-15:]
        return "\n".join(lines)
