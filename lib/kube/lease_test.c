/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define WALL_MS 1790000000123
#define AUTO_LEASE AUTO(kube_lease_done)
#define WELL ERR_CODE_MAX_ /* no error */

/* One server with one Lease, and the candidates that ask it, at times that the tests choose. */
struct server {
    bool there;
    int version;
    const char *holder;
    int seconds, transitions;
};

static char *document(const struct server *server)
{
    return mem_printf("{\"kind\":\"Lease\",\"metadata\":{\"resourceVersion\":\"%d\"},\"spec\":{"
                      "\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":%d,"
                      "\"leaseTransitions\":%d}}",
                      server->version, server->holder ? server->holder : "", server->seconds,
                      server->transitions);
}

static enum err_code write_lease(struct server *server, const char *body, bool create)
{
    AUTO_JSON cJSON *json = json_parse(body, strlen(body), LIMIT_OBJECT, NULL);
    assert_non_null(json);
    if (create && server->there)
        return ERR_EXISTS;
    if (!create && !server->there)
        return ERR_NOT_FOUND;
    const char *known = json_get_string(json, "metadata.resourceVersion");
    AUTO_FREE char *version = mem_printf("%d", server->version);
    if (!create && !str_eq(known, version))
        return ERR_CONFLICT;
    static const char *const candidates[] = {"", "a", "b"};
    const char *holder = json_get_string(json, "spec.holderIdentity");
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++)
        if (str_eq(holder, candidates[i]))
            server->holder = candidates[i];
    server->seconds = (int)json_int64(json_get(json, "spec.leaseDurationSeconds"), 0, 1000);
    const cJSON *transitions = json_get(json, "spec.leaseTransitions");
    if (transitions)
        server->transitions = (int)json_int64(transitions, 0, 1000);
    server->there = true;
    server->version += 10;
    return WELL;
}

static void fail_with(struct kube_lease *lease, enum kube_lease_step step, enum err_code code,
                      int64_t now_ms)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "no");
    kube_lease_failed(lease, step, err, now_ms);
}

/* Asks the server what is due at @now_ms, at once answered. Return: the step; *ret_at_ms as of before. */
static enum kube_lease_step turn(struct kube_lease *lease, struct server *server, int64_t now_ms)
{
    int64_t at_ms;
    enum kube_lease_step step = kube_lease_next(lease, now_ms, &at_ms);
    if (step == KUBE_LEASE_LOST || at_ms > now_ms)
        return step;
    enum err_code code = WELL;
    if (step == KUBE_LEASE_LOOK) {
        code = server->there ? WELL : ERR_NOT_FOUND;
    } else {
        AUTO_FREE char *body = kube_lease_body(lease, "shop", "lock", WALL_MS);
        code = write_lease(server, body, step == KUBE_LEASE_CREATE);
    }
    if (code != WELL) {
        fail_with(lease, step, code, now_ms);
        return step;
    }
    AUTO_FREE char *answer = document(server);
    assert_int_equal(kube_lease_saw(lease, step, answer, strlen(answer), now_ms, now_ms, NULL), 0);
    return step;
}

static int64_t due(const struct kube_lease *lease, int64_t now_ms)
{
    int64_t at_ms;
    kube_lease_next(lease, now_ms, &at_ms);
    return at_ms;
}

static void the_first_creates_it(void **state)
{
    (void)state;
    struct server server = {.version = 100};
    AUTO_LEASE struct kube_lease a;
    kube_lease_init(&a, "a");
    assert_int_equal(kube_lease_lost_ms(&a), TIME_NEVER);
    assert_int_equal(turn(&a, &server, 1000), KUBE_LEASE_LOOK);
    assert_int_equal(a.epoch, 0);
    assert_int_equal(turn(&a, &server, 1001), KUBE_LEASE_CREATE);
    assert_int_equal(a.epoch, 110);
    assert_int_equal(kube_lease_lost_ms(&a), 1001 + KUBE_LEASE_GIVE_UP_MS);
    assert_int_equal(due(&a, 1001), 1001 + KUBE_LEASE_RENEW_MS);
    assert_int_equal(turn(&a, &server, 5000), KUBE_LEASE_PATCH);
    assert_int_equal(a.epoch, 110); /* of the beginning */
    assert_int_equal(kube_lease_lost_ms(&a), 5000 + KUBE_LEASE_GIVE_UP_MS);
    assert_int_equal(server.transitions, 0);
}

