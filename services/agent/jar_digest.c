/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/jar_digest.h"

#include <openssl/evp.h>

#include "lib/base/str.h"

struct jar_digest {
    EVP_MD_CTX *sha256, *md5; /* md5: or NULL */
};

struct jar_digest *jar_digest_new(bool md5)
{
    struct jar_digest *digest = NEW(struct jar_digest);
    digest->sha256 = EVP_MD_CTX_new();
    EVP_DigestInit_ex(digest->sha256, EVP_sha256(), NULL);
    if (md5) {
        digest->md5 = EVP_MD_CTX_new();
        EVP_DigestInit_ex(digest->md5, EVP_md5(), NULL);
    }
    return digest;
}

void jar_digest_free(struct jar_digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->sha256);
    EVP_MD_CTX_free(digest->md5);
    mem_free(digest);
}

void jar_digest_add(struct jar_digest *digest, const void *bytes, size_t len)
{
    EVP_DigestUpdate(digest->sha256, bytes, len);
    if (digest->md5)
        EVP_DigestUpdate(digest->md5, bytes, len);
}

static char *end(EVP_MD_CTX *context)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct str text = STR_INIT(2 * EVP_MAX_MD_SIZE + 1);
    EVP_DigestFinal_ex(context, bytes, &len);
    for (unsigned i = 0; i < len; i++)
        str_printf(&text, "%02x", bytes[i]);
    return str_take(&text);
}

void jar_digest_end(struct jar_digest *digest, char **ret_sha256, char **ret_md5)
{
    *ret_sha256 = end(digest->sha256);
    *ret_md5 = digest->md5 ? end(digest->md5) : NULL;
}
