# SPDX-License-Identifier: Apache-2.0
"""A fleet whose controller reaches the API server through a faultproxy, and the rights of whose account can change."""
import json

import faultproxy
import fleetkit
import kubeapi


class FaultFleet(fleetkit.Fleet):
    """As fleetkit.Fleet; .proxy stands between controller and API server. Nobody else goes through it."""

    def __init__(self, folder, cluster, namespace, **options):
        self.proxy = faultproxy.Proxy(cluster)
        super().__init__(folder, cluster, namespace, **options)

    def _account(self, *_):
        super()._account()
        return self.cluster.kubeconfig_of(self.namespace, fleetkit.ACCOUNT, server=self.proxy.url)

    def stop(self):
        super().stop()
        self.proxy.close()

    def abandon(self):
        super().abandon()
        self.proxy.close()

    # -- rights --

    def _role(self):
        return kubeapi.path("roles", self.namespace, f"{self.namespace}-{fleetkit.ACCOUNT}")

    def rights(self):
        return self.cluster.api.get(self._role())["rules"]

    def deny(self, verb, resource):
        """Takes a right away; what give_back() wants."""
        rules = self.rights()
        kept = json.loads(json.dumps(rules))
        for rule in kept:
            if resource in rule["resources"]:
                rule["resources"].remove(resource)
                kept.append({**rule, "resources": [resource], "verbs": [v for v in rule["verbs"] if v != verb]})
                break
        kept = [rule for rule in kept if rule["resources"] and rule["verbs"]]
        self.cluster.api.patch(self._role(), {"rules": kept})
        return rules

    def give_back(self, rules):
        self.cluster.api.patch(self._role(), {"rules": rules})

    # -- what is told --

    def condition(self, name, kind):
        """A condition of a ModuleDeployment as the API server has it, or {}."""
        status = self.kubectl_json("get", "moduledeployment", name).get("status", {})
        return next((c for c in status.get("conditions", []) if c["type"] == kind), {})

    def said(self, message, *parts):
        """Lines of the controller's log with this message and all these texts in their error."""
        return self.processes["controller"].said(message, *parts)

    def check_names(self, *names):
        for name in names:
            self.wait_agreement(name)
        self.check_operations()
