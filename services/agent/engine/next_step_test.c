/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "services/agent/engine/next_step.h"
#include "services/agent/engine/trials.h"

/*
 * The operation of every row is about version 2 of module m, whose jar has the web context path "shop".
 * What is on the base is written "NAME VERSION STATE PATH", with commas between modules: "m 1 activated shop".
 */
#define NAME_MAX_TEXT 32

struct world {
    struct biz_list list;
    char text[4][4][NAME_MAX_TEXT];
};

static enum biz_state state_of(const char *name)
{
    for (int state = BIZ_RESOLVED; state <= BIZ_BROKEN; state++)
        if (str_eq(biz_state_name((enum biz_state)state), name))
            return (enum biz_state)state;
    fail_msg("state %s", name);
    return BIZ_BROKEN;
}

/* Copies the next word, which ends at a blank or a comma; "" where the entry has no more. Return: behind it. */
static const char *next_word(const char *at, char out[NAME_MAX_TEXT])
{
    at += strspn(at, " ");
    size_t len = strcspn(at, " ,");
    assert_true(len < NAME_MAX_TEXT);
    memcpy(out, at, len);
    out[len] = 0;
    return at + len;
}

static void read_world(const char *modules, struct world *out)
{
    *out = (struct world){0};
    struct biz *items = mem_alloc(sizeof(struct biz) * ARRAY_LEN(out->text));
    size_t len = 0;
    for (const char *at = modules; *at; at += *at == ',') {
        char(*text)[NAME_MAX_TEXT] = out->text[len];
        for (size_t word = 0; word < ARRAY_LEN(out->text[0]); word++)
            at = next_word(at, text[word]);
        items[len++] = (struct biz){text[0], text[1], state_of(text[2]), text[3]};
    }
    out->list = (struct biz_list){items, len, ARRAY_LEN(out->text)};
}

struct row {
    const char *modules;
    bool in_place, sent, overdue, no_room, own_port;
    int crashes;
    const char *digest, *installed;  /* of the jar, of the one there */
    const char *restart, *restarted; /* asked for, the one there was installed for */
    enum failure_kind last;
    enum step step;
    enum failure_kind kind; /* STEP_FAIL */
    const char *what;       /* its message; STEP_UNINSTALL: the version */
};

static void check(size_t i, const struct row *row, struct next_step *next)
{
    const char *what = next->target ? next->target->version : next->failure.message;
    if (next->step != row->step || next->failure.kind != row->kind || !str_eq(what, row->what))
        fail_msg("row %zu: step %d, %s, \"%s\"", i, next->step, failure_reason(next->failure.kind),
                 what);
    failure_done(&next->failure);
}

typedef struct next_step (*next_fn)(const struct operation_facts *operation,
                                    const struct biz_list *modules);

static void check_rows(next_fn next_of, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct world world;
        struct failure last = {rows[i].last, (char[]){"what it said"}};
        read_world(rows[i].modules, &world);
        struct operation_facts operation = {
            .name = "m",
            .version = "2",
            .web_context_path = "shop",
            .in_place = rows[i].in_place,
            .digest = rows[i].digest,
            .installed_digest = rows[i].installed,
            .crashes = rows[i].crashes,
            .restart = rows[i].restart,
            .installed_restart = rows[i].restarted,
            .sent = rows[i].sent,
            .no_room = rows[i].no_room ? "no room" : NULL,
            .overdue = rows[i].overdue,
            .own_port = rows[i].own_port,
            .last = &last,
        };
        struct next_step next = next_of(&operation, &world.list);
        check(i, &rows[i], &next);
        mem_free(world.list.items);
    }
}

#define SAID "what it said"
#define PATH_TAKEN(who) "web context path /shop is served by " who
#define LOCKED "another operation on the module does not end"
#define STARTING(who) who " is still starting"
#define FAILS(kind_, what_) .step = STEP_FAIL, .kind = FAILED_##kind_, .what = (what_)

/* Rows: the module is locked, or no answer came: both may change until the time is over. */
#define BUSY_OR_LOST(there)                                                                        \
    {.modules = (there), .last = FAILED_BUSY, .step = STEP_WAIT},                                  \
        {.modules = (there), .last = FAILED_BUSY, .overdue = true, FAILS(BUSY, LOCKED)},           \
        {.modules = (there), .last = FAILED_LOST, .step = STEP_WAIT},                              \
    {                                                                                              \
        .modules = (there), .last = FAILED_LOST, .overdue = true, FAILS(LOST, SAID)                \
    }

