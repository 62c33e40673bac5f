/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replay, step by step, each of them in a round of the watcher:
 *
 *     another JVM -> ask for the baseline -> wave after wave (operations) -> the last one is seen there: settled
 *
 * Operations that were begun after the baseline was asked for count more than it: what they take off is not brought
 * back. Those begun before are in it: the controller's by their outcome, the own copy is without what they take off.
 */
#include "services/agent/replay.h"

#include "koupleless/controller/v1/agent_gateway.pb-c.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/module.h"
#include "services/agent/messages.h"
#include "services/agent/records.h"

#define BASELINE_MS 1500 /* the controller has so long to say what should be there */
#define AGAIN_MS 200
#define NAME_IN_ID 64
#define AT_ONCE (LIMIT_OPERATIONS / 2) /* others may run beside; the rest of a wave follows */

typedef Koupleless__Controller__V1__GetBaselineResponse Baseline;

enum phase { PHASE_NO_JVM, PHASE_ASKING, PHASE_RUNNING, PHASE_SETTLED };

struct replay {
    struct replay_options options;
    enum phase phase;
    char *jvm; /* that was seen last */
    bool stopped;
    struct replay_plan plan;
    bool by_controller;
    uint64_t sequence;  /* of the last operation before the baseline was asked for */
    int64_t noticed_ms; /* mono */
    int64_t noticed_wall_ms, over_wall_ms;
    bool shown_late; /* the list of this round did not show all, that of the next one counts */

    /* the last round */
    bool was_idle;
    uint64_t was_sequence;

    /* the question that is under way, and its answer on its way to the loop */
    struct loop_timer again;
    struct loop_event answered;
    bool asking, outdated; /* outdated: it was asked for a JVM before this one */
    Baseline *baseline;
    struct err *error;

    struct metric *replays[2];                    /* own copy, controller */
    struct metric *installed, *failed, *left_out; /* modules */
};

static int64_t since_noticed_ms(const struct replay *replay)
{
    return loop_now_ms(replay->options.loop) - replay->noticed_ms;
}

/* -- the end -- */

static bool is_not_named(void *user, const char *identity)
{
    return !replay_names(user, identity);
}

static void settle(struct replay *replay)
{
    struct replay_counts counts = replay_count(&replay->plan);
    replay->phase = PHASE_SETTLED;
    replay->over_wall_ms = loop_wall_ms(replay->options.loop);
    /* Who knew what belongs here does not miss it; the next one that has to ask these records would bring it back. */
    records_forget_lost(operations_records(replay->options.operations), is_not_named,
                        &replay->plan);
    metric_add(replay->installed, counts.installed);
    metric_add(replay->failed, counts.failed);
    metric_add(replay->left_out, counts.left_out);
    log_info(replay->options.log, "replay over", LOG_INT("wanted", counts.wanted),
             LOG_INT("installed", counts.installed), LOG_INT("failed", counts.failed),
             LOG_INT("left_out", counts.left_out), LOG_INT("ms", since_noticed_ms(replay)));
}

static bool settle_when_shown(struct replay *replay, const struct biz_list *modules)
{
    if (!replay->shown_late && !replay_shown(&replay->plan, modules)) {
        replay->shown_late = true;
        replay->options.look(replay->options.user);
        return false;
    }
    settle(replay);
    return true;
}

/* -- operations -- */

static char *id_of(const struct replay *replay, const struct replay_item *item)
{
    return mem_printf("replay-%s-%zu-%.*s%s", replay->jvm, (size_t)(item - replay->plan.items),
                      NAME_IN_ID, item->module.name, item->switched ? "-switch" : "");
}

static void note_back(const struct replay *replay, const struct replay_item *item,
                      const struct operation *operation)
{
    log_info(replay->options.log, "replay: module is back", LOG_STR("module", item->module.name),
             LOG_STR("version", item->module.version),
             LOG_INT("ms", operation->ended_mono_ms - replay->noticed_ms));
}

static void note_not_back(const struct replay *replay, const struct replay_item *item)
{
    log_warn(replay->options.log, "replay: module is not back",
             LOG_STR("module", item->module.name), LOG_STR("version", item->module.version),
             LOG_STR("error", item->message), LOG_INT("ms", since_noticed_ms(replay)));
}

