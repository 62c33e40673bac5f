/* SPDX-License-Identifier: Apache-2.0 */
/* TLS and mTLS with certificates made by the openssl command line. */
#include "lib/rpc/rpc_test_kit.h"

#include "lib/base/clock.h"
#include "lib/base/tls_test_kit.h"

#define PATIENCE_MS (WATCHDOG_S * 1000)

/* -- certificates -- */

/*
 * Two authorities that don't know each other. ca1 signed server1, elsewhere and client1;
 * ca2 signed server2 and client2. Servers are "localhost" and 127.0.0.1, clients carry a SPIFFE id.
 */
static const char script[] =
    "set -e\n"
    "new_ca() {\n"
    "  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \\\n"
    "    -subj /CN=$1 -keyout $1.key -out $1.pem\n"
    "}\n"
    "sign() {\n" /* name, ca, subjectAltName */
    "  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$1 \\\n"
    "    -keyout $1.key -out $1.csr\n"
    "  echo subjectAltName=$3 > $1.ext\n"
    "  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 \\\n"
    "    -extfile $1.ext -out $1.pem\n"
    "}\n"
    "new_ca ca1; new_ca ca2\n"
    "sign server1 ca1 DNS:localhost,IP:127.0.0.1\n"
    "sign server2 ca2 DNS:localhost,IP:127.0.0.1\n"
    "sign elsewhere ca1 DNS:elsewhere.example\n"
    "sign client1 ca1 URI:spiffe://koupleless.io/agent/base-1\n"
    "sign client2 ca2 URI:spiffe://koupleless.io/agent/base-2\n"
    "echo garbage > garbage.pem\n";

static char *dir;

static int make_certificates(void **state)
{
    (void)state;
    dir = certificates_make(script);
    rpc_init();
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    rpc_shutdown();
    certificates_remove(dir);
    return 0;
}

/* Paths of an identity; each part may be NULL. For tls_done(). */
static struct rpc_tls tls_of(const char *name, const char *ca)
{
    return (struct rpc_tls){
        .cert_file = name ? mem_printf("%s/%s.pem", dir, name) : NULL,
        .key_file = name ? mem_printf("%s/%s.key", dir, name) : NULL,
        .ca_file = ca ? mem_printf("%s/%s.pem", dir, ca) : NULL,
    };
}

static void tls_done(struct rpc_tls *tls)
{
    mem_free((char *)(uintptr_t)tls->cert_file);
    mem_free((char *)(uintptr_t)tls->key_file);
    mem_free((char *)(uintptr_t)tls->ca_file);
}

#define AUTO_TLS AUTO(tls_done)

/* -- calls -- */

static void tell_identity(Scheduler *service, const PlaceRequest *request, PlaceClosure closure,
                          void *call)
{
    (void)service;
    (void)request;
    const char *identity = rpc_call_peer_identity(call);
    answer_place(closure, call,
                 !identity                                                 ? 0
                 : str_eq(identity, "spiffe://koupleless.io/agent/base-1") ? 1
                                                                           : 2,
                 0);
}

static struct kit *serve_as(const char *name, const char *ca)
{
    AUTO_TLS struct rpc_tls tls = tls_of(name, ca);
    struct kit *kit = kit_empty();
    struct rpc_server_options options = {.listen = LOOPBACK, .tls = tls, .threads = 1};
    AUTO_ERR struct err *err = NULL;
    if (kit_serve(kit, &options, tell_identity, NULL, &err) < 0)
        fail_msg("%s", err->message);
    return kit;
}

static void dial_as(struct kit *kit, const char *name, const char *ca, const char *server_name)
{
    AUTO_TLS struct rpc_tls tls = tls_of(name, ca);
    tls.server_name = server_name;
    kit_client(kit, rpc_server_port(kit->server), &tls);
}

static void assert_identity(struct kit *kit, int identity)
{
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct rpc_options options = {.deadline_ms = PATIENCE_MS};
    place(kit, 0, &options, &outcome);
    assert_ok(&outcome);
    assert_int_equal(outcome.answer, identity);
}

