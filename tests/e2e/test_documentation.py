# SPDX-License-Identifier: Apache-2.0
"""The sample of the user documentation, from online to offline (requirements 1.1, 1.2, 5.1, 5.3)."""
import json
import pathlib

import pytest
import systemkit
import yaml

SAMPLE = pathlib.Path(__file__).parent / "samples" / "documentation.yaml"
NAME = "moduledeployment-sample"


@pytest.fixture(name="system")
def fixture_system(new_system):
    return new_system(bases=2, agent=["--base-deployment", "dynamic-stock-deployment"])


@pytest.fixture
def sample(system, tmp_path):
    """Path of the sample, its jar being one of ours."""
    jar = system.jar("provider", "1.0.2", web=True)
    document = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    module = document["spec"]["template"]["spec"]["module"]
    assert (module["name"], module["version"]) == (jar.module, jar.version)
    text = SAMPLE.read_text(encoding="utf-8").replace(module["url"], jar.as_uri())
    path = tmp_path / "sample.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def succeed(process):
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_sample_is_released_in_two_batches_with_a_confirmation_between(system, sample):
    assert succeed(system.cli("apply", "-f", sample)) == f"moduledeployment/{NAME} created\n"

    md = system.wait_waiting(NAME, batch=1)
    release = md.status.release_status
    assert (release.real_batch_count, release.batch_progress) == (2, "Completed")
    assert release.original_delta_replicas == 2
    assert md.spec.pause and md.spec.replicas == 2
    assert (md.status.available_replicas, md.status.unavailable_replicas) == (1, 1)
    (first,) = system.available(NAME)
    assert sum(len(keys) for keys in system.active().values()) == 1
    assert system.installs("provider") == 1

    system.call("ConfirmBatch", NAME, batch=1)
    md = system.wait_completed(NAME)
    assert md.status.release_status.current_batch == 2
    assert not md.spec.pause
    assert (md.status.available_replicas, md.status.unavailable_replicas) == (2, 0)
    assert first in system.available(NAME)
    system.check_agreement(NAME)
    assert system.installs("provider") == 2


def test_module_answers_requests_while_it_is_online(system, sample):
    succeed(system.cli("apply", "-f", sample))
    system.wait_waiting(NAME, batch=1)
    (online,) = system.available(NAME)
    status = {f"base-{n}": system.base(n).get("/provider/version").status for n in (1, 2)}
    assert status == {"base-1": 404, "base-2": 404} | {online: 200}
    system.call("ConfirmBatch", NAME)
    system.wait_completed(NAME)
    for number in (1, 2):
        assert system.base(number).get("/provider/version").body.strip() == "provider:1.0.2"
    succeed(system.cli("delete", "-f", sample))
    system.wait_gone(NAME)
    for number in (1, 2):
        assert system.base(number).get("/provider/version").status == 404


def test_applied_again_it_is_unchanged(system, sample):
    succeed(system.cli("apply", "-f", sample))
    system.wait_waiting(NAME, batch=1)
    system.call("ConfirmBatch", NAME, batch=1)
    before = system.wait_completed(NAME)
    assert succeed(system.cli("apply", "-f", sample)) == f"moduledeployment/{NAME} unchanged\n"
    after = system.get(NAME)
    assert after.metadata.generation == before.metadata.generation
    assert after.status.release_status.progress == "Completed"


def test_pause_false_confirms_as_the_documentation_says(system, sample):
    succeed(system.cli("apply", "-f", sample))
    md = system.wait_waiting(NAME, batch=1)
    md.spec.pause = False
    request = system.proto.ApplyModuleDeploymentRequest(module_deployment=md)
    system.release.ApplyModuleDeployment(request, timeout=systemkit.WATCHDOG_S)
    system.wait_completed(NAME)
    system.check_agreement(NAME)


def test_batch_number_confirms_as_the_documentation_says(system, sample):
    succeed(system.cli("apply", "-f", sample))
    md = system.wait_waiting(NAME, batch=1)
    md.spec.confirm_batch_num = 1
    request = system.proto.ApplyModuleDeploymentRequest(module_deployment=md)
    system.release.ApplyModuleDeployment(request, timeout=systemkit.WATCHDOG_S)
    system.wait_completed(NAME)
    system.check_agreement(NAME)


def test_deletion_takes_it_offline_in_batches(system, sample):
    succeed(system.cli("apply", "-f", sample))
    system.wait_waiting(NAME, batch=1)
    system.call("ConfirmBatch", NAME, batch=1)
    system.wait_completed(NAME)
    system.call("DeleteModuleDeployment", NAME)
    system.wait_gone(NAME)
    assert system.active() == {"base-1": [], "base-2": []}
    assert not system.modules()
    operations = [(one.operation, one.version) for one in system.operations("provider")
                  if one.operation != "start"]
    assert operations == [("install", "1.0.2")] * 2 + [("uninstall", "1.0.2")] * 2


def test_modules_are_found_by_the_labels_that_the_documentation_names(system, sample):
    succeed(system.cli("apply", "-f", sample))
    system.wait_waiting(NAME, batch=1)
    system.call("ConfirmBatch", NAME, batch=1)
    system.wait_completed(NAME)
    address = system.base(1).address
    for selector in (f"koupleless.alipay.com/base-instance-ip={address}",
                     "koupleless.alipay.com/base-instance-name=base-1"):
        found = json.loads(succeed(system.cli("get", "modules", "-l", selector, "-o", "json")))
        (module,) = found["items"]
        assert module["status"]["status"] == "Available"
        assert module["spec"]["baseName"] == "base-1"
        assert module["spec"]["module"]["version"] == "1.0.2"