static void another_waits_and_takes_over(void **state)
{
    (void)state;
    struct server server = {true, 100, "a", 15, 3};
    AUTO_LEASE struct kube_lease b;
    kube_lease_init(&b, "b");
    turn(&b, &server, 1000);
    for (int64_t now_ms = 1000; now_ms < 60000; now_ms += 1000) {
        server.version++; /* renewed */
        turn(&b, &server, now_ms);
        assert_int_equal(b.epoch, 0);
        assert_true(due(&b, now_ms) <= now_ms + KUBE_LEASE_RETRY_MS);
    }
    int64_t changed_ms = b.changed_ms, now_ms = changed_ms;
    for (; !b.epoch; now_ms = due(&b, now_ms))
        turn(&b, &server, now_ms);
    assert_int_equal(b.renewed_ms, changed_ms + 15000); /* and not before */
    assert_int_equal(b.epoch, server.version);
    assert_int_equal(server.transitions, 4);
    assert_string_equal(server.holder, "b");
}

/* What one who is gone had promised counts, within bounds. */
static void promises(void **state)
{
    (void)state;
    static const struct {
        int seconds;
        int64_t wait_ms;
    } cases[] = {
        {1, 1000}, {60, 60000}, {0, KUBE_LEASE_MS}, {-5, KUBE_LEASE_MS}, {1000000, 3600000}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct server server = {true, 100, "gone", cases[i].seconds, 0};
        AUTO_LEASE struct kube_lease b;
        kube_lease_init(&b, "b");
        turn(&b, &server, 1000);
        int64_t now_ms = 1000;
        for (; !b.epoch; now_ms = due(&b, now_ms))
            turn(&b, &server, now_ms);
        assert_int_equal(b.renewed_ms, 1000 + cases[i].wait_ms);
    }
}

static void two_at_once(void **state)
{
    (void)state;
    struct server server = {true, 100, "", 1, 7};
    AUTO_LEASE struct kube_lease a, b;
    kube_lease_init(&a, "a");
    kube_lease_init(&b, "b");
    turn(&a, &server, 1000);
    turn(&b, &server, 1000); /* both have seen that nobody holds it */
    assert_int_equal(turn(&a, &server, 1001), KUBE_LEASE_PATCH);
    assert_int_equal(turn(&b, &server, 1001), KUBE_LEASE_PATCH); /* refused */
    assert_int_not_equal(a.epoch, 0);
    assert_int_equal(b.epoch, 0);
    assert_string_equal(server.holder, "a");
    assert_int_equal(server.transitions, 8);
    assert_int_equal(turn(&b, &server, 1001 + KUBE_LEASE_RETRY_MS), KUBE_LEASE_LOOK);
    assert_true(due(&b, 4000) > 4000);
}

static void one_that_is_started_again_goes_on(void **state)
{
    (void)state;
    struct server server = {true, 100, "a", 15, 3};
    AUTO_LEASE struct kube_lease a;
    kube_lease_init(&a, "a");
    turn(&a, &server, 1000);
    assert_int_equal(turn(&a, &server, 1001), KUBE_LEASE_PATCH);
    assert_int_equal(a.epoch, 110);
    assert_int_equal(server.transitions, 3);
}

