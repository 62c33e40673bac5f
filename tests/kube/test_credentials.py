# SPDX-License-Identifier: Apache-2.0
"""Where the controller has its token from: a file, a program, or what a Pod finds of its ServiceAccount. That account is
made anew while it runs, and the server takes the old token no more: it says what is refused, and goes on with the next."""
import json
import shutil
import subprocess
import urllib.parse

import basekit
import faultfleet
import fleetkit
import kubeapi
import kubefixture
import programkit
import pytest

PODNS = basekit.SUPPORT / "podns.sh"


class Renewed(faultfleet.FaultFleet):
    """A fleet whose controller has its token from elsewhere than its kubeconfig."""

    def _account(self, *_):
        config = json.loads(super()._account().read_text(encoding="utf-8"))
        self.account = self.folder / "account"
        self.account.mkdir()
        shutil.copy(self.cluster.folder / "ca.crt", self.account)
        (self.account / "namespace").write_text(self.namespace, encoding="utf-8")
        self.renew()
        return self.source(config)

    @property
    def token(self):
        return (self.account / "token").read_text(encoding="utf-8")

    def renew(self):
        """There is a new token from now on."""
        new = self.account / "new"
        new.write_text(self.cluster.token(self.namespace, fleetkit.ACCOUNT, 600), encoding="utf-8")
        new.rename(self.account / "token")

    def written(self, config, user):
        config["users"][0]["user"] = user
        (self.folder / "config").write_text(json.dumps(config), encoding="utf-8")
        return self.folder / "config"


class File(Renewed):
    def source(self, config):
        return self.written(config, {"tokenFile": str(self.account / "token")})


class Program(Renewed):
    """An exec plugin, which tells what it was asked and what it has."""

    def source(self, config):
        plugin = self.folder / "plugin"
        plugin.write_text('#!/bin/sh\necho "$1 $KUBERNETES_EXEC_INFO" >> "$CALLS"\n'
                          'printf \'{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", '
                          '"status": {"token": "%s"}}\' "$(cat "$TOKEN")"\n', encoding="utf-8")
        plugin.chmod(0o755)
        env = {"CALLS": self.folder / "calls", "TOKEN": self.account / "token"}
        return self.written(config, {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "args": ["get-token"],
            "env": [{"name": name, "value": str(value)} for name, value in env.items()], "interactiveMode": "Never"}})

    def stop(self):
        super().stop()
        calls = (self.folder / "calls").read_text(encoding="utf-8").splitlines()
        assert len(calls) >= 2 and all(call.startswith("get-token {") for call in calls), calls


class Pod(Renewed):
    """No kubeconfig: the environment and the files that a Pod has."""

    def source(self, _):
        return ""

    def _program(self, name, program, host, *options, env=None):
        if name != "controller":
            return super()._program(name, program, host, *options, env=env)
        at = urllib.parse.urlparse(self.proxy.url)
        env = {"KUBERNETES_SERVICE_HOST": at.hostname, "KUBERNETES_SERVICE_PORT": str(at.port), "KUBECONFIG": ""}
        self.processes[name] = programkit.Program(program, self.folder / name, "--insecure", *options, host=host,
                                                  env=env, within=[PODNS, self.account])
        return self.processes[name]


def refuses(fleet, token):
    """The server remembers for a while what it has found good."""
    try:
        fleet.cluster.client(token).get(kubeapi.path("moduledeployments", fleet.namespace))
    except kubeapi.ApiError as error:
        return error.code == 401
    return False


def release(fleet, version):
    fleet.apply_document(fleet.document("pay", fleet.jar("pay", version), replicas=2))


@pytest.mark.parametrize("source", [File, Program, Pod])
def test_a_token_that_is_rotated(kube_definitions, tmp_path, source):
    if source is Pod and subprocess.run([PODNS, tmp_path, "true"], check=False).returncode == 77:
        pytest.skip("no mount namespace can be made here")
    cluster, namespace = kube_definitions, f"rotated-{next(kubefixture.serial)}"
    cluster.api.post(kubeapi.path("namespaces"), {"metadata": {"name": namespace}})
    with source(tmp_path, cluster, namespace, bases=2) as fleet:
        old = fleet.token
        release(fleet, "1.0.0")
        fleet.wait_completed("pay")
        accounts = kubeapi.path("serviceaccounts", namespace)
        cluster.api.delete(f"{accounts}/{fleetkit.ACCOUNT}")
        cluster.api.post(accounts, {"metadata": {"name": fleetkit.ACCOUNT}})
        basekit.wait_until(lambda: refuses(fleet, old), "the old token to be refused")
        release(fleet, "2.0.0")  # seen, for a watch goes on; not carried out
        basekit.wait_until(lambda: fleet.said("write failed, planned anew", "create modulereplicasets", "Unauthorized"),
                           "a write refused")
        fleet.proxy.drop()
        basekit.wait_until(lambda: fleet.said("watch lost, tried again", "watch moduledeployments", "Unauthorized"),
                           "a watch refused")
        assert fleet.installs("pay") == 2
        fleet.renew()
        basekit.wait_until(lambda: fleet.installs("pay") == 4, "it to be carried out")
        fleet.wait_completed("pay")
        fleet.check_names("pay")
        assert set(fleet.available("pay").values()) == {"2.0.0"} and fleet.installs("pay") == 4