static void an_install(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* nothing in the way */
        {.modules = "", .step = STEP_INSTALL},
        {.modules = "other 1 activated own", .step = STEP_INSTALL},
        {.modules = "m 1 activated old", .step = STEP_INSTALL},
        {.modules = "m 1 resolved old", .step = STEP_INSTALL},
        {.modules = "other 2 activated", .step = STEP_INSTALL},
        /* the base dies of it: before anything is touched; what is there or was sent is another matter */
        {.modules = "", .crashes = 2, .step = STEP_INSTALL},
        {.modules = "", .crashes = 3, FAILS(CRASHES_BASE, TRIAL_REFUSAL)},
        {.modules = "m 1 activated old",
         .in_place = true,
         .crashes = 3,
         FAILS(CRASHES_BASE, TRIAL_REFUSAL)},
        {.modules = "m 2 activated shop", .crashes = 3, .step = STEP_SUCCEED},
        {.modules = "", .crashes = 3, .sent = true, .last = FAILED_START, FAILS(START, SAID)},
        /* there: done, whoever did it and whatever was answered */
        {.modules = "m 2 activated shop", .step = STEP_SUCCEED},
        {.modules = "m 2 deactivated shop", .step = STEP_SUCCEED},
        {.modules = "m 2 activated shop", .sent = true, .step = STEP_SUCCEED},
        {.modules = "m 2 activated shop", .sent = true, .overdue = true, .step = STEP_SUCCEED},
        {.modules = "m 2 activated shop", .sent = true, .last = FAILED_LOST, .step = STEP_SUCCEED},
        /* starting: never touched */
        {.modules = "m 2 resolved shop", .step = STEP_WAIT},
        {.modules = "m 2 resolved shop", .sent = true, .step = STEP_WAIT},
        {.modules = "m 2 resolved shop", .in_place = true, .step = STEP_WAIT},
        {.modules = "m 2 resolved shop", .overdue = true, FAILS(TIMED_OUT, STARTING("m 2"))},
        /* broken by an install before: out first */
        {.modules = "m 2 broken shop", .step = STEP_UNINSTALL, .what = "2"},
        {.modules = "m 2 broken shop", .last = FAILED_UNINSTALL, FAILS(UNINSTALL, SAID)},
        {.modules = "m 2 broken shop", .last = FAILED_START, FAILS(START, SAID)},
        {.modules = "m 2 broken shop", .overdue = true, .step = STEP_UNINSTALL, .what = "2"},
        BUSY_OR_LOST("m 2 broken shop"),
        /* broken by our own install: what it said */
        {.modules = "m 2 broken shop", .sent = true, .last = FAILED_START, FAILS(START, SAID)},
        /* sent and not there */
        {.modules = "", .sent = true, .last = FAILED_START, FAILS(START, SAID)},
        {.modules = "", .sent = true, FAILS(LOST, "no answer came, and the module is not there")},
        {.modules = "", .sent = true, .last = FAILED_BUSY, .step = STEP_WAIT},
        {.modules = "", .sent = true, .last = FAILED_BUSY, .overdue = true, FAILS(BUSY, LOCKED)},
        {.modules = "other 1 activated shop",
         .sent = true,
         .last = FAILED_WEB_PATH_IN_USE,
         FAILS(WEB_PATH_IN_USE, SAID)},
        /* its web path is taken: nothing is touched */
        {.modules = "other 1 activated shop", FAILS(WEB_PATH_IN_USE, PATH_TAKEN("other 1"))},
        {.modules = "other 1 resolved shop", FAILS(WEB_PATH_IN_USE, PATH_TAKEN("other 1"))},
        {.modules = "m 1 activated shop", FAILS(WEB_PATH_IN_USE, PATH_TAKEN("m 1"))},
        {.modules = "m 1 deactivated shop", FAILS(WEB_PATH_IN_USE, PATH_TAKEN("m 1"))},
        /* on a port of its own it may be free: Tomcat knows */
        {.modules = "m 1 activated shop", .own_port = true, .step = STEP_INSTALL},
        {.modules = "m 1 activated shop",
         .own_port = true,
         .sent = true,
         .last = FAILED_WEB_PATH_IN_USE,
         FAILS(WEB_PATH_IN_USE, SAID)},
        {.modules = "m 1 activated shop,other 1 activated shop",
         .in_place = true,
         FAILS(WEB_PATH_IN_USE, PATH_TAKEN("other 1"))},
    };
    check_rows(next_of_install, rows, ARRAY_LEN(rows));
}

