/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: each step is one turn of the loops, and the clock then jumps to what is due next. The world has a loop, with the
 * events and timers of the store, the network and the bases, in the order in which they were posted and are due; so have
 * the programs: controllers are turned after it, and agents in it (sim_process.c).
 */
#include "tests/sim/world.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "tests/sim/invariants.h"

#define WALL_MS 1790000000000
#define START_MS 1000
#define CONTROLLER "controller:9090"
#define API "controller:9095" /* the same server; here each service has an address of its own */
#define TURNS_MAX 10000       /* of the loop without any time: then it will not come to rest */
#define EDIT_SETTLES_MS 60000
#define MODELS 25         /* percent of the bases whose agent is a model */
#define WRITES_LATE 2     /* times what a call takes: one may wait for the one before it */
#define GENTLE_PERCENT 30 /* of the ends of controllers, where another one stands by */

/* -- time -- */

static int64_t mono_ms(struct clock *clock)
{
    return CONTAINER_OF(clock, struct sim_clock, clock)->mono_ms;
}

static int64_t wall_ms(struct clock *clock)
{
    return WALL_MS + mono_ms(clock);
}

bool world_chance(struct world *world, uint32_t percent)
{
    return rand_below(&world->rand, 100) < percent;
}

bool world_has(const struct world *world, enum fault fault)
{
    return world->faults & (1u << fault);
}

/* -- the controller -- */

static bool elects(const struct world *world)
{
    return world_has(world, FAULT_STANDBY);
}

void world_serve(struct world *world, struct candidate *candidate)
{
    if (world->served) {
        sim_net_stop_serving(world->net, CONTROLLER);
        sim_net_stop_serving(world->net, API);
    }
    world->served = candidate;
    if (!candidate)
        return;
    sim_net_serve(world->net, CONTROLLER, controller_gateway(candidate->controller));
    sim_net_serve(world->net, API, candidate_api(candidate));
}

static void start_controller(struct world *world, int i)
{
    static const char *const hosts[CANDIDATES] = {"controller-a", "controller-b"};
    const char *host = elects(world) ? hosts[i] : "controller";
    world->lives++;
    history_note(&world->history, "%s: life %d", host, world->lives);
    world->candidates[i] = candidate_new(world, host, elects(world) ? 0 : world->lives);
    if (elects(world))
        return;
    world->epoch = world->lives;
    world_serve(world, world->candidates[i]);
}

/* As main.c stops it, but what is on its way gets lost or not, as it happens. */
static void stop_controller(struct world *world, int i, bool gently)
{
    struct candidate *candidate = world->candidates[i];
    if (world->served == candidate)
        world_serve(world, NULL);
    world->candidates[i] = NULL;
    candidate_end(candidate, gently);
    for (int k = 0; k < CANDIDATES && !world->served; k++)
        if (world->candidates[k] && world->candidates[k]->acts && !world->candidates[k]->ended)
            world_serve(world, world->candidates[k]);
}

void world_restart(struct world *world, struct candidate *candidate, bool gently)
{
    int i = candidate == world->candidates[0] ? 0 : 1;
    history_note(&world->history, "%s: %s", candidate->host, gently ? "ends" : "crashes");
    stop_controller(world, i, gently);
    start_controller(world, i);
}

struct candidate *world_leader(const struct world *world)
{
    struct candidate *leader = NULL;
    for (int i = 0; i < CANDIDATES && world->candidates[i]; i++)
        if (candidate_leads(world->candidates[i]) &&
            (!leader || leader->epoch < world->candidates[i]->epoch))
            leader = world->candidates[i];
    return leader;
}

void world_leads(struct world *world, const struct candidate *candidate)
{
    history_note(&world->history, "%s: leads, epoch %lld", candidate->host,
                 (long long)candidate->epoch);
    for (int i = 0; i < CANDIDATES && world->candidates[i]; i++)
        world_break(world, i8_leads_alone(candidate, world->candidates[i], world->clock.mono_ms));
    world_break(world, i8_epoch_grows(candidate, world->epoch));
    world->epoch = candidate->epoch;
}

/* -- calls -- */

const char *const fate_names[FATES] = {
#define X(id, name) [id] = name,
    FATE_MAP(X)
#undef X
};

