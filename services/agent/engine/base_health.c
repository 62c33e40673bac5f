/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/base_health.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

const char *health_name(enum health health)
{
    return health == HEALTH_UP ? "UP" : health == HEALTH_DOWN ? "DOWN" : "UNKNOWN";
}

/* -- reading the page -- */

/* "UP", or {"status":"UP"}, as indicators inside a module have it; -1 where there is none. */
static int status_of(const cJSON *item)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(item, "status");
    if (cJSON_IsObject(status))
        status = cJSON_GetObjectItemCaseSensitive(status, "status");
    const char *text = cJSON_GetStringValue(status);
    if (!text)
        return -1;
    if (str_eq(text, "UP"))
        return HEALTH_UP;
    return str_eq(text, "DOWN") || str_eq(text, "OUT_OF_SERVICE") ? HEALTH_DOWN : HEALTH_UNKNOWN;
}

static const cJSON *component(const cJSON *page, const char *name, const char *older_name)
{
    const cJSON *components = cJSON_GetObjectItemCaseSensitive(page, "components");
    if (!components) /* Spring Boot 2.1 and older */
        components = cJSON_GetObjectItemCaseSensitive(page, "details");
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(components, name);
    return found ? found : cJSON_GetObjectItemCaseSensitive(components, older_name);
}

static bool is_module(const struct biz_list *modules, const char *identity)
{
    for (size_t i = 0; i < modules->len; i++) {
        AUTO_FREE char *own =
            mem_printf("%s:%s", modules->items[i].name, modules->items[i].version);
        if (str_eq(own, identity))
            return true;
    }
    return false;
}

/*
 * With withAllBizReadiness the component joins the modules' states; the base's own entry is the one that
 * is no module. A module younger than our list may look like one too, so the best of them counts.
 */
static int own_status(const cJSON *start_up, const struct biz_list *modules)
{
    const cJSON *entry, *details = cJSON_GetObjectItemCaseSensitive(start_up, "details");
    bool unknown = false, down = false;
    cJSON_ArrayForEach(entry, details)
    {
        int status = status_of(entry);
        if (status < 0 || is_module(modules, entry->string))
            continue;
        if (status == HEALTH_UP)
            return HEALTH_UP;
        unknown |= status == HEALTH_UNKNOWN;
        down |= status == HEALTH_DOWN;
    }
    return unknown ? HEALTH_UNKNOWN : down ? HEALTH_DOWN : status_of(start_up);
}

/* -- the base -- */

#define ARKLET_AWAY "Arklet does not answer"

struct judged {
    enum health status;
    char *message;
};

static struct judged judge_page(const cJSON *page, const struct health_facts *facts,
                                struct base_health *out)
{
    const cJSON *start_up = component(page, "baseStartUp", "masterBizStartUp");
    int root = status_of(page), all = status_of(start_up);
    int own = own_status(start_up, facts->modules);
    if (own < 0) /* no components are shown: the root, which says nothing while a module starts */
        own = facts->operating && root != HEALTH_UP ? HEALTH_UNKNOWN : root;
    out->base_status = (enum health)own;
    if (own != HEALTH_UP)
        return (struct judged){(enum health)own, mem_printf("the base is %s", health_name(own))};
    if (all >= 0 && all != HEALTH_UP)
        return (struct judged){
            (enum health)all,
            mem_printf("baseStartUp is %s: a module is not ready", health_name((enum health)all))};
    return (struct judged){HEALTH_UP, NULL};
}

/* What an answer is that is no health page. */
enum stranger {
    STRANGER_DEAD,   /* Tomcat without the base's context */
    STRANGER_LOCKED, /* the base asks who wants to know */
    STRANGER_ABSENT, /* the base lives, and has no such page */
    STRANGER_OTHER,
};

static enum stranger stranger_of(const cJSON *page, int http_status)
{
    if (http_status == 404)
        return cJSON_IsObject(page) ? STRANGER_ABSENT : STRANGER_DEAD;
    if (http_status == 401 || http_status == 403 || http_status / 100 == 3)
        return STRANGER_LOCKED;
    return STRANGER_OTHER;
}

