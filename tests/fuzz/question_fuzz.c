/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question to the scheduler, as bytes of a PlaceRequest and of an EvictRequest: what is accepted has an
 * answer, and the same whatever the order of the bases.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/rpc/rpc.h"
#include "services/scheduler/question.h"
#include "tests/fuzz/fuzz.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Every index is one of @count, and none comes twice. */
static void check_chosen(const uint32_t *chosen, size_t len, size_t count)
{
    AUTO_FREE bool *seen = mem_alloc(count + 1);
    for (size_t i = 0; i < len; i++) {
        ASSERT(chosen[i] < count && !seen[chosen[i]]);
        seen[chosen[i]] = true;
    }
}

static void check_other_order(const struct place_question *question,
                              const struct place_answer *answer)
{
    size_t count = question->count;
    AUTO_FREE struct place_base *reversed = mem_alloc((count + 1) * sizeof(*reversed));
    for (size_t i = 0; i < count; i++)
        reversed[i] = question->bases[count - 1 - i];
    struct place_answer again;
    place(reversed, count, question->policy, question->wanted, &again);
    ASSERT(again.chosen_len == answer->chosen_len);
    for (size_t i = 0; i < again.chosen_len; i++)
        ASSERT(again.chosen[i] == count - 1 - answer->chosen[i]);
    place_answer_done(&again);
}

static void check_place(const ProtobufCMessage *message)
{
    AUTO_ERR struct err *err = NULL;
    struct place_question question = {0};
    if (place_question_read((const Koupleless__Scheduler__V1__PlaceRequest *)message, &question,
                            &err) < 0) {
        ASSERT(err);
        return;
    }
    struct place_answer answer;
    place(question.bases, question.count, question.policy, question.wanted, &answer);
    check_chosen(answer.chosen, answer.chosen_len, question.count);
    size_t refused = 0;
    for (int reason = 0; reason < REFUSALS; reason++)
        refused += answer.refused[reason];
    ASSERT(answer.chosen_len == smaller(question.wanted, question.count - refused));
    check_other_order(&question, &answer);
    AUTO_FREE char *explanation = place_explain(&answer, question.wanted);
    ASSERT(explanation[0]);
    place_answer_done(&answer);
    place_question_done(&question);
}

static void check_evict(const ProtobufCMessage *message)
{
    AUTO_ERR struct err *err = NULL;
    struct evict_question question = {0};
    if (evict_question_read((const Koupleless__Scheduler__V1__EvictRequest *)message, &question,
                            &err) < 0) {
        ASSERT(err);
        return;
    }
    size_t expected = smaller(question.wanted, question.count);
    AUTO_FREE uint32_t *chosen = mem_alloc((expected + 1) * sizeof(*chosen));
    ASSERT(evict(question.instances, question.count, question.policy, question.wanted, chosen) ==
           expected);
    check_chosen(chosen, expected, question.count);
    evict_question_done(&question);
}

static void read_as(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size,
                    void (*check)(const ProtobufCMessage *message))
{
    AUTO_ERR struct err *err = NULL;
    ProtobufCMessage *message = rpc_unpack(type, data, size, &err);
    ASSERT(!message == !!err);
    if (message)
        check(message);
    protobuf_c_message_free_unpacked(message, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as(&koupleless__scheduler__v1__place_request__descriptor, data, size, check_place);
    read_as(&koupleless__scheduler__v1__evict_request__descriptor, data, size, check_evict);
    return 0;
}
