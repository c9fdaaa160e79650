/* SPDX-License-Identifier: Apache-2.0 */
/* The random numbers of bpr.c, for those who want to take its steps by other means. */
#ifndef GASKET_ALGORITHMS_BPR_H
#define GASKET_ALGORITHMS_BPR_H

#include "replica.h"

enum { BPR_STREAM_USERS = 7301, BPR_STREAM_ITEMS, BPR_STREAM_MEASURE };

/* Positives, and negatives, that a user tells of. */
#define BPR_TOLD 8

#endif
