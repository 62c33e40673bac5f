#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the variants of the files in deploy/manifests/, which are the source.

    scripts/manifests.py            writes the variants
    scripts/manifests.py --check    fails where they are not what would be written

kubernetes-1.24/: the CRDs without CEL rules. Kubernetes 1.24 knows none: it drops them in silence, so there those
fields would have no rule at all. In their place stands what the comment

    # 1.24: pattern: '^[a-z]+$'

above them says. The checks of the controller are the same on both.

cluster-wide/: rights in all namespaces, and a controller that looks after all of them.
"""

import re
import sys
from pathlib import Path

MANIFESTS = Path(__file__).resolve().parent.parent / "deploy" / "manifests"
RULES = "x-kubernetes-validations:"
NAMESPACE = "  namespace: default\n"
ONE_NAMESPACE = """\
        - name: KOUPLELESS_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
"""


def plain(text):
    """The text of a CRD without its rules."""
    lines, rules_at = [], None  # indent of the rules that are being left out
    for line in text.splitlines(keepends=True):
        indent = len(line) - len(line.lstrip())
        if rules_at is not None and (indent > rules_at or line[rules_at:].startswith("- ")):
            continue
        rules_at = indent if line.strip() == RULES else None
        if rules_at is None:
            lines.append(re.sub(r"^(\s*)# 1\.24: ", r"\1", line))
    return "".join(lines)


def replaced(text, *changes):
    """The text with each old part, which must be there once, in its new form."""
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} is there {text.count(old)} times")
        text = text.replace(old, new)
    return text


def wanted():
    """Path of a variant -> its text."""
    source = {path.name: path.read_text(encoding="utf-8") for path in MANIFESTS.glob("*.yaml")}
    variants = {f"kubernetes-1.24/{name}": plain(text) for name, text in source.items()
                if "kind: CustomResourceDefinition\n" in text}
    variants["cluster-wide/05-clusterrole.yaml"] = replaced(
        source["05-role.yaml"], ("kind: Role\n", "kind: ClusterRole\n"), (NAMESPACE, ""),
        ("in its namespace", "in all namespaces"))
    variants["cluster-wide/06-clusterrolebinding.yaml"] = replaced(
        source["06-rolebinding.yaml"], ("kind: RoleBinding\n", "kind: ClusterRoleBinding\n"),
        (NAMESPACE + "  labels:", "  labels:"), ("kind: Role\n", "kind: ClusterRole\n"))
    variants["cluster-wide/08-deployment.yaml"] = replaced(source["08-deployment.yaml"], (ONE_NAMESPACE, ""))
    return {MANIFESTS / name: text for name, text in variants.items()}


def main(arguments):
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    variants = wanted()
    there = {path: path.read_text(encoding="utf-8") for path in MANIFESTS.glob("*/*.yaml")}
    differing = sorted(path for path in {**there, **variants} if there.get(path) != variants.get(path))
    for path in differing:
        if arguments:
            print(f"{path.relative_to(MANIFESTS)} is out of step: run scripts/manifests.py", file=sys.stderr)
        elif path in variants:
            path.parent.mkdir(exist_ok=True)
            path.write_text(variants[path], encoding="utf-8")
        else:
            path.unlink()
    return 1 if arguments and differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
