# SPDX-License-Identifier: Apache-2.0
"""Questions and answers over gRPC. The rules themselves have their tables beside the engine."""
import collections
import concurrent.futures
import random

import grpc
import programkit
import protokit
import pytest

SCATTER, STACKING = 1, 2
SERVICE = "koupleless.scheduler.v1.SchedulerService"


def refusals(answer):
    return [(refusal.reason, refusal.count) for refusal in answer.refusals]


# -- placing --

def test_scatter_takes_the_emptiest_in_different_zones(scheduler):
    answer = scheduler.place([scheduler.base("a", module_count=2, zone="z3"),
                              scheduler.base("b", module_count=1, zone="z1"),
                              scheduler.base("c", module_count=1, zone="z1"),
                              scheduler.base("d", module_count=1, zone="z2")], 3, SCATTER)
    assert list(answer.bases) == ["b", "d", "c"]
    assert refusals(answer) == []
    assert answer.explanation == "3 of 3 placed"


def test_nodes_of_a_zone_take_turns(scheduler):
    answer = scheduler.place([scheduler.base("a", node="n1"), scheduler.base("b", node="n1"),
                              scheduler.base("c", node="n2")], 2, SCATTER)
    assert list(answer.bases) == ["a", "c"]


def test_an_unspecified_policy_is_scatter(scheduler):
    bases = [scheduler.base("full", module_count=3), scheduler.base("empty")]
    assert list(scheduler.place(bases).bases) == ["empty"]
    assert list(scheduler.place(bases, policy=STACKING).bases) == ["full"]


def test_stacking_stays_below_the_limit(scheduler):
    answer = scheduler.place([scheduler.base("a", module_count=5, max_module_count=5),
                              scheduler.base("b", module_count=4, max_module_count=5),
                              scheduler.base("c", module_count=3)], 2, STACKING)
    assert list(answer.bases) == ["b", "c"]
    assert refusals(answer) == [("Full", 1)]


def test_a_limit_of_0_is_not_no_limit(scheduler):
    answer = scheduler.place([scheduler.base("none", max_module_count=0), scheduler.base("any")], 2)
    assert list(answer.bases) == ["any"]
    assert refusals(answer) == [("Full", 1)]


@pytest.mark.parametrize("flaw, reason", [
    ({"ready": False}, "NotReady"),
    ({"terminating": True}, "Terminating"),
    ({"has_ip": False}, "NoIP"),
    ({"agent_reachable": False}, "AgentUnreachable"),
    ({"has_module": True}, "ModulePresent"),
    ({"selector_matches": False}, "SelectorMismatch"),
    ({"metaspace_full": True}, "MetaspaceFull"),
    ({"module_count": 1, "max_module_count": 1}, "Full"),
])
def test_each_refusal_is_told(scheduler, flaw, reason):
    answer = scheduler.place([scheduler.base("well"), scheduler.base("a", **flaw),
                              scheduler.base("b", **flaw)], 2)
    assert list(answer.bases) == ["well"]
    assert refusals(answer) == [(reason, 2)]
    assert answer.explanation == f"1 of 2 placed; 2 bases refused: 2 {reason}"


def test_refusals_are_counted_the_most_frequent_first(scheduler):
    answer = scheduler.place([scheduler.base("a", ready=False), scheduler.base("b", max_module_count=0),
                              scheduler.base("c", max_module_count=0), scheduler.base("d")], 5)
    assert refusals(answer) == [("Full", 2), ("NotReady", 1)]
    assert answer.explanation == "1 of 5 placed; 3 bases refused: 2 Full, 1 NotReady"


def test_no_bases_are_no_error(scheduler):
    answer = scheduler.place([], 1)
    assert list(answer.bases) == []
    assert answer.explanation == "0 of 1 placed; there are no bases"


# -- evicting --

def test_the_unwell_go_before_the_crowded(scheduler):
    answer = scheduler.evict([scheduler.instance("crowded", module_count=9),
                              scheduler.instance("unready", base_ready=False),
                              scheduler.instance("unhealthy", healthy=False),
                              scheduler.instance("well")], 3)
    assert list(answer.instances) == ["unhealthy", "unready", "crowded"]


def test_what_remains_is_spread(scheduler):
    answer = scheduler.evict([scheduler.instance("a", zone="z1"), scheduler.instance("b", zone="z1"),
                              scheduler.instance("c", zone="z2")], 1)
    assert list(answer.instances) == ["b"]


def test_stacking_empties_the_emptiest_base(scheduler):
    instances = [scheduler.instance("a", module_count=1), scheduler.instance("b", module_count=4)]
    assert list(scheduler.evict(instances, policy=STACKING).instances) == ["a"]
    assert list(scheduler.evict(instances, policy=SCATTER).instances) == ["b"]


def test_more_than_there_are_is_all(scheduler):
    assert list(scheduler.evict([scheduler.instance("a")], 5).instances) == ["a"]
    assert list(scheduler.evict([], 5).instances) == []


# -- large questions, many questions --

