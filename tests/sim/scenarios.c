/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/scenarios.h"

#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "tests/sim/invariants.h"
#include "tests/sim/users.h"

#define LATE_MS                                                                                    \
    (20 * 60 * 1000) /* of a world: a lost answer costs a minute, backoff goes up to five */
#define ATTEMPTS_MAX 20
#define ATTEMPT_MS 12000 /* users know by then that a call has failed */
#define PROVIDER "provider"
#define WEB "web"

/* -- what has to come about -- */

static bool converged(struct world *world)
{
    AUTO_FREE char *why = i5_converged(&world->picture);
    return !why && world->picture.deployments.len;
}

static bool nothing_left(struct world *world)
{
    AUTO_FREE char *why = i6_nothing_left(&world->picture);
    return !why;
}

static const struct module_deployment *deployment(const struct world *world, const char *name)
{
    return map_get(&world->picture.deployments, name);
}

static bool has_reason(const struct world *world, const char *name, const char *reason)
{
    const struct module_deployment *md = deployment(world, name);
    return md && str_eq(md->status.release.reason, reason);
}

static bool waits_for_confirmation(struct world *world)
{
    return has_reason(world, PROVIDER, REASON_WAITING_FOR_CONFIRMATION);
}

static bool has_rolled_back(struct world *world)
{
    return has_reason(world, PROVIDER, REASON_ROLLED_BACK) && converged(world);
}

static bool has_missed_deadline(struct world *world)
{
    return has_reason(world, PROVIDER, REASON_PROGRESS_DEADLINE_EXCEEDED);
}

static size_t modules_in(const struct world *world, enum module_phase phase)
{
    size_t count = 0;
    for (size_t i = 0; i < world->picture.modules.len; i++) {
        const struct module *module = world->picture.modules.entries[i].value;
        count += module->status.phase == phase && !module->meta.deletion_ms;
    }
    return count;
}

static bool one_is_available(struct world *world)
{
    return modules_in(world, MODULE_AVAILABLE) > 0;
}

static bool one_is_wanted(struct world *world)
{
    for (size_t i = 0; i < world->picture.revisions.len; i++) {
        const struct module_replicaset *rs = world->picture.revisions.entries[i].value;
        if (rs->spec.replicas > 0)
            return true;
    }
    return false;
}

static bool one_is_made(struct world *world)
{
    return world->picture.modules.len > 0;
}

static bool four_are_made(struct world *world)
{
    return world->picture.modules.len == 4;
}

static bool one_is_replaced(struct world *world)
{
    return users_find_replaced(world) != NULL;
}

/* Steps until @holds, which is called @what. */
static void until(struct world *world, bool (*holds)(struct world *world), const char *what)
{
    if (!world->broken && !world_run_until(world, holds, LATE_MS))
        world_break(world, mem_printf("did not come about: %s", what));
}

static void until_converged(struct world *world)
{
    until(world, converged, "what is declared");
}

/* The store has taken what users have written before. */
static void pass(struct world *world, int64_t ms)
{
    (void)world_run_until(world, NULL, ms);
}

/* As users and `kubectl` do it: an edit that was not taken is made again. */
static void edit(struct world *world, const char *name, const char *patch)
{
    if (world->broken)
        return;
    users_patch(world, name, patch);
    pass(world, 100);
}

static void end(struct world *world)
{
    if (world->broken)
        return;
    users_delete_all(world);
    until(world, nothing_left, "nothing is left");
}

static void create(struct world *world, const char *name, int32_t replicas)
{
    users_create(world, name, 1, replicas);
    pass(world, 100);
}

#define VERSION(version)                                                                           \
    "{\"spec\":{\"template\":{\"spec\":{\"module\":{\"version\":\"" version "\"}}}}}"
#define STRATEGY(members) "{\"spec\":{\"operationStrategy\":{" members "}}}"
#define RESTART(stamp)                                                                             \
    "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"" ANNOTATION_RESTARTED_AT           \
    "\":\"" stamp "\"}}}}}"