static void fail(const struct replay *replay, struct replay_item *item, enum replay_fate fate,
                 const char *why)
{
    item->fate = fate;
    mem_replace(&item->message, why);
    note_not_back(replay, item);
}

/* Return: whether it has ended. */
static bool collect(const struct replay *replay, struct replay_item *item)
{
    AUTO_FREE char *id = id_of(replay, item);
    const struct operation *operation = operations_get(replay->options.operations, id);
    if (operation && !operation_ended(operation))
        return false;
    if (item->switched) {
        item->fate = REPLAY_THERE;
    } else if (!operation) {
        fail(replay, item, REPLAY_FAILED, "the operation is not remembered any more");
    } else if (operation->state == OPERATION_FAILED) {
        bool refused = operation->failure.kind == FAILED_CRASHES_BASE;
        fail(replay, item, refused ? REPLAY_LEFT_OUT : REPLAY_FAILED, operation->failure.message);
    } else {
        item->fate = REPLAY_THERE;
        note_back(replay, item, operation);
    }
    return true;
}

static bool collect_all(struct replay *replay)
{
    bool changed = false;
    for (size_t i = 0; i < replay->plan.len; i++)
        if (replay->plan.items[i].fate == REPLAY_RUNS)
            changed |= collect(replay, &replay->plan.items[i]);
    return changed;
}

/* What was taken off meanwhile is not missed. */
static bool drop_unwanted(struct replay *replay)
{
    bool changed = false;
    for (size_t i = 0; i < replay->plan.len; i++) {
        struct replay_item *item = &replay->plan.items[i];
        if (!replay_misses(item) ||
            !operations_took_off(replay->options.operations, replay->sequence, item->module.name,
                                 item->module.version))
            continue;
        item->fate = REPLAY_UNWANTED;
        changed = true;
    }
    return changed;
}

static struct operation_request request_for(const struct replay_item *item, char *id)
{
    return (struct operation_request){
        .id = id,
        .type = OPERATION_INSTALL,
        .module = item->module,
        .restart = item->restart,
        .args = item->args,
        .replay = true,
    };
}

static void install_wave(struct replay *replay, int wave)
{
    struct replay_plan *plan = &replay->plan;
    AUTO_FREE struct operation_request *requests = mem_alloc(plan->len * sizeof(*requests));
    AUTO_FREE const struct operation **operations = mem_alloc(plan->len * sizeof(*operations));
    struct json_strings ids = {mem_alloc(plan->len * sizeof(*ids.items)), 0};
    AUTO_ERR struct err *err = NULL;
    for (size_t i = 0; i < plan->len && ids.len < AT_ONCE; i++) {
        struct replay_item *item = &plan->items[i];
        if (item->fate != REPLAY_WAITS || item->wave != wave)
            continue;
        item->fate = REPLAY_RUNS;
        ids.items[ids.len] = id_of(replay, item);
        requests[ids.len] = request_for(item, ids.items[ids.len]);
        ids.len++;
    }
    bool begun =
        operations_start(replay->options.operations, requests, ids.len, operations, &err) == 0;
    if (!begun && err->code == ERR_LIMIT)
        replay_put_off(plan); /* too many operations of others, which end */
    for (size_t i = 0; i < plan->len && !begun; i++)
        if (plan->items[i].fate == REPLAY_RUNS)
            fail(replay, &plan->items[i], REPLAY_FAILED, err->message);
    json_strings_done(&ids);
}

static void switch_to(struct replay *replay, struct replay_item *item)
{
    item->switched = true;
    AUTO_ERR struct err *err = NULL;
    AUTO_FREE char *id = id_of(replay, item);
    const struct operation_request request = {
        .id = id, .type = OPERATION_SWITCH, .module = item->module};
    const struct operation *operation;
    if (operations_start(replay->options.operations, &request, 1, &operation, &err) == 0)
        item->fate = REPLAY_RUNS;
    else if (err->code == ERR_LIMIT)
        item->switched = false; /* asked for again, when others have ended */
}