def test_ten_thousand_bases(scheduler):
    """3,000 instances on 10,000 bases of 10 zones, in the same way however the bases are listed."""
    bases = [scheduler.base(f"base-{i:05}", zone=f"zone-{i % 10}", node=f"node-{i % 1000}")
             for i in range(10000)]
    answer = scheduler.place(bases, 3000)
    chosen = list(answer.bases)
    assert len(chosen) == len(set(chosen)) == 3000
    zones = collections.Counter(int(name[-1]) for name in chosen)
    nodes = collections.Counter(int(name[-3:]) for name in chosen)
    assert zones == {zone: 300 for zone in range(10)}
    assert nodes == {node: 3 for node in range(1000)}
    random.Random(1).shuffle(bases)
    assert list(scheduler.place(bases, 3000).bases) == chosen


def test_ten_thousand_instances(scheduler):
    instances = [scheduler.instance(f"i-{i:05}", zone=f"zone-{i % 10}") for i in range(10000)]
    gone = list(scheduler.evict(instances, 4000).instances)
    assert len(set(gone)) == 4000
    assert collections.Counter(int(name[-1]) for name in gone) == {zone: 400 for zone in range(10)}


def test_questions_at_the_same_time_get_their_own_answers(scheduler):
    def ask(i):
        names = [f"base-{i}-{n}" for n in range(i + 1)]
        return list(scheduler.place([scheduler.base(name) for name in names], i + 1).bases) == sorted(names)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(200)))


# -- malformed questions --

def refused(scheduler, method, request, field):
    failure = protokit.failure(getattr(scheduler.stub, method), request)
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT, failure.message
    assert failure.fields == [field]
    assert failure.message.startswith(field + ": ")
    assert failure.domain == "koupleless.io"


@pytest.mark.parametrize("fields, wrong", [
    ({"name": ""}, "bases[3].name"),
    ({"name": "b1"}, "bases[3].name"),
    ({"name": "x" * 254}, "bases[3].name"),
    ({"node": "x" * 254}, "bases[3].node"),
    ({"zone": "x" * 254}, "bases[3].zone"),
    ({"module_count": -1}, "bases[3].module_count"),
    ({"max_module_count": -1}, "bases[3].max_module_count"),
])
def test_a_malformed_base_is_named(scheduler, fields, wrong):
    bases = [scheduler.base(f"b{i}") for i in range(3)] + [scheduler.base(**{"name": "b3", **fields})]
    refused(scheduler, "Place", scheduler.proto.PlaceRequest(replicas=1, bases=bases), wrong)


@pytest.mark.parametrize("fields, wrong", [
    ({"name": ""}, "instances[1].name"),
    ({"name": "a"}, "instances[1].name"),
    ({"module_count": -1}, "instances[1].module_count"),
    ({"base_name": "x" * 254}, "instances[1].base_name"),
])
def test_a_malformed_instance_is_named(scheduler, fields, wrong):
    instances = [scheduler.instance("a"), scheduler.instance(**{"name": "b", **fields})]
    refused(scheduler, "Evict", scheduler.proto.EvictRequest(replicas=1, instances=instances), wrong)


@pytest.mark.parametrize("method, request_type", [("Place", "PlaceRequest"), ("Evict", "EvictRequest")])
@pytest.mark.parametrize("fields, wrong", [
    ({"replicas": -1}, "replicas"),
    ({"replicas": 1000001}, "replicas"),
    ({"policy": 3}, "policy"),
    ({"policy": -1}, "policy"),
])
def test_a_malformed_question_is_refused(scheduler, method, request_type, fields, wrong):
    refused(scheduler, method, getattr(scheduler.proto, request_type)(**fields), wrong)


def test_too_many_bases_are_refused(scheduler):
    bases = [scheduler.proto.BaseCandidate(name=str(i)) for i in range(200001)]
    refused(scheduler, "Place", scheduler.proto.PlaceRequest(replicas=1, bases=bases), "bases")
    answer = scheduler.place(bases[:-1])
    assert refusals(answer) == [("NotReady", 200000)]


def test_too_large_a_question_is_refused_and_the_next_one_answered(scheduler):
    request = scheduler.proto.PlaceRequest(bases=[scheduler.base("a", zone="z" * (17 << 20))])
    failure = protokit.failure(scheduler.stub.Place, request)
    assert failure.code == grpc.StatusCode.RESOURCE_EXHAUSTED, failure.message
    assert list(scheduler.place([scheduler.base("a")]).bases) == ["a"]


def test_bytes_that_are_no_message_are_refused(scheduler):
    raw = scheduler.channel.unary_unary(f"/{SERVICE}/Place")
    failure = protokit.failure(raw, b"\xff\xff\xff")
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT, failure.message


# -- the process --

