/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/engine/select.h"

#include "lib/base/assert.h"

/* With the sign bit turned over, unsigned numbers have the order of the signed ones. */
static uint64_t ordered(int64_t value)
{
    return (uint64_t)value ^ (uint64_t)1 << 63;
}

/* How many low bits hold all the bytes in which the values differ. */
static int differing_bits(const int64_t *values, size_t len)
{
    uint64_t differing = 0;
    int bits = 0;
    for (size_t i = 1; i < len; i++)
        differing |= ordered(values[i]) ^ ordered(values[0]);
    for (; differing; differing >>= 8)
        bits += 8;
    return bits;
}

/*
 * Byte by byte from the top: the values that share the bytes found so far are counted by their next
 * byte, and the count that holds index k tells that byte. Bytes that all have in common are known.
 */
int64_t select_kth(const int64_t *values, size_t len, size_t k)
{
    ASSERT(k < len);
    int bits = differing_bits(values, len);
    uint64_t known = bits == 64 ? 0 : UINT64_MAX << bits; /* which bits of `found` are right */
    uint64_t found = ordered(values[0]) & known;
    for (int shift = bits - 8; shift >= 0; shift -= 8) {
        size_t counts[256] = {0};
        for (size_t i = 0; i < len; i++)
            if ((ordered(values[i]) & known) == found)
                counts[ordered(values[i]) >> shift & 255]++;
        uint64_t byte = 0;
        while (k >= counts[byte])
            k -= counts[byte++];
        found |= byte << shift;
        known |= (uint64_t)255 << shift;
    }
    return (int64_t)(found ^ (uint64_t)1 << 63);
}
