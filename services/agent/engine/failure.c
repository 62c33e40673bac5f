/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/failure.h"

#include <stdarg.h>
#include <string.h>

#include "lib/base/str.h"

static const struct {
    const char *code, *reason;
    bool retryable;
} kinds[] = {
    [FAILED_NONE] = {"", "", false},
    [FAILED_UNREACHABLE] = {"Arklet.ArkletServiceNotFound", "ARKLET_UNREACHABLE", true},
    [FAILED_LOST] = {"Arklet.NetworkError", "ANSWER_LOST", true},
    [FAILED_TIMED_OUT] = {"Arklet.InstallModuleTimedOut", "TIMED_OUT", true},
    [FAILED_BUSY] = {"Arklet.InstallBizExecuting", "MODULE_BUSY", true},
    [FAILED_PULL] = {"Arklet.PullBizError", "JAR_UNAVAILABLE", true},
    [FAILED_PULL_TIMED_OUT] = {"Arklet.PullBizTimeOut", "JAR_UNAVAILABLE", true},
    [FAILED_URL] = {"OtherUpstream.DecodeURLFailed", "URL_INVALID", false},
    [FAILED_DIGEST_MISMATCH] = {"Arklet.PullBizError", "DIGEST_MISMATCH", true},
    [FAILED_NOT_A_MODULE] = {"Arklet.PullBizError", "NOT_A_MODULE", false},
    [FAILED_IDENTITY_MISMATCH] = {"ModuleController.InvalidParameter", "IDENTITY_MISMATCH", false},
    [FAILED_WEB_PATH_IN_USE] = {"Arklet.InstallationRequirementNotMet", "WEB_PATH_IN_USE", false},
    [FAILED_OTHER_JAR] = {"Arklet.InstallationRequirementNotMet", "OTHER_JAR_INSTALLED", false},
    [FAILED_CRASHES_BASE] = {"Arklet.InstallationRequirementNotMet", "CRASHES_BASE", false},
    [FAILED_DISK_FULL] = {"User.DiskFull", "DISK_FULL", true},
    [FAILED_METASPACE_FULL] = {"User.MetaspaceFull", "METASPACE_FULL", false},
    [FAILED_START] = {"User.InstallBizUserError", "MODULE_START_FAILED", true},
    [FAILED_NOT_FOUND] = {"Arklet.NoMatchedBiz", "MODULE_NOT_FOUND", false},
    [FAILED_STATE] = {"Arklet.InstallationRequirementNotMet", "MODULE_STATE", true},
    [FAILED_OLD_RUNTIME] = {"ModuleController.InvalidRequest", "COMMAND_NOT_FOUND", false},
    [FAILED_INSTALL] = {"Arklet.InstallBizFailed", "INSTALL_FAILED", true},
    [FAILED_UNINSTALL] = {"Arklet.UninstallBizFailed", "UNINSTALL_FAILED", true},
    [FAILED_OTHER] = {"Arklet.UnknownError", "ARKLET_ERROR", true},
};

const char *failure_code(enum failure_kind kind)
{
    return kinds[kind].code;
}

const char *failure_reason(enum failure_kind kind)
{
    return kinds[kind].reason;
}

bool failure_retryable(enum failure_kind kind)
{
    return kinds[kind].retryable;
}

enum failure_kind failure_find(const char *code, const char *reason)
{
    for (size_t i = FAILED_NONE + 1; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kinds[i].code, code) && str_eq(kinds[i].reason, reason))
            return (enum failure_kind)i;
    return FAILED_OTHER;
}

void failure_set(struct failure *failure, enum failure_kind kind, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *message = mem_vprintf(fmt, args);
    va_end(args);
    mem_free(failure->message);
    *failure = (struct failure){kind, message};
}

void failure_done(struct failure *failure)
{
    mem_free(failure->message);
    *failure = (struct failure){0};
}

/* Words of Java's exceptions and of Arklet's own texts, the most precise first. */
static const struct {
    const char *words;
    enum failure_kind kind;
} texts[] = {
    {"conflict, exist unfinished command", FAILED_BUSY},
    {"No space left on device", FAILED_DISK_FULL},
    {"is not unique", FAILED_WEB_PATH_IN_USE}, /* Tomcat: Child name [..] is not unique */
    {"MalformedURLException", FAILED_URL},
    {"SocketTimeoutException", FAILED_PULL_TIMED_OUT},
    {"ZipException", FAILED_NOT_A_MODULE},
    {"Biz Name must not be empty", FAILED_NOT_A_MODULE},
    {"FileNotFoundException", FAILED_PULL},
    {"ConnectException", FAILED_PULL},
    {"UnknownHostException", FAILED_PULL},
    {"SSLException", FAILED_PULL},
    {"SSLHandshakeException", FAILED_PULL},
    {"java.io.IOException", FAILED_PULL},
};

static bool says(const struct arklet_answer *answer, const char *words)
{
    return strstr(answer->message, words) || (answer->cause && strstr(answer->cause, words));
}

/* What the module's own code threw is the module's failure, but for what every Tomcat says. */
static enum failure_kind kind_of_thrown(const struct arklet_answer *answer)
{
    return says(answer, "is not unique") ? FAILED_WEB_PATH_IN_USE : FAILED_START;
}

static enum failure_kind kind_of(const struct arklet_answer *answer, enum failure_kind otherwise)
{
    if (answer->metaspace_full)
        return FAILED_METASPACE_FULL;
    if (answer->code == ARKLET_CMD_NOT_FOUND)
        return FAILED_OLD_RUNTIME;
    if (str_eq(answer->data_code, "NOT_FOUND_BIZ"))
        return FAILED_NOT_FOUND;
    if (str_eq(answer->data_code, "ILLEGAL_STATE_BIZ"))
        return FAILED_STATE;
    if (strstr(answer->message, "InvocationTargetException"))
        return kind_of_thrown(answer);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (says(answer, texts[i].words))
            return texts[i].kind;
    return otherwise;
}

void failure_of_answer(const struct arklet_answer *answer, enum failure_kind otherwise,
                       struct failure *out)
{
    const char *text = answer->cause ? answer->cause : answer->message;
    failure_set(out, kind_of(answer, otherwise), "%s", str_empty(text) ? "no message" : text);
}
