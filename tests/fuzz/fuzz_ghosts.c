/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing updates of ghosts: any frame is refused, or changes only the ghosts of the peer it came
 * from and marks no others.
 *
 * Input: | size of values, 0: varying | header | body ... |
 */
#include "engine/ghosts.h"

#include <string.h>

#include "engine/bitset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OWNED = 5, FIRST = 60, SECOND = 70, LARGEST = 70000 };

static uint64_t
size_of(uint32_t v)
{
    return v == OWNED + 3 ? LARGEST : v % 5 * 8;
}

/* Bytes of the values of a range of vertices are still zero. */
static void
assert_untouched(const GasketValues *values, uint32_t first, uint32_t end)
{
    uint64_t begin = values->begin ? values->begin[first] : first * values->size;
    uint64_t after = values->begin ? values->begin[end] : end * values->size;
    for (uint64_t b = begin; b < after; b++)
        g_assert(values->bytes[b] == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint32_t n_local = OWNED + FIRST + SECOND;
    uint32_t ghost_begin[] = {OWNED, OWNED, OWNED + FIRST, n_local};
    const GasketPartKind kind = {.n_owned = OWNED, .n_local = n_local, .ghost_begin = ghost_begin};
    uint64_t begin[OWNED + FIRST + SECOND + 1] = {0}, changed[3] = {0};
    GasketRoundHeader header;
    g_autoptr(GError) error = NULL;

    if (size < 1 + sizeof header)
        return 0;
    for (uint32_t v = 0; v < n_local; v++)
        begin[v + 1] = begin[v] + (data[0] ? data[0] : size_of(v));
    g_autofree uint8_t *bytes = g_malloc0(begin[n_local]);
    const GasketValues values = {&kind, 0, data[0], data[0] ? NULL : begin, bytes};
    memcpy(&header, data + 1, sizeof header);
    g_autofree uint8_t *body = g_memdup2(data + 1 + sizeof header, size - 1 - sizeof header);
    bool ok = gasket_ghosts_consume(&values, header.flags ? changed : NULL, 1, &header, body,
                                    (uint32_t)(size - 1 - sizeof header), &error);
    g_assert(ok == (error == NULL));
    assert_untouched(&values, 0, OWNED);
    assert_untouched(&values, OWNED + FIRST, n_local);
    g_assert(gasket_bitset_next(changed, FIRST, FIRST + SECOND) == FIRST + SECOND);
    return 0;
}
