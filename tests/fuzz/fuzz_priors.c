/* SPDX-License-Identifier: Apache-2.0 */
/* Models in format priors. See fuzz_model.h. */
#include "tests/fuzz/fuzz_model.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_model("priors", data, size);
    return 0;
}