@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_the_service(scheduler, version):
    reflection = scheduler.protos[f"grpc.reflection.{version}"]
    stub = reflection.ServerReflectionStub(scheduler.channel)
    requests = [reflection.ServerReflectionRequest(list_services=""),
                reflection.ServerReflectionRequest(file_containing_symbol=SERVICE)]
    listed, file = list(stub.ServerReflectionInfo(iter(requests), timeout=protokit.DEADLINE_S))
    names = {service.name for service in listed.list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names
    assert any(b"SchedulerService" in text
               for text in file.file_descriptor_response.file_descriptor_proto)


def test_health_and_probes(scheduler):
    health = scheduler.protos["grpc.health.v1"]
    answer = health.HealthStub(scheduler.channel).Check(health.HealthCheckRequest(),
                                                        timeout=protokit.DEADLINE_S)
    assert answer.status == health.HealthCheckResponse.SERVING
    assert scheduler.get("/healthz")[0] == 200
    assert scheduler.get("/readyz")[0] == 200


def test_metrics(new_scheduler):
    new_scheduler.place([new_scheduler.base("a"), new_scheduler.base("b", ready=False)], 3)
    new_scheduler.place([new_scheduler.base("a")])
    new_scheduler.evict([new_scheduler.instance("a")])
    refused(new_scheduler, "Place", new_scheduler.proto.PlaceRequest(replicas=-1), "replicas")
    refused(new_scheduler, "Evict", new_scheduler.proto.EvictRequest(policy=9), "policy")
    metrics = new_scheduler.metrics()
    prefix = "koupleless_scheduler_"
    assert {series: metrics[prefix + series] for series in (
        'place_total{code="OK"}', 'place_total{code="INVALID_ARGUMENT"}',
        'evict_total{code="OK"}', 'evict_total{code="INVALID_ARGUMENT"}',
        'refused_total{reason="NotReady"}', 'refused_total{reason="Full"}', 'not_placed_total',
        'duration_seconds_count{method="Place"}', 'duration_seconds_count{method="Evict"}')} == {
        'place_total{code="OK"}': 2, 'place_total{code="INVALID_ARGUMENT"}': 1,
        'evict_total{code="OK"}': 1, 'evict_total{code="INVALID_ARGUMENT"}': 1,
        'refused_total{reason="NotReady"}': 1, 'refused_total{reason="Full"}': 0, 'not_placed_total': 2,
        'duration_seconds_count{method="Place"}': 3, 'duration_seconds_count{method="Evict"}': 2}


def test_a_malformed_question_is_in_the_log(new_scheduler):
    refused(new_scheduler, "Place", new_scheduler.proto.PlaceRequest(replicas=-1), "replicas")
    events = [event for event in new_scheduler.events() if event["level"] == "warn"]
    assert [(event["method"], event["error"]) for event in events] == [
        ("Place", "replicas: must be from 0 to 1000000, not -1")]


def test_sigterm_ends_it_well(new_scheduler):
    """While a client watches its health: it is told, and does not hold the end up."""
    health = new_scheduler.protos["grpc.health.v1"]
    watch = health.HealthStub(new_scheduler.channel).Watch(health.HealthCheckRequest(),
                                                           timeout=protokit.DEADLINE_S)
    assert next(watch).status == health.HealthCheckResponse.SERVING
    new_scheduler.process.terminate()
    assert next(watch).status == health.HealthCheckResponse.NOT_SERVING
    assert new_scheduler.process.wait(protokit.DEADLINE_S) == 0


def test_sigterm_under_load(new_scheduler):
    """Every question asked meanwhile is answered or fails as unavailable; none is left hanging."""
    bases = [new_scheduler.base(f"b{i:04}") for i in range(2000)]
    request = new_scheduler.proto.PlaceRequest(replicas=1000, bases=bases)
    calls = [new_scheduler.stub.Place.future(request, timeout=protokit.DEADLINE_S) for _ in range(64)]
    calls[0].result()
    assert new_scheduler.stop() == 0
    for call in calls:
        assert call.exception() is None or call.code() in (
            grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED), call.exception()


@pytest.mark.parametrize("options, code, says", [
    (["--help"], 0, "--http-listen"),
    (["--version"], 0, "koupleless-scheduler"),
    ([], 2, "--insecure"),
    (["--insecure", "--listen", "0.0.0.0:0"], 2, "--insecure: has to be given twice"),
    (["--insecure", "--listen", "127.example.com:0"], 2, "--insecure: has to be given twice"),
    (["--insecre"], 2, "--insecure"),
    (["--insecure", "operand"], 2, "operand"),
    (["--tls-cert", "/dev/null"], 2, "--tls-key"),
])
def test_command_line(options, code, says):
    result = programkit.run("koupleless-scheduler", *options)
    assert result.returncode == code, result.stderr
    said = result.stdout if code == 0 else result.stderr
    assert says in said
    if code:
        assert said.count("\n") == 1, "one line for people"


def test_an_address_that_is_taken(scheduler):
    result = programkit.run("koupleless-scheduler", "--insecure", "--listen", scheduler.grpc,
                            "--http-listen", "127.0.0.1:0")
    assert result.returncode == 1
    assert f"--listen {scheduler.grpc}" in result.stderr
