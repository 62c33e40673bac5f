/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 between any two writes loses nothing that was acknowledged, and leaves nothing half done.
 *
 * A child works on SLOTS families of objects at once; each slot does step after step, the next when
 * the one before is acknowledged, and reports each acknowledgement through a pipe. The parent kills
 * it after a random number of reports and opens the store itself: each slot must be exactly as its
 * last acknowledged step left it, or as the one step after that would. From there the next child
 * goes on. A step that removes an owner must take all its children with it.
 *
 *     phase of a step:  0 create the owner   1-3 create a child   4-7 change the owner   8 remove it
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "services/controller/store/conformance/cases.h"
#include "services/controller/store/embedded/embedded.h"
#include "services/controller/store/embedded/test_dir.h"

#define ROUNDS 20
#define SLOTS 12
#define CHILDREN 3
#define PHASES 9
#define ACKS_MAX 300 /* of one round */

struct slot {
    int index;
    int step; /* the next to do; all before it are done */
    struct store *store;
    char *owner_uid;
    int acks; /* write end of the pipe */
};

struct ack {
    int slot, step;
    long long version;
};

static char *owner_name(int slot, int generation)
{
    return mem_printf("s%d-g%d", slot, generation);
}

/* -- the child -- */

static void do_step(struct slot *slot);

static void on_step_done(void *user, const struct document *document, const struct err *err)
{
    struct slot *slot = user;
    ASSERT(!err);
    if (slot->step % PHASES == 0)
        mem_replace(&slot->owner_uid, document->uid);
    struct ack ack = {slot->index, slot->step, atoll(document->resource_version)};
    if (write(slot->acks, &ack, sizeof(ack)) != sizeof(ack)) /* one piece, it is below PIPE_BUF */
        _exit(1);
    slot->step++;
    do_step(slot);
}

static void create_child(struct slot *slot, const char *owner, int number)
{
    AUTO_FREE char *name = mem_printf("%s-c%d", owner, number);
    AUTO_FREE char *metadata = mem_printf(
        ",\"ownerReferences\":[{\"kind\":\"ModuleTemplate\",\"name\":\"%s\",\"uid\":\"%s\"}]",
        owner, slot->owner_uid);
    AUTO_FREE char *json = case_template("default", name, metadata);
    store_create(slot->store, KIND_MODULE_TEMPLATE, json, on_step_done, slot);
}

static void do_step(struct slot *slot)
{
    int phase = slot->step % PHASES;
    AUTO_FREE char *owner = owner_name(slot->index, slot->step / PHASES);
    struct store_key key = {KIND_MODULE_TEMPLATE, "default", owner};
    if (phase == 0) {
        AUTO_FREE char *json = case_template("default", owner, "");
        store_create(slot->store, KIND_MODULE_TEMPLATE, json, on_step_done, slot);
    } else if (phase <= CHILDREN) {
        create_child(slot, owner, phase);
    } else if (phase < PHASES - 1) {
        AUTO_FREE char *json =
            mem_printf("{\"metadata\":{\"annotations\":{\"phase\":\"%d\"}}}", phase);
        store_patch(slot->store, &key, STORE_MAIN, json, NULL, on_step_done, slot);
    } else {
        store_remove(slot->store, &key, NULL, NULL, on_step_done, slot);
    }
}

static _Noreturn void work(const char *dir, struct slot slots[SLOTS], int acks)
{
    struct store *store = NULL;
    ASSERT(embedded_store_open(&store, dir, clock_real(), NULL) == 0);
    for (int i = 0; i < SLOTS; i++) {
        slots[i].store = store;
        slots[i].acks = acks;
        do_step(&slots[i]);
    }
    for (;;)
        (void)pause();
}

/* -- the parent -- */

/* What @step leaves of its generation: phase in the owner's annotation, number of children. */
static char *expected(int step)
{
    int phase = step % PHASES;
    if (step < 0 || phase == PHASES - 1)
        return mem_strdup("nothing");
    return mem_printf("owner at %d, %d children", phase > CHILDREN ? phase : 0,
                      phase < CHILDREN ? phase : CHILDREN);
}

