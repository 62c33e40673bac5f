/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "services/agent/engine/failure.h"

#define ERROR(message)                                                                             \
    "{\"code\":\"CMD_PROCESS_INTERNAL_ERROR\",\"message\":\"Internal Error: " message "\"}"
#define THROWN(cause)                                                                              \
    "{\"code\":\"CMD_PROCESS_INTERNAL_ERROR\",\"errorStackTrace\":\"x\\nCaused by: " cause         \
    "\\n\\tat a.B\",\"message\":\"Internal Error: java.lang.reflect.InvocationTargetException\"}"
#define REFUSED(data_code, message)                                                                \
    "{\"code\":\"FAILED\",\"data\":{\"code\":\"" data_code "\",\"message\":\"" message             \
    "\"},\"message\":\"biz not success!\"}"

static void every_answer_has_its_kind_and_text(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum failure_kind kind; /* where otherwise is FAILED_INSTALL */
        const char *message;
    } rows[] = {
        /* Arklet's own words */
        {"{\"code\":\"FAILED\",\"message\":\"FAILED:order:1.0.0 installBiz conflict, exist "
         "unfinished command(uninstallBiz) for this biz\"}",
         FAILED_BUSY,
         "FAILED:order:1.0.0 installBiz conflict, exist unfinished command(uninstallBiz) for this "
         "biz"},
        {REFUSED("NOT_FOUND_BIZ", "Switch biz: order:7 not found."), FAILED_NOT_FOUND,
         "Switch biz: order:7 not found."},
        {REFUSED("ILLEGAL_STATE_BIZ", "Switch Biz: order:1.1.0's state must not be broken."),
         FAILED_STATE, "Switch Biz: order:1.1.0's state must not be broken."},
        {REFUSED("FAILED", "Master biz must not be uninstalled."), FAILED_INSTALL,
         "Master biz must not be uninstalled."},
        {"{\"code\":\"CMD_NOT_FOUND\",\"message\":\"please follow the doc\"}", FAILED_OLD_RUNTIME,
         "please follow the doc"},
        {ERROR("bizUrl should not be blank"), FAILED_INSTALL,
         "Internal Error: bizUrl should not be blank"},
        {"{\"code\":\"FAILED\"}", FAILED_INSTALL, "no message"},
        /* the url */
        {ERROR("java.net.MalformedURLException: no protocol: /opt/x.jar"), FAILED_URL,
         "Internal Error: java.net.MalformedURLException: no protocol: /opt/x.jar"},
        {ERROR("java.net.MalformedURLException: unknown protocol: oci"), FAILED_URL,
         "Internal Error: java.net.MalformedURLException: unknown protocol: oci"},
        /* what it gives */
        {ERROR("java.io.FileNotFoundException: /opt/x.jar (No such file or directory)"),
         FAILED_PULL,
         "Internal Error: java.io.FileNotFoundException: /opt/x.jar (No such file or directory)"},
        {ERROR("java.io.FileNotFoundException: http://host/x.jar"), FAILED_PULL,
         "Internal Error: java.io.FileNotFoundException: http://host/x.jar"},
        {ERROR("java.io.IOException: Server returned HTTP response code: 503 for URL: "
               "http://host/x.jar"),
         FAILED_PULL,
         "Internal Error: java.io.IOException: Server returned HTTP response code: 503 for URL: "
         "http://host/x.jar"},
        {ERROR("java.net.ConnectException: Connection refused"), FAILED_PULL,
         "Internal Error: java.net.ConnectException: Connection refused"},
        {ERROR("java.net.UnknownHostException: opt"), FAILED_PULL,
         "Internal Error: java.net.UnknownHostException: opt"},
        {ERROR("javax.net.ssl.SSLException: closed"), FAILED_PULL,
         "Internal Error: javax.net.ssl.SSLException: closed"},
        {ERROR("javax.net.ssl.SSLHandshakeException: PKIX path building failed"), FAILED_PULL,
         "Internal Error: javax.net.ssl.SSLHandshakeException: PKIX path building failed"},
        {ERROR("java.net.SocketTimeoutException: Read timed out"), FAILED_PULL_TIMED_OUT,
         "Internal Error: java.net.SocketTimeoutException: Read timed out"},
        {ERROR("java.io.IOException: No space left on device"), FAILED_DISK_FULL,
         "Internal Error: java.io.IOException: No space left on device"},
        {ERROR("java.util.zip.ZipException: zip END header not found"), FAILED_NOT_A_MODULE,
         "Internal Error: java.util.zip.ZipException: zip END header not found"},
        {ERROR("java.lang.IllegalArgumentException: Biz Name must not be empty!"),
         FAILED_NOT_A_MODULE,
         "Internal Error: java.lang.IllegalArgumentException: Biz Name must not be empty!"},
        /* the module's own code: the cause says it */
        {THROWN("java.lang.IllegalStateException: asked to fail: m:1"), FAILED_START,
         "java.lang.IllegalStateException: asked to fail: m:1"},
        {THROWN("java.net.ConnectException: the module's own database"), FAILED_START,
         "java.net.ConnectException: the module's own database"},
        {THROWN("java.lang.IllegalArgumentException: Child name [biz1] is not unique"),
         FAILED_WEB_PATH_IN_USE,
         "java.lang.IllegalArgumentException: Child name [biz1] is not unique"},
        {THROWN("java.lang.OutOfMemoryError: Metaspace"), FAILED_METASPACE_FULL,
         "java.lang.OutOfMemoryError: Metaspace"},
        {ERROR("java.lang.OutOfMemoryError: Metaspace"), FAILED_METASPACE_FULL,
         "Internal Error: java.lang.OutOfMemoryError: Metaspace"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arklet_answer answer = {0};
        struct failure failure = {0};
        assert_int_equal(arklet_answer_parse(rows[i].body, strlen(rows[i].body), &answer, NULL), 0);
        failure_of_answer(&answer, FAILED_INSTALL, &failure);
        if (failure.kind != rows[i].kind || !str_eq(failure.message, rows[i].message))
            fail_msg("row %zu: %s, \"%s\"", i, failure_reason(failure.kind), failure.message);
        failure_done(&failure);
        arklet_answer_done(&answer);
    }
}