static void an_install_without_room(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.modules = "", .no_room = true, FAILS(METASPACE_FULL, "no room")},
        {.modules = "m 1 activated x", .no_room = true, FAILS(METASPACE_FULL, "no room")},
        {.modules = "", .in_place = true, .no_room = true, FAILS(METASPACE_FULL, "no room")},
        /* what is broken stays as it is */
        {.modules = "m 2 broken shop", .no_room = true, FAILS(METASPACE_FULL, "no room")},
        {.modules = "m 2 broken shop",
         .in_place = true,
         .no_room = true,
         FAILS(METASPACE_FULL, "no room")},
        /* nothing is to be installed */
        {.modules = "m 2 activated shop", .no_room = true, .step = STEP_SUCCEED},
        {.modules = "m 2 resolved shop", .no_room = true, .step = STEP_WAIT},
        /* it takes the place of another one */
        {.modules = "m 1 activated x",
         .in_place = true,
         .no_room = true,
         .step = STEP_UNINSTALL,
         .what = "1"},
        {.modules = "m 2 activated s",
         .in_place = true,
         .no_room = true,
         .digest = "a",
         .installed = "b",
         .step = STEP_UNINSTALL,
         .what = "2"},
        /* sent before: what became of that counts */
        {.modules = "", .sent = true, .no_room = true, .last = FAILED_START, FAILS(START, SAID)},
    };
    check_rows(next_of_install, rows, ARRAY_LEN(rows));
}

static void a_version_that_runs(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.modules = "m 2 activated s", .digest = "a", .installed = "a", .step = STEP_SUCCEED},
        {.modules = "m 2 activated s", .digest = "a", .step = STEP_SUCCEED},
        {.modules = "m 2 deactivated s",
         .digest = "a",
         .installed = "b",
         .step = STEP_FAIL,
         .kind = FAILED_OTHER_JAR,
         .what = "m 2 runs from another jar (sha256 b)"},
        {.modules = "m 2 broken s",
         .digest = "a",
         .installed = "b",
         .step = STEP_UNINSTALL,
         .what = "2"},
        {.modules = "m 2 resolved s", .digest = "a", .installed = "b", .step = STEP_WAIT},
        /* in place */
        {.modules = "m 2 activated s",
         .in_place = true,
         .digest = "a",
         .installed = "a",
         .step = STEP_SUCCEED},
        {.modules = "m 1 activated x,m 2 activated s",
         .in_place = true,
         .digest = "a",
         .installed = "a",
         .step = STEP_SUCCEED},
        {.modules = "m 2 activated s",
         .in_place = true,
         .digest = "a",
         .installed = "b",
         .step = STEP_UNINSTALL,
         .what = "2"},
        {.modules = "m 2 deactivated s",
         .in_place = true,
         .digest = "a",
         .step = STEP_UNINSTALL,
         .what = "2"},
        {.modules = "m 2 activated s",
         .in_place = true,
         .digest = "a",
         .installed = "b",
         .last = FAILED_BUSY,
         .step = STEP_WAIT},
        {.modules = "m 2 activated s",
         .in_place = true,
         .digest = "a",
         .installed = "b",
         .last = FAILED_UNINSTALL,
         .step = STEP_FAIL,
         .kind = FAILED_UNINSTALL,
         .what = SAID},
        {.modules = "m 2 resolved s",
         .in_place = true,
         .digest = "a",
         .installed = "b",
         .step = STEP_WAIT},
        /* sent, and somebody else was faster */
        {.modules = "m 2 activated s",
         .in_place = true,
         .sent = true,
         .digest = "a",
         .step = STEP_SUCCEED},
    };
    check_rows(next_of_install, rows, ARRAY_LEN(rows));
}

static void a_restart(void **state)
{
    (void)state;
#define RUNS .in_place = true, .digest = "a", .installed = "a", .restart = "r2"
    static const struct row rows[] = {
        {.modules = "m 2 activated s", RUNS, .step = STEP_UNINSTALL, .what = "2"},
        {.modules = "m 2 activated s",
         RUNS,
         .restarted = "r1",
         .step = STEP_UNINSTALL,
         .what = "2"},
        {.modules = "m 2 activated s", RUNS, .last = FAILED_BUSY, .step = STEP_WAIT},
        {.modules = "m 2 activated s", RUNS, .last = FAILED_UNINSTALL, FAILS(UNINSTALL, SAID)},
        {.modules = "m 2 resolved s", RUNS, .step = STEP_WAIT},
        {.modules = "", RUNS, .step = STEP_INSTALL},
        /* done by this operation, or by one before: never twice */
        {.modules = "m 2 activated s", RUNS, .sent = true, .step = STEP_SUCCEED},
        {.modules = "m 2 activated s", RUNS, .restarted = "r2", .step = STEP_SUCCEED},
        /* nothing asked for: whatever it was installed for is right */
        {.modules = "m 2 activated s",
         .in_place = true,
         .digest = "a",
         .installed = "a",
         .restarted = "r1",
         .step = STEP_SUCCEED},
        /* beside others nothing is taken away */
        {.modules = "m 2 activated s",
         .digest = "a",
         .installed = "a",
         .restart = "r2",
         .step = STEP_SUCCEED},
    };
#undef RUNS
    check_rows(next_of_install, rows, ARRAY_LEN(rows));
}

