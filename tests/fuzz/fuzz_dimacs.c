/* SPDX-License-Identifier: Apache-2.0 */
/* DIMACS graphs. See fuzz_load.h. */
#include "tests/fuzz/fuzz_load.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GasketLoadOptions options = {.format = "dimacs", .want_weights = true};
    fuzz_load("input.gr", data, size, options);
    return 0;
}