static void assert_unavailable(struct kit *kit)
{
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct rpc_options options = {.deadline_ms = PATIENCE_MS};
    place(kit, 0, &options, &outcome);
    assert_failed_with(&outcome, ERR_UNAVAILABLE);
}

static void a_client_that_knows_the_authority_connects(void **state)
{
    (void)state;
    struct kit *kit = serve_as("server1", NULL);
    dial_as(kit, NULL, "ca1", NULL);
    assert_identity(kit, 0);
    kit_free(kit);
}

static void a_server_of_another_authority_is_refused(void **state)
{
    (void)state;
    struct kit *kit = serve_as("server2", NULL);
    dial_as(kit, NULL, "ca1", NULL);
    assert_unavailable(kit);
    kit_free(kit);
}

static void a_plaintext_client_gets_nowhere(void **state)
{
    (void)state;
    struct kit *kit = serve_as("server1", NULL);
    kit_client(kit, rpc_server_port(kit->server), NULL);
    assert_unavailable(kit);
    kit_free(kit);
}

static void the_servers_name_is_checked(void **state)
{
    (void)state;
    struct kit *kit = serve_as("elsewhere", NULL);
    dial_as(kit, NULL, "ca1", NULL);
    assert_unavailable(kit);
    dial_as(kit, NULL, "ca1", "elsewhere.example");
    assert_identity(kit, 0);
    kit_free(kit);
}

static void a_client_certificate_gives_an_identity(void **state)
{
    (void)state;
    struct kit *kit = serve_as("server1", "ca1");
    dial_as(kit, "client1", "ca1", NULL);
    assert_identity(kit, 1);
    kit_free(kit);
}

static void a_client_needs_a_certificate_where_the_server_says_so(void **state)
{
    (void)state;
    struct kit *kit = serve_as("server1", "ca1");
    dial_as(kit, NULL, "ca1", NULL);
    assert_unavailable(kit);
    kit_free(kit);
}

static void a_client_of_another_authority_is_refused(void **state)
{
    (void)state;
    struct kit *kit = serve_as("server1", "ca1");
    dial_as(kit, "client2", "ca1", NULL);
    assert_unavailable(kit);
    kit_free(kit);
}

/* -- bad files -- */

static void assert_invalid(const struct rpc_tls *tls)
{
    struct rpc_server_options options = {.listen = LOOPBACK, .tls = *tls};
    struct rpc_client *client = rpc_client_new();
    struct rpc_channel *channel = NULL;
    struct rpc_server *server = NULL;
    AUTO_ERR struct err *err = NULL;
    AUTO_ERR struct err *channel_err = NULL;
    assert_int_equal(rpc_server_new(&server, &options, &err), -1);
    assert_int_equal(err->code, ERR_INVALID);
    assert_int_equal(rpc_channel_new(&channel, client, "127.0.0.1:1", tls, &channel_err), -1);
    assert_int_equal(channel_err->code, ERR_INVALID);
    rpc_client_free(client);
}

static void missing_files_are_invalid(void **state)
{
    (void)state;
    AUTO_TLS struct rpc_tls tls = tls_of("no-such-file", NULL);
    AUTO_TLS struct rpc_tls ca = tls_of("server1", "no-such-ca");
    assert_invalid(&tls);
    assert_invalid(&ca);
}

static void a_certificate_without_key_is_invalid(void **state)
{
    (void)state;
    AUTO_TLS struct rpc_tls all = tls_of("server1", "ca1");
    struct rpc_tls no_key = {.cert_file = all.cert_file, .ca_file = all.ca_file};
    struct rpc_tls no_cert = {.key_file = all.key_file, .ca_file = all.ca_file};
    struct rpc_tls only_key = {.key_file = all.key_file};
    assert_invalid(&no_key);
    assert_invalid(&no_cert);
    assert_invalid(&only_key);
}

static void a_server_with_only_an_authority_is_invalid(void **state)
{
    (void)state;
    AUTO_TLS struct rpc_tls tls = tls_of(NULL, "ca1");
    struct rpc_server_options options = {.listen = LOOPBACK, .tls = tls};
    struct rpc_server *server = NULL;
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(rpc_server_new(&server, &options, &err), -1);
    assert_int_equal(err->code, ERR_INVALID);
}

