# SPDX-License-Identifier: Apache-2.0
"""The variants of deploy/manifests are in step with their sources."""
import re
import subprocess

import source
import yaml

MANIFESTS = source.TOP / "deploy" / "manifests"


def test_the_variants_are_in_step_with_their_sources():
    """What scripts/manifests.py would write is there."""
    done = subprocess.run([source.TOP / "scripts" / "manifests.py", "--check"], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_plain_variant_has_no_rules():
    """And is the same but for them and what stands in their place."""
    def strip(value):
        if isinstance(value, list):
            return [strip(item) for item in value]
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items()
                    if key not in ("x-kubernetes-validations", "pattern", "minimum", "oneOf", "not")}
        return value

    plain_files = sorted((MANIFESTS / "kubernetes-1.24").iterdir())
    assert len(plain_files) == 4
    for plain in plain_files:
        text, rich = plain.read_text(encoding="utf-8"), MANIFESTS / plain.name
        assert "x-kubernetes-validations" not in text and "1.24: " not in text
        assert strip(yaml.safe_load(text)) == strip(yaml.safe_load(rich.read_text(encoding="utf-8")))


def test_the_options_of_the_deployment_are_known():
    """docs/operations.md, which is held to the programs, has each of them."""
    known = set(re.findall(r"`--([a-z-]+)", (source.TOP / "docs/operations.md").read_text(encoding="utf-8")))
    for file in (MANIFESTS / "08-deployment.yaml", MANIFESTS / "cluster-wide" / "08-deployment.yaml"):
        deployment, _ = yaml.safe_load_all(file.read_text(encoding="utf-8"))
        containers = deployment["spec"]["template"]["spec"]["containers"]
        used = {arg.removeprefix("--").split("=")[0] for container in containers for arg in container["args"]}
        used |= {env["name"].removeprefix("KOUPLELESS_").lower().replace("_", "-")
                 for container in containers for env in container.get("env", [])}
        assert used and used <= known
