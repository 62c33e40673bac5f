/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/plan_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/release_status.h"

#define BEGUN "Executing 1/1 v1 was=0 changes=1 x1"
#define MESSAGE "Service web-service is there already"

/* What was changed in the Service that is there. */
enum change {
    AS_WANTED,
    OTHER_PORT,
    OTHER_TARGET,
    NAMED_TARGET,
    SECOND_PORT,
    OTHER_PORT_NAME,
    OTHER_PROTOCOL,
    OTHER_TYPE,
    OTHER_SELECTED,
    MORE_SELECTED,
    NO_LABEL,
    NODE_PORT,
    OTHER_LABEL,
    GOING,
};

struct row {
    const char *name;
    const char *spec, *release, *revisions;
    bool disabled, renamed; /* the module is called "order" now */
    const char *services;   /* names of those that the deployment owns */
    enum change change;     /* in the first of them */
    const char
        *refused;   /* reason why "web-service" could not be made, 1 s ago; "" = not known yet */
    int64_t ago_ms; /* or so long ago */
    bool told;      /* the status says so already */
    bool told_else; /* ... or something else */
    const char *plan, *events;
};

static void change_service(struct service *service, enum change change)
{
    struct service_port *port = service->spec.ports.items;
    if (change == OTHER_PORT) {
        port->port = 81;
    } else if (change == OTHER_TARGET) {
        mem_replace(&port->target_port, "8081");
    } else if (change == NAMED_TARGET) {
        mem_replace(&port->target_port, "\"web\"");
    } else if (change == SECOND_PORT) {
        service->spec.ports.items = mem_resize(port, 2, sizeof(*port));
        ((struct service_port *)service->spec.ports.items)[1] = (struct service_port){.port = 82};
        service->spec.ports.len = 2;
    } else if (change == OTHER_TYPE) {
        mem_replace(&service->spec.type, "ClusterIP");
    } else if (change == OTHER_PORT_NAME) {
        mem_replace(&port->name, "https");
    } else if (change == OTHER_PROTOCOL) {
        mem_replace(&port->protocol, "UDP");
    } else if (change == OTHER_SELECTED) {
        json_map_done(&service->spec.selector);
        json_map_set(&service->spec.selector, "app", "web");
    } else if (change == MORE_SELECTED) {
        json_map_set(&service->spec.selector, "zone", "x");
    } else if (change == NO_LABEL) {
        json_map_set(&service->meta.labels, LABEL_MODULE_NAME, NULL);
    } else if (change == NODE_PORT) {
        port->node_port = 30080;
    } else if (change == OTHER_LABEL) {
        json_map_set(&service->meta.labels, "team", "x");
    } else if (change == GOING) {
        service->meta.deletion_ms = 1;
    }
}

struct subject {
    struct kit kit;
    struct service_state states[4], *pointers[4];
    struct service_refusal refusal;
    struct deployment_view view;
};

static void add_services(struct subject *subject, const struct row *row)
{
    const struct module_deployment *md = subject->kit.md;
    char word[KIT_MAX];
    for (const char *at = row->services ? row->services : ""; kit_word(&at, word);) {
        size_t n = subject->view.service_count++;
        struct service *service = service_wanted(md, &md->spec.template);
        mem_replace(&service->meta.name, word);
        change_service(service, n ? AS_WANTED : row->change);
        subject->states[n].service = service;
        subject->pointers[n] = &subject->states[n];
    }
    subject->view.services = subject->pointers;
}

static void subject_init(struct subject *subject, const struct row *row)
{
    *subject = (struct subject){0};
    const struct kit_row world = {.spec = row->spec ? row->spec : "v1 x1",
                                  .release = row->release ? row->release : BEGUN,
                                  .revisions = row->revisions ? row->revisions : "v1#1=1 aA",
                                  .bases = "a"};
    kit_init(&subject->kit, &world);
    struct service_strategy *strategy = &subject->kit.md->spec.strategy.service;
    *strategy = (struct service_strategy){!row->disabled, 80, 8080};
    if (row->renamed)
        mem_replace(&subject->kit.md->spec.template.module.name, "order");
    subject->view = kit_view(&subject->kit);
    add_services(subject, row);
    if (row->refused) {
        int64_t ago_ms = row->ago_ms ? row->ago_ms : 1000;
        subject->refusal.name = mem_strdup("web-service");
        subject->refusal.reason = *row->refused ? mem_strdup(row->refused) : NULL;
        subject->refusal.message = mem_strdup(MESSAGE);
        subject->refusal.at_ms = KIT_NOW_MS - ago_ms;
        subject->view.service_refusal = &subject->refusal;
    }
    if (row->told || row->told_else)
        status_set_condition(&subject->kit.md->status, CONDITION_SERVICE_READY, false, row->refused,
                             row->told ? MESSAGE : "no such port", 0);
}

