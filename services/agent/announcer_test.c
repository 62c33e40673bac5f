/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/announcer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/map.h"

struct bench {
    struct map told; /* service -> &serving or &not_serving */
    struct metrics *metrics;
    struct announcer *announcer;
};

static int serving, not_serving;

/* -- lib/rpc/server.h: what is told stays here -- */

void rpc_server_set_health(struct rpc_server *server, const char *service, bool is_serving)
{
    struct bench *bench = (struct bench *)(void *)server;
    map_put(&bench->told, service, is_serving ? &serving : &not_serving);
}

void rpc_server_forget_health(struct rpc_server *server, const char *service)
{
    struct bench *bench = (struct bench *)(void *)server;
    assert_non_null(map_remove(&bench->told, service));
}

static const void *told(const struct bench *bench, const char *module)
{
    AUTO_FREE char *service = mem_printf("koupleless.module.%s", module);
    return map_get(&bench->told, service);
}

static struct bench *bench_new(void)
{
    struct bench *bench = NEW(struct bench);
    bench->metrics = metrics_new();
    bench->announcer = announcer_new((struct rpc_server *)(void *)bench, bench->metrics);
    return bench;
}

static void bench_free(struct bench *bench)
{
    announcer_free(bench->announcer);
    metrics_free(bench->metrics);
    map_done(&bench->told);
    mem_free(bench);
}

/* Version 1 of it alone is on the base. */
static void show(struct bench *bench, const char *module, enum health status)
{
    struct module_health one = {(char *)(uintptr_t)module, (char[]){"1"}, status, NULL};
    announcer_health(bench->announcer, &(struct base_health){.modules = &one, .len = 1});
}

static void one_version_that_is_up_serves(void **state)
{
    struct bench *bench = bench_new();
    struct module_health modules[] = {
        {(char[]){"pay"}, (char[]){"1"}, HEALTH_UP, NULL},
        {(char[]){"pay"}, (char[]){"2"}, HEALTH_DOWN, NULL},
        {(char[]){"stock"}, (char[]){"1"}, HEALTH_DOWN, NULL},
    };
    (void)state;
    announcer_health(bench->announcer, &(struct base_health){.modules = modules, .len = 3});
    assert_ptr_equal(told(bench, "pay"), &serving);
    assert_ptr_equal(told(bench, "stock"), &not_serving);
    assert_null(told(bench, "none"));
    assert_ptr_equal(map_get(&bench->told, "koupleless.base"), &not_serving);
    bench_free(bench);
}

static void what_has_gone_is_forgotten_in_the_end(void **state)
{
    struct bench *bench = bench_new();
    (void)state;
    show(bench, "first", HEALTH_UP);
    assert_ptr_equal(told(bench, "first"), &serving);
    for (int i = 0; i < LIMIT_MODULES_GONE; i++) {
        AUTO_FREE char *name = mem_printf("m%d", i);
        show(bench, name, HEALTH_UP);
    }
    assert_ptr_equal(told(bench, "first"), &not_serving);
    show(bench, "last", HEALTH_UP); /* and one more has gone */
    assert_null(told(bench, "first"));
    assert_ptr_equal(told(bench, "m1"), &not_serving);
    assert_ptr_equal(told(bench, "last"), &serving);
    show(bench, "first", HEALTH_UP);
    assert_ptr_equal(told(bench, "first"), &serving);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_version_that_is_up_serves),
        cmocka_unit_test(what_has_gone_is_forgotten_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