static struct judged judge_stranger(const cJSON *page, int http_status, struct base_health *out)
{
    static const struct {
        enum health status;
        const char *meaning;
    } meanings[] = {
        [STRANGER_DEAD] = {HEALTH_DOWN, "no health: the base is dead"},
        [STRANGER_LOCKED] = {HEALTH_UNKNOWN, "no health: it is not open to the agent"},
        [STRANGER_ABSENT] = {HEALTH_UNKNOWN, "no health: the base has no such page"},
        [STRANGER_OTHER] = {HEALTH_DOWN, "no health"},
    };
    enum stranger stranger = stranger_of(page, http_status);
    out->dead = stranger == STRANGER_DEAD;
    out->base_status = meanings[stranger].status;
    return (struct judged){out->base_status, mem_printf("the health page answered %d and %s",
                                                        http_status, meanings[stranger].meaning)};
}

static struct judged no_page(const struct health_facts *facts, struct base_health *out)
{
    out->base_status = facts->page_contact == CONTACT_SILENT ? HEALTH_DOWN : HEALTH_UNKNOWN;
    return (struct judged){out->base_status,
                           mem_printf("the health page does not answer: %s",
                                      facts->page_error ? facts->page_error : "no answer")};
}

static bool arklet_is_away(const struct health_facts *facts)
{
    return !contact_counts(facts->arklet_contact) && !facts->operating;
}

static struct judged judge_by_page(const cJSON *page, const struct health_facts *facts,
                                   struct base_health *out)
{
    if (!contact_counts(facts->page_contact))
        return no_page(facts, out);
    if (!cJSON_IsObject(page) || status_of(page) < 0 || facts->page_status == 404)
        return judge_stranger(page, facts->page_status, out);
    return judge_page(page, facts, out);
}

static struct judged judge_by_arklet(const struct health_facts *facts, struct base_health *out)
{
    out->base_status = facts->arklet_contact == CONTACT_NONE ? HEALTH_UNKNOWN
                       : arklet_is_away(facts)               ? HEALTH_DOWN
                                                             : HEALTH_UP;
    return (struct judged){out->base_status,
                           out->base_status == HEALTH_UP ? NULL : mem_strdup(ARKLET_AWAY)};
}

static const char *who_is_late(const struct health_facts *facts)
{
    if (facts->page_wanted && facts->page_contact == CONTACT_LATE)
        return "the health page";
    return facts->arklet_contact == CONTACT_LATE ? "Arklet" : NULL;
}

static struct judged judge_base(const cJSON *page, const struct health_facts *facts,
                                struct base_health *out)
{
    struct judged judged =
        facts->page_wanted ? judge_by_page(page, facts, out) : judge_by_arklet(facts, out);
    out->takes_modules = out->base_status == HEALTH_UP && !arklet_is_away(facts);
    if (judged.status != HEALTH_UP)
        return judged;
    if (arklet_is_away(facts))
        return (struct judged){HEALTH_DOWN, mem_strdup(ARKLET_AWAY)};
    const char *late = who_is_late(facts);
    return late ? (struct judged){HEALTH_UNKNOWN, mem_printf("%s is late with its answer", late)}
                : judged;
}

/* -- modules -- */

static char *sick_indicators(const cJSON *entry)
{
    const cJSON *indicator, *details = cJSON_GetObjectItemCaseSensitive(entry, "details");
    struct str text = STR_INIT(LIMIT_KIB(1));
    cJSON_ArrayForEach(indicator, details)
    {
        if (cJSON_IsString(indicator))
            str_printf(&text, "%s%s %s", text.len ? ", " : "", indicator->string,
                       indicator->valuestring);
        else if (status_of(indicator) >= 0 && status_of(indicator) != HEALTH_UP)
            str_printf(&text, "%s%s is %s", text.len ? ", " : "", indicator->string,
                       health_name((enum health)status_of(indicator)));
    }
    return str_take(&text);
}