static struct replay_next next_of(const struct replay *replay)
{
    const struct base_state *state = watcher_state(replay->options.watcher);
    bool on_trial = trials_pending(records_trials(operations_records(replay->options.operations)));
    return replay_next(&replay->plan, &state->modules, on_trial);
}

void replay_act(struct replay *replay)
{
    const struct base_state *state = watcher_state(replay->options.watcher);
    if (replay->phase != PHASE_RUNNING || replay->stopped || !base_state_ready(state) ||
        !str_eq(replay->jvm, state->boot_id))
        return;
    drop_unwanted(replay);
    struct replay_next next = next_of(replay);
    if (next.step == REPLAY_INSTALL)
        install_wave(replay, next.wave);
    else if (next.step == REPLAY_SWITCH)
        switch_to(replay, next.item);
}

/* -- the baseline -- */

static void begin_waves(struct replay *replay, bool by_controller)
{
    replay->by_controller = by_controller;
    replay->phase = PHASE_RUNNING;
    replay_order(&replay->plan);
    struct replay_counts counts = replay_count(&replay->plan);
    metric_add(replay->replays[by_controller], 1);
    log_info(replay->options.log, "replay: baseline",
             LOG_STR("from", by_controller ? "controller" : "own copy"),
             LOG_INT("modules", counts.wanted), LOG_INT("left_out", counts.left_out),
             LOG_INT("ms", since_noticed_ms(replay)));
    for (size_t i = 0; i < replay->plan.len; i++)
        if (replay->plan.items[i].fate == REPLAY_LEFT_OUT)
            note_not_back(replay, &replay->plan.items[i]);
}

static void add_record(struct replay *replay, const char *identity, const struct record *record)
{
    const struct records *records = operations_records(replay->options.operations);
    replay_add_record(&replay->plan, identity, record, records_trials(records));
}

/* What operations before this moment do yet is not in the records; the controller knows of it. */
static void drop_those_that_go(struct replay *replay)
{
    for (size_t i = 0; i < replay->plan.len; i++) {
        struct replay_item *item = &replay->plan.items[i];
        if (operations_takes_off(replay->options.operations, item->module.name,
                                 item->module.version))
            item->fate = REPLAY_UNWANTED;
    }
}

/* What was on its way out for another version that did not come is still the best of what is known. */
static void take_own_copy(struct replay *replay)
{
    const struct records *records = operations_records(replay->options.operations);
    const struct record *record;
    const char *identity;
    size_t at = 0, at_removed = 0;
    while ((record = records_next(records, &at, &identity)))
        add_record(replay, identity, record);
    while ((record = records_next_of_removed(records, &at_removed, &identity)))
        if (!replay_has(&replay->plan, identity))
            add_record(replay, identity, record);
    drop_those_that_go(replay);
    begin_waves(replay, false);
}

/* As requests are checked: what it says becomes paths and requests of ours. */
static int check_baseline(const Baseline *baseline, struct err **err)
{
    if (baseline->n_modules > LIMIT_OPERATIONS)
        return err_field(err, "modules", "has more than %d members", LIMIT_OPERATIONS);
    for (size_t i = 0; i < baseline->n_modules; i++) {
        const struct module_spec module = messages_read_module(baseline->modules[i]);
        AUTO_FREE char *path = mem_printf("modules[%zu]", i);
        if (module_spec_check(&module, path, err) < 0)
            return -1;
    }
    return 0;
}

static void take_baseline(struct replay *replay, const Baseline *baseline)
{
    const struct records *records = operations_records(replay->options.operations);
    for (size_t i = 0; i < baseline->n_modules; i++) {
        const struct module_spec wanted = messages_read_module(baseline->modules[i]);
        const struct record *record = records_get(records, wanted.name, wanted.version);
        replay_add(&replay->plan, &wanted, record, records_trials(records));
    }
    begin_waves(replay, true);
}

static void ask(struct replay *replay);

static void on_again(struct loop_timer *timer)
{
    ask(CONTAINER_OF(timer, struct replay, again));
}

