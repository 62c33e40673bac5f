/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_ZIP_CHECK_H
#define KOUPLELESS_AGENT_ENGINE_ZIP_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether a jar may be handed to a base: Arklet unpacks it into a folder, entry after entry, by the names in its central
 * directory (reference: sofa-ark's FileUtils.unzip), and Java reads what is left to it by that directory, too. So all that
 * programs could read in two ways is refused, and all that would leave the folder.
 *
 * A jar may have bytes in front of it, as executable ones have, a comment, stored jars inside, entries that are folders,
 * entries of one name (but for the manifest), sizes behind the bytes (data descriptors), and the records of zip64.
 */
struct zip_source {
    int64_t size;
    /* @len bytes from @at on, which are within the size; false: they can't be read. */
    bool (*read)(void *user, int64_t at, void *bytes, size_t len);
    void *user;
};

/**
 * zip_check() - Return: NULL, or why not, for people, owned: "its entry \"../x\" leads out of the folder". Pure but
 * for @source.
 */
char *zip_check(const struct zip_source *source);

#endif