static void an_install_in_place(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.modules = "", .step = STEP_INSTALL},
        {.modules = "other 1 activated own", .step = STEP_INSTALL},
        /* one after the other */
        {.modules = "m 1 activated shop,m 3 deactivated x", .step = STEP_UNINSTALL, .what = "1"},
        {.modules = "m 3 deactivated x", .step = STEP_UNINSTALL, .what = "3"},
        {.modules = "m 1 broken shop", .step = STEP_UNINSTALL, .what = "1"},
        {.modules = "m 1 resolved shop", .step = STEP_WAIT},
        {.modules = "m 1 resolved shop", .overdue = true, FAILS(TIMED_OUT, STARTING("m 1"))},
        /* it does not go */
        {.modules = "m 1 activated shop", .last = FAILED_UNINSTALL, FAILS(UNINSTALL, SAID)},
        {.modules = "m 1 activated shop", .last = FAILED_STATE, FAILS(STATE, SAID)},
        {.modules = "m 1 activated shop", .overdue = true, .step = STEP_UNINSTALL, .what = "1"},
        BUSY_OR_LOST("m 1 activated shop"),
        /* it said that it would not, and is gone */
        {.modules = "", .last = FAILED_UNINSTALL, .step = STEP_INSTALL},
    };
    struct row in_place[ARRAY_LEN(rows)];
    memcpy(in_place, rows, sizeof(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        in_place[i].in_place = true;
    check_rows(next_of_install, in_place, ARRAY_LEN(rows));
}

static void an_uninstall(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.modules = "", .step = STEP_SUCCEED},
        {.modules = "m 1 activated shop,other 2 activated x", .step = STEP_SUCCEED},
        {.modules = "", .last = FAILED_UNINSTALL, .step = STEP_SUCCEED},
        {.modules = "", .overdue = true, .step = STEP_SUCCEED},
        {.modules = "m 1 activated x,m 2 activated y", .step = STEP_UNINSTALL, .what = "2"},
        {.modules = "m 2 deactivated shop", .step = STEP_UNINSTALL, .what = "2"},
        {.modules = "m 2 broken shop", .step = STEP_UNINSTALL, .what = "2"},
        {.modules = "m 2 resolved shop", .step = STEP_WAIT},
        {.modules = "m 2 resolved shop", .overdue = true, FAILS(TIMED_OUT, STARTING("m 2"))},
        {.modules = "m 2 activated shop", .last = FAILED_UNINSTALL, FAILS(UNINSTALL, SAID)},
        {.modules = "m 2 activated shop", .overdue = true, .step = STEP_UNINSTALL, .what = "2"},
        BUSY_OR_LOST("m 2 activated shop"),
    };
    check_rows(next_of_uninstall, rows, ARRAY_LEN(rows));
}

static void a_switch(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.modules = "", FAILS(NOT_FOUND, "the module is not there")},
        {.modules = "m 1 activated shop", FAILS(NOT_FOUND, "the module is not there")},
        {.modules = "m 1 activated x,m 2 deactivated y", .step = STEP_SWITCH},
        {.modules = "m 1 deactivated x,m 2 activated y", .step = STEP_SUCCEED},
        {.modules = "m 2 activated y", .last = FAILED_OTHER, .step = STEP_SUCCEED},
        {.modules = "m 2 broken y", .step = STEP_SWITCH}, /* Arklet says why not */
        {.modules = "m 2 broken y", .last = FAILED_STATE, FAILS(STATE, SAID)},
        {.modules = "m 2 resolved y", .step = STEP_WAIT},
        {.modules = "m 2 resolved y", .overdue = true, FAILS(TIMED_OUT, STARTING("m 2"))},
        {.modules = "m 2 deactivated y", .last = FAILED_OTHER, FAILS(OTHER, SAID)},
        {.modules = "m 2 deactivated y", .overdue = true, .step = STEP_SWITCH},
        BUSY_OR_LOST("m 2 deactivated y"),
    };
    check_rows(next_of_switch, rows, ARRAY_LEN(rows));
}

