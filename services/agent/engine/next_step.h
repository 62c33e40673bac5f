/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_NEXT_STEP_H
#define KOUPLELESS_AGENT_ENGINE_NEXT_STEP_H

#include "services/agent/engine/failure.h"

/*
 * What an operation does next. It asks Arklet for the modules, takes one step by this table, asks again,
 * and so on until the step is to end. So a lost answer, a second agent or a person beside us changes
 * nothing: what the base says now decides, not what we believe to have done. A module that is starting is
 * never touched: Arklet 2.1.6 breaks when one is uninstalled then.
 */
enum step {
    STEP_SUCCEED,
    STEP_FAIL,      /* with the failure */
    STEP_WAIT,      /* ask again after a moment */
    STEP_INSTALL,   /* the target */
    STEP_UNINSTALL, /* the target */
    STEP_SWITCH,    /* to the target */
};

struct next_step {
    enum step step;
    /* STEP_UNINSTALL: which; else NULL: that of the operation. Borrowed. */
    const struct biz *target;
    struct failure failure; /* STEP_FAIL; owned by the caller */
};

/* An operation as far as the next step depends on it. Strings are borrowed. */
struct operation_facts {
    const char *name, *version;
    const char *web_context_path; /* of the jar; installs only */
    bool own_port;                /* its arguments name its port: see args_name_port() */
    /* sha256 of the jar, and of the one that the version there was installed from; NULL = not known */
    const char *digest, *installed_digest;
    const char *restart, *installed_restart; /* wishes to have it installed again; or NULL */
    int crashes;   /* of the base, that count against this jar (trials.h) */
    bool in_place; /* install: all other versions go first */
    bool sent;     /* the command was sent to Arklet before */
    /* Install: why the base takes nothing more; NULL: it does, or is changed already. */
    const char *no_room;
    bool overdue; /* there is no time left to wait */
    /* How the last command failed; FAILED_NONE = it did not, or, of an install, its answer was lost. */
    const struct failure *last;
};

/**
 * args_name_port() - whether a module with these arguments listens where they say ("--server.port=18082")
 *
 * Versions with one web path run side by side on ports of their own, but Arklet does not tell who listens where: so it
 * is left to Tomcat to refuse the path of such a one.
 */
bool args_name_port(const char *const *args, size_t len);

/**
 * next_of_install() - the first of these that holds:
 *
 *   it runs                    done; in place it goes first where it is from another jar or one that is not known
 *                              (unless this operation has sent it), or for a restart that it was not installed for; not
 *                              in place another jar is a failure
 *   it is starting             wait
 *   our install broke it       fails with what the answer said
 *   no room in the JVM         METASPACE_FULL; in place of another version it goes on, for the classes of that one go
 *   it is broken               it goes first
 *   it was sent                fails with what the answer said, or as lost
 *   the base dies of its jar   CRASHES_BASE
 *   its web path is taken      WEB_PATH_IN_USE, unless its arguments name a port; in place other versions of the module
 *                              don't count, for they go first
 *   other versions, in place   they go, one after the other
 *   else                       install
 *
 * The refusals come before anything that runs is touched.
 */
struct next_step next_of_install(const struct operation_facts *operation,
                                 const struct biz_list *modules);

/** next_of_uninstall() - not there: done. */
struct next_step next_of_uninstall(const struct operation_facts *operation,
                                   const struct biz_list *modules);

/** next_of_switch() - activated: done. */
struct next_step next_of_switch(const struct operation_facts *operation,
                                const struct biz_list *modules);

/**
 * next_of_restore() - an install in place failed: what it removed comes back
 * @failed: the module of the operation; @old: what was there before, maybe the same version of another jar
 * STEP_SUCCEED: @old runs again. STEP_INSTALL: install @old.
 */
struct next_step next_of_restore(const struct operation_facts *failed,
                                 const struct operation_facts *old, const struct biz_list *modules);

#endif