static void handed_back(void **state)
{
    (void)state;
    struct server server = {.version = 100};
    AUTO_LEASE struct kube_lease a, b;
    kube_lease_init(&a, "a");
    kube_lease_init(&b, "b");
    turn(&a, &server, 1000);
    turn(&a, &server, 1000);
    AUTO_FREE char *body = kube_lease_hand_back(&a, WALL_MS);
    assert_int_equal(write_lease(&server, body, false), WELL);
    turn(&b, &server, 1001);
    assert_int_equal(turn(&b, &server, 1001), KUBE_LEASE_PATCH);
    assert_true(b.epoch > a.epoch);
}

static void lost_by_silence(void **state)
{
    (void)state;
    struct server server = {.version = 100};
    AUTO_LEASE struct kube_lease a;
    kube_lease_init(&a, "a");
    turn(&a, &server, 1000);
    turn(&a, &server, 1000);
    int64_t last_ms = 1000 + KUBE_LEASE_GIVE_UP_MS, at_ms;
    int asked = 0;
    for (int64_t now_ms = due(&a, 1000); now_ms < last_ms; now_ms = due(&a, now_ms), asked++)
        fail_with(&a, kube_lease_next(&a, now_ms, &at_ms), ERR_TIMEOUT, now_ms);
    assert_in_range(asked, 3, 5); /* tried meanwhile */
    assert_int_equal(kube_lease_next(&a, last_ms - 1, &at_ms), KUBE_LEASE_LOOK);
    assert_int_equal(kube_lease_next(&a, last_ms, &at_ms), KUBE_LEASE_LOST);
    assert_true(KUBE_LEASE_GIVE_UP_MS < KUBE_LEASE_MS); /* nobody else has it yet */
}

/* A write whose answer was lost is seen by the next look, and is no reason to give up. */
static void an_answer_that_was_lost(void **state)
{
    (void)state;
    struct server server = {.version = 100};
    AUTO_LEASE struct kube_lease a;
    kube_lease_init(&a, "a");
    turn(&a, &server, 1000);
    turn(&a, &server, 1000);
    AUTO_FREE char *body = kube_lease_body(&a, "shop", "lock", WALL_MS);
    write_lease(&server, body, false);
    fail_with(&a, KUBE_LEASE_PATCH, ERR_TIMEOUT, 4000);
    assert_int_equal(turn(&a, &server, 6000), KUBE_LEASE_LOOK);
    assert_int_equal(kube_lease_lost_ms(&a),
                     1000 + KUBE_LEASE_GIVE_UP_MS); /* seeing is not renewing */
    assert_int_equal(turn(&a, &server, 6000), KUBE_LEASE_PATCH);
    assert_int_equal(kube_lease_lost_ms(&a), 6000 + KUBE_LEASE_GIVE_UP_MS);
    assert_int_equal(a.epoch, 110);
}

/* So late that it would be lost at once: nobody has acted yet, and it is renewed before. */
static void an_answer_that_comes_late(void **state)
{
    (void)state;
    struct server server = {true, 100, "a", 15, 3};
    AUTO_LEASE struct kube_lease a;
    kube_lease_init(&a, "a");
    AUTO_FREE char *answer = document(&server);
    int64_t late_ms = 1000 + KUBE_LEASE_GIVE_UP_MS;
    kube_lease_saw(&a, KUBE_LEASE_PATCH, answer, strlen(answer), 1000, late_ms, NULL);
    assert_int_equal(a.epoch, 0);
    assert_false(kube_lease_held(&a));
    assert_int_equal(turn(&a, &server, late_ms), KUBE_LEASE_PATCH);
    assert_int_equal(kube_lease_lost_ms(&a), late_ms + KUBE_LEASE_GIVE_UP_MS);
    assert_true(kube_lease_held(&a));
}

static void taken_by_another(void **state)
{
    (void)state;
    struct server server = {.version = 100};
    AUTO_LEASE struct kube_lease a;
    kube_lease_init(&a, "a");
    turn(&a, &server, 1000);
    turn(&a, &server, 1000);
    server.holder = "b";
    server.version++;
    assert_int_equal(turn(&a, &server, 4000), KUBE_LEASE_PATCH); /* a conflict */
    assert_int_equal(turn(&a, &server, 6000), KUBE_LEASE_LOOK);
    int64_t at_ms;
    assert_int_equal(kube_lease_next(&a, 6000, &at_ms), KUBE_LEASE_LOST);
    assert_int_equal(at_ms, 6000);
    assert_false(kube_lease_held(&a)); /* nor may it be handed back */
}

