#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the engines on purpose and requires their unit tests to notice: are the tests any good?

    scripts/mutants.py              all mutants; the last line is "N of N caught", exit code 1 where one survived
    scripts/mutants.py WORD...      those whose name or file contains one of the words
    scripts/mutants.py --list       their names

A mutant is an exact text of a file and what stands in its place. The text must be there exactly once, so whoever
changes such a line looks at its mutants too. The tree is copied to build/mutants/ and broken there, one mutant after
the other; only the test programs of that engine are built and run, the likely ones first, up to the first that fails.
One that does not compile is wrong, one whose tests hang is caught.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
COPY = TOP / "build" / "mutants"
BUILD = COPY / "build" / "dev"
HANGS_S = 120  # of a test program: all of them together take a few seconds
LAST = "simulation_test"  # what takes longest runs last

CONTROLLER, SCHEDULER = "services/controller/engine", "services/scheduler/engine"
LIBRARIES = {CONTROLLER: "controller_engine", SCHEDULER: "scheduler_engine"}

# file -> (name, text, what stands in its place)
MUTANTS = {
    f"{CONTROLLER}/batches.c": [
        ("one batch too many",
         "return min32(wanted, changes);",
         "return min32(wanted + 1, changes);"),
        ("later batches are the larger ones",
         "return k * (n / count) + min32(k, n % count);",
         "return n - (count - k) * (n / count) - min32(count - k, n % count);"),
        ("beta's batch is as large as the others",
         "return k == 0 ? 0 : 1 + first_shares(changes - 1, count - 1, k - 1);",
         "return first_shares(changes, count, k);"),
        ("beta with one batch is one batch",
         "if (beta && wanted < 2)",
         "if (beta && wanted < 1)"),
    ],
    f"{CONTROLLER}/links.c": [
        ("one that is being deleted counts still",
         "bool existing = present && !instance_deleting(instance);",
         "bool existing = present;"),
        ("who leaves has another one's place",
         "last->index = instance->index;",
         "(void)instance;"),
        ("a successor is meant for who came later",
         "old->meta.creation_ms <= module->meta.creation_ms",
         "old->meta.creation_ms >= module->meta.creation_ms"),
    ],
    f"{CONTROLLER}/baseline.c": [
        ("what was never there is put back out of its turn",
         "instance_has_been_there(instance) && !base_adopts",
         "!base_adopts"),
        ("what is about to go is put back",
         "return instance->revision && instance->base && !going && ",
         "return instance->revision && instance->base && (!going || instance->base) && "),
        ("what leaves is put back",
         "!going && !instance_deleting(instance) &&",
         "!going &&"),
        ("what makes way comes back beside its successor",
         "return instance->replaced_by && is_in_place(instance->replaced_by);",
         "return !instance;"),
        ("what has a successor beside it does not come back",
         "return instance->replaced_by && is_in_place(instance->replaced_by);",
         "return instance->replaced_by;"),
        ("what an uninstall under way would take off is put back",
         "            return true;",
         "            return false;"),
        ("what would take a successor off is put back",
         "is_in_place(instance) && instance_has_been_there(successor);",
         "!is_in_place(instance) && instance_has_been_there(successor);"),
        ("what the original left is put back",
         "!base_adopts(instance->base, name) &&",
         "name &&"),
    ],
    f"{CONTROLLER}/forecast_start.c": [
        ("a base that is away for an hour comes back",
         "f->now_ms - status->last_transition_ms > RESTART_MS",
         "f->now_ms < status->last_transition_ms"),
        ("what was lost on a base that is ready is there still",
         "back ? REPORTED_ACTIVE : REPORTED_ABSENT;",
         "back ? REPORTED_ACTIVE : REPORTED_NOTHING;"),
        ("a base that restarts comes back without its modules",
         "    if (!baseline_includes(instance, going))\n        return REPORTED_ABSENT;",
         "    if (instance)\n        return REPORTED_ABSENT;"),
        ("a base that restarts comes back with what was never there",
         "    if (!baseline_includes(instance, going))\n        return REPORTED_ABSENT;\n",
         ""),
        ("a base that starts is no reason to wait",
         "f->running += count;",
         "(void)f;"),
    ],
    f"{CONTROLLER}/rollout.c": [
        ("old instances stay until the end",
         ".others = min32(others, left)",
         ".others = others"),
        ("a batch begins from nothing, not from what is there",
         "min32(target, rollout->updated_before + done)",
         "min32(target, done)"),
        ("scaling down brings back what has gone",
         "max32(target, min32(updated, rollout->updated_before - done))",
         "max32(target, rollout->updated_before - done)"),
        ("old instances are no changes",
         "updated - target, others);",
         "updated - target, 0 * others);"),
        ("symmetric: a base that comes waits for its batch",
         "min32(target, max32(updated, target - left))",
         "min32(target, min32(updated, target - left))"),
    ],
    f"{CONTROLLER}/counts.c": [
        ("the oldest revision keeps its instances longest",
         "own > revision_number(best->rs)",
         "own < revision_number(best->rs)"),
        ("symmetric: bases without room are counted",
         "if (base_eligible(view->bases[b], view->template))",
         "if (base_fits(view->bases[b], view->template))"),
        ("an old instance counts beside its successor",
         "count -= handed_over || instance_superseded(instance, update);",
         "count -= handed_over && instance_superseded(instance, update);"),
        ("instances on bases that are not selected give way too",
         "given += surplus < 0 ? 0 : surplus < fit ? surplus : fit;",
         "given += surplus < 0 || fit < 0 ? 0 : surplus;"),
    ],
    f"{CONTROLLER}/scale.c": [
        ("kubectl scale wins over a later apply",
         "bool edited = absent || (before && !says(before, spec->replicas));",
         "bool edited = absent;"),
        ("the scale of a symmetric one is made up",
         "if (absent && (spec->replicas < 0 || ",
         "if (absent && ("),
    ],
    f"{CONTROLLER}/view.c": [
        ("one instance more than max-module-count",
         "state->module_count < spec->max_module_count;",
         "state->module_count <= spec->max_module_count;"),
        ("a base without metaspace gets one more",
         "return room && !state->base->status.metaspace_full && ",
         "return room && "),
        ("a base that terminates is taken",
         "return state->ready && !state->terminating && ",
         "return state->ready && "),
        ("a base without an address is taken",
         "!str_empty(state->base->spec.ip) &&",
         "state->base &&"),
        ("a base that is not ready is taken",
         "return state->ready && !state->terminating",
         "return !state->terminating"),
        ("half of a selector is enough",
         "            return false;\n    return true;\n}\n\nbool base_fits",
         "            return i > 0;\n    return true;\n}\n\nbool base_fits"),
    ],
    f"{CONTROLLER}/plan_deployment.c": [
        ("the last batch is not gated",
         "else if (waits || (done && !gate_passed(p)))",
         "else if (waits || done || p->release->current_batch == p->release->real_batch_count)"),
        ("a gate is passed with a sick batch",
         "    if (plan__batch_done(p)) {\n        next_batch(p);",
         "    if (plan__batch_done(p) || !gate_passed(p)) {\n        next_batch(p);"),
        ("a pause holds nothing",
         "    else if (p->md->spec.pause)\n        pause_by_user(p);",
         "    else if (p->md->spec.pause && waits)\n        pause_by_user(p);"),
        ("a pause behind the gate holds nothing",
         "if (done && gate_passed(p) && !p->md->spec.pause)",
         "if (done && gate_passed(p))"),
        ("a batch that was confirmed is asked about after a pause",
         "} else if (plan__in_gray_time(p) || gate_passed(p)) {",
         "} else if (plan__in_gray_time(p)) {"),
        ("gray time begins anew after a pause",
         "return plan__recorded_as_done(p) && p->release->next_reconcile_ms;",
         "return plan__recorded_as_done(p) && p->release->next_reconcile_ms < 0;"),
        ("what was given up goes on while somebody pauses",
         "    if (p->md->spec.pause) {\n        pause_by_user(p);\n    } else if (plan__in_gray_time(p) &&",
         "    if (p->md->spec.pause && gate_passed(p)) {\n        pause_by_user(p);\n    } else if (plan__in_gray_time(p) &&"),
        ("a confirmation is lost while a template is missing",
         "} else if (progress == PROGRESS_EXECUTING && plan__in_gray_time(p)) {",
         "} else if (progress == PROGRESS_EXECUTING && gray_ms(p) < 0) {"),
        ("an abort that is taken back confirms",
         "        p->release->next_reconcile_ms = 0; /* it was not confirmed */\n",
         ""),
        ("our pause becomes the user's",
         "if (!asks_person(p) && plan__withdraw_gate(p))",
         "if (!asks_person(p) && !plan__recorded_as_done(p) && plan__withdraw_gate(p))"),
        ("the confirmation of any batch confirms",
         "spec->confirm_batch_num == p->release->current_batch;",
         "spec->confirm_batch_num != 0;"),
        ("nobody is asked to confirm",
         "        wait_for_person(p);",
         "        if (p->release->current_batch)\n            next_batch(p);\n"
         "        else\n            wait_for_person(p);"),
        ("a number that was set too early confirms",
         "(!p->md->spec.pause || p->md->spec.confirm_batch_num)) { /* a number set too early */",
         "!p->md->spec.pause) {"),
        ("gray time outlasts a clock that is set back",
         "return p->release->next_reconcile_ms < latest_ms ? p->release->next_reconcile_ms : latest_ms;",
         "return latest_ms < 0 ? latest_ms : p->release->next_reconcile_ms;"),
        ("an abort of another release counts",
         "return str_eq(json_map_get(&p->md->meta.annotations, ANNOTATION_ABORT),\n"
         "                  p->release->update_revision);",
         "return json_map_get(&p->md->meta.annotations, ANNOTATION_ABORT) != NULL;"),
        ("one revision less is kept",
         "++kept > p->md->spec.revision_history_limit",
         "++kept >= p->md->spec.revision_history_limit"),
        ("a revision with instances is history",
         "bool unused = r->rs->spec.replicas == 0 && r->instances.len == 0;",
         "bool unused = r->rs->spec.replicas == 0;"),
    ],
    f"{CONTROLLER}/release_numbers.c": [
        ("no batch is gated by availability",
         "p->update->available >= wanted.updated &&",
         "p->update->available >= 0 &&"),
        ("a batch is done before the old ones are gone",
         "p->update->terminating == 0 && others <= wanted.others;",
         "p->update->terminating == 0 && others >= 0;"),
        ("what is being uninstalled counts as gone",
         "others += p->view->revisions[i]->existing + p->view->revisions[i]->terminating;",
         "others += p->view->revisions[i]->existing;"),
        ("the status of a release is written after its numbers",
         "p->status_at = p->plan->actions.len;",
         "p->status_at = 0;"),
        ("a pair of old and new counts as two when numbers are frozen",
         "plan__set_replicas(p->plan, revision, places(revision, p->update));",
         "plan__set_replicas(p->plan, revision, revision->existing);"),
    ],
    f"{CONTROLLER}/begin_release.c": [
        ("ownership is ignored by releases",
         "if (p->view->owner_conflict) {",
         "if (p->view->owner_conflict && !p->view->template) {"),
        ("another number of replicas begins no release",
         "release->target_replicas != p->md->spec.replicas ||",
         "release->target_replicas < 0 ||"),
        ("a new url is not taken over",
         "if (url_changed || returns) {",
         "if ((url_changed && returns) || returns) {"),
        ("who has finally failed ends a release that goes on while its template is missing",
         "    if (revision)\n        plan__try_again(p, revision);\n    if (p->md->spec.pause) {",
         "    if (p->md->spec.pause && revision) {"),
        ("a pause is passed over while a template is missing",
         "        mem_replace(&release->reason, REASON_PAUSED_BY_USER);\n        return PROGRESS_PAUSED;",
         "        return PROGRESS_EXECUTING;"),
        ("a confirmation that is waited for outlives its release",
         "    if (plan__withdraw_gate(p))\n        return; /* it belonged to the release before */\n",
         ""),
    ],
    f"{CONTROLLER}/plan_deletion.c": [
        ("a deletion is not gated",
         "while (!begins && instances <= left_after_batch(release) &&",
         "while (!begins && instances >= 0 &&"),
        ("a deletion ends before its instances",
         "    if (instances == 0) {",
         "    if (places_of_others(p->view, NULL) == 0) {"),
        ("a deletion ends before its Service",
         "if (!p->view->service_count)",
         "if (p->view)"),
    ],
    f"{CONTROLLER}/give_up.c": [
        ("a pause runs into the deadline",
         "p->release->progress == PROGRESS_EXECUTING && !p->md->spec.pause &&",
         "p->release->progress == PROGRESS_EXECUTING &&"),
        ("what is Available runs into the deadline",
         "return counts_time(p) && !plan__batch_available(p) &&",
         "return counts_time(p) &&"),
        ("a clock that is set back puts the deadline off",
         "bool ahead = release->last_transition_ms > p->view->wall_ms;",
         "bool ahead = release->last_transition_ms < 0;"),
        ("a pause makes what was stopped go on",
         "p->md->status.observed_generation && !p->md->spec.pause;",
         "p->md->status.observed_generation;"),
        ("who has failed is not tried anew after a resume",
         "        if (str_eq(resumed, name))\n            plan__try_again(p, revision);\n",
         ""),
        ("who is tried once more as it goes on is left with that",
         "return status->attempts >= FAILED_ATTEMPTS && status->phase != MODULE_AVAILABLE &&",
         "return status->attempts >= FAILED_ATTEMPTS && status->phase == MODULE_FAILED &&"),
        ("time in which a template was missing runs into the deadline",
         "if (counts_time(p) && (ahead || missed_something(p)))",
         "if (counts_time(p) && (ahead && missed_something(p)))"),
        ("a release that is stopped goes on",
         "    plan__freeze_numbers(p);\n    plan__move(p, PROGRESS_ABORTED, REASON_PROGRESS_DEADLINE_EXCEEDED",
         "    plan__move(p, PROGRESS_ABORTED, REASON_PROGRESS_DEADLINE_EXCEEDED"),
    ],
    f"{CONTROLLER}/progress_deadline.c": [
        ("time to drain runs into the deadline",
         " + spec->strategy.drain_seconds) * 1000",
         ") * 1000"),
        ("time without a controller runs into the deadline",
         "max64(release->last_transition_ms, planning_since_ms(view))",
         "max64(release->last_transition_ms, 0 * planning_since_ms(view))"),
        ("an instance that became Available is no progress",
         "if (revision == update && module->status.phase == MODULE_AVAILABLE)",
         "if (revision == update && module->status.phase == MODULE_FAILED)"),
    ],
    f"{CONTROLLER}/rollback.c": [
        ("a release returns to what has failed before",
         "target->rs->meta.deletion_ms || rollback_marked(target))",
         "target->rs->meta.deletion_ms)"),
        ("a release returns though nobody asked for that",
         "if (!md->spec.strategy.rollback_on_failure || !target ||",
         "if (!target ||"),
        ("one failed attempt more",
         "status->attempts >= FAILED_ATTEMPTS",
         "status->attempts > FAILED_ATTEMPTS"),
    ],
    f"{CONTROLLER}/min_ready.c": [
        ("counted before minReadySeconds",
         "since_ms + (int64_t)seconds * 1000;",
         "since_ms + (int64_t)seconds * 0;"),
        ("a batch is done before minReadySeconds",
         "return all_ms > wall_ms ? all_ms : 0;",
         "return all_ms < wall_ms ? all_ms : 0;"),
    ],
    f"{CONTROLLER}/counts.c": [
        ("of two revisions with one number one is forgotten",
         ": strcmp(revision->rs->meta.name, than->rs->meta.name) > 0;",
         ": false;"),
    ],
    f"{CONTROLLER}/answers.c": [
        ("two instances of a module come to one base",
         "!base_eligible(base, &revision->rs->spec.template) ||\n            map_get(&offered->occupied, name))",
         "!base_eligible(base, &revision->rs->spec.template))"),
        ("a base that was given is given again",
         "        map_put(&offered->occupied, name, base);\n        return name;",
         "        return name;"),
        ("the worst of those that were chosen go first",
         "map_put(&chosen.names, names->items[i], &chosen.items[i]);",
         "map_put(&chosen.names, names->items[i], &chosen.items[names->len - 1 - i]);"),
    ],
    f"{CONTROLLER}/other_way.c": [
        ("one that was refused stays beside its substitute",
         "if (has_substitute(instance) || surplus-- > 0) {",
         "if (surplus-- > 0) {"),
    ],
    f"{CONTROLLER}/plan_replicaset.c": [
        ("ownership is ignored by instances",
         "bool held = !view->template || view->owner_conflict ||",
         "bool held = !view->template ||"),
        ("old instances that get a successor are removed too",
         "int32_t reserved = covered;",
         "int32_t reserved = 0 * covered;"),
        ("what goes already is taken once more",
         "        if (instance_deleting(victim) || victim->replaced_by)\n            continue;\n",
         ""),
        ("an answer without room is asked for again and again",
         "if (asked->explanation && view->now_ms < again_ms)",
         "if (asked->explanation && view->now_ms > again_ms)"),
        ("the successors of the release before stay",
         "    if (end_former_release(view, update, &disruption, plan))\n        return;",
         "    (void)end_former_release;"),
    ],
    f"{CONTROLLER}/prefetch.c": [
        ("jars are fetched for a release that a person has stopped",
         "return view->md->spec.pause &&",
         "return !view->md &&"),
        ("no jar is fetched while a person is asked",
         "!str_eq(view->md->status.release.reason, REASON_WAITING_FOR_CONFIRMATION);", "true;"),
        ("jars without a digest are fetched twice",
         "update && !str_empty(update->rs->spec.template.module.sha256) &&",
         "update &&"),
        ("a jar that can't be had is asked for by all bases",
         "prefetch->failures < PREFETCH_FAILURES_MAX;",
         "prefetch->failures <= PREFETCH_FAILURES_MAX;"),
        ("bases whose successor is elsewhere fetch the jar",
         "return way == WAY_SIDE_BY_SIDE || way == WAY_IN_PLACE;",
         "return way != WAY_NONE;"),
        ("a base that has the new one fetches it again",
         "return false; /* it fetches the jar itself, or has it */",
         "continue;"),
    ],
    f"{CONTROLLER}/replacement.c": [
        ("a web path in use is forgotten",
         "        .web_path_in_use = revision_web_path_in_use(update),\n"
         "        .same_version = module_same_version(&old->module->spec",
         "        .same_version = module_same_version(&old->module->spec"),
        ("a base without metaspace takes another one beside the old one",
         "return old->base->base->status.metaspace_full ||\n",
         "return\n"),
        ("what was refused for metaspace goes the same way",
         "(old->replaced_by && instance_refused_for_metaspace(old->replaced_by));",
         "false;"),
    ],
    f"{CONTROLLER}/upgrade.c": [
        ("two of one version stand side by side",
         "if (one->web_path_in_use || one->same_version || one->metaspace_full)",
         "if (one->web_path_in_use || one->metaspace_full)"),
        ("two with one web path stand side by side",
         "if (one->web_path_in_use || one->same_version || one->metaspace_full)",
         "if (one->same_version || one->metaspace_full)"),
        ("two stand side by side without metaspace",
         "if (one->web_path_in_use || one->same_version || one->metaspace_full)",
         "if (one->web_path_in_use || one->same_version)"),
        ("room is not used",
         "    if (one->room) {",
         "    if (one->room && one->base_unfit) {"),
        ("uninstallThenInstall is installThenUninstall",
         "if (one->policy == UPGRADE_UNINSTALL_THEN_INSTALL)",
         "if (one->policy == UPGRADE_UNINSTALL_THEN_INSTALL && one->same_version)"),
        ("scaleUpThenScaleDown is installThenUninstall",
         "if (one->policy == UPGRADE_INSTALL_THEN_UNINSTALL)\n        return",
         "if (one->policy != UPGRADE_UNINSTALL_THEN_INSTALL)\n        return"),
        ("an unfit base is kept",
         "    if (one->base_unfit)\n",
         "    if (one->base_unfit && one->room)\n"),
    ],
    f"{CONTROLLER}/plan_module.c": [
        ("installed is healthy",
         "if (!instance_was_available(p->instance) && !reported_there(p)) {",
         "if (!instance_was_available(p->instance) && p->instance->reported == REPORTED_BROKEN) {"),
        ("sick is Available",
         "    if (p->instance->unhealthy) {\n        enum",
         "    if (p->instance->unhealthy && p->instance->replaces) {\n        enum"),
        ("the old one goes before Available is written",
         "if (!first && p->view->wanted && p->instance->replaces &&",
         "if (p->view->wanted && p->instance->replaces &&"),
        ("one that is not wanted any more takes the old one away",
         "if (!first && p->view->wanted && p->instance->replaces &&",
         "if (!first && p->instance->replaces &&"),
        ("an uninstall that failed counts as done",
         "} else if (operation->type == OPERATION_UNINSTALL && operation->state == OPERATION_SUCCEEDED) {",
         "} else if (operation->type == OPERATION_UNINSTALL && operation->state >= OPERATION_SUCCEEDED) {"),
        ("uninstalled before requests have their time",
         "    } else if (draining(p, p->instance)) {",
         "    } else if (draining(p, p->instance) && successor) {"),
        ("installed in place before requests have their time",
         " || others_drain(p))))",
         " || (others_drain(p) && !p->instance))))"),
        ("uninstalled while traffic comes",
         "    } else if (leaving_traffic(p)) {",
         "    } else if (leaving_traffic(p) && successor) {"),
        ("installed in place while traffic comes",
         "(takes_place(p) && (leaving_traffic(p) || ",
         "(takes_place(p) && ("),
        ("one too many is tried again",
         "        if (others_are_enough(p))\n",
         "        if (others_are_enough(p) && !p->view->wanted)\n"),
        ("in place, who was there before the one that is replaced has no time to drain",
         "        if (other != p->instance &&\n            str_eq(other->module->spec.module.name,",
         "        if (other == p->instance->replaces &&\n            str_eq(other->module->spec.module.name,"),
        ("what is lost is installed over the next version",
         "if (same_goes_first(p) || would_overrun(p) ||",
         "if (same_goes_first(p) || (would_overrun(p) && instance_deleting(p->instance)) ||"),
        ("a deletion waits for an install in place that does not come",
         "(begun || !p->view->going);",
         "(begun || !p->view->going || successor->module);"),
        ("an install does not wait for another one of its module",
         "    if (other_install_runs(p->instance)) {",
         "    if (other_install_runs(p->instance) && !p->instance->base) {"),
        ("two of the same version wait for each other",
         "if (is_same_leaving(p, other) && (sent || !leaves_to(other, p->instance)))",
         "if (is_same_leaving(p, other) && (sent || !instance_deleting(p->instance)))"),
        ("one that leaves waits for another whose install has failed",
         "(operation->state == OPERATION_FAILED && operation->unanswered));",
         "operation->state == OPERATION_FAILED);"),
        ("the old one goes before the new one counts",
         "    if (left_ms)\n        plan_requeue(p->plan, p->view->now_ms + left_ms);\n    else\n        plan_add(p->plan, ACTION_DELETE_MODULE, old->module->meta.name);",
         "    (void)left_ms;\n    plan_add(p->plan, ACTION_DELETE_MODULE, old->module->meta.name);"),
        ("an install that failed is not tried again",
         "if (p->module->status.phase == MODULE_FAILED && p->view->now_ms >= retry_at(p)) {",
         "if (p->module->status.phase == MODULE_FAILED && p->view->now_ms < 0) {"),
        ("pauses between attempts grow without limit",
         "INSTALL_RETRY_FIRST_MS, INSTALL_RETRY_MAX_MS, NULL)",
         "INSTALL_RETRY_FIRST_MS, 16 * INSTALL_RETRY_MAX_MS, NULL)"),
        ("a report of before counts",
         "instance->reported_ms >= p->operation->ended_ms + REPORT_SETTLE_MS);",
         "instance->reported_ms >= 0);"),
        ("the successor's module is uninstalled with the old one",
         "} else if (!runs && belongs_to_another(p)) {",
         "} else if (!runs && p->module->meta.deletion_ms < 0 && belongs_to_another(p)) {"),
        ("the report of the old jar is that of the new one",
         "return (!instance_overwrites(p->instance) && !same_is_leaving(p)) ||",
         "return !same_is_leaving(p) ||"),
        ("traffic goes to what nobody knows the health of",
         "reported_there(p) && !p->instance->unhealthy;",
         "!p->instance->unhealthy;"),
        ("a base that nobody has seen yet is gone",
         "    if (!instance->base && view->bases_unknown)\n        return;\n",
         ""),
        ("refused for its metaspace is refused for ever",
         "    if (!p->view->wanted || p->instance->base->base->status.metaspace_full)\n        return;",
         "    if (due_ms)\n        return;"),
        ("a base without metaspace is asked all the time",
         "    if (!p->view->wanted || p->instance->base->base->status.metaspace_full)\n        return;",
         "    if (!p->view->wanted)\n        return;"),
        ("a base is asked again before it could report",
         "max64(retry_at(p), p->operation->ended_ms + METASPACE_RETRY_MS);",
         "retry_at(p);"),
        ("what is lost is not installed again",
         "    if (!p->view->going && !(in_traffic && takes_place(p)))",
         "    if (!p->view->going && !instance_was_available(p->instance) && !(in_traffic && takes_place(p)))"),
        ("each attempt that fails is an Event more",
         "    if (!said)\n        plan_event(p->plan, p->module->meta.name, true, \"InstallFailed\",",
         "    if (!said || operation)\n        plan_event(p->plan, p->module->meta.name, true, \"InstallFailed\","),
    ],
    f"{CONTROLLER}/traffic.c": [
        ("the label before health",
         "return instance->module->status.phase == MODULE_AVAILABLE && !instance_deleting(instance) &&",
         "return instance->module->status.phase != MODULE_PENDING && !instance_deleting(instance) &&"),
        ("the label stays until it is uninstalled",
         "return instance->module->status.phase == MODULE_AVAILABLE && !instance_deleting(instance) &&",
         "return instance->module->status.phase == MODULE_AVAILABLE &&"),
        ("the label stays during an install in place",
         "now_ms < makes_way_at(instance) && !(leaving",
         "now_ms < TIME_NEVER && !(leaving"),
        ("a restart that is given up takes the old one off at once",
         "(had_traffic(instance) || takes_off_another(instance))",
         "(had_traffic(instance) || (takes_off_another(instance) && !drain_ms))"),
        ("a label that may have been written stays",
         "        if (wanted || !kept)\n",
         "        if (wanted || (!kept && wanted))\n"),
        ("a label that is seen is not doubted",
         "    settle_doubts(base, &serving, &changes);\n",
         "    if (!labels->len)\n        settle_doubts(base, &serving, &changes);\n"),
        ("labels of others go",
         "if (!str_starts_with(label->key, LABEL_TRAFFIC_PREFIX))\n            continue;",
         "if (str_empty(label->key))\n            continue;"),
        ("the traffic of one module is that of another",
         "if (serves(instance, leaving, now_ms) && str_eq(instance->module->spec.module.name, module))",
         "if (serves(instance, leaving, now_ms) && !str_empty(module))"),
    ],
    f"{CONTROLLER}/release_status.c": [
        ("one instance is enough to be Available",
         "bool available = status->available_replicas >= target;",
         "bool available = status->available_replicas >= (target > 0 ? 1 : 0);"),
        ("counters are written with every change",
         "if (urgent || (!counters_equal(stored, status_taken) && view->now_ms >= due_ms)) {",
         "if (urgent || !counters_equal(stored, status_taken)) {"),
        ("a full fleet is not told",
         "if (revision->existing < revision->rs->spec.replicas && revision->place.explanation)",
         "if (revision->existing > revision->rs->spec.replicas && revision->place.explanation)"),
    ],
    f"{CONTROLLER}/plan_service.c": [
        ("the Service goes before its instances",
         "        if (view->revisions[i]->instances.len)\n            return;",
         "        if (view->revisions[i]->existing)\n            return;"),
        ("changed ports are not followed",
         "str_eq(a->protocol, b->protocol) && a->port == b->port &&",
         "str_eq(a->protocol, b->protocol) &&"),
        ("the Service of another is fought for at once",
         "if (refusal && view->now_ms < refusal->at_ms + SERVICE_RETRY_MS)",
         "if (refusal && view->now_ms < refusal->at_ms)"),
    ],
    f"{CONTROLLER}/leftover.c": [
        ("what is being taken over is uninstalled",
         "if (!view->owner || view->adopts)",
         "if (!view->owner)"),
        ("a leftover goes in the middle of a release",
         "status->release.progress == PROGRESS_COMPLETED && ",
         ""),
    ],
    f"{SCHEDULER}/evict.c": [
        ("the healthy go first",
         "(instance->healthy ? RANK_HEALTHY : 0)",
         "(instance->healthy ? 0 : RANK_HEALTHY)"),
        ("the order of eviction is reversed",
         "(policy == PLACE_SCATTER ? -count : count)",
         "(policy == PLACE_SCATTER ? count : -count)"),
        ("those on unready bases stay",
         "(instance->base_ready ? RANK_BASE_READY : 0)",
         "(instance->base_ready ? 0 : RANK_BASE_READY)"),
        ("zones are emptied one after the other",
         "items[i].weight = -1;",
         "items[i].weight = 0;"),
    ],
    f"{SCHEDULER}/place.c": [
        ("one more than max-module-count",
         "base->module_count >= base->max_module_count)",
         "base->module_count > base->max_module_count)"),
        ("0 is no limit",
         "if (base->max_module_count != PLACE_UNLIMITED && ",
         "if (base->max_module_count != PLACE_UNLIMITED && base->max_module_count && "),
        ("a base with the module gets another",
         "    if (base->has_module)\n        return REFUSED_MODULE_PRESENT;\n",
         ""),
        ("a base whose agent is away is taken",
         "    if (!base->agent_reachable)\n        return REFUSED_AGENT_UNREACHABLE;\n",
         ""),
        ("a base without metaspace is taken",
         "    if (base->metaspace_full)\n        return REFUSED_METASPACE_FULL;\n",
         ""),
        ("a base that terminates is taken",
         "    if (base->terminating)\n        return REFUSED_TERMINATING;\n",
         ""),
        ("stacking takes the emptiest",
         ".rank = -(int64_t)base->module_count,",
         ".rank = base->module_count,"),
        ("scatter does not look at what is there already",
         ".weight = base->has_module,",
         ".weight = 0,"),
        ("refusals are told in no order",
         "answer->refused[out[at - 1]] < answer->refused[reason]",
         "answer->refused[out[at - 1]] > answer->refused[reason]"),
    ],
    f"{SCHEDULER}/spread.c": [
        ("zones are not counted",
         "    zone->load++;\n",
         ""),
        ("nodes are not counted",
         "    node->load++;\n",
         ""),
        ("ties are not broken by name",
         "return s->order == NAME_ASCENDING ? order < 0 : order > 0;",
         "return s->order == NAME_ASCENDING ? order > 0 : order < 0;"),
        ("bases of a higher rank are left out",
         "(wanted < len ? wanted : len) - 1);",
         "(wanted < len ? wanted : len) / 2);"),
    ],
}