static void what_fits_nothing_is_what_the_caller_says(void **state)
{
    (void)state;
    const char *body = ERROR("java.lang.NullPointerException");
    static const enum failure_kind kinds[] = {FAILED_INSTALL, FAILED_UNINSTALL, FAILED_OTHER};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct arklet_answer answer = {0};
        struct failure failure = {0};
        assert_int_equal(arklet_answer_parse(body, strlen(body), &answer, NULL), 0);
        failure_of_answer(&answer, kinds[i], &failure);
        assert_int_equal(failure.kind, kinds[i]);
        failure_done(&failure);
        arklet_answer_done(&answer);
    }
}

static void codes_are_those_of_the_documentation(void **state)
{
    (void)state;
    static const struct {
        enum failure_kind kind;
        const char *code, *reason;
        bool retryable;
    } rows[] = {
        {FAILED_NONE, "", "", false},
        {FAILED_UNREACHABLE, "Arklet.ArkletServiceNotFound", "ARKLET_UNREACHABLE", true},
        {FAILED_LOST, "Arklet.NetworkError", "ANSWER_LOST", true},
        {FAILED_TIMED_OUT, "Arklet.InstallModuleTimedOut", "TIMED_OUT", true},
        {FAILED_BUSY, "Arklet.InstallBizExecuting", "MODULE_BUSY", true},
        {FAILED_PULL, "Arklet.PullBizError", "JAR_UNAVAILABLE", true},
        {FAILED_PULL_TIMED_OUT, "Arklet.PullBizTimeOut", "JAR_UNAVAILABLE", true},
        {FAILED_URL, "OtherUpstream.DecodeURLFailed", "URL_INVALID", false},
        {FAILED_DIGEST_MISMATCH, "Arklet.PullBizError", "DIGEST_MISMATCH", true},
        {FAILED_NOT_A_MODULE, "Arklet.PullBizError", "NOT_A_MODULE", false},
        {FAILED_IDENTITY_MISMATCH, "ModuleController.InvalidParameter", "IDENTITY_MISMATCH", false},
        {FAILED_WEB_PATH_IN_USE, "Arklet.InstallationRequirementNotMet", "WEB_PATH_IN_USE", false},
        {FAILED_OTHER_JAR, "Arklet.InstallationRequirementNotMet", "OTHER_JAR_INSTALLED", false},
        {FAILED_CRASHES_BASE, "Arklet.InstallationRequirementNotMet", "CRASHES_BASE", false},
        {FAILED_DISK_FULL, "User.DiskFull", "DISK_FULL", true},
        {FAILED_METASPACE_FULL, "User.MetaspaceFull", "METASPACE_FULL", false},
        {FAILED_START, "User.InstallBizUserError", "MODULE_START_FAILED", true},
        {FAILED_NOT_FOUND, "Arklet.NoMatchedBiz", "MODULE_NOT_FOUND", false},
        {FAILED_STATE, "Arklet.InstallationRequirementNotMet", "MODULE_STATE", true},
        {FAILED_OLD_RUNTIME, "ModuleController.InvalidRequest", "COMMAND_NOT_FOUND", false},
        {FAILED_INSTALL, "Arklet.InstallBizFailed", "INSTALL_FAILED", true},
        {FAILED_UNINSTALL, "Arklet.UninstallBizFailed", "UNINSTALL_FAILED", true},
        {FAILED_OTHER, "Arklet.UnknownError", "ARKLET_ERROR", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(rows[i].kind, i); /* none is left out */
        assert_string_equal(failure_code(rows[i].kind), rows[i].code);
        assert_string_equal(failure_reason(rows[i].kind), rows[i].reason);
        assert_int_equal(failure_retryable(rows[i].kind), rows[i].retryable);
    }
}

static void a_kind_is_found_by_what_it_says(void **state)
{
    (void)state;
    for (int kind = FAILED_NONE + 1; kind <= FAILED_OTHER; kind++)
        assert_int_equal(failure_find(failure_code((enum failure_kind)kind),
                                      failure_reason((enum failure_kind)kind)),
                         kind);
    assert_int_equal(failure_find("Arklet.PullBizError", "MODULE_BUSY"), FAILED_OTHER);
    assert_int_equal(failure_find(NULL, NULL), FAILED_OTHER);
}

static void a_failure_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    struct failure failure = {0};
    failure_set(&failure, FAILED_LOST, "no answer %d", 1);
    failure_set(&failure, FAILED_PULL, "%s: %s", "http://x", failure.message);
    assert_int_equal(failure.kind, FAILED_PULL);
    assert_string_equal(failure.message, "http://x: no answer 1");
    failure_done(&failure);
    assert_int_equal(failure.kind, FAILED_NONE);
    assert_null(failure.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_kind_and_text),
        cmocka_unit_test(what_fits_nothing_is_what_the_caller_says),
        cmocka_unit_test(codes_are_those_of_the_documentation),
        cmocka_unit_test(a_kind_is_found_by_what_it_says),
        cmocka_unit_test(a_failure_takes_the_place_of_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