static char *observed(struct store *store, struct slot *slot, int generation)
{
    AUTO_FREE char *owner = owner_name(slot->index, generation);
    struct store_key key = {KIND_MODULE_TEMPLATE, "default", owner};
    AUTO_ANSWER struct answer got = call_get(store, &key);
    int children = 0;
    for (int i = 1; i <= CHILDREN; i++) {
        AUTO_FREE char *name = mem_printf("%s-c%d", owner, i);
        struct store_key child_key = {KIND_MODULE_TEMPLATE, "default", name};
        AUTO_ANSWER struct answer child = call_get(store, &child_key);
        children += !child.err;
    }
    if (got.err && !children)
        return mem_strdup("nothing");
    mem_replace(&slot->owner_uid, got.uid);
    const char *phase = answer_string(&got, "metadata.annotations.phase");
    return mem_printf("%s at %s, %d children", got.err ? "no owner" : "owner", phase ? phase : "0",
                      children);
}

/* Whether the generation of @step, and the one before it, are as @step leaves them. */
static bool is_after(struct store *store, struct slot *slot, int step)
{
    int generation = step < 0 ? 0 : step / PHASES;
    AUTO_FREE char *wanted = expected(step);
    AUTO_FREE char *there = observed(store, slot, generation);
    AUTO_FREE char *next = observed(store, slot, generation + 1);
    AUTO_FREE char *here = observed(store, slot, generation); /* sets owner_uid again */
    return str_eq(there, wanted) && str_eq(here, wanted) && str_eq(next, "nothing");
}

/* slot->step: first not acknowledged. Either it was not done, or it was and nobody was told. */
static void check_slot(struct store *store, struct slot *slot)
{
    if (is_after(store, slot, slot->step - 1))
        return;
    if (is_after(store, slot, slot->step)) {
        slot->step++;
        return;
    }
    AUTO_FREE char *there = observed(store, slot, slot->step / PHASES);
    fail_msg("slot %d, step %d of generation %d was not acknowledged; there is: %s", slot->index,
             slot->step % PHASES, slot->step / PHASES, there);
}

static void check_store(const char *dir, struct slot slots[SLOTS], long long version)
{
    struct store *store = NULL;
    AUTO_ERR struct err *err = NULL;
    if (embedded_store_open(&store, dir, clock_real(), &err) < 0)
        fail_msg("%s", err->message);
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_LISTING struct listing listing = call_list(store, &query);
    assert_true(atoll(listing.resource_version) >= version); /* no version is given twice */
    for (int i = 0; i < SLOTS; i++)
        check_slot(store, &slots[i]);
    store_free(store);
}

/* Reads reports into @slots until there are none; kills @child after @limit of them. */
static long long collect_acks(int acks, pid_t child, int limit, struct slot slots[SLOTS])
{
    long long version = 0;
    struct ack ack;
    if (limit == 0)
        assert_int_equal(kill(child, SIGKILL), 0);
    for (int count = 1; read(acks, &ack, sizeof(ack)) == sizeof(ack); count++) {
        assert_int_equal(ack.step, slots[ack.slot].step);
        slots[ack.slot].step++;
        version = ack.version > version ? ack.version : version;
        if (count == limit)
            assert_int_equal(kill(child, SIGKILL), 0);
    }
    return version;
}

static void run_round(const char *dir, struct slot slots[SLOTS], int limit)
{
    int acks[2];
    assert_int_equal(pipe(acks), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        work(dir, slots, acks[1]);
    (void)close(acks[1]);
    long long version = collect_acks(acks[0], child, limit, slots);
    (void)close(acks[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    check_store(dir, slots, version);
}

static void test_a_killed_store_loses_nothing(void **state)
{
    (void)state;
    char *dir = test_dir_make();
    struct slot slots[SLOTS] = {0};
    for (int i = 0; i < SLOTS; i++)
        slots[i].index = i;
    struct rand rand;
    rand_seed(&rand, 20261123);
    for (int round = 0; round < ROUNDS; round++)
        /* The first is killed while it makes the file. */
        run_round(dir, slots, round ? (int)rand_below(&rand, ACKS_MAX) : 0);
    for (int i = 0; i < SLOTS; i++)
        mem_free(slots[i].owner_uid);
    test_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_killed_store_loses_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
