/* SPDX-License-Identifier: Apache-2.0 */
/* Any format, by content. See fuzz_load.h. */
#include "tests/fuzz/fuzz_load.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GasketLoadOptions options = {.want_weights = true, .bipartite = size % 2 == 1};
    fuzz_load("input", data, size, options);
    return 0;
}