static void subject_done(struct subject *subject)
{
    for (size_t i = 0; i < subject->view.service_count; i++)
        service_free((struct service *)(uintptr_t)subject->states[i].service);
    mem_free(subject->refusal.name);
    mem_free(subject->refusal.reason);
    mem_free(subject->refusal.message);
    kit_done(&subject->kit);
}

static const struct row rows[] = {
    {.name = "7.1: made with the first release", .plan = "create service web-service"},
    {.name = "7.1: not before that", .release = "Init", .plan = ""},
    {.name = "7.1: only where it is asked for", .disabled = true, .plan = ""},
    {.name = "not for a module that belongs to another deployment",
     .spec = "v1 x1 taken-by=other",
     .plan = ""},
    {.name = "it is there", .services = "web-service", .plan = ""},
    {.name = "what the server gave is no difference",
     .services = "web-service",
     .change = NODE_PORT,
     .plan = ""},
    {.name = "nor is a label of others",
     .services = "web-service",
     .change = OTHER_LABEL,
     .plan = ""},
    {.name = "7.1: port",
     .services = "web-service",
     .change = OTHER_PORT,
     .plan = "update service web-service"},
    {.name = "7.1: targetPort",
     .services = "web-service",
     .change = OTHER_TARGET,
     .plan = "update service web-service"},
    {.name = "targetPort by name",
     .services = "web-service",
     .change = NAMED_TARGET,
     .plan = "update service web-service"},
    {.name = "the name of its port",
     .services = "web-service",
     .change = OTHER_PORT_NAME,
     .plan = "update service web-service"},
    {.name = "its protocol",
     .services = "web-service",
     .change = OTHER_PROTOCOL,
     .plan = "update service web-service"},
    {.name = "one port",
     .services = "web-service",
     .change = SECOND_PORT,
     .plan = "update service web-service"},
    {.name = "its type",
     .services = "web-service",
     .change = OTHER_TYPE,
     .plan = "update service web-service"},
    {.name = "7.2: selected by the label alone",
     .services = "web-service",
     .change = MORE_SELECTED,
     .plan = "update service web-service"},
    {.name = "7.2: by that label and no other",
     .services = "web-service",
     .change = OTHER_SELECTED,
     .plan = "update service web-service"},
    {.name = "labels of ours",
     .services = "web-service",
     .change = NO_LABEL,
     .plan = "update service web-service"},
    {.name = "somebody deletes it: first it goes",
     .services = "web-service",
     .change = GOING,
     .plan = ""},
    {.name = "switched off",
     .disabled = true,
     .services = "web-service",
     .plan = "delete service web-service"},
    {.name = "switched off, and going already",
     .disabled = true,
     .services = "web-service",
     .change = GOING,
     .plan = ""},
    {.name = "another name: the former one goes, nothing of that module is left",
     .services = "former-service web-service",
     .plan = "delete service former-service"},
    {.name = "... but not while its instances are there",
     .renamed = true,
     .services = "web-service order-service",
     .plan = ""},
    {.name = "... only until they are gone",
     .revisions = "v1#1=0",
     .renamed = true,
     .services = "web-service order-service",
     .plan = "delete service web-service"},
    {.name = "the template is not there: nothing is known",
     .spec = "v1 x1 template-missing",
     .services = "web-service",
     .change = OTHER_PORT,
     .plan = ""},
    {.name = "7.1: while instances go it stays",
     .spec = "v1 x1 deleting",
     .revisions = "v1#1=0 aA-",
     .services = "web-service",
     .plan = ""},
    {.name = "7.1: it goes last",
     .spec = "v1 x1 deleting",
     .revisions = "v1#1=0",
     .services = "web-service",
     .plan = "delete service web-service"},
    {.name = "another one has the name, as was learnt just now",
     .refused = "ServiceConflict",
     .plan = "requeue at 1029000",
     .events = "event ServiceConflict"},
    {.name = "... told once",
     .refused = "ServiceConflict",
     .told = true,
     .plan = "requeue at 1029000",
     .events = ""},
    {.name = "... and once more where something else was told before",
     .refused = "ServiceConflict",
     .told_else = true,
     .plan = "requeue at 1029000",
     .events = "event ServiceConflict"},
    {.name = "... of another module that it was: nothing stands against this one",
     .renamed = true,
     .refused = "ServiceConflict",
     .plan = "create service order-service"},
    {.name = "... whose it is, is being asked", .refused = "", .plan = "requeue at 1029000"},
    {.name = "... and tried again after a while",
     .refused = "ServiceConflict",
     .told = true,
     .ago_ms = SERVICE_RETRY_MS,
     .plan = "create service web-service"},
    {.name = "the server did not take the ports",
     .services = "web-service",
     .change = OTHER_PORT,
     .refused = "ServiceRefused",
     .plan = "requeue at 1029000",
     .events = "event ServiceRefused"},
};

