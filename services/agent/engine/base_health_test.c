/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/engine/base_health.h"

/* Pages as koupleless 2.1.6 on Spring Boot 3.2 sends them. */
#define STATUS(status) "{\"status\":\"" status "\"}"
#define ENTRY(name, status) "\"" name "\":" STATUS(status)
#define PAGE(root, start_up, all)                                                                  \
    "{\"status\":\"" root "\",\"components\":{\"baseStartUp\":" start_up                           \
    ",\"compositeAllBiz\":" all ",\"diskSpace\":" STATUS("UP") ",\"ping\":" STATUS(                \
        "UP") "},\"groups\":[\"liveness\",\"readiness\"]}"
#define DETAILS(status, details) "{\"status\":\"" status "\",\"details\":{" details "}}"
#define NO_CONTEXT "{\"applicationContext\":\"haven't refreshed\"}"
#define IN_CONTEXT(status)                                                                         \
    "{\"test\":{\"details\":{\"biz\":\"m:1.0.0\"},\"status\":{\"status\":\"" status                \
    "\"}},\"pingHe\":{\"details\":{},\"status\":{\"status\":\"UP\"}}}"
#define START_UP(all, base, module)                                                                \
    DETAILS(all, ENTRY("base:1.0.0", base) "," ENTRY("m:1.0.0", module))
#define BASE_UP DETAILS("UP", ENTRY("base:1.0.0", "UP"))
#define MODULE(status, details)                                                                    \
    DETAILS(status, "\"m:1.0.0\":{\"status\":\"" status "\",\"details\":" details "}")

/* What is made of it: all together, the base, the module (UNKNOWN also where there is none). */
#define JUDGED(all_, base_, module_)                                                               \
    .all = HEALTH_##all_, .base = HEALTH_##base_, .of_module = HEALTH_##module_

struct observed {
    const char *scenario;
    int status;       /* of HTTP; 0: no answer */
    const char *page; /* NULL: no page is configured */
    bool arklet_away, operating;
    enum biz_state module; /* of m:1.0.0 */
    bool no_module;
    enum health all, base, of_module;
    const char *message;
};

static struct base_health judge(const struct observed *row)
{
    struct biz biz = {(char[]){"m"}, (char[]){"1.0.0"}, row->module, (char[]){"m"}};
    struct biz_list modules = {&biz, row->no_module ? 0 : 1, 1};
    struct health_facts facts = {
        .page_wanted = row->page != NULL,
        .page_contact = row->status ? CONTACT_GOOD : CONTACT_REFUSED,
        .arklet_contact = row->arklet_away ? CONTACT_REFUSED : CONTACT_GOOD,
        .page_status = row->status,
        .page = row->status ? row->page : NULL,
        .page_len = row->status ? strlen(row->page) : 0,
        .page_error = row->status ? NULL : "connection refused",
        .modules = &modules,
        .operating = row->operating,
    };
    struct base_health health;
    base_health_of(&facts, &health);
    return health;
}

static void check(const struct observed *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct base_health health = judge(&rows[i]);
        if (health.len != (rows[i].no_module ? 0 : 1))
            fail_msg("%s: %zu modules", rows[i].scenario, health.len);
        enum health module = health.len ? health.modules[0].status : HEALTH_UNKNOWN;
        if (health.status != rows[i].all || health.base_status != rows[i].base ||
            module != rows[i].of_module || !str_eq(health.message, rows[i].message))
            fail_msg("%s: %s, base %s, module %s, \"%s\"", rows[i].scenario,
                     health_name(health.status), health_name(health.base_status),
                     health_name(module), health.message);
        base_health_done(&health);
    }
}

