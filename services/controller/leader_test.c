/* SPDX-License-Identifier: Apache-2.0 */
/* Election by a Lease on a server of bytes; the rule itself is tested in lib/kube/lease_test.c. Time is made up. */
#include "services/controller/leader.h"

#include "lib/kube/kube_test_kit.h"
#include "lib/kube/lease.h"
#include "services/controller/controller_test_kit.h"

#define LEASE(version, holder)                                                                     \
    OK_HEAD "\r\n{\"metadata\":{\"resourceVersion\":\"" version                                    \
            "\"},\"spec\":{\"holderIdentity\":\"" holder "\",\"leaseDurationSeconds\":15}}"

struct world {
    struct kit_clock clock;
    struct loop *loop;
    struct metrics *metrics;
    struct peer peer;
    struct kube_config config;
    struct leader *leader;
    int64_t epoch; /* 0: not told to lead */
    bool lost;
};

static void on_leading(void *user, int64_t epoch)
{
    struct world *world = user;
    assert_int_equal(world->epoch, 0);
    world->epoch = epoch;
}

static void on_lost(void *user)
{
    struct world *world = user;
    assert_false(world->lost);
    world->lost = true;
}

/* A candidate "us" of a server with @answers. */
static struct world *world_new(const char *const *answers)
{
    struct world *world = NEW(struct world);
    kit_clock_init(&world->clock);
    world->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    world->metrics = metrics_new();
    world->peer.answers = answers;
    peer_start(&world->peer);
    world->config.server = mem_printf("http://127.0.0.1:%d", world->peer.port);
    const struct leader_options options = {
        .loop = world->loop,
        .config = &world->config,
        .user_agent = "test/1",
        .namespace = "shop",
        .identity = "us",
        .metrics = world->metrics,
        .on_leading = on_leading,
        .on_lost = on_lost,
        .user = world,
    };
    assert_int_equal(leader_new(&world->leader, &options, NULL), 0);
    return world;
}

static void world_free(struct world *world)
{
    leader_free(world->leader);
    peer_stop(&world->peer);
    kube_config_done(&world->config);
    loop_free(world->loop);
    metrics_free(world->metrics);
    mem_free(world);
}

/* Turns until the server has had @count requests; then what the last one was. */
static char *request_after(struct world *world, int count)
{
    loop_turn(world->loop); /* which asks what is due */
    counter_wait(&world->peer.requests, count);
    return peer_request(&world->peer);
}

/* Until it has asked @count times; time stands still, for what is late by it is given up. */
static void turn_until_asked(struct world *world, int count)
{
    while (counter_get(&world->peer.requests) < count) {
        loop_turn(world->loop);
        sched_yield();
    }
}

static bool leads(void *user)
{
    return ((struct world *)user)->epoch != 0;
}

static bool has_lost(void *user)
{
    return ((struct world *)user)->lost;
}

static void it_creates_the_lease_and_hands_it_back(void **state)
{
    (void)state;
    static const char *const answers[] = {STATUS("404 Not Found", "NotFound"), LEASE("41", "us"),
                                          LEASE("42", "us"), LEASE("43", ""), NULL};
    struct world *world = world_new(answers);
    kit_turn_until(world->loop, leads, world, "leadership");
    assert_int_equal(world->epoch, 41);
    AUTO_FREE char *created = peer_request(&world->peer);
    assert_true(
        str_starts_with(created, "POST /apis/coordination.k8s.io/v1/namespaces/shop/leases?"));
    kit_clock_advance(&world->clock, KUBE_LEASE_RENEW_MS);
    AUTO_FREE char *renewed = request_after(world, 3);
    assert_non_null(strstr(renewed, "PATCH"));
    assert_non_null(strstr(renewed, "\"resourceVersion\":\"41\""));
    struct peer *peer = &world->peer;
    leader_free(TAKE(world->leader));
    AUTO_FREE char *back = peer_request(peer);
    assert_non_null(strstr(back, "\"resourceVersion\":\"42\""));
    assert_non_null(strstr(back, "\"holderIdentity\":\"\""));
    assert_false(world->lost);
    world_free(world);
}

