# SPDX-License-Identifier: Apache-2.0
"""Values, schema, pages and version of the Helm chart are in step. What it renders is for tests/chart."""
import json
import re

import source
import yaml

CHART = source.TOP / "deploy" / "helm" / "koupleless"


def read(name):
    return yaml.safe_load((CHART / name).read_text(encoding="utf-8"))


def leaves(values, schema, path=""):
    """path -> value: what is one value for its users."""
    found = {}
    for name, value in values.items():
        here = schema["properties"][name]
        if isinstance(value, dict) and value and "properties" in here:
            found.update(leaves(value, here, f"{path}{name}."))
        else:
            found[path + name] = value
    return found


def test_the_schema_has_the_values_and_no_others():
    """Every object of the schema that has values of its own refuses others."""
    def check(values, schema, path):
        assert schema["additionalProperties"] is False, path
        assert set(schema["properties"]) - {"global"} == set(values), path
        for name, value in values.items():
            if isinstance(value, dict) and value and "properties" in schema["properties"][name]:
                check(value, schema["properties"][name], f"{path}.{name}")

    check(read("values.yaml"), json.loads((CHART / "values.schema.json").read_text(encoding="utf-8")), "values")


def test_the_table_of_values_is_in_step():
    values = leaves(read("values.yaml"), read("values.schema.json"))
    told = {}
    for line in (CHART / "README.md").read_text(encoding="utf-8").split("\n"):
        row = re.fullmatch(r"\| `([\w.]+)` \| (.+?) \| (.+) \|", line)
        if row:
            told[row[1]] = row[2]
    assert list(told) == list(values)
    for name, default in told.items():
        literal = re.fullmatch(r"`(.*)`", default)
        assert not literal or yaml.safe_load(literal[1]) == values[name], name
        assert literal or isinstance(values[name], dict), name
        if name.endswith(".resources"):
            requests, limits = values[name]["requests"], values[name]["limits"]
            assert default == f"{requests['cpu']}, {requests['memory']}; at most {limits['memory']}"


def test_options_of_the_table_are_those_of_the_schema():
    page = (CHART / "README.md").read_text(encoding="utf-8")
    for program in ("controller", "scheduler", "agent"):
        schema = read("values.schema.json")["properties"][program]["properties"]["options"]["properties"]
        row, = re.findall(rf"^\| `{program}\.options` \| `{{}}` \| (.+) \|$", page, re.MULTILINE)
        assert re.findall(r"`([a-z-]+)`", row) == list(schema), program


def test_its_version_is_that_of_the_project():
    version = re.search(r"project\(koupleless VERSION ([\d.]+)", (source.TOP / "CMakeLists.txt").read_text())[1]
    chart = read("Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_manifests_are_linked():
    """And not copied: they are written once."""
    assert (CHART / "manifests").is_symlink()
    assert (CHART / "manifests").resolve() == source.TOP / "deploy" / "manifests"