class Mutant:
    """One way to break one file."""

    def __init__(self, file, name, text, instead):
        self.file, self.name, self.text, self.instead = file, name, text, instead
        self.engine = str(Path(file).parent)
        self.label = f"{Path(file).name}: {name}"

    def broken(self, folder):
        """The file below a folder, with the change."""
        source = (folder / self.file).read_text(encoding="utf-8")
        if source.count(self.text) != 1:
            sys.exit(f"mutants: {self.label}: its text is there {source.count(self.text)} times, not once")
        return source.replace(self.text, self.instead)


def chosen(words):
    found = [Mutant(file, *row) for file, rows in MUTANTS.items() for row in rows]
    return [one for one in found if not words or any(word in f"{one.file} {one.name}" for word in words)]


def run(*command, **options):
    return subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          **options)


def copy_tree():
    """Brings the copy up to date; what has not changed keeps its time, so that it is not compiled again."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=TOP, check=True,
                            capture_output=True).stdout.decode().split("\0")
    names = {name for name in listed if name and (TOP / name).is_file()}
    for name in names:
        target, content = COPY / name, (TOP / name).read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod((TOP / name).stat().st_mode)
    for old in COPY.rglob("*.[ch]"):
        name = old.relative_to(COPY)
        if name.parts[0] != "build" and str(name) not in names:
            old.unlink()


def test_names(engine, of=""):
    """The test programs of an engine whose subject begins so, in the order in which they run."""
    names = [f"{LIBRARIES[engine]}_{path.stem}" for path in sorted((COPY / engine).glob(f"{of}*_test.c"))]
    return sorted(names, key=lambda name: name.endswith(LAST))


def build(names):
    """What the compiler says where it does not take it, else None."""
    done = run("ninja", "-C", str(BUILD), "-j2", *names)
    return done.stdout if done.returncode else None


def failing_test(names):
    """The first test that fails, or None."""
    for name in names:
        try:
            done = run(str(BUILD / "tests" / name), timeout=HANGS_S)
        except subprocess.TimeoutExpired:
            return f"{name} hangs"
        if done.returncode:
            failed = re.search(r"^not ok \d+ - (\S+)|^\[  FAILED  \] (\S+)$", done.stdout, re.MULTILINE)
            return f"{name}, {failed.group(1) or failed.group(2)}" if failed else f"{name} ended with {done.returncode}"
    return None


def prepare(engines):
    """A copy that is built and whose tests pass as it is."""
    copy_tree()
    configured = run("cmake", "--preset", "dev", "--log-level=WARNING", "-DCMAKE_C_FLAGS_DEBUG=-O1")
    if configured.returncode:
        sys.exit(f"mutants: cmake failed\n{configured.stdout}")
    for engine in engines:
        wrong = build(test_names(engine)) or failing_test(test_names(engine))
        if wrong:
            sys.exit(f"mutants: {engine} is not well before it is broken\n{wrong}")


def try_one(mutant):
    """Breaks, tries and mends: (what became of it, by whom or why)."""
    file = COPY / mutant.file
    sound = file.read_bytes()
    file.write_text(mutant.broken(COPY), encoding="utf-8")
    try:
        own = test_names(mutant.engine, Path(mutant.file).stem) or test_names(mutant.engine, "plan_deployment")
        for names in (own, test_names(mutant.engine)):  # the likely ones first: most are not linked then
            wrong = build(names)
            if wrong:
                return "IS WRONG", f"it does not compile\n{wrong}"
            by = failing_test(names)
            if by:
                return "caught", by
        return "SURVIVED", "no test fails"
    finally:
        file.write_bytes(sound)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("words", nargs="*", metavar="WORD", help="of names or files (default all)")
    options = parser.parse_args()
    mutants = chosen(options.words)
    for mutant in mutants:
        mutant.broken(TOP)  # all of them are there before any work is done
    if options.list:
        print("\n".join(mutant.label for mutant in mutants))
        return 0
    if not mutants:
        sys.exit("mutants: there is none of that name")
    prepare(dict.fromkeys(mutant.engine for mutant in mutants))
    left = []
    for mutant in mutants:
        outcome, why = try_one(mutant)
        print(f"{outcome:9} {mutant.label} ({why})", flush=True)
        if outcome != "caught":
            left.append(f"{outcome}: {mutant.label}")
    for line in left:
        print(line)
    print(f"{len(mutants) - len(left)} of {len(mutants)} caught")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
