/* SPDX-License-Identifier: Apache-2.0 */
/* Complete vertex programs against the public headers alone, as a user would write them. Each file
 * says which graph it expects; the checks build it and compare with brute force. */
#ifndef GASKET_TESTS_PROGRAMS_H
#define GASKET_TESTS_PROGRAMS_H

#include <math.h>
#include <string.h>

#include <gasket/gasket.h>

extern const GasketAlgorithm program_pagerank, program_als, program_bp, program_triangles,
    program_gibbs, program_lda;

/* What programs and the brute force against them share. */
enum {
    ALS_RANK = 8,
    BP_STATES = 4, /* largest cardinality of a variable */
    GIBBS_STATES = 3,
    LDA_TOPICS = 5,
    STREAM_START = 1, /* of random numbers: what a run starts with ... */
    STREAM_SAMPLE,    /* ... and what it draws in its steps */
};

#define ALS_LAMBDA     0.05
#define GIBBS_COUPLING 0.7
#define LDA_ALPHA      0.5
#define LDA_BETA       0.1

#endif