/* -- the stories -- */

static void install(struct world *world)
{
    create(world, PROVIDER, 3);
    until_converged(world);
    end(world);
}

static void upgrade(struct world *world)
{
    create(world, PROVIDER, 3);
    edit(world, PROVIDER,
         STRATEGY("\"batchCount\":2,\"drainSeconds\":3,\"serviceStrategy\":{"
                  "\"enableModuleService\":true,\"port\":80,\"targetPort\":8080}"));
    until_converged(world);
    edit(world, PROVIDER, VERSION("2.0.0"));
    until_converged(world);
    end(world);
}

static void in_place(struct world *world)
{
    create(world, WEB, 3);
    edit(world, WEB, "{\"spec\":{\"maxUnavailable\":1}}");
    until_converged(world);
    edit(world, WEB, VERSION("2.0.0"));
    until_converged(world);
    end(world);
}

static void other_bases(struct world *world)
{
    create(world, PROVIDER, 2);
    edit(world, PROVIDER, STRATEGY("\"upgradePolicy\":\"scaleUpThenScaleDown\""));
    until_converged(world);
    edit(world, PROVIDER, VERSION("2.0.0"));
    until_converged(world);
    end(world);
}

static void scale(struct world *world)
{
    create(world, PROVIDER, 1);
    until_converged(world);
    edit(world, PROVIDER, "{\"spec\":{\"replicas\":4}}");
    until_converged(world);
    edit(world, PROVIDER, "{\"spec\":{\"replicas\":1}}");
    until_converged(world);
    end(world);
}

static void confirm(struct world *world)
{
    create(world, PROVIDER, 3);
    until_converged(world);
    edit(world, PROVIDER, STRATEGY("\"batchCount\":2,\"needConfirm\":true"));
    until_converged(world);
    edit(world, PROVIDER, VERSION("2.0.0"));
    until(world, waits_for_confirmation, "a person is asked");
    world_gate(world, PROVIDER)->confirmed = true;
    edit(world, PROVIDER, "{\"spec\":{\"pause\":false}}");
    until_converged(world);
    end(world);
}

/* -- by the public API -- */

static bool is_there(struct world *world)
{
    return deployment(world, PROVIDER) != NULL;
}

static bool is_scaled(struct world *world)
{
    return is_there(world) && deployment(world, PROVIDER)->spec.replicas == 4;
}

static bool asks_for_confirmation(struct world *world)
{
    return is_there(world) && deployment(world, PROVIDER)->spec.strategy.need_confirm;
}

static bool has_version(const struct world *world, const char *version)
{
    const struct module_deployment *md = deployment(world, PROVIDER);
    return md && str_eq(md->spec.template.module.version, version);
}

/* What a file says of the version leaves alone how many there are. */
static bool wants_second(struct world *world)
{
    return has_version(world, "2.0.0") && is_scaled(world);
}

static bool wants_first(struct world *world)
{
    return has_version(world, "1.0.0");
}

static bool is_confirmed(struct world *world)
{
    return !waits_for_confirmation(world);
}

static bool is_going(struct world *world)
{
    return !is_there(world) || deployment(world, PROVIDER)->meta.deletion_ms;
}

/* A call that fails is made again: @method "" applies @with as a patch of what is there, none makes it. */
static void insist(struct world *world, const char *method, const char *with,
                   bool (*holds)(struct world *world))
{
    bool holds_now = false;
    for (int i = 0; i < ATTEMPTS_MAX && !world->broken && !holds_now; i++) {
        if (!method)
            users_create(world, PROVIDER, 1, 2);
        else if (!*method)
            users_apply(world, PROVIDER, with);
        else
            users_call(world, method, PROVIDER, with);
        holds_now = world_run_until(world, holds, ATTEMPT_MS);
    }
    if (!world->broken && !holds_now)
        world_break(world,
                    mem_printf("did not come about: %s", str_empty(method) ? "apply" : method));
}

