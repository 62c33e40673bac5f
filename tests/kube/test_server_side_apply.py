# SPDX-License-Identifier: Apache-2.0
"""`kubectl apply --server-side` of fields that the controller changes, too: spec.pause, spec.replicas. As with every
controller, one that it has changed is its own until somebody takes it by force."""
import json

import kubekit
import pytest


def applied(fleet, document, *options):
    return fleet.kubectl("apply", "--server-side", *options, "-f", "-", input=json.dumps(document))


def refused(fleet, document, field):
    """The apply of a value that is another one than the controller's. It changes nothing."""
    with pytest.raises(kubekit.KubectlFailed) as failed:
        applied(fleet, document)
    assert f'conflict with "koupleless-controller" using koupleless.alipay.com/v1alpha1: {field}' in failed.value.stderr
    assert failed.value.stderr.count("conflict with") == 1
    assert "--force-conflicts" in failed.value.stderr


def spec(fleet, name):
    return fleet.kubectl_json("get", "moduledeployment", name)["spec"]


def test_a_manifest_with_pause(fleet):
    """It is no confirmation as it stands, and it is one by force. Without the field it can be applied at any time."""
    strategy = {"batchCount": 2, "needConfirm": True}
    plain = fleet.document("gated", fleet.jar("gated"), replicas=2, strategy=strategy)
    document = fleet.document("gated", fleet.jar("gated"), replicas=2, strategy=strategy, pause=False)
    applied(fleet, document)
    fleet.wait_waiting("gated", 1)
    refused(fleet, document, ".spec.pause")
    applied(fleet, plain)
    fleet.wait_waiting("gated", 1)
    assert spec(fleet, "gated")["pause"] is True and fleet.installs("gated") == 1
    applied(fleet, document, "--force-conflicts")
    fleet.wait_completed("gated")
    fleet.check_agreement("gated")
    applied(fleet, document)


def test_a_manifest_with_pause_that_is_applied_as_of_old(fleet):
    """Nobody owns a field there: it confirms."""
    document = fleet.document("old", fleet.jar("old"), replicas=2, strategy={"batchCount": 2, "needConfirm": True},
                              pause=False)
    fleet.apply_document(document)
    fleet.wait_waiting("old", 1)
    fleet.apply_document(document)
    fleet.wait_completed("old")
    fleet.check_agreement("old")


def test_a_manifest_with_replicas(fleet):
    """As long as nobody scales, it is the manifest's; then the old number is refused, and without one the apply leaves
    the scale alone."""
    jar = fleet.jar("numbered")

    def wait(replicas):
        fleet.wait_for("numbered", lambda md: md.status.release_status.target_replicas == replicas, f"{replicas}")
        fleet.wait_completed("numbered")
        assert (spec(fleet, "numbered")["replicas"], spec(fleet, "numbered")["scaleReplicas"]) == (replicas, replicas)

    for replicas in (1, 2):
        applied(fleet, fleet.document("numbered", jar, replicas=replicas))
        wait(replicas)
    fleet.kubectl("scale", "moduledeployment/numbered", "--replicas=3")
    wait(3)
    refused(fleet, fleet.document("numbered", jar, replicas=2), ".spec.replicas")
    for quiet in (3, None):
        applied(fleet, fleet.document("numbered", jar, replicas=quiet))
        wait(3)
    applied(fleet, fleet.document("numbered", jar, replicas=1), "--force-conflicts")
    wait(1)
    fleet.check_agreement("numbered")
