/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_ENGINE_TEST_KIT_H

#include "services/controller/engine/action_test_kit.h"
#include "services/controller/engine/engine_test_objects.h"

/*
 * A world for the plan functions, made of short literals. The ModuleDeployment is "web"; its revisions
 * are named after their versions, instances are called "v1@a": of revision v1 on base a.
 *
 *   spec      "v2 x5 batches=2 beta confirm gray=60 pause confirmed=1 history=1 max=50% <upgradePolicy>
 *             url=<u> abort=v2 resume=v2 deadline=60 min-ready=30 rollback started=970 edited deleting new
 *             taken-by=other template-missing base-missing bases-unknown"; started: the second when the
 *             controller began to plan; new: without its finalizer; edited: since the status was written. A
 *             version may go on with digests, small letters, and a selector: "v2b^x" is 2 with md5 "b", on bases
 *             whose zone is x; instances and revisions are named after all of it.
 *   release   "Executing 1/2 v2 was=0 changes=5 x5 batches=2 beta done reason=GrayTime until=61000
 *             since=1000 stable=v1 instead-of=v3"; done or passed: the batch
 *   revisions "v1#1=2 aA bA cA-; v2#2=1 dU>sa": v1 is number 1 and is to have 2 instances. An instance is
 *             base, phase (P R U C A N F T as in PHASES), then any of: - being deleted; ! its report
 *             says unhealthy; > replaces, with the way (s side by side, o other base, p in place) and
 *             the base of what it replaces; ? was refused for its web path, % for its metaspace; =30 has been so
 *             since that second; *3 has failed three times. A revision may know of its web path: "v2#2=1 web",
 *             or have "failed".
 *   bases     "a b! c~ d:0 e^x f%": b does not answer, c is being deleted, d takes no modules, e is in zone x, f
 *             has no metaspace; "g@", last of all: of another base Deployment
 *   answers   "place v2 d e; evict v1 a b": of the scheduler. In place of names: asked; none; failed;
 *             spent (there was too little, a second ago, and it is used up); long-spent; used (as spent, but
 *             there was one)
 */
#define KIT_PHASES "PRUCANFT"

struct kit_row {
    const char *name; /* what it holds, with the number of the requirement */
    const char *spec, *release, *revisions, *bases, *answers;
    int64_t now_ms;   /* both clocks; 0 = 1000000 */
    const char *plan; /* NULL: nothing is planned */
};

#define KIT_NOW_MS 1000000
#define KIT_SINCE_MS 900000 /* of a release, where nothing is said */

/* The first release of five in two batches, here and there. */
#define FIRST_OF_TWO "Executing 1/2 v1 was=0 changes=5 x5 batches=2"
#define LAST_OF_TWO "Executing 2/2 v1 was=0 changes=5 x5 batches=2"
#define DONE_1 .revisions = "v1#1=3 aA bA cA", .bases = "a b c d e"
#define WAITING "Paused 1/2 v1 was=0 changes=5 x5 batches=2 reason=WaitingForConfirmation"
#define GRAY "Paused 1/2 v1 was=0 changes=5 x5 batches=2 reason=GrayTime until=1050000"

/* -- literals -- */

/* The next word of *@at up to one of @ends, into @word. Return: false at the end. */
static inline bool kit_word(const char **at, char word[KIT_MAX])
{
    while (**at == ' ')
        (*at)++;
    size_t len = strcspn(*at, " ;");
    ASSERT(len < KIT_MAX);
    memcpy(word, *at, len);
    word[len] = '\0';
    *at += len;
    return len > 0;
}

