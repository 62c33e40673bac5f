/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/kube/credential_program.h"

#define V1 "client.authentication.k8s.io/v1"
#define PEM "-----BEGIN X-----\\nAA==\\n-----END X-----\\n"
#define HEAD "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":"

static int read_issued(const char *text, struct kube_issued *out, struct err **err)
{
    return kube_issued_read(text, strlen(text), V1, out, err);
}

static void tokens_and_certificates(void **state)
{
    (void)state;
    struct kube_issued issued = {0};
    assert_int_equal(read_issued(HEAD "{\"token\":\"t\",\"new\":1},\"spec\":{}}", &issued, NULL),
                     0);
    assert_string_equal(issued.token, "t");
    assert_null(issued.cert_pem);
    assert_null(issued.key_pem);
    assert_true(issued.expires_ms == TIME_NEVER);
    kube_issued_done(&issued);

    assert_int_equal(read_issued(HEAD "{\"clientCertificateData\":\"" PEM
                                      "\",\"clientKeyData\":\"" PEM "\",\"token\":\"\","
                                      "\"expirationTimestamp\":\"1970-01-01T00:01:00Z\"}}",
                                 &issued, NULL),
                     0);
    assert_null(issued.token);
    assert_string_equal(issued.cert_pem, "-----BEGIN X-----\nAA==\n-----END X-----\n");
    assert_string_equal(issued.key_pem, issued.cert_pem);
    assert_int_equal(issued.expires_ms, 60000);
    kube_issued_done(&issued);
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "not JSON at byte 0"},
        {"hunter2", "not JSON at byte 0"},
        {HEAD "{}} hunter2", "not JSON at byte 85"},
        {"{}", "kind: must be ExecCredential"},
        {"[]", "kind: must be ExecCredential"},
        {"{\"kind\":\"ExecCredential\"}", "apiVersion: must be " V1},
        {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "beta1\"}", "apiVersion: must be " V1},
        {HEAD "null}", "status: is missing"},
        {HEAD "{}}", "status: has neither token nor clientCertificateData"},
        {HEAD "{\"token\":1}}", "status.token: must be a string"},
        {HEAD "{\"token\":\"hunter2\\n\"}}",
         "status.token: holds a character that no header can carry"},
        {HEAD "{\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}",
         "status.expirationTimestamp: must be an RFC 3339 time"},
        {HEAD "{\"clientCertificateData\":\"" PEM "\"}}",
         "status.clientKeyData: is missing beside clientCertificateData"},
        {HEAD "{\"token\":\"t\",\"clientKeyData\":\"" PEM "\"}}",
         "status.clientCertificateData: is missing beside clientKeyData"},
        {HEAD "{\"clientCertificateData\":\"x\",\"clientKeyData\":\"" PEM "\"}}",
         "status.clientCertificateData: is no PEM"},
        {HEAD "{\"clientCertificateData\":\"" PEM "\",\"clientKeyData\":\"hunter2\"}}",
         "status.clientKeyData: is no PEM"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kube_issued issued = {0};
        AUTO_ERR struct err *err = NULL;
        assert_int_equal(read_issued(rows[i].text, &issued, &err), -1);
        assert_int_equal(err->code, ERR_UNAUTHENTICATED);
        assert_string_equal(err->message, rows[i].message);
        assert_null(issued.token);
    }
}

static void what_the_program_is_told(void **state)
{
    (void)state;
    struct kube_config config = {.server = (char *)(uintptr_t) "https://h:6443",
                                 .tls_server_name = (char *)(uintptr_t) "n",
                                 .ca_pem = (char *)(uintptr_t) "abc",
                                 .proxy_url = (char *)(uintptr_t) "http://p",
                                 .exec = {.api_version = (char *)(uintptr_t)V1}};
    AUTO_FREE char *little = kube_exec_info(&config);
    assert_string_equal(little, "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\","
                                "\"spec\":{\"interactive\":false}}");

    config.exec.provide_cluster_info = true;
    config.exec.cluster_config = (char *)(uintptr_t) "{\"a\":[1]}";
    AUTO_FREE char *much = kube_exec_info(&config);
    assert_string_equal(much, "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\","
                              "\"spec\":{\"interactive\":false,\"cluster\":{"
                              "\"server\":\"https://h:6443\",\"tls-server-name\":\"n\","
                              "\"certificate-authority-data\":\"YWJj\","
                              "\"proxy-url\":\"http://p\",\"config\":{\"a\":[1]}}}}");

    config = (struct kube_config){
        .server = config.server,
        .insecure_skip_tls_verify = true,
        .exec = {.api_version = config.exec.api_version, .provide_cluster_info = true}};
    AUTO_FREE char *insecure = kube_exec_info(&config);
    assert_non_null(strstr(insecure, "{\"server\":\"https://h:6443\","
                                     "\"insecure-skip-tls-verify\":true}"));
}

static void what_a_token_may_be(void **state)
{
    (void)state;
    AUTO_FREE char *longest = mem_alloc(LIMIT_TOKEN + 2);
    memset(longest, 'a', LIMIT_TOKEN);
    assert_int_equal(kube_token_check("aZ09-._~+/=!", NULL), 0);
    assert_int_equal(kube_token_check(longest, NULL), 0);
    longest[LIMIT_TOKEN] = 'a';
    assert_int_equal(kube_token_check(longest, NULL), -1);
    assert_int_equal(kube_token_check("", NULL), -1);
    assert_int_equal(kube_token_check(NULL, NULL), -1);
    assert_int_equal(kube_token_check("a b", NULL), -1);
    assert_int_equal(kube_token_check("a\x7f", NULL), -1);
    assert_int_equal(kube_token_check("\xc3\xa9", NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_and_certificates),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_the_program_is_told),
        cmocka_unit_test(what_a_token_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