/* A module whose Spring context is not there yet starts; it is not sick. */
static bool is_starting(const cJSON *entry)
{
    const cJSON *details = cJSON_GetObjectItemCaseSensitive(entry, "details");
    return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(details, "applicationContext"));
}

static struct module_health judge_module(const struct biz *biz, const cJSON *all)
{
    struct module_health health = {mem_strdup(biz->name), mem_strdup(biz->version), HEALTH_UNKNOWN,
                                   NULL};
    AUTO_FREE char *identity = mem_printf("%s:%s", biz->name, biz->version);
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(all, "details"), identity);
    int status = status_of(entry);
    if (biz->state == BIZ_BROKEN) {
        health.status = HEALTH_DOWN;
        health.message = mem_strdup("it is broken");
    } else if (biz->state == BIZ_RESOLVED) {
        health.message = mem_strdup("it is starting");
    } else if (status < 0 || is_starting(entry)) {
        /* No Spring context: nothing can be said, and Arklet says that it runs. */
        health.status = HEALTH_UP;
    } else {
        health.status = (enum health)status;
        if (status != HEALTH_UP)
            health.message = sick_indicators(entry);
    }
    return health;
}

static void judge_modules(const cJSON *page, const struct health_facts *facts,
                          struct base_health *out)
{
    const cJSON *all = component(page, "compositeAllBiz", "arkBizAggregate");
    out->len = facts->modules->len;
    out->modules = mem_alloc(out->len * sizeof(*out->modules));
    for (size_t i = 0; i < out->len; i++)
        out->modules[i] = judge_module(&facts->modules->items[i], all);
}

/* A sick module makes the whole sick, as does one that should be there. */
static void join(struct judged judged, const struct health_facts *facts, struct base_health *out)
{
    out->status = judged.status;
    out->message = judged.message;
    if (out->status == HEALTH_UP && facts->replay_why) {
        out->status = facts->replay;
        out->message = mem_strdup(facts->replay_why);
    }
    for (size_t i = 0; i < out->len && out->status == HEALTH_UP; i++) {
        const struct module_health *module = &out->modules[i];
        if (module->status != HEALTH_DOWN)
            continue;
        out->status = HEALTH_DOWN;
        out->message = mem_printf("module %s %s: %s", module->name, module->version,
                                  module->message ? module->message : "DOWN");
    }
}

void base_health_of(const struct health_facts *facts, struct base_health *out)
{
    AUTO_JSON cJSON *page =
        facts->page ? json_parse(facts->page, facts->page_len, LIMIT_HEALTH_ANSWER, NULL) : NULL;
    *out = (struct base_health){0};
    judge_modules(page, facts, out);
    join(judge_base(page, facts, out), facts, out);
    str_shorten(out->message, LIMIT_MESSAGE); /* a controller takes no longer one */
}

void base_health_done(struct base_health *health)
{
    for (size_t i = 0; i < health->len; i++) {
        mem_free(health->modules[i].name);
        mem_free(health->modules[i].version);
        mem_free(health->modules[i].message);
    }
    mem_free(health->modules);
    mem_free(health->message);
    *health = (struct base_health){0};
}

const char *base_unready_reason(bool takes_modules, bool arklet_answers, enum health base_status)
{
    if (takes_modules)
        return "Replaying";
    if (!arklet_answers)
        return "ArkletUnreachable";
    return base_status == HEALTH_DOWN ? "BaseDown" : "BaseStarting";
}

bool base_health_equal(const struct base_health *a, const struct base_health *b)
{
    bool equal = a->status == b->status && a->base_status == b->base_status &&
                 a->takes_modules == b->takes_modules && a->dead == b->dead &&
                 str_eq(a->message, b->message) && a->len == b->len;
    for (size_t i = 0; i < a->len && equal; i++)
        equal = str_eq(a->modules[i].name, b->modules[i].name) &&
                str_eq(a->modules[i].version, b->modules[i].version) &&
                a->modules[i].status == b->modules[i].status &&
                str_eq(a->modules[i].message, b->modules[i].message);
    return equal;
}