static void plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct subject subject;
        subject_init(&subject, &rows[i]);
        struct plan plan = {0};
        plan_service(&subject.view, &plan);
        AUTO_FREE char *got = kit_plan_text(&plan, false);
        AUTO_FREE char *events = kit_plan_text(&plan, true);
        if (!str_eq(got, rows[i].plan))
            fail_msg("%s\n  want: %s\n  got:  %s", rows[i].name, rows[i].plan, got);
        if (!str_eq(events, rows[i].events ? rows[i].events : ""))
            fail_msg("%s\n  events: %s", rows[i].name, events);
        plan_done(&plan);
        subject_done(&subject);
    }
}

static void conditions(void **state)
{
    (void)state;
    static const struct {
        struct row row;
        const char *status, *reason; /* NULL: there is no such condition */
    } cases[] = {
        {{.services = "web-service"}, "True", "ServiceMade"},
        {{.refused = "ServiceConflict"}, "False", "ServiceConflict"},
        {{.refused = ""}, NULL, NULL},
        {{.refused = "", .told = true}, "False", ""},
        {{.disabled = true, .refused = "ServiceConflict", .told = true}, NULL, NULL},
        {{.plan = ""}, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct subject subject;
        subject_init(&subject, &cases[i].row);
        struct module_deployment_status *status = &subject.kit.md->status;
        service_set_condition(&subject.view, status);
        const struct condition *found = status_condition(status, CONDITION_SERVICE_READY);
        assert_int_equal(found != NULL, cases[i].status != NULL);
        if (found) {
            assert_string_equal(found->status, cases[i].status);
            assert_string_equal(found->reason, cases[i].reason);
        }
        subject_done(&subject);
    }
}

/* 7.1 */
static void what_is_wanted(void **state)
{
    (void)state;
    struct subject subject;
    subject_init(&subject, &(struct row){.name = ""});
    struct service *service = service_wanted(subject.kit.md, &subject.kit.md->spec.template);
    const struct service_port *port = service->spec.ports.items;
    assert_string_equal(service->meta.name, "web-service");
    assert_string_equal(service->spec.type, "NodePort");
    assert_int_equal(service->spec.ports.len, 1);
    assert_string_equal(port->name, "http");
    assert_int_equal(port->port, 80);
    assert_string_equal(port->target_port, "8080");
    assert_int_equal(service->spec.selector.len, 1);
    assert_string_equal(json_map_get(&service->spec.selector, LABEL_TRAFFIC_PREFIX "web"), "true");
    assert_string_equal(meta_owner(&service->meta)->name, "web");
    assert_string_equal(json_map_get(&service->meta.labels, LABEL_MODULE_DEPLOYMENT), "web");
    service_free(service);
    subject_done(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans),
        cmocka_unit_test(conditions),
        cmocka_unit_test(what_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
