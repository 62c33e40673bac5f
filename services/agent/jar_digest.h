/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JAR_DIGEST_H
#define KOUPLELESS_AGENT_JAR_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

/* The digests of a jar, as its bytes come. */
struct jar_digest;

/** jar_digest_new() - @md5: whether somebody wants to know that one too, which takes longer than all the rest. */
struct jar_digest *jar_digest_new(bool md5);
void jar_digest_free(struct jar_digest *digest);
void jar_digest_add(struct jar_digest *digest, const void *bytes, size_t len);

/** jar_digest_end() - of all that was added: lower case hex, owned; @ret_md5: NULL where it is not known. Once. */
void jar_digest_end(struct jar_digest *digest, char **ret_sha256, char **ret_md5);

#endif
