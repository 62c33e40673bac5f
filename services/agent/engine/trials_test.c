/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/trials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * A story: "begin a:1 d", "over a:1", "pass 5000" (ms, and the JVM lives), "die", "orphan", "forget a:1", "reload" (another
 * agent reads what this one wrote).
 */
struct tale {
    struct trials trials;
    int64_t now_ms;
};

static void reload(struct trials *trials)
{
    cJSON *json = trials_write(trials);
    trials_done(trials);
    *trials = (struct trials){0};
    trials_read(json, trials);
    json_free(json);
}

static const char *next_word(char **rest)
{
    const char *word = strsep(rest, " ");
    return word ? word : "";
}

static void happen(struct tale *tale, const char *what)
{
    AUTO_FREE char *copy = mem_strdup(what);
    char *rest = copy;
    const char *verb = next_word(&rest), *one = next_word(&rest), *two = next_word(&rest);
    if (str_eq(verb, "begin"))
        trials_begin(&tale->trials, one, two);
    else if (str_eq(verb, "over"))
        trials_over(&tale->trials, one, tale->now_ms);
    else if (str_eq(verb, "die"))
        trials_died(&tale->trials);
    else if (str_eq(verb, "orphan"))
        trials_orphaned(&tale->trials, tale->now_ms);
    else if (str_eq(verb, "forget"))
        trials_forget(&tale->trials, one);
    else if (str_eq(verb, "reload"))
        reload(&tale->trials);
    else {
        tale->now_ms += strtol(one, NULL, 10);
        trials_lived(&tale->trials, tale->now_ms);
    }
}

static struct tale told(const char *story)
{
    struct tale tale = {.now_ms = 1000};
    AUTO_FREE char *copy = mem_strdup(story);
    for (char *rest = copy, *one; (one = strsep(&rest, ";"));)
        happen(&tale, one + strspn(one, " "));
    return tale;
}

static void who_is_to_blame(void **state)
{
    (void)state;
    static const struct {
        const char *story;
        int a, b; /* crashes that count against a:1 and b:1, both of jar d */
        bool pending;
    } rows[] = {
        {"begin a:1 d", 0, 0, true},
        {"begin a:1 d; over a:1; pass 4999", 0, 0, true},
        {"begin a:1 d; over a:1; pass 5000", 0, 0, false},
        /* the one that ran, not those that were over before */
        {"begin a:1 d; die", 1, 0, false},
        {"begin a:1 d; over a:1; begin b:1 d; die", 0, 1, false},
        /* nothing ran: all that were over just before */
        {"begin a:1 d; over a:1; die", 1, 0, false},
        {"begin a:1 d; over a:1; begin b:1 d; over b:1; die", 1, 1, false},
        {"begin a:1 d; over a:1; pass 5000; begin b:1 d; over b:1; die", 0, 1, false},
        /* in a row */
        {"begin a:1 d; die; begin a:1 d; die", 2, 0, false},
        {"begin a:1 d; die; begin a:1 d; over a:1; pass 5000; begin a:1 d; die", 1, 0, false},
        {"begin a:1 d; die; begin a:1 d; die; begin a:1 d; die; begin a:1 d; die", 3, 0, false},
        /* the last one has to be certain */
        {"begin a:1 d; over a:1; begin b:1 d; over b:1; die;"
         "begin a:1 d; over a:1; begin b:1 d; over b:1; die;"
         "begin a:1 d; over a:1; begin b:1 d; over b:1; die",
         2, 2, false},
        {"begin a:1 d; die; begin a:1 d; die; begin a:1 d; over a:1; die", 3, 0, false},
        /* another jar, or none */
        {"begin a:1 old; die; begin a:1 d; die", 1, 0, false},
        {"begin a:1 old; die", 0, 0, false},
        {"begin a:1 d; die; forget a:1", 0, 0, false},
        {"begin a:1 d; die; forget b:1", 1, 0, false},
        /* the agent dies too */
        {"begin a:1 d; reload; die", 1, 0, false},
        {"begin a:1 d; die; reload; begin a:1 d; reload; die", 2, 0, false},
        {"begin a:1 d; over a:1; reload; die", 1, 0, false},
        {"begin a:1 d; reload; orphan; pass 4999", 0, 0, true},
        {"begin a:1 d; reload; orphan; pass 5000", 0, 0, false},
        {"over a:1; pass 5000", 0, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tale tale = told(rows[i].story);
        int a = trials_crashes(&tale.trials, "a:1", "d"),
            b = trials_crashes(&tale.trials, "b:1", "d");
        if (a != rows[i].a || b != rows[i].b || trials_pending(&tale.trials) != rows[i].pending)
            fail_msg("%s: %d and %d, %d", rows[i].story, a, b, trials_pending(&tale.trials));
        trials_done(&tale.trials);
    }
}

static void what_can_not_be_read_counts_against_nobody(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"a:1\":{\"crashes\":3}}", "{\"a:1\":3}", "[]", "7",
                                        "{\"a:1\":{\"sha256\":\"d\",\"crashes\":\"many\"}}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_JSON cJSON *json = json_parse(texts[i], strlen(texts[i]), 1000, NULL);
        struct trials trials = {0};
        trials_read(json, &trials);
        assert_int_equal(trials.by_identity.len, 0);
        trials_done(&trials);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_to_blame),
        cmocka_unit_test(what_can_not_be_read_counts_against_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
