# SPDX-License-Identifier: Apache-2.0
"""Jars come before their turn: the time of a batch is the time of its installs."""
import basekit
import jarserver


def test_the_next_batches_download_nothing(system, tmp_path):
    """While the first one waits for a person the other bases fetch the jar; then the store may be away."""
    with jarserver.JarServer(tmp_path / "served") as jars:
        old, new = system.jar("pay", "1.0.0"), system.jar("pay", "2.0.0")
        digest = new.sha256
        url, path = jars.serve(new), "/" + new.path.name
        system.apply("pay", old, replicas=3)
        system.wait_completed("pay")

        system.apply("pay", new, replicas=3, url=url, sha256=digest, strategy={"batchCount": 3, "needConfirm": True})
        system.wait_waiting("pay", batch=1)
        caches = [system.folder / f"cache-{number}" / f"{digest}.jar" for number in (1, 2, 3)]
        basekit.wait_until(lambda: all(cache.exists() for cache in caches), "the jar on all bases")
        assert sorted(system.available("pay").values()) == ["1.0.0", "1.0.0", "2.0.0"]
        jars.status[path] = 503
        for batch in (1, 2):
            system.call("ConfirmBatch", "pay", batch=batch)
            if batch == 1:
                system.wait_waiting("pay", batch=2)
        system.wait_completed("pay")
        system.check_agreement("pay")
        assert jars.requests == [(path, None)] * 3
    counted = system.processes["controller"].metrics()
    assert counted['koupleless_controller_prefetches_total{result="succeeded"}'] >= 2
    assert counted['koupleless_controller_prefetches_total{result="failed"}'] == 0


def test_agents_without_a_cache_are_let_alone(new_system, tmp_path):
    """They would fetch it twice: what they are asked for, once in a release, counts for nothing, and their installs fetch it."""
    system = new_system(bases=2, shared_cache=False)

    def prefetched():
        metrics = [process.metrics() for name, process in system.processes.items() if name.startswith("agent")]
        return sum(one['koupleless_agent_operations_total{type="prefetch",result="succeeded"}'] for one in metrics)

    with jarserver.JarServer(tmp_path / "served") as jars:
        for version in ("1.0.0", "2.0.0"):
            jar = system.jar("pay", version)
            url, digest = jars.serve(jar), jar.sha256
            system.apply("pay", jar, replicas=2, url=url, sha256=digest, strategy={"batchCount": 2, "needConfirm": True})
            system.wait_waiting("pay", batch=1)
            if version == "2.0.0":
                basekit.wait_until(prefetched, "a prefetch")
            system.call("ConfirmBatch", "pay", batch=1)
            system.wait_completed("pay")
        metrics = system.processes["controller"].metrics()
        for result in ("succeeded", "failed"):
            assert metrics[f'koupleless_controller_prefetches_total{{result="{result}"}}'] == 0
