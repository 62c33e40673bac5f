/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor set of all protos, as protoc wrote it into the build folder (proto_descriptors.h). */

    .section .rodata.proto_descriptor_set, "a", %progbits
    .balign 16
    .global proto_descriptor_set
    .type proto_descriptor_set, %object
proto_descriptor_set:
    .incbin "all.fds"
    .global proto_descriptor_set_end
    .type proto_descriptor_set_end, %object
proto_descriptor_set_end:
    .byte 0
    .size proto_descriptor_set, proto_descriptor_set_end - proto_descriptor_set

    .section .note.GNU-stack, "", %progbits