/* Version 1 comes back. */
static struct next_step next_of_restore_of_1(const struct operation_facts *failed,
                                             const struct biz_list *modules)
{
    struct operation_facts old = *failed;
    old.version = "1";
    return next_of_restore(failed, &old, modules);
}

static void a_restore(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.modules = "", .step = STEP_INSTALL},
        {.modules = "", .overdue = true, .step = STEP_INSTALL},
        {.modules = "m 3 activated x", .step = STEP_INSTALL},
        {.modules = "m 1 activated shop", .step = STEP_SUCCEED},
        {.modules = "m 1 deactivated shop", .sent = true, .step = STEP_SUCCEED},
        {.modules = "m 1 resolved shop", .sent = true, .step = STEP_WAIT},
        {.modules = "m 1 resolved shop",
         .sent = true,
         .overdue = true,
         FAILS(TIMED_OUT, STARTING("m 1"))},
        {.modules = "", .sent = true, FAILS(INSTALL, "the old version does not start")},
        {.modules = "m 1 broken shop",
         .sent = true,
         .last = FAILED_START,
         FAILS(INSTALL, "the old version does not start")},
        {.modules = "", .sent = true, .last = FAILED_BUSY, .step = STEP_WAIT},
        {.modules = "", .sent = true, .last = FAILED_BUSY, .overdue = true, FAILS(BUSY, LOCKED)},
        /* what failed goes first */
        {.modules = "m 2 broken shop", .step = STEP_UNINSTALL, .what = "2"},
        {.modules = "m 2 activated shop", .step = STEP_UNINSTALL, .what = "2"},
        {.modules = "m 1 activated x,m 2 broken shop", .step = STEP_UNINSTALL, .what = "2"},
        {.modules = "m 2 resolved shop", .step = STEP_WAIT},
        {.modules = "m 2 resolved shop", .overdue = true, FAILS(TIMED_OUT, STARTING("m 2"))},
        {.modules = "m 2 broken shop", .last = FAILED_UNINSTALL, FAILS(UNINSTALL, SAID)},
    };
    check_rows(next_of_restore_of_1, rows, ARRAY_LEN(rows));
}

/* The same version of another jar comes back: @digest is the old one's. */
static struct next_step next_of_restore_of_2(const struct operation_facts *failed,
                                             const struct biz_list *modules)
{
    return next_of_restore(failed, failed, modules);
}

static void a_restore_of_the_same_version(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.modules = "", .digest = "old", .installed = "new", .step = STEP_INSTALL},
        {.modules = "", .digest = "old", .installed = "old", .step = STEP_INSTALL},
        /* the failed one goes */
        {.modules = "m 2 broken shop",
         .digest = "old",
         .installed = "new",
         .step = STEP_UNINSTALL,
         .what = "2"},
        {.modules = "m 2 activated shop",
         .digest = "old",
         .installed = "new",
         .step = STEP_UNINSTALL,
         .what = "2"},
        {.modules = "m 2 broken shop",
         .digest = "old",
         .installed = "old",
         .step = STEP_UNINSTALL,
         .what = "2"},
        /* the old one never went, or is back */
        {.modules = "m 2 activated shop",
         .digest = "old",
         .installed = "old",
         .step = STEP_SUCCEED},
        {.modules = "m 2 resolved shop",
         .sent = true,
         .digest = "old",
         .installed = "old",
         .step = STEP_WAIT},
        {.modules = "m 2 broken shop",
         .sent = true,
         .digest = "old",
         .installed = "old",
         .step = STEP_FAIL,
         .kind = FAILED_INSTALL,
         .what = "the old version does not start"},
    };
    check_rows(next_of_restore_of_2, rows, ARRAY_LEN(rows));
}

static void arguments_may_name_a_port(void **state)
{
    (void)state;
    const char *own[] = {"--spring.profiles.active=blue", "--server.port=18082"};
    const char *other[] = {"--server.ports=1", "server.port=2", "--Server.Port=3"};
    assert_true(args_name_port(own, ARRAY_LEN(own)));
    assert_false(args_name_port(own, 1));
    assert_false(args_name_port(other, ARRAY_LEN(other)));
    assert_false(args_name_port(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_may_name_a_port),
        cmocka_unit_test(an_install),
        cmocka_unit_test(an_install_in_place),
        cmocka_unit_test(an_uninstall),
        cmocka_unit_test(a_switch),
        cmocka_unit_test(a_restore),
        cmocka_unit_test(a_version_that_runs),
        cmocka_unit_test(an_install_without_room),
        cmocka_unit_test(a_restart),
        cmocka_unit_test(a_restore_of_the_same_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
