/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_API_PREVIEW_INTERNAL_H
#define KOUPLELESS_CONTROLLER_API_PREVIEW_INTERNAL_H

#include "lib/base/vec.h"
#include "services/controller/api/api_internal.h"

/* One preview, at one place at a time (preview.c): so nothing of it is locked. */
struct preview {
    struct loop_event event;
    struct list node; /* in previews.waiting, while it has no place */
    bool placed;      /* it may have a copy */
    struct api *api;
    struct reply reply;
    const Koupleless__Controller__V1__PlanReleaseRequest *request; /* lives as long as the call */
    const char *namespace, *name;

    /* the copy: preview_copy.c */
    size_t kind;          /* that is listed, as index */
    VEC(char *) texts;    /* the documents of the page that came */
    char *continue_token; /* of the next page; NULL = that was all of its kind */
    struct err *err;      /* what the store said */
    VEC(struct module_template *) templates;
    VEC(struct module_deployment *) others; /* that are on the same bases, or may be */
    struct module_deployment *md; /* as it would be stored; of the forecast, once there is one */
    const char *md_uid;           /* NULL: it is new; borrowed of md */
    struct map revisions;         /* uid of a ModuleReplicaSet -> its name, owned by the forecast */
    size_t bases;                 /* of the base Deployment */
    int64_t measured_ms, measured; /* installs, and how many */

    struct forecast *forecast;
    char **names; /* the answer of the scheduler */
    size_t name_count;
    char *explanation, *failure;
};

/* -- preview_copy.c -- */

/** preview__ask_page() - the next page of the lists that the copy is made of: posts the event of @preview when it came. */
void preview__ask_page(struct preview *preview);

/** preview__take_page() - reads what came. Return: 1 = that was the last one, and the copy is whole; 0; -1 with @err. */
int preview__take_page(struct preview *preview, struct err **err);

/** preview__install_ms() - how long one install is taken to last; once the copy is whole. */
int32_t preview__install_ms(const struct preview *preview);
void preview__copy_done(struct preview *preview);

/* -- preview_response.c -- */

/** preview__respond() - answers with what came of the forecast, which ended as @state. */
void preview__respond(const struct preview *preview, enum forecast_state state);

#endif