static void deleted_by_hand(void **state)
{
    (void)state;
    struct server server = {.version = 100};
    AUTO_LEASE struct kube_lease a;
    kube_lease_init(&a, "a");
    turn(&a, &server, 1000);
    turn(&a, &server, 1000);
    server.there = false;
    assert_int_equal(turn(&a, &server, 4000), KUBE_LEASE_PATCH);
    assert_int_equal(turn(&a, &server, 6000), KUBE_LEASE_LOOK);
    assert_int_equal(turn(&a, &server, 6000), KUBE_LEASE_CREATE);
    assert_string_equal(server.holder, "a");
    assert_int_equal(kube_lease_lost_ms(&a), 6000 + KUBE_LEASE_GIVE_UP_MS);
}

static void what_is_written(void **state)
{
    (void)state;
    AUTO_LEASE struct kube_lease a;
    kube_lease_init(&a, "a");
    fail_with(&a, KUBE_LEASE_LOOK, ERR_NOT_FOUND, 1000);
    AUTO_FREE char *made = kube_lease_body(&a, "shop", "lock", WALL_MS);
    assert_string_equal(made,
                        "{\"metadata\":{\"name\":\"lock\",\"namespace\":\"shop\"},\"spec\":{"
                        "\"holderIdentity\":\"a\",\"leaseDurationSeconds\":15,"
                        "\"renewTime\":\"2026-09-21T14:13:20.123000Z\","
                        "\"acquireTime\":\"2026-09-21T14:13:20.123000Z\",\"leaseTransitions\":0}}");
    struct server server = {true, 100, "a", 15, 3};
    AUTO_FREE char *answer = document(&server);
    kube_lease_saw(&a, KUBE_LEASE_CREATE, answer, strlen(answer), 1000, 1000, NULL);
    AUTO_FREE char *renewed = kube_lease_body(&a, "shop", "lock", WALL_MS - 123);
    assert_string_equal(
        renewed, "{\"metadata\":{\"name\":\"lock\",\"namespace\":\"shop\","
                 "\"resourceVersion\":\"100\"},\"spec\":{\"holderIdentity\":\"a\","
                 "\"leaseDurationSeconds\":15,\"renewTime\":\"2026-09-21T14:13:20.000000Z\"}}");
}

static void what_is_no_lease(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"metadata\":{}}",
        "<html>",
        "{\"metadata\":{\"resourceVersion\":7}}",
        "{\"metadata\":{\"resourceVersion\":\"7\"},\"spec\":{\"holderIdentity\":[]}}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_LEASE struct kube_lease a;
        kube_lease_init(&a, "a");
        assert_int_equal(
            kube_lease_saw(&a, KUBE_LEASE_LOOK, texts[i], strlen(texts[i]), 1000, 1000, &err), -1);
        assert_int_equal(err->code, ERR_DATA_LOSS);
        assert_int_equal(due(&a, 1000), 1000 + KUBE_LEASE_RETRY_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_creates_it),
        cmocka_unit_test(another_waits_and_takes_over),
        cmocka_unit_test(promises),
        cmocka_unit_test(two_at_once),
        cmocka_unit_test(one_that_is_started_again_goes_on),
        cmocka_unit_test(handed_back),
        cmocka_unit_test(lost_by_silence),
        cmocka_unit_test(an_answer_that_was_lost),
        cmocka_unit_test(an_answer_that_comes_late),
        cmocka_unit_test(taken_by_another),
        cmocka_unit_test(deleted_by_hand),
        cmocka_unit_test(what_is_written),
        cmocka_unit_test(what_is_no_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