/* The value where @word is "key=value", else NULL. */
static inline const char *kit_value(const char *word, const char *key)
{
    size_t len = strlen(key);
    return strncmp(word, key, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static inline void kit_ask_for(struct kit *kit, const char *annotation, const char *version)
{
    AUTO_FREE char *name = kit_revision_name(version);
    json_map_set(&kit->md->meta.annotations, annotation, name);
}

/* "2", "50%" */
static inline void kit_max_unavailable(struct int_or_percent *max, const char *value)
{
    bool percent = strchr(value, '%') != NULL;
    AUTO_FREE char *digits = mem_strndup(value, strcspn(value, "%"));
    max->kind = percent ? INT_OR_PERCENT_PERCENT : INT_OR_PERCENT_INT;
    max->value = (int32_t)kit_number(digits);
}

static inline void kit_spec_word(struct kit *kit, const char *word)
{
    struct module_deployment_spec *spec = &kit->md->spec;
    const char *value;
    if (word[0] == 'v')
        kit_template(&spec->template, word);
    else if (word[0] == 'x')
        spec->replicas = (int32_t)kit_number(word + 1);
    else if ((value = kit_value(word, "batches")))
        spec->strategy.batch_count = (int32_t)kit_number(value);
    else if (str_eq(word, "beta"))
        spec->strategy.use_beta = true;
    else if (str_eq(word, "confirm"))
        spec->strategy.need_confirm = true;
    else if ((value = kit_value(word, "gray")))
        spec->strategy.gray_time_seconds = (int32_t)kit_number(value);
    else if (str_eq(word, "pause"))
        spec->pause = true;
    else if ((value = kit_value(word, "confirmed")))
        spec->confirm_batch_num = (int32_t)kit_number(value);
    else if ((value = kit_value(word, "history")))
        spec->revision_history_limit = (int32_t)kit_number(value);
    else if ((value = kit_value(word, "deadline")))
        spec->progress_deadline_seconds = (int32_t)kit_number(value);
    else if ((value = kit_value(word, "drain")))
        spec->strategy.drain_seconds = (int32_t)kit_number(value);
    else if ((value = kit_value(word, "min-ready")))
        spec->min_ready_seconds = (int32_t)kit_number(value);
    else if ((value = kit_value(word, "started")))
        kit->planning_since_ms = kit_number(value) * 1000;
    else if (str_eq(word, "rollback"))
        spec->strategy.rollback_on_failure = true;
    else if (str_eq(word, "edited"))
        kit->md->meta.generation = 2;
    else if (str_eq(word, "scaleUpThenScaleDown"))
        spec->strategy.upgrade_policy = UPGRADE_SCALE_UP_THEN_SCALE_DOWN;
    else if (str_eq(word, "uninstallThenInstall"))
        spec->strategy.upgrade_policy = UPGRADE_UNINSTALL_THEN_INSTALL;
    else if ((value = kit_value(word, "url")))
        mem_replace(&spec->template.module.url, value);
    else if ((value = kit_value(word, "max")))
        kit_max_unavailable(&spec->max_unavailable, value);
    else if (str_eq(word, "deleting"))
        kit->md->meta.deletion_ms = 1;
    else if (str_eq(word, "template-missing"))
        kit->template_missing = true;
    else if (str_eq(word, "taken-by=other"))
        kit->owner_conflict = "other";
    else if (str_eq(word, "base-missing"))
        kit->bases_problem = "Deployment stock is not there";
    else if (str_eq(word, "bases-unknown"))
        kit->bases_unknown = true;
    else if ((value = kit_value(word, "abort")))
        kit_ask_for(kit, ANNOTATION_ABORT, value);
    else if ((value = kit_value(word, "resume")))
        kit_ask_for(kit, ANNOTATION_RESUME, value);
    else
        kit_typo("spec", word);
}

/* "1/2" */
static inline void kit_batch(struct release_status *release, const char *word)
{
    const char *slash = strchr(word, '/');
    AUTO_FREE char *current = mem_strndup(word, (size_t)(slash - word));
    release->current_batch = (int32_t)kit_number(current);
    release->real_batch_count = (int32_t)kit_number(slash + 1);
}

/* A progress, and the reason that it has where no other is given. */
static inline void kit_progress(struct release_status *release, const char *name)
{
    static const char *const reasons[] = {
        [PROGRESS_INIT] = NULL,
        [PROGRESS_EXECUTING] = "BatchExecuting",
        [PROGRESS_PAUSED] = REASON_PAUSED_BY_USER,
        [PROGRESS_COMPLETED] = "ReleaseCompleted",
        [PROGRESS_ABORTED] = "AbortedByUser",
        [PROGRESS_TERMINATING] = "Deleting",
        [PROGRESS_TERMINATED] = NULL,
    };
    mem_replace(&release->progress_name, name);
    mem_replace(&release->reason, reasons[release->progress]);
    bool done = release->progress == PROGRESS_COMPLETED;
    mem_replace(&release->batch_progress, done ? "Completed" : "Executing");
}

static inline void kit_release_word(struct kit *kit, const char *word)
{
    struct release_status *release = &kit->md->status.release;
    const char *value;
    if (release_progress_parse(word, &release->progress))
        kit_progress(release, word);
    else if (strchr(word, '/'))
        kit_batch(release, word);
    else if (word[0] == 'v')
        release->update_revision = kit_revision_name(word);
    else if (word[0] == 'x')
        release->target_replicas = (int32_t)kit_number(word + 1);
    else if ((value = kit_value(word, "was")))
        release->original_updated_replicas = (int32_t)kit_number(value);
    else if ((value = kit_value(word, "changes")))
        release->original_delta_replicas = (int32_t)kit_number(value);
    else if ((value = kit_value(word, "batches")))
        release->planned_batch_count = (int32_t)kit_number(value);
    else if (str_eq(word, "beta"))
        release->planned_use_beta = true;
    else if (str_eq(word, "done"))
        mem_replace(&release->batch_progress, "Completed");
    else if (str_eq(word, "passed"))
        mem_replace(&release->batch_progress, "Passed");
    else if ((value = kit_value(word, "stable")))
        release->stable_revision = kit_revision_name(value);
    else if ((value = kit_value(word, "instead-of")))
        release->failed_revision = kit_revision_name(value);
    else if ((value = kit_value(word, "since")))
        release->last_transition_ms = kit_number(value);
    else if ((value = kit_value(word, "reason")))
        mem_replace(&release->reason, value);
    else if ((value = kit_value(word, "until")))
        release->next_reconcile_ms = kit_number(value);
    else
        kit_typo("release", word);
}

static inline void kit_refuse(struct instance *instance, const char *reason)
{
    instance->operation.type = OPERATION_INSTALL;
    instance->operation.state = OPERATION_FAILED;
    instance->operation.reason = mem_strdup(reason);
}

/* "=30" and "*3". Return: its last character. */
static inline const char *kit_instance_number(struct module *module, const char *at)
{
    size_t len = strspn(at + 1, "0123456789");
    AUTO_FREE char *digits = mem_strndup(at + 1, len);
    if (*at == '=')
        module->status.last_transition_ms = kit_number(digits) * 1000;
    else
        module->status.attempts = (int32_t)kit_number(digits);
    return at + len;
}

/* "dU>sa", of @revision; what it replaces is found by kit_replaces() when all are there. */
static inline void kit_instance_word(struct kit *kit, struct revision *revision, const char *word)
{
    char base[2] = {word[0], '\0'};
    const char *phase = strchr(KIT_PHASES, word[1]);
    ASSERT(phase);
    struct instance *instance = kit_add_instance(kit, revision, base);
    struct module *module = kit_module(instance);
    kit_set_phase(instance, (enum module_phase)(phase - KIT_PHASES));
    for (const char *at = word + 2; *at; at++) {
        if (*at == '-')
            module->meta.deletion_ms = 1;
        else if (*at == '!')
            instance->unhealthy = true;
        else if (*at == '?')
            kit_refuse(instance, "WEB_PATH_IN_USE");
        else if (*at == '%')
            kit_refuse(instance, "METASPACE_FULL");
        else if (*at == '=' || *at == '*')
            at = kit_instance_number(module, at);
        else if (*at == '>') {
            module->spec.upgrade_way = at[1] == 's'   ? WAY_SIDE_BY_SIDE
                                       : at[1] == 'o' ? WAY_OTHER_BASE
                                                      : WAY_IN_PLACE;
            module->spec.replaces = mem_printf("%c", at[2]);
            at += 2;
        } else
            kit_typo("instance", word);
    }
}

/* Names of bases become names of the instances that are replaced: of the first other revision there. */
static inline void kit_replaces(struct kit *kit)
{
    for (size_t r = 0; r < kit->revision_count; r++)
        for (size_t i = 0; i < kit->revisions[r]->instances.len; i++) {
            struct module *module = kit_module(kit->revisions[r]->instances.items[i]);
            for (size_t o = 0; o < kit->revision_count && module->spec.replaces; o++) {
                AUTO_FREE char *version = kit_version(&kit->revisions[o]->rs->spec.template);
                AUTO_FREE char *name = mem_printf("%s@%s", version, module->spec.replaces);
                if (o != r && kit_instance(kit, name)) {
                    mem_replace(&module->spec.replaces, name);
                    break;
                }
            }
        }
}

/* "v1#2=3" */
static inline struct revision *kit_revision_word(struct kit *kit, char *word)
{
    char *number = strchr(word, '#'), *replicas = strchr(word, '=');
    ASSERT(number && replicas);
    *number++ = *replicas++ = '\0';
    return kit_add_revision(kit, word, (int32_t)kit_number(number), (int32_t)kit_number(replicas));
}

static inline void kit_revisions(struct kit *kit, const char *at)
{
    char word[KIT_MAX];
    while (kit_word(&at, word)) {
        struct revision *revision = kit_revision_word(kit, word);
        while (kit_word(&at, word)) {
            if (str_eq(word, "web"))
                json_map_set(&kit_rs(revision)->meta.annotations, ANNOTATION_WEB_PATH_IN_USE,
                             "true");
            else if (str_eq(word, "failed"))
                json_map_set(&kit_rs(revision)->meta.annotations, ANNOTATION_FAILED, "no luck");
            else
                kit_instance_word(kit, revision, word);
        }
        at += *at == ';';
    }
    kit_replaces(kit);
}

static inline void kit_bases(struct kit *kit, const char *at)
{
    char word[KIT_MAX];
    while (kit_word(&at, word)) {
        char name[2] = {word[0], '\0'};
        struct base_state *state = kit_add_base(kit, name);
        struct base *base = (struct base *)(uintptr_t)state->base;
        state->ready = word[1] != '!';
        base->spec.deployment = word[1] == '@' ? mem_strdup("other") : NULL;
        kit->foreign_count += word[1] == '@';
        state->terminating = word[1] == '~';
        json_map_set(&base->meta.labels, "zone", word[1] == '^' ? word + 2 : NULL);
        base->status.metaspace_full = word[1] == '%';
        base->spec.max_module_count_set = word[1] == ':';
        base->spec.max_module_count = word[1] == ':' ? (int32_t)kit_number(word + 2) : 0;
    }
}

static inline void kit_too_little(struct placement *placement, int state, int64_t answered_ms)
{
    placement->state = state;
    placement->explanation = mem_strdup("NoCapacity: 1 of 3 placed");
    placement->answered_ms = answered_ms;
}

static inline void kit_answer(struct kit *kit, const char **at)
{
    char word[KIT_MAX], version[KIT_MAX];
    if (!kit_word(at, word) || !kit_word(at, version))
        kit_typo("answers", word);
    struct revision *revision = kit_revision(kit, version);
    ASSERT(revision);
    bool evict = str_eq(word, "evict");
    struct placement *placement = evict ? &revision->evict : &revision->place;
    placement->state = PLACEMENT_ANSWERED;
    while (kit_word(at, word)) {
        AUTO_FREE char *instance = mem_printf("%s@%s", version, word);
        if (str_eq(word, "asked"))
            placement->state = PLACEMENT_ASKED;
        else if (str_eq(word, "none"))
            kit_too_little(placement, PLACEMENT_ANSWERED, kit->now_ms - 1000);
        else if (str_eq(word, "failed"))
            kit_too_little(placement, PLACEMENT_FAILED, kit->now_ms - 1000);
        else if (str_eq(word, "spent"))
            kit_too_little(placement, PLACEMENT_NONE, kit->now_ms - 1000);
        else if (str_eq(word, "used")) {
            kit_too_little(placement, PLACEMENT_NONE, kit->now_ms - 1000);
            placement->offered = 1;
        } else if (str_eq(word, "long-spent"))
            kit_too_little(placement, PLACEMENT_NONE, kit->now_ms - 60000);
        else
            kit_add_name(&placement->names, evict ? instance : word);
    }
    *at += **at == ';';
}

static inline void kit_equal_scale(struct kit *kit)
{
    kit->md->spec.scale_replicas = kit->md->spec.replicas;
    kit->md->spec.scale_replicas_set = kit->md->spec.replicas >= 0;
    AUTO_FREE char *number = mem_printf("%d", kit->md->spec.replicas);
    json_map_set(&kit->md->meta.annotations, ANNOTATION_SCALED, number);
}

static inline void kit_init(struct kit *kit, const struct kit_row *row)
{
    *kit = (struct kit){.md = NEW(struct module_deployment)};
    kit->now_ms = row->now_ms ? row->now_ms : KIT_NOW_MS;
    kit->md->meta.name = mem_strdup("web");
    kit->md->meta.generation = 1;
    kit->md->status.observed_generation = 1;
    kit->md->spec.revision_history_limit = 10;
    kit->md->meta.finalizers = (struct json_strings){0};
    bool is_new = strstr(row->spec, "new") != NULL;
    char word[KIT_MAX];
    for (const char *at = row->spec; kit_word(&at, word);)
        if (!str_eq(word, "new"))
            kit_spec_word(kit, word);
    if (!is_new) {
        kit_add_name(&kit->md->meta.finalizers, FINALIZER_DEPLOYMENT);
        kit_equal_scale(kit);
    }
    kit->md->status.release.last_transition_ms = row->release ? KIT_SINCE_MS : 0;
    for (const char *at = row->release ? row->release : ""; kit_word(&at, word);)
        kit_release_word(kit, word);
    kit_bases(kit, row->bases ? row->bases : "");
    kit_revisions(kit, row->revisions ? row->revisions : "");
    for (const char *at = row->answers ? row->answers : ""; *at;)
        kit_answer(kit, &at);
    kit_recount(kit);
}

/* -- results -- */

/* Stores the status that @action writes; the one before goes with the plan. */
static inline void kit_write_status(struct kit *kit, struct action *action)
{
    struct module_deployment_status before = kit->md->status;
    kit->md->status = *action->status;
    *action->status = before;
}

/* What the status says beside the release, as if it had been written already: rows don't speak of it. */
static inline void kit_settle(struct kit *kit)
{
    struct deployment_view view = kit_view(kit);
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    for (size_t i = 0; i < plan.actions.len; i++) {
        if (plan.actions.items[i].type != ACTION_WRITE_STATUS)
            continue;
        int64_t observed = kit->md->status.observed_generation;
        kit_write_status(kit, &plan.actions.items[i]);
        kit->md->status.observed_generation = observed;
        struct release_status *after = &kit->md->status.release;
        struct release_status *before = &plan.actions.items[i].status->release, planned = *after;
        *after = *before;
        *before = planned;
        if (planned.progress == after->progress && str_eq(planned.reason, after->reason))
            mem_replace(&after->message, planned.message);
    }
    plan_done(&plan);
}

/* @text with every revision's name as its version. Owned. */
static inline char *kit_short_names(const char *text)
{
    static const char *const versions[] = {"v1", "v2", "v3", "v4", "v1b", "v1c", "v1^x", "v2^x"};
    struct str out = STR_INIT(1u << 20);
    while (*text) {
        size_t used = 0;
        for (size_t i = 0; *text == 'w' && i < ARRAY_LEN(versions) && !used; i++) {
            AUTO_FREE char *name = kit_revision_name(versions[i]);
            if (strncmp(text, name, strlen(name)) == 0) {
                str_add(&out, versions[i]);
                used = strlen(name);
            }
        }
        if (!used)
            str_add_char(&out, *text);
        text += used ? used : 1;
    }
    return str_take(&out);
}

/* The actions of @plan, "; " between them: events only, or all but events. Owned. */
static inline char *kit_plan_text(const struct plan *plan, bool events)
{
    AUTO_FREE char *lines = plan_describe(plan);
    AUTO_FREE char *text = kit_short_names(lines);
    struct str out = STR_INIT(1u << 20);
    for (char *at = text; *at;) {
        size_t len = strcspn(at, "\n");
        if (str_starts_with(at, "event ") == events) {
            str_add(&out, out.len ? "; " : "");
            str_add_bytes(&out, at, len);
        }
        at += len + (at[len] == '\n');
    }
    return str_take(&out);
}

/* Appends to @wrong where @got is not @row's plan. */
static inline void kit_expect(const struct kit_row *row, const char *got, struct str *wrong)
{
    if (!str_eq(row->plan ? row->plan : "", got))
        str_printf(wrong, "%s\n  want: %s\n  got:  %s\n", row->name, row->plan ? row->plan : "",
                   got);
}

/* Holds each row against the plan of @plan_fn: its events only, or all the rest. Return: what is wrong, owned. */
static inline char *kit_wrong(void (*plan_fn)(const struct deployment_view *, struct plan *),
                              const struct kit_row *rows, size_t count, bool events_only)
{
    struct str wrong = STR_INIT(1u << 20);
    for (size_t i = 0; i < count; i++) {
        struct kit kit;
        kit_init(&kit, &rows[i]);
        if (!events_only)
            kit_settle(&kit);
        struct deployment_view view = kit_view(&kit);
        struct plan plan = {0};
        plan_fn(&view, &plan);
        AUTO_FREE char *got = kit_plan_text(&plan, events_only);
        kit_expect(&rows[i], got, &wrong);
        plan_done(&plan);
        kit_done(&kit);
    }
    return str_take(&wrong);
}

#endif
