/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

/* -- what comes back of which jar -- */

#define SOURCE "http://store/m-1.jar"

static void the_jar_that_was_there_comes_from_the_cache(void **state)
{
    (void)state;
    static const struct {
        const char *url, *md5, *sha256; /* declared */
        const char *source, *recorded_md5, *digest;
        const char *sha256_then;
    } rows[] = {
        /* the same, as far as anybody has said */
        {SOURCE, NULL, NULL, SOURCE, NULL, "d", "d"},
        {SOURCE, "5", NULL, SOURCE, "5", "d", "d"},
        {SOURCE, NULL, "d", SOURCE, NULL, "d", "d"},
        {SOURCE, NULL, NULL, SOURCE, "5", "d", "d"},
        /* another jar */
        {SOURCE, "6", NULL, SOURCE, "5", "d", NULL},
        {SOURCE, "6", NULL, SOURCE, NULL, "d", NULL},
        {SOURCE, NULL, "e", SOURCE, NULL, "d", "e"},
        {"http://store/other.jar", NULL, NULL, SOURCE, NULL, "d", NULL},
        /* not known */
        {SOURCE, NULL, NULL, SOURCE, NULL, NULL, NULL},
        {SOURCE, NULL, NULL, NULL, NULL, "d", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *args[] = {(char[]){"-x"}};
        const struct module_spec wanted = {(char[]){"m"},
                                           (char[]){"1"},
                                           (char *)(uintptr_t)rows[i].url,
                                           (char *)(uintptr_t)rows[i].md5,
                                           (char *)(uintptr_t)rows[i].sha256,
                                           NULL};
        const struct record record = {
            .url = (char[]){"file:///cache/d.jar"},
            .source = (char *)(uintptr_t)rows[i].source,
            .md5 = (char *)(uintptr_t)rows[i].recorded_md5,
            .digest = (char *)(uintptr_t)rows[i].digest,
            .restart = (char[]){"r"},
            .args = {args, 1},
        };
        struct trials none = {0};
        struct replay_plan plan = {0};
        replay_add(&plan, &wanted, &record, &none);
        const struct replay_item *item = &plan.items[0];
        bool same = rows[i].digest && str_eq(rows[i].sha256_then, rows[i].digest);
        if (!str_eq(item->module.sha256, rows[i].sha256_then) ||
            !str_eq(item->restart, same ? "r" : NULL) || !str_eq(item->module.url, rows[i].url))
            fail_msg("row %zu: %s", i, item->module.sha256);
        assert_int_equal(item->args.len, 1);
        assert_string_equal(item->args.items[0], "-x");
        replay_plan_done(&plan);
    }
}

static void the_own_copy(void **state)
{
    (void)state;
    const struct record known = {
        .url = (char[]){"file:///c/d.jar"}, .source = (char[]){SOURCE}, .digest = (char[]){"d"}};
    const struct record old = {.url = (char[]){"file:///c/e.jar"}, .digest = (char[]){"e"}};
    struct trials none = {0};
    struct replay_plan plan = {0};
    replay_add_record(&plan, "m:1.0", &known, &none);
    replay_add_record(&plan, "n:2", &old, &none);
    replay_add_record(&plan, "m:1.0", &old, &none);
    replay_add_record(&plan, "nameless", &old, &none);
    assert_int_equal(plan.len, 2);
    assert_string_equal(plan.items[0].module.name, "m");
    assert_string_equal(plan.items[0].module.version, "1.0");
    assert_string_equal(plan.items[0].module.url, SOURCE);
    assert_string_equal(plan.items[0].module.sha256, "d");
    assert_string_equal(plan.items[1].module.url, "file:///c/e.jar");
    assert_true(replay_has(&plan, "n:3"));
    assert_false(replay_has(&plan, "o:3"));
    assert_true(replay_names(&plan, "n:2"));
    assert_false(replay_names(&plan, "n:3"));
    assert_false(replay_names(&plan, "o:2"));
    replay_plan_done(&plan);
}

/* -- stories --
 *
 * Baseline: "a:1 b:1- c:1*2": b was not the active version, the base died of c twice. Then what is done, step by step, by
 * an agent and a base that do what they are told: an install of "bad" fails; "last" gives the traffic to what was
 * installed last, as some bases do. */

struct tale {
    struct replay_plan plan;
    struct trials trials;
    VEC(struct biz) there;
    bool last_is_active;
    int busy; /* so many waves are refused, there being too many operations */
    char done[400];
};

static void note(struct tale *tale, const char *what, const struct replay_item *item)
{
    size_t len = strlen(tale->done);
    snprintf(tale->done + len, sizeof(tale->done) - len, "%s%s%s%s%s", len ? " " : "", what,
             item ? item->module.name : "", item ? ":" : "", item ? item->module.version : "");
}

static void accuse(struct trials *trials, const char *identity, int crashes)
{
    for (int i = 0; i < crashes; i++) {
        trials_begin(trials, identity, "d");
        trials_died(trials);
    }
}

static void read_baseline(struct tale *tale, const char *text)
{
    AUTO_FREE char *copy = mem_strdup(text);
    for (char *rest = copy, *word; (word = strsep(&rest, " "));) {
        char *crashes = strchr(word, '*'), *inactive = strchr(word, '-');
        int count = crashes ? crashes[1] - '0' : 0;
        word[strcspn(word, "*-")] = 0;
        struct record record = {
            .url = (char[]){"u"}, .digest = (char[]){"d"}, .inactive = inactive != NULL};
        accuse(&tale->trials, word, count);
        replay_add_record(&tale->plan, word, &record, &tale->trials);
    }
}

static void put(struct tale *tale, const struct replay_item *item)
{
    bool first = true;
    for (size_t i = 0; i < tale->there.len; i++) {
        struct biz *biz = &tale->there.items[i];
        if (!str_eq(biz->name, item->module.name))
            continue;
        first = false;
        if (tale->last_is_active)
            biz->state = BIZ_DEACTIVATED;
    }
    enum biz_state state = first || tale->last_is_active ? BIZ_ACTIVATED : BIZ_DEACTIVATED;
    VEC_PUSH(&tale->there,
             (struct biz){item->module.name, item->module.version, state, (char[]){""}});
}

static void be_refused(struct tale *tale, int wave)
{
    tale->busy--;
    note(tale, "busy", NULL);
    for (size_t i = 0; i < tale->plan.len; i++)
        if (tale->plan.items[i].fate == REPLAY_WAITS && tale->plan.items[i].wave == wave)
            tale->plan.items[i].fate = REPLAY_RUNS;
    replay_put_off(&tale->plan);
}

static void install(struct tale *tale, int wave)
{
    note(tale, "[", NULL);
    for (size_t i = 0; i < tale->plan.len; i++) {
        struct replay_item *item = &tale->plan.items[i];
        if (item->fate != REPLAY_WAITS || item->wave != wave)
            continue;
        note(tale, "", item);
        bool bad = str_eq(item->module.name, "bad");
        item->fate = bad ? REPLAY_FAILED : REPLAY_THERE;
        if (bad)
            item->message = mem_strdup("it is bad");
        else
            put(tale, item);
    }
    note(tale, "]", NULL);
}

static void switch_to(struct tale *tale, struct replay_item *item)
{
    note(tale, "switch ", item);
    item->switched = true;
    for (size_t i = 0; i < tale->there.len; i++)
        if (str_eq(tale->there.items[i].name, item->module.name))
            tale->there.items[i].state = str_eq(tale->there.items[i].version, item->module.version)
                                             ? BIZ_ACTIVATED
                                             : BIZ_DEACTIVATED;
}

static struct biz_list list_of(const struct tale *tale)
{
    return (struct biz_list){tale->there.items, tale->there.len, tale->there.cap};
}

static void play(struct tale *tale)
{
    replay_order(&tale->plan);
    for (int i = 0; i < 20; i++) {
        struct biz_list list = list_of(tale);
        replay_look(&tale->plan, &list);
        struct replay_next next = replay_next(&tale->plan, &list, false);
        if (next.step == REPLAY_OVER)
            return;
        assert_int_not_equal(next.step, REPLAY_WAIT);
        if (next.step == REPLAY_INSTALL && tale->busy)
            be_refused(tale, next.wave);
        else if (next.step == REPLAY_INSTALL)
            install(tale, next.wave);
        else
            switch_to(tale, next.item);
    }
    fail_msg("it does not end: %s", tale->done);
}

static void in_waves(void **state)
{
    (void)state;
    static const struct {
        const char *baseline, *done;
        struct replay_counts counts;
        const char *problem;
        bool last_is_active;
    } rows[] = {
        {"", "", {0}, NULL, false},
        {"a:1 b:1 c:1", "[ a:1 b:1 c:1 ]", {3, 3, 0, 0}, NULL, false},
        /* the active version first, wherever it stands */
        {"a:1- a:2 b:1", "[ a:2 b:1 ] [ a:1 ]", {3, 3, 0, 0}, NULL, false},
        {"a:1 a:2- a:3-", "[ a:1 ] [ a:2 ] [ a:3 ]", {3, 3, 0, 0}, NULL, false},
        {"a:1 a:2-", "[ a:1 ] [ a:2 ] switch a:1", {2, 2, 0, 0}, NULL, true},
        {"a:1 a:2", "[ a:1 ] [ a:2 ]", {2, 2, 0, 0}, NULL, false},
        /* one that was inactive, and is alone */
        {"a:1- b:1", "[ a:1 b:1 ]", {2, 2, 0, 0}, NULL, false},
        /* a bad one holds nobody up */
        {"bad:1 a:1 a:2-",
         "[ bad:1 a:1 ] [ a:2 ]",
         {3, 2, 1, 0},
         "module bad 1 was not brought back: it is bad",
         false},
        {"bad:1 bad:2-",
         "[ bad:1 ] [ bad:2 ]",
         {2, 0, 2, 0},
         "module bad 1 was not brought back: it is bad; and 1 more",
         false},
        /* what the base may have died of: alone, at the end; what it surely died of: never */
        {"a:1*1 b:1", "[ a:1 b:1 ]", {2, 2, 0, 0}, NULL, false},
        {"a:1*2 b:1 c:1*2 d:1", "[ b:1 d:1 ] [ a:1 ] [ c:1 ]", {4, 4, 0, 0}, NULL, false},
        {"a:1*3 b:1",
         "[ b:1 ]",
         {2, 1, 0, 1},
         "module a 1 was not brought back: " TRIAL_REFUSAL,
         false},
        {"a:1*3 a:2-",
         "[ a:2 ]",
         {2, 1, 0, 1},
         "module a 1 was not brought back: " TRIAL_REFUSAL,
         false},
        {"a:1*2 a:2-", "[ a:2 ] [ a:1 ] switch a:1", {2, 2, 0, 0}, NULL, false},
        /* too many operations of others: it waits for them */
        {"a:1 b:1 a:2-", "busy busy [ a:1 b:1 ] [ a:2 ]", {3, 3, 0, 0}, NULL, false},
        {"a:1 b:1*2", "busy [ a:1 ] [ b:1 ]", {2, 2, 0, 0}, NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tale tale = {.last_is_active = rows[i].last_is_active};
        for (const char *at = rows[i].done; str_starts_with(at, "busy "); at += strlen("busy "))
            tale.busy++;
        if (*rows[i].baseline)
            read_baseline(&tale, rows[i].baseline);
        play(&tale);
        struct replay_counts counts = replay_count(&tale.plan);
        AUTO_FREE char *problem = replay_problem(&tale.plan);
        if (!str_eq(tale.done, rows[i].done) ||
            memcmp(&counts, &rows[i].counts, sizeof(counts)) != 0 ||
            !str_eq(problem, rows[i].problem))
            fail_msg("\"%s\": %s; %d %d %d %d; %s", rows[i].baseline, tale.done, counts.wanted,
                     counts.installed, counts.failed, counts.left_out, problem);
        VEC_DONE(&tale.there);
        trials_done(&tale.trials);
        replay_plan_done(&tale.plan);
    }
}

/* -- one step -- */

static void one_step(void **state)
{
    (void)state;
    static const struct {
        const char *baseline, *fates; /* by letter: w r t f u */
        bool on_trial;
        enum replay_step step;
    } rows[] = {
        {"a:1 b:1", "ww", false, REPLAY_INSTALL},
        {"a:1 b:1", "ww", true, REPLAY_INSTALL},
        {"a:1 b:1", "rt", false, REPLAY_WAIT},
        {"a:1 a:2-", "rw", false, REPLAY_WAIT},
        {"a:1 b:1", "tu", false, REPLAY_OVER},
        {"a:1 b:1", "fu", false, REPLAY_OVER},
        /* a suspect is tried once it is known that the base lives with the others */
        {"a:1 b:1*2", "tw", true, REPLAY_WAIT},
        {"a:1 b:1*2", "tw", false, REPLAY_INSTALL},
        {"a:1*2 b:1*2", "tw", true, REPLAY_WAIT},
        {"a:1*2 b:1", "wu", true, REPLAY_WAIT},
        /* the end waits for nobody's trial */
        {"a:1*2 b:1", "tt", true, REPLAY_OVER},
    };
    static const char letters[] = "wrtflu";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tale tale = {0};
        struct biz_list empty = {0};
        read_baseline(&tale, rows[i].baseline);
        replay_order(&tale.plan);
        for (size_t k = 0; k < tale.plan.len; k++)
            tale.plan.items[k].fate =
                (enum replay_fate)(strchr(letters, rows[i].fates[k]) - letters);
        struct replay_next next = replay_next(&tale.plan, &empty, rows[i].on_trial);
        if (next.step != rows[i].step)
            fail_msg("row %zu: %d", i, next.step);
        trials_done(&tale.trials);
        replay_plan_done(&tale.plan);
    }
}

static void what_is_seen(void **state)
{
    (void)state;
    struct tale tale = {0};
    read_baseline(&tale, "a:1 b:1 c:1 bad:1 e:1*3");
    replay_order(&tale.plan);
    struct biz items[] = {{(char[]){"a"}, (char[]){"1"}, BIZ_ACTIVATED, (char[]){""}},
                          {(char[]){"b"}, (char[]){"1"}, BIZ_RESOLVED, (char[]){""}},
                          {(char[]){"c"}, (char[]){"1"}, BIZ_BROKEN, (char[]){""}}};
    struct biz_list list = {items, 3, 3};
    assert_true(replay_look(&tale.plan, &list)); /* a was there: nothing to do */
    assert_false(replay_look(&tale.plan, &list));
    struct replay_counts counts = replay_count(&tale.plan);
    assert_int_equal(counts.installed, 1);
    AUTO_FREE char *progress = replay_progress(&tale.plan);
    assert_string_equal(progress, "modules that belong here are brought back: 1 of 5 are there");
    assert_true(replay_shown(&tale.plan, &list));
    tale.plan.items[1].fate = REPLAY_THERE; /* an operation says so, the list is older */
    assert_false(replay_shown(&tale.plan, &list));
    items[1].state = BIZ_DEACTIVATED;
    assert_true(replay_shown(&tale.plan, &list));
    /* Somebody else brings back what the replay could not. */
    tale.plan.items[2].fate = REPLAY_FAILED;
    tale.plan.items[2].message = mem_strdup("no");
    items[2].state = BIZ_ACTIVATED;
    assert_true(replay_look(&tale.plan, &list));
    assert_int_equal(tale.plan.items[2].fate, REPLAY_THERE);
    items[2].name = (char[]){"e"};
    assert_true(replay_look(&tale.plan, &list));
    assert_int_equal(tale.plan.items[4].fate, REPLAY_THERE);
    trials_done(&tale.trials);
    replay_plan_done(&tale.plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_jar_that_was_there_comes_from_the_cache),
        cmocka_unit_test(the_own_copy),
        cmocka_unit_test(in_waves),
        cmocka_unit_test(one_step),
        cmocka_unit_test(what_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