/* A controller that has just been started, or the one that leads now, may answer in a moment. */
static void not_answered(struct replay *replay, const struct err *err)
{
    struct loop *loop = replay->options.loop;
    if (err->code == ERR_UNAVAILABLE && since_noticed_ms(replay) + AGAIN_MS < BASELINE_MS) {
        loop_timer_start(loop, &replay->again, loop_now_ms(loop) + AGAIN_MS);
        return;
    }
    log_warn(replay->options.log, "replay: the controller does not say what should be there",
             LOG_STR("error", err->message));
    take_own_copy(replay);
    replay->options.judge(replay->options.user);
}

static void on_answered(struct loop_event *event)
{
    struct replay *replay = CONTAINER_OF(event, struct replay, answered);
    Baseline *baseline = TAKE(replay->baseline);
    AUTO_ERR struct err *err = TAKE(replay->error);
    bool outdated = replay->outdated;
    replay->asking = replay->outdated = false;
    if (replay->stopped) {
        /* nothing comes of it */
    } else if (outdated) {
        ask(replay);
    } else if (baseline && check_baseline(baseline, &err) == 0) {
        take_baseline(replay, baseline);
        replay->options.judge(replay->options.user);
    } else {
        not_answered(replay, err);
    }
    if (baseline)
        protobuf_c_message_free_unpacked(&baseline->base, NULL);
}

static Baseline *copy_of(const ProtobufCMessage *message)
{
    size_t bytes = protobuf_c_message_get_packed_size(message);
    AUTO_FREE uint8_t *packed = mem_alloc(bytes + 1);
    protobuf_c_message_pack(message, packed);
    return (Baseline *)(void *)protobuf_c_message_unpack(message->descriptor, NULL, bytes, packed);
}

/* On the client's thread. */
static void on_baseline(void *user, const ProtobufCMessage *message, const struct err *err)
{
    struct replay *replay = user;
    if (message)
        replay->baseline = copy_of(message);
    else
        replay->error = err_copy(err);
    loop_post(replay->options.loop, &replay->answered);
}

static void ask(struct replay *replay)
{
    if (replay->asking) {
        replay->outdated = true;
        return;
    }
    Koupleless__Controller__V1__GetBaselineRequest request =
        KOUPLELESS__CONTROLLER__V1__GET_BASELINE_REQUEST__INIT;
    request.namespace_ = messages_text(replay->options.namespace);
    request.base_name = messages_text(replay->options.base);
    int64_t left_ms = BASELINE_MS - since_noticed_ms(replay);
    struct rpc_options options = {.deadline_ms = left_ms > AGAIN_MS ? left_ms : AGAIN_MS,
                                  .wait_for_ready = true};
    replay->asking = true;
    replay->sequence = operations_sequence(replay->options.operations);
    rpc_unary(replay->options.channel,
              &koupleless__controller__v1__agent_gateway_service__descriptor, "GetBaseline",
              &request.base, &options, on_baseline, replay);
}

/* -- another JVM -- */

static void begin(struct replay *replay, const char *jvm)
{
    struct loop *loop = replay->options.loop;
    struct records *records = operations_records(replay->options.operations);
    enum jvm_met met = records_meet(records, jvm, loop_now_ms(loop));
    mem_replace(&replay->jvm, jvm);
    replay_plan_done(&replay->plan);
    replay->shown_late = false;
    replay->over_wall_ms = 0;
    replay->noticed_ms = loop_now_ms(loop);
    replay->noticed_wall_ms = loop_wall_ms(loop);
    replay->sequence = operations_sequence(replay->options.operations);
    loop_timer_stop(loop, &replay->again);
    if (met == JVM_MET_SAME && !records_any_lost(records)) {
        replay->phase = PHASE_SETTLED;
        replay->noticed_wall_ms = 0;
        return;
    }
    log_info(replay->options.log, "replay begins", LOG_STR("boot_id", jvm));
    replay->phase = PHASE_ASKING;
    if (replay->options.channel)
        ask(replay);
    else
        take_own_copy(replay);
}

/* -- rounds -- */

/* Whether nothing was done since before the modules were asked for. */
static bool is_quiet(struct replay *replay)
{
    bool idle = operations_idle(replay->options.operations);
    uint64_t sequence = operations_sequence(replay->options.operations);
    bool quiet = idle && replay->was_idle && sequence == replay->was_sequence;
    replay->was_idle = idle;
    replay->was_sequence = sequence;
    return quiet;
}

