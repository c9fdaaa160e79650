/* SPDX-License-Identifier: Apache-2.0 */
/* Edge lists in blanks, plain or compressed. See fuzz_load.h. */
#include "tests/fuzz/fuzz_load.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GasketLoadOptions options = {.format = "edges", .want_weights = true};
    fuzz_load("input", data, size, options);
    return 0;
}