/* @candidate: who makes it; NULL: an agent, whose crash is its own matter. */
static enum fate fate_of_call(struct world *world, struct candidate *candidate)
{
    if (++world->calls != world->options.at_call)
        return FATE_NONE;
    history_note(&world->history, "call %lld: %s", (long long)world->calls,
                 fate_names[world->options.fate]);
    if (world->options.fate == FATE_CRASH && candidate)
        world->crashes = candidate;
    return world->options.fate;
}

static enum fate on_store_call(void *user, const struct store *client, bool writes)
{
    struct world *world = user;
    for (int i = 0; i < CANDIDATES && world->candidates[i]; i++) {
        struct candidate *candidate = world->candidates[i];
        if (client != candidate->store)
            continue;
        if (writes)
            world_break(world, i8_only_leaders(candidate, "writes"));
        return fate_of_call(world, candidate);
    }
    return FATE_NONE;
}

static enum fate on_net_call(void *user, const char *host)
{
    struct world *world = user;
    for (int i = 0; i < CANDIDATES && world->candidates[i]; i++) {
        struct candidate *candidate = world->candidates[i];
        if (!str_eq(host, candidate->host))
            continue;
        world_break(world, i8_only_leaders(candidate, "calls"));
        return fate_of_call(world, candidate);
    }
    return FATE_NONE;
}

static enum fate on_command(void *user)
{
    return fate_of_call(user, NULL);
}

/* -- changes -- */

struct gate *world_gate(struct world *world, const char *name)
{
    struct gate *gate = map_get(&world->gates, name);
    if (!gate) {
        gate = NEW(struct gate);
        (void)map_put(&world->gates, name, gate);
    }
    return gate;
}

void world_break(struct world *world, char *why_taken)
{
    if (!why_taken)
        return;
    if (world->broken) {
        mem_free(why_taken);
        return;
    }
    history_note(&world->history, "BROKEN  %s", why_taken);
    world->broken = why_taken;
}

static const char *text_at(const cJSON *json, const char *path)
{
    const char *text = json_get_string(json, path);
    return text ? text : "";
}

/* What is worth telling of the object @json. Owned. */
static char *describe(enum object_kind kind, const cJSON *json)
{
    const cJSON *labels = json_get(json, "metadata.labels");
    const cJSON *batch = json_get(json, "status.releaseStatus.currentBatch");
    AUTO_STR struct str text = STR_INIT(LIMIT_KIB(4));
    if (kind == KIND_MODULE_DEPLOYMENT)
        str_printf(&text, "%s %s %d", text_at(json, "status.releaseStatus.progress"),
                   text_at(json, "status.releaseStatus.reason"), batch ? batch->valueint : 0);
    else if (kind == KIND_MODULE)
        str_printf(&text, "%s %s", text_at(json, "status.status"), text_at(json, "status.reason"));
    else if (kind == KIND_BASE)
        str_add(&text, text_at(json, "status.phase"));
    for (const cJSON *it = labels ? labels->child : NULL; it && kind == KIND_BASE; it = it->next)
        if (str_starts_with(it->string, LABEL_TRAFFIC_PREFIX))
            str_printf(&text, " [%s]", it->string + strlen(LABEL_TRAFFIC_PREFIX));
    return str_take(&text);
}

static void note_change(struct world *world, const struct record *before,
                        const struct record *after)
{
    const struct record *one = after ? after : before;
    if (one->kind == KIND_EVENT)
        return;
    AUTO_JSON cJSON *json = record_tree(one, NULL);
    AUTO_FREE char *what = describe(one->kind, json);
    const char *how = !before ? "made" : !after ? "gone" : "changed";
    bool going = json_get(json, "metadata.deletionTimestamp") != NULL;
    history_note(&world->history, "store: %s %s %s%s %s", kind_name(one->kind), one->name, how,
                 going ? " (going)" : "", what);
}

/* Nobody is asked on the way back from a release that has failed. */
static bool asks(const struct module_deployment *md)
{
    return md->spec.strategy.need_confirm && !md->status.release.failed_revision;
}

static struct ready_rule ready_rule(const struct world *world, const struct gate *gate)
{
    int64_t call_ms =
        world_has(world, FAULT_STORE_SLOW) ? STORE_SLOW_MS : world->store_faults.call_ms;
    return (struct ready_rule){&world->since, world->clock.mono_ms,
                               demand_least(&gate->ready_ms, world->clock.mono_ms),
                               WRITES_LATE * call_ms};
}