static bool advance(struct replay *replay, const struct biz_list *modules)
{
    bool changed = collect_all(replay);
    changed |= drop_unwanted(replay);
    changed |= replay_look(&replay->plan, modules);
    if (replay->phase == PHASE_RUNNING && next_of(replay).step == REPLAY_OVER)
        changed |= settle_when_shown(replay, modules);
    return changed;
}

bool replay_seen(struct replay *replay)
{
    const struct base_state *state = watcher_state(replay->options.watcher);
    if (!state->listed || !state->boot_id || state->in_doubt)
        return false;
    struct operations *operations = replay->options.operations;
    struct records *records = operations_records(operations);
    bool other = !str_eq(replay->jvm, state->boot_id), quiet = is_quiet(replay);
    if (other)
        begin(replay, state->boot_id);
    bool settled = replay->phase == PHASE_SETTLED && !other;
    records_lived(records, operations_busy(operations), loop_now_ms(replay->options.loop));
    records_see(records, &state->modules, settled && quiet);
    return advance(replay, &state->modules) || other;
}

bool replay_settled(const struct replay *replay)
{
    return replay->phase == PHASE_SETTLED;
}

bool replay_base_ready(const struct replay *replay)
{
    return base_state_ready(watcher_state(replay->options.watcher)) && replay_settled(replay);
}

/* -- what is told -- */

struct replay_state replay_state(const struct replay *replay)
{
    return (struct replay_state){
        .ever = replay->noticed_wall_ms != 0,
        .over = replay_settled(replay),
        .baseline_known = replay->phase == PHASE_RUNNING || replay->phase == PHASE_SETTLED,
        .by_controller = replay->by_controller,
        .noticed_ms = replay->noticed_wall_ms,
        .over_ms = replay->over_wall_ms,
        .counts = replay_count(&replay->plan),
        .plan = &replay->plan,
    };
}

enum health replay_health(const struct replay *replay, char **ret_why)
{
    *ret_why = NULL;
    if (replay->phase == PHASE_ASKING)
        *ret_why = mem_strdup("which modules belong here is asked for");
    else if (replay->phase == PHASE_RUNNING)
        *ret_why = replay_progress(&replay->plan);
    else
        *ret_why = replay_problem(&replay->plan);
    if (!*ret_why)
        return HEALTH_UP;
    return replay_settled(replay) ? HEALTH_DOWN : HEALTH_UNKNOWN;
}

/* -- life -- */

struct replay *replay_new(const struct replay_options *options)
{
    static const char *const name = "koupleless_agent_replays_total";
    static const char *const modules = "koupleless_agent_replayed_modules_total";
    static const char *const help = "Replays, by whose baseline.";
    static const char *const modules_help = "Modules of replays that are over.";
    struct metrics *metrics = options->metrics;
    struct replay *replay = NEW(struct replay);
    replay->options = *options;
    replay->answered.fn = on_answered;
    loop_timer_init(&replay->again, on_again);
    replay->replays[0] = metrics_counter(metrics, name, help, "baseline=\"own\"");
    replay->replays[1] = metrics_counter(metrics, name, help, "baseline=\"controller\"");
    replay->installed = metrics_counter(metrics, modules, modules_help, "result=\"installed\"");
    replay->failed = metrics_counter(metrics, modules, modules_help, "result=\"failed\"");
    replay->left_out = metrics_counter(metrics, modules, modules_help, "result=\"left_out\"");
    return replay;
}

void replay_stop(struct replay *replay)
{
    replay->stopped = true;
    loop_timer_stop(replay->options.loop, &replay->again);
}

void replay_free(struct replay *replay)
{
    if (!replay)
        return;
    loop_timer_stop(replay->options.loop, &replay->again);
    replay_plan_done(&replay->plan);
    if (replay->baseline)
        protobuf_c_message_free_unpacked(&replay->baseline->base, NULL);
    err_free(replay->error);
    mem_free(replay->jvm);
    mem_free(replay);
}
