/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing frames of results: any bytes are refused, or open to rows that lie within the frame.
 *
 * Input: | fields | payload ... |
 */
#include "engine/result_pack.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const GasketResultField fields[] = {{.size = 8},
                                               {.size = 3},
                                               {.size = 4, .varying = true},
                                               {.size = 1}};
    const uint8_t *columns[4] = {NULL};
    const uint32_t *lengths[4] = {NULL};
    GasketResultRows rows = {.columns = columns, .lengths = lengths};
    uint64_t sum = 0, text = 0, varying = 0;

    if (size == 0 || size > GASKET_FRAME_MAX)
        return 0;
    unsigned n_fields = data[0] % 5;
    g_autoptr(GasketFrame) frame = gasket_frame_new(1, (uint32_t)size - 1, NULL);
    memcpy(frame->payload, data + 1, size - 1);
    if (!gasket_result_unpack(frame, fields, n_fields, &rows))
        return 0;
    for (uint32_t i = 0; i < rows.count; i++) {
        g_assert((rows.integer == NULL) == (rows.text_length != NULL));
        sum += rows.ordinal[i] + (uint64_t)(rows.integer ? rows.integer[i] : 0);
        text += rows.text_length ? rows.text_length[i] : 0;
        for (unsigned f = 0; f < n_fields; f++) {
            g_assert((lengths[f] != NULL) == fields[f].varying);
            if (fields[f].varying)
                varying += lengths[f][i];
            else
                sum += columns[f][(i + 1) * fields[f].size - 1];
        }
    }
    for (uint64_t i = 0; i < 4 * varying; i++)
        sum += columns[2][i];
    for (uint64_t i = 0; i < text; i++)
        sum += (uint8_t)rows.text[i];
    g_assert(rows.count > 0 || sum == 0);
    return 0;
}
