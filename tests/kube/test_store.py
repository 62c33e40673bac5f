# SPDX-License-Identifier: Apache-2.0
"""The store on a real API server: every case of the conformance suite that the embedded store runs too."""
import os
import re
import subprocess

import basekit
import manifestkit
import pytest
from kubeapi import path

CASES_H = basekit.TOP / "services" / "controller" / "store" / "conformance" / "cases.h"
CASES = re.findall(r"^    X\((\w+)\)", CASES_H.read_text(encoding="utf-8"), re.M)
NAMESPACES = ["conformance-2", "conformance"]  # in the order of lists


@pytest.fixture(scope="module")
def results(own_cluster):
    """Case -> whether it passed, and what was said about it. The suite runs once, all cases together."""
    manifestkit.install_crds(own_cluster)
    for namespace in NAMESPACES:
        own_cluster.api.post(path("namespaces"), {"metadata": {"name": namespace}})
    own_cluster.start("kube-controller-manager")  # its garbage collector: it finds the custom resources at once
    env = {**os.environ, "KUBECONFIG": str(own_cluster.kubeconfig), "CONFORMANCE_NAMESPACES": " ".join(NAMESPACES),
           "CMOCKA_MESSAGE_OUTPUT": "TAP"}
    ran = subprocess.run([str(basekit.find_program("conformance_kubernetes"))], env=env, stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, timeout=10 * basekit.WATCHDOG_S, check=False)
    told = ran.stdout + ran.stderr
    verdicts = re.findall(r"^(ok|not ok) \d+ - (\w+)((?:\n#.*)*)", told, re.M)
    assert verdicts, told
    return {case: (verdict == "ok", more) for verdict, case, more in verdicts}


@pytest.mark.parametrize("case", CASES)
def test_conformance(results, case):
    passed, more = results.get(case, (False, "it did not run to its end"))
    assert passed, more
