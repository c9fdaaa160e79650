/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in algorithms by name: each is a command, and each has its section in the docs. */
#ifndef GASKET_ALGORITHMS_REGISTRY_H
#define GASKET_ALGORITHMS_REGISTRY_H

#include <gasket/algorithm.h>

/* In the order in which they are listed; ends with NULL. */
const GasketAlgorithm *const *gasket_algorithms(void);

#endif