static void note_demands(struct world *world, struct gate *gate,
                         const struct module_deployment *before, const struct module_deployment *md)
{
    int64_t now_ms = world->clock.mono_ms;
    demand_set(&gate->drain_ms, md->spec.strategy.drain_seconds * 1000LL, now_ms);
    demand_set(&gate->ready_ms, md->spec.min_ready_seconds * 1000LL, now_ms);
    if (before->spec.replicas != md->spec.replicas)
        gate->scaled_ms = now_ms;
    if (gate->required != i2_required(md)) {
        gate->required = i2_required(md);
        gate->required_ms = now_ms;
    }
}

static void check_deployment(struct world *world, const struct record *after)
{
    const struct module_deployment *before = map_get(&world->picture.deployments, after->name);
    AUTO_JSON cJSON *json = record_tree(after, NULL);
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_IGNORE, NULL);
    struct gate *gate = world_gate(world, after->name);
    const struct release_status *was = &before->status.release, *is = &md->status.release;
    gate->asked &= asks(md);
    note_demands(world, gate, before, md);
    struct ready_rule rule = ready_rule(world, gate);
    world_break(world, i4_gate(before, md, gate->asked, gate->confirmed));
    world_break(world, i4_ready(&world->picture, before, md, &rule));
    if (was->current_batch != is->current_batch ||
        !str_eq(was->update_revision, is->update_revision)) {
        gate->asked = asks(md);
        gate->confirmed = false;
    }
    module_deployment_free(md);
}

/* Where users delete Modules, they need no reason; and some may be too many. */
static void check_removal(struct world *world, const struct module *old)
{
    const struct module_deployment *md = picture_owner(&world->picture, old);
    if (!md || md->meta.deletion_ms || world_has(world, FAULT_MODULES))
        return;
    const struct gate *gate = world_gate(world, md->meta.name);
    struct ready_rule rule = ready_rule(world, gate);
    if (world->clock.mono_ms - gate->scaled_ms > EDIT_SETTLES_MS)
        world_break(world, i4_old_stays(&world->picture, old, &rule));
}

static bool is_being_deleted(const struct record *record)
{
    AUTO_JSON cJSON *json = record_tree(record, NULL);
    return json_get(json, "metadata.deletionTimestamp") != NULL;
}

static void check_change(struct world *world, enum object_kind kind, const struct record *before,
                         const struct record *after)
{
    note_change(world, before, after);
    if (kind == KIND_MODULE_DEPLOYMENT && before && after)
        check_deployment(world, after);
    const struct module *module =
        kind == KIND_MODULE && before ? map_get(&world->picture.modules, before->name) : NULL;
    if (module && after && !module->meta.deletion_ms && is_being_deleted(after))
        check_removal(world, module);
    if (module && !after)
        world_break(world, i10_runs_until_released(&world->picture, module));
}

static void count_module(struct tally *tally, const struct module *module, int by)
{
    if (!module)
        return;
    tally->modules += by;
    if (module->status.phase == MODULE_AVAILABLE &&
        str_eq(module->spec.module.version, tally->version))
        tally->current += by;
}

static void on_change(void *user, const struct record *before, const struct record *after)
{
    struct world *world = user;
    const struct record *one = after ? after : before;
    if (!world->options.unchecked)
        check_change(world, one->kind, before, after);
    if (one->kind == KIND_MODULE)
        count_module(&world->tally, map_get(&world->picture.modules, one->name), -1);
    picture_change(&world->picture, before, after);
    since_change(&world->since, &world->picture, one->kind, one->name, one->uid,
                 world->clock.mono_ms);
    if (one->kind == KIND_MODULE)
        count_module(&world->tally, map_get(&world->picture.modules, one->name), 1);
    world->tally.transitions += one->kind == KIND_MODULE;
}

/* What was begun before the last edit is under way for a while; what happens to bases is not our own doing. */
static bool knows_who_serves(const struct world *world, const struct gate *gate)
{
    static const enum fault unknown[] = {FAULT_JVMS,    FAULT_PODS_GO,  FAULT_FAILS,
                                         FAULT_MODULES, FAULT_NET_CUTS, FAULT_SLOW};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        if (world_has(world, unknown[i]))
            return false;
    return world->clock.mono_ms - gate->required_ms > EDIT_SETTLES_MS;
}

