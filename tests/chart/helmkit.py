# SPDX-License-Identifier: Apache-2.0
"""Runs helm, the one of scripts/helm.sh, on the chart.

    helm = helmkit.Helm(tmp_path)
    documents = helm.render({"scope": "cluster"})
    helm = helmkit.Helm(tmp_path, cluster.kubeconfig)
    helm.install("shop", values={"crds": {"install": False}})
"""
import json
import os
import pathlib
import subprocess

import basekit
import yaml

TAKE = "--take-ownership"  # of custom resources that another release, or nobody, had before
CHART = basekit.TOP / "deploy" / "helm" / "koupleless"


def build():
    """The path of helm; it is built where it isn't yet, which takes minutes. Raises Unavailable where it can't be had."""
    built = subprocess.run([str(basekit.TOP / "scripts" / "helm.sh"), "--print-path"], stdout=subprocess.PIPE, text=True,
                           check=False)
    if built.returncode == 77:
        raise basekit.Unavailable("no helm can be built here: no Go, or no modules")
    assert built.returncode == 0, "helm.sh failed"
    return built.stdout.strip()


class HelmFailed(Exception):
    """helm ended with an error; .stderr is what it said."""

    def __init__(self, arguments, stderr):
        super().__init__(f"helm {' '.join(arguments)}: {stderr}")
        self.stderr = stderr


class Helm:
    """helm with files of its own in @folder; @kubeconfig: of the cluster, where one is needed."""

    def __init__(self, folder, kubeconfig=None):
        self._program, self._kubeconfig = build(), kubeconfig
        folder = pathlib.Path(folder)
        self._env = {key: value for key, value in os.environ.items() if not key.startswith(("KUBE", "HELM"))}
        self._env.update({f"HELM_{what}_HOME": str(folder / f"helm-{what}") for what in ("CACHE", "CONFIG", "DATA")})

    def run(self, *arguments, values=None):
        """What helm writes on stdout. @values: of the chart, besides its defaults."""
        command = [self._program, *map(str, arguments)]
        if self._kubeconfig:
            command += ["--kubeconfig", str(self._kubeconfig)]
        if values is not None:
            command += ["--values", "-"]
        done = subprocess.run(command, input=json.dumps(values), env=self._env, capture_output=True, text=True,
                              timeout=basekit.WATCHDOG_S, check=False)
        if done.returncode:
            raise HelmFailed(command[1:], done.stderr)
        return done.stdout

    def render(self, values=None, *options, chart=CHART, release="koupleless"):
        """The documents that the chart becomes, without a cluster."""
        text = self.run("template", release, chart, *options, values=values)
        return [document for document in yaml.safe_load_all(text) if document]

    def install(self, namespace, *options, values=None, chart=CHART, release="koupleless"):
        return self.run("install", release, chart, "--namespace", namespace, *options, values=values)

    def upgrade(self, namespace, *options, values=None, chart=CHART, release="koupleless"):
        return self.run("upgrade", release, chart, "--namespace", namespace, *options, values=values)


def one(documents, kind):
    """The only document of a kind."""
    found, = [document for document in documents if document["kind"] == kind]
    return found


def sidecar(notes):
    """What the notes that are shown after an install want in the pod template of a base: containers, volumes."""
    lines = notes.split("      containers:\n", 1)[1].split("\n\n", 1)[0]
    return yaml.safe_load("      containers:\n" + lines)