static const struct observed five_scenarios[] = {
    /* 1: the base starts, no modules */
    {.scenario = "starting: root 503",
     .status = 503,
     .page = PAGE("DOWN", DETAILS("UNKNOWN", ENTRY("base:1.0.0", "UNKNOWN")), STATUS("UP")),
     .no_module = true,
     JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
     .message = "the base is UNKNOWN"},
    {.scenario = "the web port is not open yet",
     .page = "",
     .no_module = true,
     JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
     .message = "the health page does not answer: connection refused"},
    {.scenario = "ready",
     .status = 200,
     .page = PAGE("UP", BASE_UP, STATUS("UP")),
     .no_module = true,
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "its start failed",
     .status = 503,
     .page = PAGE("DOWN", DETAILS("DOWN", ENTRY("base:1.0.0", "DOWN")), STATUS("UP")),
     .no_module = true,
     JUDGED(DOWN, DOWN, UNKNOWN),
     .message = "the base is DOWN"},
    /* 2: static merge: base and modules start together */
    {.scenario = "static: a module is up, the base is not",
     .status = 503,
     .page = PAGE("DOWN", START_UP("UNKNOWN", "UNKNOWN", "UP"), MODULE("UP", IN_CONTEXT("UP"))),
     .module = BIZ_ACTIVATED,
     JUDGED(UNKNOWN, UNKNOWN, UP),
     .message = "the base is UNKNOWN"},
    {.scenario = "static: both start",
     .status = 503,
     .page = PAGE("DOWN", START_UP("UNKNOWN", "UNKNOWN", "UNKNOWN"), MODULE("DOWN", NO_CONTEXT)),
     .module = BIZ_RESOLVED,
     JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
     .message = "the base is UNKNOWN"},
    {.scenario = "static: a bad module left a base without context",
     .status = 404,
     .page = "<!doctype html><html><body><h1>HTTP Status 404</h1></body></html>",
     .no_module = true,
     JUDGED(DOWN, DOWN, UNKNOWN),
     .message = "the health page answered 404 and no health: the base is dead"},
    /* 3: hot deploy */
    {.scenario = "hot deploy: root 503 by design",
     .status = 503,
     .page = PAGE("DOWN", START_UP("UP", "UP", "UNKNOWN"), MODULE("DOWN", NO_CONTEXT)),
     .operating = true,
     .module = BIZ_RESOLVED,
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "hot deploy, withAllBizReadiness",
     .status = 503,
     .page = PAGE("DOWN", START_UP("UNKNOWN", "UP", "UNKNOWN"), MODULE("DOWN", NO_CONTEXT)),
     .operating = true,
     .module = BIZ_RESOLVED,
     JUDGED(UNKNOWN, UP, UNKNOWN),
     .message = "baseStartUp is UNKNOWN: a module is not ready"},
    {.scenario = "hot deploy done",
     .status = 200,
     .page = PAGE("UP", START_UP("UP", "UP", "UP"), MODULE("UP", IN_CONTEXT("UP"))),
     .module = BIZ_ACTIVATED,
     JUDGED(UP, UP, UP)},
    {.scenario = "hot deploy failed, the module is kept",
     .status = 503,
     .page = PAGE("DOWN", START_UP("UP", "UP", "DOWN"), MODULE("DOWN", NO_CONTEXT)),
     .module = BIZ_BROKEN,
     JUDGED(DOWN, UP, DOWN),
     .message = "module m 1.0.0: it is broken"},
    {.scenario = "hot deploy failed, kept, withAllBizReadiness",
     .status = 503,
     .page = PAGE("DOWN", START_UP("DOWN", "UP", "DOWN"), MODULE("DOWN", NO_CONTEXT)),
     .module = BIZ_BROKEN,
     JUDGED(DOWN, UP, DOWN),
     .message = "baseStartUp is DOWN: a module is not ready"},
    {.scenario = "after a good uninstall, readiness REFUSING",
     .status = 503,
     .page =
         "{\"status\":\"OUT_OF_SERVICE\",\"components\":{\"baseStartUp\":" BASE_UP
         ",\"compositeAllBiz\":" STATUS("UP") ",\"readinessState\":" STATUS("OUT_OF_SERVICE") "}}",
     .no_module = true,
     JUDGED(UP, UP, UNKNOWN)},
    /* 4: running */
    {.scenario = "a module's indicator is DOWN",
     .status = 503,
     .page = PAGE("DOWN", START_UP("UP", "UP", "UP"), MODULE("DOWN", IN_CONTEXT("DOWN"))),
     .module = BIZ_ACTIVATED,
     JUDGED(DOWN, UP, DOWN),
     .message = "module m 1.0.0: test is DOWN"},
    {.scenario = "a module's indicator is UNKNOWN",
     .status = 200,
     .page = PAGE("UP", START_UP("UP", "UP", "UP"), MODULE("UNKNOWN", IN_CONTEXT("UNKNOWN"))),
     .module = BIZ_ACTIVATED,
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "a module without Spring: the root stays DOWN",
     .status = 503,
     .page = PAGE("DOWN", START_UP("UP", "UP", "UP"), MODULE("DOWN", NO_CONTEXT)),
     .module = BIZ_ACTIVATED,
     JUDGED(UP, UP, UP)},
    {.scenario = "a deactivated module is well too",
     .status = 200,
     .page = PAGE("UP", START_UP("UP", "UP", "UP"), MODULE("UP", IN_CONTEXT("UP"))),
     .module = BIZ_DEACTIVATED,
     JUDGED(UP, UP, UP)},
    /* 5: replay, as hot deploy; the base itself fails while it runs */
    {.scenario = "Arklet is gone, the page still says UP",
     .status = 200,
     .page = PAGE("UP", BASE_UP, STATUS("UP")),
     .arklet_away = true,
     .no_module = true,
     JUDGED(DOWN, UP, UNKNOWN),
     .message = "Arklet does not answer"},
    {.scenario = "Arklet is busy with our own install",
     .status = 200,
     .page = PAGE("UP", BASE_UP, STATUS("UP")),
     .arklet_away = true,
     .operating = true,
     .no_module = true,
     JUDGED(UP, UP, UNKNOWN)},
};

