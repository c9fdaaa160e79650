/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of parity-check codes, between its files: ldpc.c has the driver, ldpc_update.c what bits
 * and checks do. */
#ifndef GASKET_ALGORITHMS_LDPC_H
#define GASKET_ALGORITHMS_LDPC_H

#include "factor_model.h"

#define LDPC_LANES 64

typedef enum { LDPC_BSC, LDPC_GAUSSIAN } LdpcChannel;

/* What a bit has: the result's fields, then two doubles for each lane. */
typedef struct {
    int32_t count; /* errors, or the bit that was decoded */
    double odds;   /* share of errors, or the logarithm of its odds */
    double lane[]; /* [lanes] from the channel, [lanes] with all checks */
} LdpcBit;

/* ORDER ldpc_aggregates */
enum { LDPC_FAULTS, LDPC_DEGREE, LDPC_FAILED_CHECKS, LDPC_BIT_ERRORS };

typedef struct {
    unsigned lanes; /* words at a time: LDPC_LANES, or 1 that was received */
    size_t bit_size;
    LdpcChannel channel;
    double strength; /* |c| of bsc, 2 / sigma^2 of gaussian */
    double crossover, sigma;
    int received;     /* column, or -1 */
    uint64_t first;   /* word of lane 0 */
    uint64_t done;    /* lanes that have passed all checks: they keep their bits */
    uint64_t counted; /* lanes that count */
    double sent;      /* words counted in all, for rates */
} LdpcSettings;

/* The programs of a run; settings must outlive them. */
typedef struct {
    GasketProgram inspect_checks, inspect_bits; /* what is no code, in LDPC_FAULTS; LDPC_DEGREE */
    GasketProgram receive;                      /* bits: what the channel says, decided by itself */
    GasketProgram first;                        /* bits: tell their checks */
    GasketProgram check;                        /* count what fails, and tell their bits */
    GasketProgram bit;                          /* decide anew, and tell their checks */
    GasketProgram count;                        /* bits: errors, and the result */
} LdpcPrograms;

extern const GasketRowSet ldpc_bit_rows[1], ldpc_check_rows[1];

/* check.scratch_size is the caller's to set: a message for each bit of a check, and one. */
void ldpc_programs(const LdpcSettings *settings, LdpcPrograms *ret_programs);

#endif
