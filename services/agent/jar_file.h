/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JAR_FILE_H
#define KOUPLELESS_AGENT_JAR_FILE_H

#include <stdint.h>

#include "services/agent/engine/failure.h"

/* A jar on disk: what its manifest says and what its bytes are. Blocking; for the worker. */
#define JAR_PRIORITY_DEFAULT 100

struct jar_facts {
    char *name, *version;   /* Ark-Biz-Name, Ark-Biz-Version */
    char *web_context_path; /* without slashes at its ends; "" = none, or the base's own */
    int64_t priority;       /* lower ones are installed first */
    char *md5, *sha256;     /* lower case hex; md5 only where it was asked for */
};

/**
 * jar_file_inspect() - read digests and manifest of @path
 * @md5: whether that one is wanted too
 * @out: zeroed, or with the digests where they are known from the writing of the file
 *
 * Return: 0, or -1 and @ret_failure: FAILED_PULL where it can't be read, FAILED_NOT_A_MODULE where it is no zip that a base
 *         may have (engine/zip_check.h), has no manifest or no Ark-Biz-Name, or is over a limit. jar_facts_done() in both
 *         cases.
 */
int jar_file_inspect(const char *path, bool md5, struct jar_facts *out,
                     struct failure *ret_failure);
void jar_facts_done(struct jar_facts *facts);

/** jar_file_copy() - a new file @to with the bytes of @from. Fails as jar_file_inspect(), or FAILED_DISK_FULL. */
int jar_file_copy(const char *from, const char *to, struct failure *ret_failure);

/** jar_manifest_attribute() - value of @key in the main section of @manifest (bytes of a MANIFEST.MF), owned; or NULL. Pure. */
char *jar_manifest_attribute(const char *manifest, const char *key);

#endif
