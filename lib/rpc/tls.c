/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "lib/rpc/rpc_internal.h"

#define FILES_LOOKED_AT_EVERY_S 5

/* -- files: gRPC would only log what is wrong with them, and end the process where half a pair is given -- */

static FILE *open_file(const char *what, const char *file, struct err **err)
{
    FILE *stream = fopen(file, "re");
    if (!stream)
        err_set(err, ERR_INVALID, "%s %s: %s", what, file, strerror(errno));
    return stream;
}

static X509 *read_certificate(const char *what, const char *file, struct err **err)
{
    FILE *stream = open_file(what, file, err);
    if (!stream)
        return NULL;
    X509 *certificate = PEM_read_X509(stream, NULL, NULL, NULL);
    if (!certificate)
        err_set(err, ERR_INVALID, "%s %s: no certificate in PEM", what, file);
    (void)fclose(stream);
    return certificate;
}

/* Nobody is there to be asked for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *user)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static EVP_PKEY *read_key(const char *file, struct err **err)
{
    FILE *stream = open_file("key", file, err);
    if (!stream)
        return NULL;
    EVP_PKEY *key = PEM_read_PrivateKey(stream, NULL, no_passphrase, NULL);
    if (!key)
        err_set(err, ERR_INVALID, "key %s: no private key in PEM, or one with a passphrase", file);
    (void)fclose(stream);
    return key;
}

static int check_pair(const struct rpc_tls *tls, struct err **err)
{
    int result = -1;
    X509 *certificate = read_certificate("certificate", tls->cert_file, err);
    EVP_PKEY *key = certificate ? read_key(tls->key_file, err) : NULL;
    if (key && X509_check_private_key(certificate, key) != 1)
        err_set(err, ERR_INVALID, "key %s is not that of certificate %s", tls->key_file,
                tls->cert_file);
    else if (key)
        result = 0;
    EVP_PKEY_free(key);
    X509_free(certificate);
    ERR_clear_error();
    return result;
}

static int check_files(const struct rpc_tls *tls, struct err **err)
{
    if (!tls->cert_file != !tls->key_file)
        return err_set(err, ERR_INVALID, "a certificate and its key are given together");
    if (tls->cert_file && check_pair(tls, err) < 0)
        return -1;
    X509 *ca = tls->ca_file ? read_certificate("CA", tls->ca_file, err) : NULL;
    X509_free(ca);
    ERR_clear_error();
    return !tls->ca_file || ca ? 0 : -1;
}

/* -- credentials -- */

static grpc_tls_credentials_options *make_options(const struct rpc_tls *tls, bool own_certificate)
{
    grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
    grpc_tls_certificate_provider *provider = grpc_tls_certificate_provider_file_watcher_create(
        own_certificate ? tls->key_file : NULL, own_certificate ? tls->cert_file : NULL,
        tls->ca_file, FILES_LOOKED_AT_EVERY_S);
    grpc_tls_credentials_options_set_certificate_provider(options, provider);
    grpc_tls_certificate_provider_release(provider);
    if (tls->ca_file)
        grpc_tls_credentials_options_watch_root_certs(options);
    if (own_certificate)
        grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
    return options;
}

grpc_server_credentials *rpc_server_credentials(const struct rpc_tls *tls, struct err **err)
{
    if (check_files(tls, err) < 0)
        return NULL;
    if (!tls->cert_file && tls->ca_file) {
        err_set(err, ERR_INVALID, "a server that checks its clients needs a certificate itself");
        return NULL;
    }
    if (!tls->cert_file)
        return grpc_insecure_server_credentials_create();
    grpc_tls_credentials_options *options = make_options(tls, /* own_certificate= */ true);
    grpc_tls_credentials_options_set_cert_request_type(
        options, tls->ca_file ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                              : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    return grpc_tls_server_credentials_create(options);
}

grpc_channel_credentials *rpc_channel_credentials(const struct rpc_tls *tls, struct err **err)
{
    if (check_files(tls, err) < 0)
        return NULL;
    if (!tls->cert_file && !tls->ca_file)
        return grpc_insecure_credentials_create();
    return grpc_tls_credentials_create(make_options(tls, tls->cert_file != NULL));
}