static void the_five_scenarios(void **state)
{
    (void)state;
    check(five_scenarios, ARRAY_LEN(five_scenarios));
}

static void pages_of_other_versions(void **state)
{
    (void)state;
    static const struct observed rows[] = {
        {.scenario = "names as documented",
         .status = 503,
         .page = "{\"status\":\"DOWN\",\"components\":{\"masterBizStartUp\":" BASE_UP
                 ",\"arkBizAggregate\":" MODULE("DOWN", IN_CONTEXT("DOWN")) "}}",
         .module = BIZ_ACTIVATED,
         JUDGED(DOWN, UP, DOWN),
         .message = "module m 1.0.0: test is DOWN"},
        {.scenario = "indicators' states as text, of 1.4.2",
         .status = 503,
         .page = PAGE("DOWN", BASE_UP,
                      MODULE("DOWN", "{\"db\":{\"status\":\"DOWN\"},\"disk\":{\"status\":"
                                     "\"OUT_OF_SERVICE\"},\"ping\":{\"status\":\"UP\"}}")),
         .module = BIZ_ACTIVATED,
         JUDGED(DOWN, UP, DOWN),
         .message = "module m 1.0.0: db is DOWN, disk is DOWN"},
        {.scenario = "details instead of components",
         .status = 200,
         .page = "{\"status\":\"UP\",\"details\":{\"baseStartUp\":" STATUS("UNKNOWN") "}}",
         .no_module = true,
         JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
         .message = "the base is UNKNOWN"},
        {.scenario = "details, names as documented: of Spring Boot 2",
         .status = 503,
         .page = "{\"status\":\"DOWN\",\"details\":{\"masterBizStartUp\":" BASE_UP
                 ",\"arkBizAggregate\":" MODULE("DOWN", IN_CONTEXT("DOWN")) "}}",
         .module = BIZ_ACTIVATED,
         JUDGED(DOWN, UP, DOWN),
         .message = "module m 1.0.0: test is DOWN"},
        {.scenario = "components are not shown",
         .status = 200,
         .page = STATUS("UP"),
         .no_module = true,
         JUDGED(UP, UP, UNKNOWN)},
        {.scenario = "components are not shown, root DOWN",
         .status = 503,
         .page = STATUS("DOWN"),
         .no_module = true,
         JUDGED(DOWN, DOWN, UNKNOWN),
         .message = "the base is DOWN"},
        {.scenario = "components are not shown, root DOWN as an install runs",
         .status = 503,
         .page = STATUS("DOWN"),
         .operating = true,
         .no_module = true,
         JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
         .message = "the base is UNKNOWN"},
        {.scenario = "no details of baseStartUp",
         .status = 503,
         .page = PAGE("DOWN", STATUS("UP"), STATUS("DOWN")),
         .no_module = true,
         JUDGED(UP, UP, UNKNOWN)},
        {.scenario = "OUT_OF_SERVICE",
         .status = 503,
         .page = STATUS("OUT_OF_SERVICE"),
         .no_module = true,
         JUDGED(DOWN, DOWN, UNKNOWN),
         .message = "the base is DOWN"},
        {.scenario = "a state of its own",
         .status = 200,
         .page = STATUS("FATAL"),
         .no_module = true,
         JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
         .message = "the base is UNKNOWN"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void what_is_no_health_page(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *page;
        enum health base;
        const char *meaning;
    } rows[] = {
        {404, "<!doctype html><h1>HTTP Status 404</h1>", HEALTH_DOWN, ": the base is dead"},
        {404, "", HEALTH_DOWN, ": the base is dead"},
        {404, "{\"timestamp\":\"x\",\"status\":404,\"error\":\"Not Found\"}", HEALTH_UNKNOWN,
         ": the base has no such page"},
        {404, STATUS("UP"), HEALTH_UNKNOWN, ": the base has no such page"},
        {401, "", HEALTH_UNKNOWN, ": it is not open to the agent"},
        {401, "{\"error\":\"unauthorized\"}", HEALTH_UNKNOWN, ": it is not open to the agent"},
        {403, "<html>", HEALTH_UNKNOWN, ": it is not open to the agent"},
        {302, "", HEALTH_UNKNOWN, ": it is not open to the agent"},
        {200, "<html>welcome</html>", HEALTH_DOWN, ""},
        {200, "", HEALTH_DOWN, ""},
        {200, "[]", HEALTH_DOWN, ""},
        {200, "1", HEALTH_DOWN, ""},
        {200, "\"UP\"", HEALTH_DOWN, ""},
        {200, "{}", HEALTH_DOWN, ""},
        {200, "{\"status\":1}", HEALTH_DOWN, ""},
        {200, "{\"status\":\"UP\"", HEALTH_DOWN, ""},
        {500, "Internal Server Error", HEALTH_DOWN, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct observed row = {
            .status = rows[i].status, .page = rows[i].page, .module = BIZ_ACTIVATED};
        struct base_health health = judge(&row);
        AUTO_FREE char *message = mem_printf("the health page answered %d and no health%s",
                                             rows[i].status, rows[i].meaning);
        bool dead = str_eq(rows[i].meaning, ": the base is dead");
        if (health.status != rows[i].base || health.base_status != rows[i].base ||
            health.takes_modules || health.dead != dead || !str_eq(health.message, message))
            fail_msg("%d %s: %s", rows[i].status, rows[i].page, health.message);
        base_health_done(&health);
    }
}

#define PAGE_LATE "the health page is late with its answer"
#define PAGE_AWAY "the health page does not answer: no answer"
#define ARKLET_LATE "Arklet is late with its answer"
#define ARKLET_AWAY "Arklet does not answer"

/* A base that is UP, and one of the two that are asked says nothing. */
static void silence(void **state)
{
    (void)state;
    static const struct {
        bool no_page; /* is configured */
        enum contact page, arklet;
        bool operating;
        enum health all, base;
        bool takes_modules;
        const char *message;
    } rows[] = {
        {false, CONTACT_GOOD, CONTACT_GOOD, false, HEALTH_UP, HEALTH_UP, true, NULL},
        {false, CONTACT_LATE, CONTACT_GOOD, false, HEALTH_UNKNOWN, HEALTH_UP, true, PAGE_LATE},
        {false, CONTACT_GOOD, CONTACT_LATE, false, HEALTH_UNKNOWN, HEALTH_UP, true, ARKLET_LATE},
        {false, CONTACT_LATE, CONTACT_LATE, false, HEALTH_UNKNOWN, HEALTH_UP, true, PAGE_LATE},
        {false, CONTACT_SILENT, CONTACT_GOOD, false, HEALTH_DOWN, HEALTH_DOWN, false, PAGE_AWAY},
        {false, CONTACT_SILENT, CONTACT_SILENT, true, HEALTH_DOWN, HEALTH_DOWN, false, PAGE_AWAY},
        {false, CONTACT_GOOD, CONTACT_SILENT, false, HEALTH_DOWN, HEALTH_UP, false, ARKLET_AWAY},
        {false, CONTACT_GOOD, CONTACT_REFUSED, false, HEALTH_DOWN, HEALTH_UP, false, ARKLET_AWAY},
        {false, CONTACT_GOOD, CONTACT_SILENT, true, HEALTH_UP, HEALTH_UP, true, NULL},
        {false, CONTACT_REFUSED, CONTACT_GOOD, false, HEALTH_UNKNOWN, HEALTH_UNKNOWN, false,
         PAGE_AWAY},
        {false, CONTACT_NONE, CONTACT_NONE, false, HEALTH_UNKNOWN, HEALTH_UNKNOWN, false,
         PAGE_AWAY},
        {true, CONTACT_NONE, CONTACT_NONE, false, HEALTH_UNKNOWN, HEALTH_UNKNOWN, false,
         ARKLET_AWAY},
        {true, CONTACT_NONE, CONTACT_GOOD, false, HEALTH_UP, HEALTH_UP, true, NULL},
        {true, CONTACT_NONE, CONTACT_LATE, false, HEALTH_UNKNOWN, HEALTH_UP, true, ARKLET_LATE},
        {true, CONTACT_NONE, CONTACT_SILENT, false, HEALTH_DOWN, HEALTH_DOWN, false, ARKLET_AWAY},
        {true, CONTACT_NONE, CONTACT_SILENT, true, HEALTH_UP, HEALTH_UP, true, NULL},
    };
    static const char page[] = PAGE("UP", BASE_UP, STATUS("UP"));
    const struct biz_list none = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct health_facts facts = {
            .page_wanted = !rows[i].no_page,
            .page_contact = rows[i].page,
            .arklet_contact = rows[i].arklet,
            .page_status = 200,
            .page = page,
            .page_len = strlen(page),
            .modules = &none,
            .operating = rows[i].operating,
        };
        struct base_health health;
        base_health_of(&facts, &health);
        if (health.status != rows[i].all || health.base_status != rows[i].base ||
            health.takes_modules != rows[i].takes_modules ||
            !str_eq(health.message, rows[i].message))
            fail_msg("row %zu: %s, base %s, \"%s\"", i, health_name(health.status),
                     health_name(health.base_status), health.message);
        base_health_done(&health);
    }
}

static void without_a_page_arklet_is_asked_alone(void **state)
{
    (void)state;
    static const struct observed rows[] = {
        {.scenario = "answers", .no_module = true, JUDGED(UP, UP, UNKNOWN)},
        {.scenario = "does not",
         .arklet_away = true,
         .no_module = true,
         JUDGED(DOWN, DOWN, UNKNOWN),
         .message = "Arklet does not answer"},
        {.scenario = "a module runs", .module = BIZ_ACTIVATED, JUDGED(UP, UP, UP)},
        {.scenario = "a module starts", .module = BIZ_RESOLVED, JUDGED(UP, UP, UNKNOWN)},
        {.scenario = "a module is broken",
         .module = BIZ_BROKEN,
         JUDGED(DOWN, UP, DOWN),
         .message = "module m 1.0.0: it is broken"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void a_long_message_is_shortened(void **state)
{
    (void)state;
    AUTO_FREE char *why = mem_alloc(LIMIT_MESSAGE + 1);
    memset(why, 'x', LIMIT_MESSAGE);
    const struct biz_list none = {0};
    const struct health_facts facts = {
        .page_wanted = true, .page_error = why, .arklet_contact = CONTACT_GOOD, .modules = &none};
    struct base_health health;
    base_health_of(&facts, &health);
    assert_int_equal(strlen(health.message), LIMIT_MESSAGE);
    assert_true(str_starts_with(health.message, "the health page does not answer: xxx"));
    base_health_done(&health);
}

static void a_page_over_the_limit_is_none(void **state)
{
    (void)state;
    AUTO_FREE char *page = mem_alloc(LIMIT_HEALTH_ANSWER + 2);
    memset(page, ' ', LIMIT_HEALTH_ANSWER + 1);
    memcpy(page, STATUS("UP"), strlen(STATUS("UP")));
    struct observed row = {.status = 200, .page = page, .no_module = true};
    struct base_health health = judge(&row);
    assert_int_equal(health.status, HEALTH_DOWN);
    base_health_done(&health);
    page[LIMIT_HEALTH_ANSWER] = '\0';
    health = judge(&row);
    assert_int_equal(health.status, HEALTH_UP);
    base_health_done(&health);
}

/* What is not there can't be sick: whoever knows that it should be there says so (replay.h). */
static void what_belongs_there_is_to_be_there(void **state)
{
    (void)state;
    static const struct {
        enum health replay;
        const char *why;
        enum contact arklet;
        enum health status;
        const char *message;
    } rows[] = {
        {HEALTH_UP, NULL, CONTACT_GOOD, HEALTH_DOWN, "module a 1: it is broken"},
        {HEALTH_UNKNOWN, "1 of 2", CONTACT_GOOD, HEALTH_UNKNOWN, "1 of 2"},
        {HEALTH_DOWN, "b is not there", CONTACT_GOOD, HEALTH_DOWN, "b is not there"},
        {HEALTH_DOWN, "b is not there", CONTACT_REFUSED, HEALTH_DOWN, "Arklet does not answer"},
    };
    struct biz biz[] = {{(char[]){"a"}, (char[]){"1"}, BIZ_BROKEN, (char[]){""}}};
    struct biz_list modules = {biz, 1, 1};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct health_facts facts = {.arklet_contact = rows[i].arklet,
                                     .modules = &modules,
                                     .replay = rows[i].replay,
                                     .replay_why = rows[i].why};
        struct base_health health;
        base_health_of(&facts, &health);
        assert_int_equal(health.status, rows[i].status);
        assert_string_equal(health.message, rows[i].message);
        assert_int_equal(health.base_status,
                         rows[i].arklet == CONTACT_GOOD ? HEALTH_UP : HEALTH_DOWN);
        base_health_done(&health);
    }
}

static void the_first_sick_module_is_named(void **state)
{
    (void)state;
    struct biz biz[] = {{(char[]){"a"}, (char[]){"1"}, BIZ_ACTIVATED, (char[]){""}},
                        {(char[]){"b"}, (char[]){"1"}, BIZ_RESOLVED, (char[]){""}},
                        {(char[]){"c"}, (char[]){"1"}, BIZ_BROKEN, (char[]){""}},
                        {(char[]){"d"}, (char[]){"1"}, BIZ_BROKEN, (char[]){""}}};
    struct biz_list modules = {biz, ARRAY_LEN(biz), ARRAY_LEN(biz)};
    struct health_facts facts = {.arklet_contact = CONTACT_GOOD, .modules = &modules};
    struct base_health health;
    base_health_of(&facts, &health);
    assert_string_equal(health.message, "module c 1: it is broken");
    assert_int_equal(health.len, 4);
    assert_string_equal(health.modules[1].name, "b");
    assert_string_equal(health.modules[1].message, "it is starting");
    assert_int_equal(health.modules[3].status, HEALTH_DOWN);
    base_health_done(&health);
}

static void a_watcher_sees_each_difference(void **state)
{
    (void)state;
    static const struct observed rows[] = {
        {.status = 200, .page = STATUS("UP"), .no_module = true},
        {.status = 200, .page = STATUS("DOWN"), .no_module = true},
        {.status = 200, .page = STATUS("UNKNOWN"), .no_module = true},
        {.page = "", .no_module = true},
        {.arklet_away = true, .no_module = true},
        {.status = 404, .page = "", .no_module = true},
        {.status = 500, .page = "", .no_module = true}, /* in the message only */
        {.status = 200, .page = STATUS("UP"), .module = BIZ_ACTIVATED},
        {.status = 200, .page = STATUS("UP"), .module = BIZ_RESOLVED},
        {.status = 200, .page = STATUS("UP"), .module = BIZ_BROKEN},
    };
    struct base_health seen[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        seen[i] = judge(&rows[i]);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            if (base_health_equal(&seen[i], &seen[k]) != (i == k))
                fail_msg("rows %zu and %zu", i, k);
    struct base_health again = judge(&rows[9]);
    assert_true(base_health_equal(&again, &seen[9]));
    base_health_done(&again);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        base_health_done(&seen[i]);
}

static void what_is_not_ready_has_a_name(void **state)
{
    (void)state;
    static const struct {
        bool takes_modules, arklet_answers;
        enum health status;
        const char *reason;
    } rows[] = {
        {true, true, HEALTH_UP, "Replaying"},
        {false, false, HEALTH_UP, "ArkletUnreachable"},
        {false, false, HEALTH_DOWN, "ArkletUnreachable"},
        {false, true, HEALTH_DOWN, "BaseDown"},
        {false, true, HEALTH_UNKNOWN, "BaseStarting"},
        {false, true, HEALTH_UP, "BaseStarting"}, /* its JVM is not known yet */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(
            base_unready_reason(rows[i].takes_modules, rows[i].arklet_answers, rows[i].status),
            rows[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_five_scenarios),
        cmocka_unit_test(pages_of_other_versions),
        cmocka_unit_test(what_is_no_health_page),
        cmocka_unit_test(silence),
        cmocka_unit_test(without_a_page_arklet_is_asked_alone),
        cmocka_unit_test(a_long_message_is_shortened),
        cmocka_unit_test(a_page_over_the_limit_is_none),
        cmocka_unit_test(the_first_sick_module_is_named),
        cmocka_unit_test(what_belongs_there_is_to_be_there),
        cmocka_unit_test(a_watcher_sees_each_difference),
        cmocka_unit_test(what_is_not_ready_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