static void check_drained(struct world *world, const struct sim_base *base,
                          const struct sim_operation *operation, const struct gate *gate)
{
    int64_t now_ms = world->clock.mono_ms;
    int64_t off_ms = since_unlabelled_ms(&world->since, base->name, operation->name);
    if (off_ms && off_ms != TIME_NEVER)
        world_break(world, i9_drained(&world->picture, base, operation, now_ms - off_ms,
                                      demand_least(&gate->drain_ms, now_ms)));
}

static void on_begin(void *user, const struct sim_base *base, const struct sim_operation *operation)
{
    struct world *world = user;
    world->tally.transitions += 2;
    if (world->options.unchecked)
        return;
    const struct gate *gate =
        world_gate(world, operation->name); /* deployments are named after modules */
    if (knows_who_serves(world, gate))
        world_break(world, i2_available(&world->picture, base, operation, gate->required));
    world_break(world, i4_numbers(&world->picture, base, operation));
    int64_t epoch = since_epoch(&world->since, base, operation->name, operation->epoch);
    world_break(world, i8_not_deposed(base, operation, epoch));
    /* What one that is gone has sent arrives while the next one may give the traffic back: that does not know of it. */
    if (operation->epoch != world->epoch)
        return;
    world_break(world, i9_out_of_traffic(&world->picture, base, operation));
    check_drained(world, base, operation, gate);
}

static void on_wrong(void *user, char *why_taken)
{
    world_break(user, why_taken);
}

/* -- bases -- */

/* Sometimes at the address of one that is gone. */
static char *free_address(struct world *world, const char *name)
{
    for (size_t i = 0; i < world->picture.bases.len; i++) {
        const struct sim_base *base = world->picture.bases.items[i];
        bool taken = false;
        for (size_t k = 0; k < world->picture.bases.len; k++)
            taken |= !world->picture.bases.items[k]->dead &&
                     str_eq(world->picture.bases.items[k]->address, base->address);
        if (!taken && world_chance(world, 30))
            return mem_strdup(base->address);
    }
    return mem_printf("%s:1239", name);
}

void world_add_base(struct world *world)
{
    AUTO_FREE char *name = mem_printf("stock-%d", ++world->base_names);
    AUTO_FREE char *address = free_address(world, name);
    sim_net_cut(world->net, address, false);
    bool modelled = world->options.unchecked || world_chance(world, MODELS);
    const struct sim_base_options options = {
        .agent = modelled ? &sim_agent_model : &sim_agent_process,
        .loop = world->loop,
        .rand = &world->rand,
        .net = world->net,
        .history = &world->history,
        .faults = &world->base_faults,
        .name = name,
        .namespace = "default",
        .deployment = "stock",
        .ip = "10.0.0.1",
        .address = address,
        .zone = world_chance(world, 50) ? "z1" : "z2",
        .controller = CONTROLLER,
        .max_module_count = world_chance(world, 30) ? 1 : -1,
        .on_begin = on_begin,
        .on_command = on_command,
        .on_wrong = on_wrong,
        .user = world,
    };
    VEC_PUSH(&world->picture.bases, sim_base_new(&options));
}

/* -- steps -- */

static void check(struct world *world)
{
    int64_t version = sim_server_version(world->server);
    if (version == world->checked_version || world->options.unchecked)
        return;
    world->checked_version = version;
    world_break(world, i1_capacity(&world->picture));
    world_break(world, i3_one_instance(&world->picture));
}

/* Of all that is in the world. Return: when there is something to do next. */
static int64_t turn(struct world *world)
{
    loop_turn(world->loop);
    for (int i = 0; i < CANDIDATES && world->candidates[i]; i++)
        candidate_turn(world->candidates[i]);
    int64_t next_ms = loop_next_ms(world->loop);
    for (int i = 0; i < CANDIDATES && world->candidates[i]; i++)
        if (candidate_next_ms(world->candidates[i]) < next_ms)
            next_ms = candidate_next_ms(world->candidates[i]);
    return next_ms;
}