static void confirm_by_api(struct world *world)
{
    until(world, waits_for_confirmation, "a person is asked");
    world_gate(world, PROVIDER)->confirmed = true;
    insist(world, "ConfirmBatch", "", is_confirmed);
    until_converged(world);
}

static void by_api(struct world *world)
{
    world->by_api = true;
    insist(world, NULL, "", is_there);
    until_converged(world);
    insist(world, "ScaleModuleDeployment", ",\"replicas\":4", is_scaled);
    until_converged(world);
    insist(world, "", STRATEGY("\"batchCount\":2,\"needConfirm\":true"), asks_for_confirmation);
    insist(world, "", VERSION("2.0.0"), wants_second);
    confirm_by_api(world);
    insist(world, "UndoRelease", "", wants_first);
    confirm_by_api(world);
    insist(world, "DeleteModuleDeployment", "", is_going);
    world->by_api = false;
    end(world);
}

/* -- what goes wrong -- */

static void roll_back(struct world *world)
{
    create(world, PROVIDER, 2);
    edit(world, PROVIDER, STRATEGY("\"rollbackOnFailure\":true,\"batchCount\":2"));
    until_converged(world);
    world->base_faults.bad = "2.0.0";
    edit(world, PROVIDER, VERSION("2.0.0"));
    until(world, has_rolled_back, "the last good revision is back");
    world->base_faults.bad = NULL;
    if (!world->broken)
        users_resume(world, deployment(world, PROVIDER));
    pass(world, 1000);
    until_converged(world);
    end(world);
}

static void deadline(struct world *world)
{
    create(world, PROVIDER, 2);
    until_converged(world);
    world->base_faults.bad = "2.0.0";
    edit(world, PROVIDER, "{\"spec\":{\"progressDeadlineSeconds\":20,\"minReadySeconds\":3}}");
    edit(world, PROVIDER, VERSION("2.0.0"));
    until(world, has_missed_deadline, "the release is given up");
    world->base_faults.bad = NULL;
    edit(world, PROVIDER, "{\"spec\":{\"progressDeadlineSeconds\":0}}");
    edit(world, PROVIDER, VERSION("3.0.0"));
    until_converged(world);
    end(world);
}

/* The old ones stay until the new ones have been well for long enough, beside them and on other bases. */
static void well_for_long(struct world *world)
{
    static const char *const policies[] = {
        STRATEGY("\"batchCount\":2,\"upgradePolicy\":\"installThenUninstall\""),
        STRATEGY("\"upgradePolicy\":\"scaleUpThenScaleDown\"")};
    create(world, PROVIDER, 2);
    edit(world, PROVIDER, "{\"spec\":{\"minReadySeconds\":15}}");
    pass(world, 70000); /* by then whoever acts knows of it */
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        edit(world, PROVIDER, policies[i]);
        edit(world, PROVIDER, i ? VERSION("3.0.0") : VERSION("2.0.0"));
        until_converged(world);
    }
    end(world);
}

static void restart(struct world *world)
{
    create(world, PROVIDER, 2);
    until_converged(world);
    edit(world, PROVIDER, RESTART("1"));
    until_converged(world);
    end(world);
}

static void symmetric(struct world *world)
{
    create(world, PROVIDER, REPLICAS_SYMMETRIC);
    until_converged(world);
    world_add_base(world);
    world->picture.bases.items[world->picture.bases.len - 1]->options.max_module_count = -1;
    pass(world, 5000);
    until_converged(world);
    sim_base_die(world->picture.bases.items[0]);
    until_converged(world);
    end(world);
}

static void jvm_restarts(struct world *world)
{
    create(world, PROVIDER, 2);
    until_converged(world);
    for (size_t i = 0; i < world->picture.bases.len; i++)
        sim_base_restart_jvm(world->picture.bases.items[i]);
    pass(world, 10000);
    until_converged(world);
    end(world);
}

