/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays whose size comes from data: tried, not assumed, and never aborting. Everything of length
 * V or E, and everything that a peer asks for, is allocated here.
 *
 *   uint32_t *degree = gasket_array_new(n, sizeof *degree, error);
 *   if (degree == NULL)
 *       return false;
 *
 * Arrays start at a cache line; from 2 MiB on they are mapped pages of their own (huge ones where
 * the system gives them), so that freeing returns the memory at once. Zeroed.
 */
#ifndef GASKET_ENGINE_ARRAY_H
#define GASKET_ENGINE_ARRAY_H

#include <gasket/error.h>
#include <gasket/types.h>

/* n elements of size bytes, zeroed; one element where n is 0. NULL and MEMORY on failure,
 * overflow of n * size included. */
void *gasket_array_new(uint64_t n, size_t size, GError **error);

/* Frees an array of gasket_array_new. NULL is allowed. */
void gasket_array_free(void *array);

/* The array with a new length, its first min(old, n) elements kept and the rest zeroed; the old
 * pointer is used up on success only. NULL and MEMORY on failure. */
void *gasket_array_resize(void *array, uint64_t n, size_t size, GError **error);

/* For tests: the nth allocation from now (1 = the next) on this thread fails; 0 ends that. */
void gasket_array_fail_at(uint64_t nth);

#endif