/* Return: whether one was to. */
static bool restart_controllers(struct world *world)
{
    struct candidate *crashes = TAKE(world->crashes);
    bool any = crashes != NULL;
    if (crashes)
        world_restart(world, crashes,
                      elects(world) && !world->options.at_call &&
                          crashes->awakes_ms <= world->clock.mono_ms &&
                          world_chance(world, GENTLE_PERCENT));
    for (int i = 0; i < CANDIDATES && world->candidates[i]; i++) {
        if (!world->candidates[i]->ended)
            continue;
        any = true;
        world_restart(world, world->candidates[i], /* gently= */ false);
    }
    return any;
}

static void step(struct world *world)
{
    int64_t next_ms = turn(world);
    check(world);
    if (restart_controllers(world))
        return;
    world->turns = next_ms > world->clock.mono_ms ? 0 : world->turns + 1;
    if (next_ms > world->clock.mono_ms)
        world->clock.mono_ms = next_ms;
    if (world->turns > TURNS_MAX)
        world_break(world, mem_strdup("the world does not come to rest"));
}

static void on_alarm(struct loop_timer *timer)
{
    (void)timer;
}

bool world_run_until(struct world *world, bool (*holds)(struct world *world), int64_t at_most_ms)
{
    int64_t end_ms = world->clock.mono_ms + at_most_ms;
    loop_timer_start(world->loop, &world->alarm, end_ms);
    while (!world->broken && world->clock.mono_ms < end_ms) {
        if (holds && holds(world))
            return true;
        step(world);
    }
    return !world->broken && !holds;
}

/* -- life -- */

struct world *world_new(const struct world_options *options)
{
    struct world *world = NEW(struct world);
    world->options = *options;
    world->clock = (struct sim_clock){{mono_ms, wall_ms}, START_MS};
    rand_seed(&world->rand, options->seed);
    world->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    loop_timer_init(&world->alarm, on_alarm);
    world->history = (struct history){.clock = &world->clock.clock, .print = options->print};
    trouble_choose(world);
    if (options->standby)
        world->faults |= 1u << FAULT_STANDBY;
    world->server = sim_server_new(&(struct sim_server_options){
        .loop = world->loop,
        .rand = &world->rand,
        .faults = &world->store_faults,
        .on_change = on_change,
        .on_call = on_store_call,
        .user = world,
    });
    world->users = sim_server_client(world->server);
    world->net = sim_net_new(&(struct sim_net_options){
        .loop = world->loop,
        .rand = &world->rand,
        .faults = &world->net_faults,
        .history = &world->history,
        .on_call = on_net_call,
        .user = world,
    });
    const struct rpc_tls plain = {0};
    world->users_rpc = sim_net_client(world->net, "user");
    (void)rpc_channel_new(&world->users_api, world->users_rpc, API, &plain, NULL);
    world->metrics = metrics_new();
    world->scheduler = scheduler_server_new(world->metrics, NULL, &world->clock.clock);
    sim_net_serve(world->net, SCHEDULER, scheduler_server_service(world->scheduler));
    world->kube = (struct sim_kube){
        .loop = world->loop, .rand = &world->rand, .faults = &world->store_faults};
    for (int i = 0; i < (elects(world) ? CANDIDATES : 1); i++)
        start_controller(world, i);
    return world;
}

void world_free(struct world *world)
{
    for (int i = 0; i < CANDIDATES; i++)
        if (world->candidates[i])
            stop_controller(world, i, /* gently= */ false);
    for (size_t i = 0; i < world->picture.bases.len; i++)
        sim_base_free(world->picture.bases.items[i]);
    sim_client_kill(world->users);
    store_free(world->users);
    rpc_channel_free(world->users_api);
    rpc_client_free(world->users_rpc);
    loop_timer_stop(world->loop, &world->alarm);
    loop_turn(world->loop);
    sim_net_free(world->net);
    sim_server_free(world->server);
    scheduler_server_free(world->scheduler);
    metrics_free(world->metrics);
    loop_free(world->loop);
    for (size_t i = 0; i < world->gates.len; i++)
        mem_free(world->gates.entries[i].value);
    map_done(&world->gates);
    json_free(world->kube.lease);
    picture_done(&world->picture);
    since_done(&world->since);
    history_done(&world->history);
    mem_free(world->broken);
    mem_free(world);
}