/* Bases for one module each. One that was made is seen late; another one must not take its place meanwhile. */
static void full_bases(struct world *world)
{
    for (size_t i = 0; i < world->picture.bases.len; i++)
        world->picture.bases.items[i]->options.max_module_count = 1;
    pass(world, 10000);
    world->store_faults.lag_ms[KIND_MODULE] = 3000;
    create(world, PROVIDER, 2);
    create(world, WEB, 3);
    pass(world, 20000);
    edit(world, WEB, "{\"spec\":{\"replicas\":2}}");
    until_converged(world);
    end(world);
}

/* Goes as soon as it has been labelled, and nobody has seen that yet. */
static void gone_while_labelled(struct world *world)
{
    pass(world, 10000);
    create(world, PROVIDER, 1);
    world->store_faults.lag_ms[KIND_BASE] = 5000;
    until(world, one_is_available, "one is Available");
    pass(world, 50);
    users_delete_module(world);
    pass(world, 10000);
    until_converged(world);
    end(world);
}

/*
 * A Module is made though its maker is told otherwise, by each name that the error may have then. Who takes one of them
 * for a refusal gives its place on a full base away.
 */
static void lost_by_any_name(struct world *world)
{
    static const enum err_code names[] = {ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_DATA_LOSS};
    for (size_t i = 0; i < world->picture.bases.len; i++)
        world->picture.bases.items[i]->options.max_module_count = 1;
    pass(world, 10000);
    for (size_t i = 0; i < ARRAY_LEN(names) && !world->broken; i++) {
        world->store_faults.lost_as = names[i];
        world->store_faults.lag_ms[KIND_MODULE] = 3000;
        users_create(world, PROVIDER, 1, 1);
        until(world, one_is_wanted, "one is to be made");
        world->store_faults.answer_lost = 1000;
        until(world, one_is_made, "one is made");
        world->store_faults.answer_lost = 0;
        create(world, WEB, 2);
        end(world);
    }
}

static void restart_leader(struct world *world, bool gently)
{
    struct candidate *leader = world_leader(world);
    if (leader && !world->broken)
        world_restart(world, leader, gently);
}

/* A controller ends as it is told to, and hands the Lease over; the next one crashes. */
static void hand_over(struct world *world)
{
    create(world, PROVIDER, 3);
    until(world, one_is_available, "one is Available");
    restart_leader(world, /* gently= */ true);
    edit(world, PROVIDER, STRATEGY("\"batchCount\":2"));
    until_converged(world);
    edit(world, PROVIDER, VERSION("2.0.0"));
    until(world, four_are_made, "a new one is made");
    restart_leader(world, /* gently= */ false);
    until_converged(world);
    end(world);
}

/* What a controller has sent comes when another one leads; and one that stood still goes on as if it led. */
static void deposed(struct world *world)
{
    pass(world, 10000);
    users_create(world, PROVIDER, 1, 4);
    until(world, one_is_made, "one is made");
    world->net_faults.delay_ms = 60000;
    pass(world, 200);
    restart_leader(world, /* gently= */ false);
    world->net_faults.delay_ms = 5;
    until_converged(world);
    edit(world, PROVIDER, VERSION("2.0.0"));
    struct candidate *leader = world_leader(world);
    if (leader)
        candidate_stands_still(leader, 20000);
    pass(world, 60000); /* all has come that was sent */
    until_converged(world);
    end(world);
}

/* Two more are made, and nobody can list them when the batches are counted anew. */
static void counted_while_listed(struct world *world)
{
    create(world, PROVIDER, 2);
    until_converged(world);
    world->store_faults.lag_ms[KIND_MODULE] = 500;
    edit(world, PROVIDER, "{\"spec\":{\"replicas\":4}}");
    until(world, four_are_made, "four are made");
    world->store_faults.expired = world->store_faults.lists_refused = 1000;
    pass(world, 12000);
    edit(world, PROVIDER, STRATEGY("\"batchCount\":0,\"useBeta\":true"));
    pass(world, 12000);
    world->store_faults.expired = world->store_faults.lists_refused = 0;
    until_converged(world);
    end(world);
}

