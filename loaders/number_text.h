/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as text: the shortest decimal that reads back to the same bits, closest to the number
 * among those of its length; the same in every locale.
 *
 *   GasketNumberText *numbers = gasket_number_text_new();
 *   char text[GASKET_NUMBER_TEXT_MAX];
 *   size_t length = gasket_number_text_double(numbers, 0.1, text);      "0.1", 3
 *
 * Written plainly (`0.00012`, `150000`) for decimal exponents of -4 .. 15, else as `1.5e-07`; no
 * trailing zeros or point; `nan`, `inf` and `-inf`. Nothing is terminated.
 *
 * How: the interval of decimals that read back as the number is scaled by a power of ten, with 128
 * bits of it and rounding to odd, so that it holds at least two integers and at most a few tens of
 * them; the choice among them is then exact integer arithmetic. The 617 powers are computed once,
 * here, by exact long multiplication and division, rather than typed.
 *
 * Cost: 10 KB, made once; a number takes a few multiplications, and a division for each digit.
 *
 * Reference: R. Giulietti, The Schubfach way to render doubles, 2020.
 */
#ifndef GASKET_LOADERS_NUMBER_TEXT_H
#define GASKET_LOADERS_NUMBER_TEXT_H

#include <gasket/types.h>

/* Bytes that any number here fits in: -1.2345678901234567e-308 has 24. */
#define GASKET_NUMBER_TEXT_MAX 32

/* The powers of ten. Read only once made, so threads may share it. */
typedef struct GasketNumberText GasketNumberText;

GasketNumberText *gasket_number_text_new(void);
void gasket_number_text_free(GasketNumberText *numbers);

/* Each writes at out, not terminated, and returns how many bytes. */
size_t gasket_number_text_double(const GasketNumberText *numbers, double x,
                                 char out[GASKET_NUMBER_TEXT_MAX]);
size_t gasket_number_text_float(const GasketNumberText *numbers, float x,
                                char out[GASKET_NUMBER_TEXT_MAX]);
size_t gasket_number_text_integer(int64_t x, char out[GASKET_NUMBER_TEXT_MAX]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketNumberText, gasket_number_text_free)

#endif
