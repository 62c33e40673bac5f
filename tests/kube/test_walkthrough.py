# SPDX-License-Identifier: Apache-2.0
"""docs/walkthrough.md, typed as it stands there: section by section, each in the state that the one before has left.

With KOUPLELESS_WALKTHROUGH=update what is printed now is written into the page, where it differs: look at it then.
"""
import os

import pytest
import yaml

import basekit
import dockit
import kubecerts
import manifestkit

PAGE = basekit.TOP / "docs" / "walkthrough.md"
UPDATE = os.environ.get("KOUPLELESS_WALKTHROUGH") == "update"
NAMESPACE, DEPLOYMENT = "shop", "dynamic-stock-deployment"
REPOSITORY = "https://repo.example.com/"
JARS = {  # what lies in the repository: name, version, more of the manifest
    "provider-1.0.2-ark-biz.jar": ("provider", "1.0.2", {}),
    "provider-1.0.2-rebuilt-ark-biz.jar": ("provider", "1.0.2", {"Test_Mark": "rebuilt"}),
    "provider-2.0.0-ark-biz.jar": ("provider", "2.0.0", {}),
    "provider-3.0.0-ark-biz.jar": ("provider", "3.0.0", {"Test_Fail": "bean"}),
    "consumer-1.0.0-ark-biz.jar": ("consumer", "1.0.0", {}),
}
page = dockit.Page(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def typist(kube_definitions, module_fleet, tmp_path_factory):
    """At a prompt in the namespace, with the files of the page around."""
    cluster = kube_definitions
    folder = tmp_path_factory.mktemp("prompt")
    fleet = module_fleet(namespace=NAMESPACE, deployment=DEPLOYMENT, bases=3)
    jars = {REPOSITORY + file: fleet.jar(name, version, **more).as_uri()
            for file, (name, version, more) in JARS.items()}
    config = kubecerts.write_kubeconfig(folder / "kubeconfig", cluster.url, cluster.folder / "ca.crt", {
        "client-certificate": str(cluster.folder / "admin.crt"), "client-key": str(cluster.folder / "admin.key")},
        NAMESPACE)
    yield dockit.Typist(folder, {"PATH": f"{cluster.programs}:{os.environ['PATH']}", "KUBECONFIG": str(config),
                                 "KUBECACHEDIR": str(folder / "cache"), "TZ": "UTC"}, jars, UPDATE)
    if UPDATE:
        PAGE.write_text(page.rewritten(), encoding="utf-8")


@pytest.mark.parametrize("section", page.sections, ids=lambda section: section.title)
def test_the_page_shows_what_is_printed(typist, section):
    typist.forget()
    for step in section.steps:
        typist.run(step)


@pytest.mark.parametrize("sample", ["documentation", "documentation-release", "documentation-service"])
def test_the_samples_of_the_documentation_stand_there_as_they_are(sample):
    """But for the url."""
    files = [step.text for section in page.sections for step in section.steps if step.file]
    document = yaml.safe_load((manifestkit.SAMPLES / f"{sample}.yaml").read_text(encoding="utf-8"))
    assert without_url(document) in [without_url(yaml.safe_load(text)) for text in files]


def without_url(document):
    module = document["spec"]["template"]["spec"]["module"]
    assert module.pop("url").endswith(".jar")
    return document