/* An install in place that nobody has answered, and the version after it comes first. */
static void overtaken(struct world *world)
{
    const struct sim_base *base = world->picture.bases.items[0];
    create(world, PROVIDER, 1);
    until_converged(world);
    edit(world, PROVIDER, STRATEGY("\"upgradePolicy\":\"uninstallThenInstall\""));
    until_converged(world);
    world_cut(world, base, true);
    edit(world, PROVIDER, VERSION("2.0.0"));
    pass(world, 20000);
    edit(world, PROVIDER, STRATEGY("\"upgradePolicy\":\"installThenUninstall\""));
    edit(world, PROVIDER, VERSION("3.0.0"));
    pass(world, 5000);
    world_cut(world, base, false);
    until_converged(world);
    end(world);
}

/* Both the old and the new one of a restart in place go: nobody waits for the other. */
static void gone_while_replaced(struct world *world)
{
    create(world, WEB, 2);
    edit(world, WEB,
         STRATEGY("\"batchCount\":2,\"drainSeconds\":10,"
                  "\"upgradePolicy\":\"uninstallThenInstall\""));
    until_converged(world);
    edit(world, WEB, RESTART("1"));
    until(world, one_is_replaced, "one is to be replaced");
    users_delete_replaced(world);
    pass(world, 2000);
    end(world);
}

const struct scenario scenarios[] = {
    {"install", "three are installed, and uninstalled", 3, install, false},
    {"upgrade", "in two batches, drained, with a Service", 3, upgrade, false},
    {"in-place", "two versions with one web path, one by one", 3, in_place, false},
    {"other-bases", "scaleUpThenScaleDown", 4, other_bases, false},
    {"scale", "out and in", 4, scale, false},
    {"confirm", "a person is asked", 3, confirm, false},
    {"by-api", "apply, scale, confirm, undo, delete", 4, by_api, false},
    {"roll-back", "a release that fails, and is resumed", 3, roll_back, false},
    {"deadline", "a release that is given up, and the next one", 2, deadline, false},
    {"well-for-long", "the new ones, before the old ones go", 4, well_for_long, false},
    {"restart", "of the same version", 3, restart, false},
    {"symmetric", "a base comes, and one goes", 2, symmetric, false},
    {"jvm-restarts", "modules are installed again", 2, jvm_restarts, false},
    {"full-bases", "the place of a module that may have been made", 4, full_bases, false},
    {"gone-while-labelled", "the label of what goes is on its way", 1, gone_while_labelled, false},
    {"lost-by-any-name", "a Module is made, whatever the error says", 2, lost_by_any_name, false},
    {"counted-while-listed", "the number of instances is not known", 5, counted_while_listed,
     false},
    {"gone-while-replaced", "a deletion before an install in place", 2, gone_while_replaced, false},
    {"hand-over", "one controller ends, and the next one", 3, hand_over, true},
    {"deposed", "a controller is late, and another one leads", 4, deposed, true},
    {"overtaken", "the next version comes before the answer of the last", 1, overtaken, false},
};
const size_t scenario_count = ARRAY_LEN(scenarios);

const struct scenario *scenario_find(const char *name)
{
    for (size_t i = 0; i < scenario_count; i++)
        if (str_eq(scenarios[i].name, name))
            return &scenarios[i];
    return NULL;
}

struct world *scenario_run(const struct scenario *scenario, const struct world_options *options)
{
    struct world_options own = *options;
    own.standby |= scenario->standby;
    struct world *world = world_new(&own);
    for (int i = 0; i < scenario->bases; i++) {
        world_add_base(world);
        world->picture.bases.items[i]->options.max_module_count = -1;
    }
    scenario->run(world);
    return world;
}