static void it_is_lost_though_the_server_hangs(void **state)
{
    (void)state;
    static const char *const answers[] = {LEASE("40", ""), LEASE("41", "us"), NULL};
    struct world *world = world_new(answers);
    kit_turn_until(world->loop, leads, world, "leadership");
    kit_clock_advance(&world->clock, KUBE_LEASE_RENEW_MS);
    mem_free(request_after(world, 3));
    loop_turn(world->loop);
    kit_clock_advance(&world->clock, KUBE_LEASE_GIVE_UP_MS - KUBE_LEASE_RENEW_MS - 1);
    loop_turn(world->loop);
    assert_false(world->lost);
    kit_clock_advance(&world->clock, 1);
    kit_turn_until(world->loop, has_lost, world, "the loss");
    world_free(world);
}

static void it_is_lost_where_another_has_taken_it(void **state)
{
    (void)state;
    static const char *const answers[] = {LEASE("40", ""), LEASE("41", "us"),
                                          STATUS("409 Conflict", "Conflict"), LEASE("50", "them"),
                                          NULL};
    struct world *world = world_new(answers);
    kit_turn_until(world->loop, leads, world, "leadership");
    kit_clock_advance(&world->clock, KUBE_LEASE_RENEW_MS);
    mem_free(request_after(world, 3));
    kit_clock_advance(&world->clock, KUBE_LEASE_RETRY_MS);
    kit_turn_until(world->loop, has_lost, world, "the loss");
    world_free(world);
}

static void one_that_stands_by_leaves_quietly(void **state)
{
    (void)state;
    static const char *const answers[] = {LEASE("40", "them"), LEASE("41", "them"), NULL};
    struct world *world = world_new(answers);
    mem_free(request_after(world, 1));
    kit_clock_advance(&world->clock, KUBE_LEASE_RETRY_MS);
    turn_until_asked(world, 2); /* it looks again */
    leader_free(TAKE(world->leader));
    assert_int_equal(world->epoch, 0);
    assert_int_equal(counter_get(&world->peer.requests), 2);
    world_free(world);
}

/* What it is given at the last moment it gives back, and never acts upon. */
static void one_that_withdraws_does_not_lead(void **state)
{
    (void)state;
    static const char *const answers[] = {LEASE("40", ""), LEASE("41", "us"), LEASE("42", ""),
                                          NULL};
    struct world *world = world_new(answers);
    mem_free(request_after(world, 1));
    turn_until_asked(world, 2); /* for it */
    leader_withdraw(world->leader);
    leader_free(TAKE(world->leader));
    AUTO_FREE char *back = peer_request(&world->peer);
    assert_non_null(strstr(back, "\"holderIdentity\":\"\""));
    assert_int_equal(world->epoch, 0);
    world_free(world);
}

/* Another has taken it meanwhile: it is not ours to hand back. */
static void what_another_holds_is_left_alone(void **state)
{
    (void)state;
    static const char *const answers[] = {LEASE("40", ""), LEASE("41", "us"),
                                          STATUS("409 Conflict", "Conflict"), LEASE("50", "them"),
                                          NULL};
    struct world *world = world_new(answers);
    kit_turn_until(world->loop, leads, world, "leadership");
    kit_clock_advance(&world->clock, KUBE_LEASE_RENEW_MS);
    mem_free(request_after(world, 3));
    kit_clock_advance(&world->clock, KUBE_LEASE_RETRY_MS);
    turn_until_asked(world, 4); /* the last look is out, or answered */
    leader_free(TAKE(world->leader));
    assert_int_equal(counter_get(&world->peer.requests), 4);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_creates_the_lease_and_hands_it_back),
        cmocka_unit_test(it_is_lost_though_the_server_hangs),
        cmocka_unit_test(it_is_lost_where_another_has_taken_it),
        cmocka_unit_test(one_that_stands_by_leaves_quietly),
        cmocka_unit_test(one_that_withdraws_does_not_lead),
        cmocka_unit_test(what_another_holds_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
