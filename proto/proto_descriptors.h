/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_PROTO_DESCRIPTORS_H
#define KOUPLELESS_PROTO_DESCRIPTORS_H

#include <stddef.h>

/*
 * A serialised google.protobuf.FileDescriptorSet of all files under proto/ and all they import, imports
 * first. Bytes from proto_descriptor_set up to, not including, proto_descriptor_set_end.
 */
extern const unsigned char proto_descriptor_set[];
extern const unsigned char proto_descriptor_set_end[];

static inline size_t proto_descriptor_set_size(void)
{
    return (size_t)(proto_descriptor_set_end - proto_descriptor_set);
}

#endif
