/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dictionary: ids that are not small integers, each once, by index in order of first sight.
 *
 *   slots    hash table, open addressing     [hash 32 bits | index + 1], 0 = free
 *   entries  0: integer -7   1: text at 0, 3 bytes   2: integer 5000000000   ...
 *   text     a b c ...       not terminated
 */
#ifndef GASKET_ENGINE_DICTIONARY_H
#define GASKET_ENGINE_DICTIONARY_H

#include <gasket/error.h>

/* Length that marks an entry as an integer. */
#define GASKET_DICTIONARY_INTEGER UINT32_MAX

/* A dictionary has fewer entries than this, so that a feed's handles end below 2^32 - 1. */
#define GASKET_DICTIONARY_MAX ((UINT32_C(1) << 31) - 1)

typedef struct {
    uint64_t value;  /* where its text begins, or the integer's bits */
    uint32_t length; /* of its text in bytes, or GASKET_DICTIONARY_INTEGER */
} GasketDictionaryEntry;

typedef struct {
    uint32_t n;
    uint64_t room;                  /* entries there is room for */
    uint64_t n_slots;               /* 0 or a power of two */
    uint64_t *slots;                /* [n_slots] */
    GasketDictionaryEntry *entries; /* [room], the first n in use */
    char *text;                     /* [text_room] */
    uint64_t n_text, text_room;
    bool any_text; /* some entry is text */
} GasketDictionary;

/* Starts as {0}. */
void gasket_dictionary_clear(GasketDictionary *dictionary);

/* The index of an integer or of a text, entered if it is new. Errors: MEMORY; ARGUMENT if there
 * are too many entries or the text has 2^32 - 1 bytes or more. Amortized O(length). */
bool gasket_dictionary_integer(GasketDictionary *dictionary, int64_t integer, uint32_t *ret_index,
                               GError **error);
bool gasket_dictionary_text(GasketDictionary *dictionary, const char *text, size_t length,
                            uint32_t *ret_index, GError **error);

/* The indices of n integers, ret_indices [n]: as one by one, but the tables' cache lines are asked
 * for before they are waited for. */
bool gasket_dictionary_integers(GasketDictionary *dictionary, size_t n, const int64_t *integers,
                                uint32_t *ret_indices, GError **error);

/* For tests: the invariants of dictionary.c. */
bool gasket_dictionary_check(const GasketDictionary *dictionary, GError **error);

/* Whether text is a canonical decimal that fits: "0", or a digit from 1 to 9 and more digits, or
 * "-" before the latter; then its value. */
bool gasket_parse_canonical(const char *text, size_t length, int64_t *ret_value);

#endif