static void files_without_pem_are_invalid(void **state)
{
    (void)state;
    AUTO_TLS struct rpc_tls all = tls_of("server1", "ca1");
    AUTO_TLS struct rpc_tls garbage = tls_of(NULL, "garbage");
    struct rpc_tls cert = {.cert_file = garbage.ca_file, .key_file = all.key_file};
    struct rpc_tls key = {.cert_file = all.cert_file, .key_file = garbage.ca_file};
    struct rpc_tls swapped = {.cert_file = all.key_file, .key_file = all.cert_file};
    struct rpc_tls ca = {
        .cert_file = all.cert_file, .key_file = all.key_file, .ca_file = garbage.ca_file};
    assert_invalid(&cert);
    assert_invalid(&key);
    assert_invalid(&swapped);
    assert_invalid(&ca);
}

static void a_key_of_another_certificate_is_invalid(void **state)
{
    (void)state;
    AUTO_TLS struct rpc_tls one = tls_of("server1", NULL);
    AUTO_TLS struct rpc_tls other = tls_of("server2", NULL);
    struct rpc_tls mixed = {.cert_file = one.cert_file, .key_file = other.key_file};
    assert_invalid(&mixed);
}

/* -- renewal -- */

/* New connections until one is (or none is) to the liking of a client that trusts @ca. */
static void wait_until(struct kit *kit, const char *ca, bool connects)
{
    int64_t start_ms = clock_mono_ms(clock_real());
    for (bool connected = !connects; connected != connects;) {
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        struct rpc_options options = {.deadline_ms = PATIENCE_MS};
        dial_as(kit, NULL, ca, NULL);
        place(kit, 0, &options, &outcome);
        counter_wait(&outcome.done, 1);
        connected = !outcome.err;
        assert_true(clock_mono_ms(clock_real()) - start_ms < PATIENCE_MS);
    }
}

static void renewed_files_are_used_for_new_connections(void **state)
{
    (void)state;
    certificates_run(dir, "cp server1.pem live.pem; cp server1.key live.key");
    struct kit *kit = serve_as("live", NULL);
    wait_until(kit, "ca1", true);
    certificates_run(dir, "cp server2.key live.key; cp server2.pem live.pem");
    wait_until(kit, "ca2", true);
    wait_until(kit, "ca1", false);
    kit_free(kit);
}

static void a_running_connection_outlives_a_renewal(void **state)
{
    (void)state;
    certificates_run(dir, "cp server1.pem live.pem; cp server1.key live.key");
    struct kit *kit = serve_as("live", NULL);
    struct rpc_channel *old;
    dial_as(kit, NULL, "ca1", NULL);
    assert_identity(kit, 0);
    old = TAKE(kit->channel);
    certificates_run(dir, "cp server2.key live.key; cp server2.pem live.pem");
    wait_until(kit, "ca2", true);
    rpc_channel_free(kit->channel);
    kit->channel = old;
    assert_identity(kit, 0);
    kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_knows_the_authority_connects),
        cmocka_unit_test(a_server_of_another_authority_is_refused),
        cmocka_unit_test(a_plaintext_client_gets_nowhere),
        cmocka_unit_test(the_servers_name_is_checked),
        cmocka_unit_test(a_client_certificate_gives_an_identity),
        cmocka_unit_test(a_client_needs_a_certificate_where_the_server_says_so),
        cmocka_unit_test(a_client_of_another_authority_is_refused),
        cmocka_unit_test(missing_files_are_invalid),
        cmocka_unit_test(a_certificate_without_key_is_invalid),
        cmocka_unit_test(a_server_with_only_an_authority_is_invalid),
        cmocka_unit_test(files_without_pem_are_invalid),
        cmocka_unit_test(a_key_of_another_certificate_is_invalid),
        cmocka_unit_test(renewed_files_are_used_for_new_connections),
        cmocka_unit_test(a_running_connection_outlives_a_renewal),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
