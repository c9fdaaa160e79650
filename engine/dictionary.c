/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dictionary of ids: see dictionary.h.
 *
 * Linear probing, at most 3/4 full. A slot keeps half of the hash, so that a probe reads an entry
 * only where that half agrees, and growing reads no entry at all.
 *
 * Invariants:
 *   1. Each entry's index + 1 stands in exactly one slot, reachable from its hash without passing
 *      a free one.
 *   2. Entries are distinct as pairs (integer or text, value).
 */
#include "engine/dictionary.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/array.h"

#define FIRST_SLOTS 64
#define FIRST_TEXT  1024
#define GROUP       32 /* look-ups whose cache lines are under way at a time */

/* Upper half of a slot; its lower bits say where probing begins. */
static uint32_t
hash_of(const void *bytes, size_t length)
{
    return (uint32_t)(XXH3_64bits(bytes, length) >> 32);
}

void
gasket_dictionary_clear(GasketDictionary *dictionary)
{
    gasket_array_free(dictionary->slots);
    gasket_array_free(dictionary->entries);
    gasket_array_free(dictionary->text);
    *dictionary = (GasketDictionary){0};
}

/* Twice the slots. Half of the hash is enough to place an entry: there are fewer than 2^32. */
static bool
grow_slots(GasketDictionary *dictionary, GError **error)
{
    uint64_t n_slots = MAX(FIRST_SLOTS, 2 * dictionary->n_slots);
    uint64_t *slots = gasket_array_new(n_slots, sizeof *slots, error);
    if (slots == NULL)
        return false;
    for (uint64_t i = 0; i < dictionary->n_slots; i++) {
        uint64_t slot = dictionary->slots[i];
        if (slot == 0)
            continue;
        uint64_t at = (slot >> 32) & (n_slots - 1);
        while (slots[at] != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = slot;
    }
    gasket_array_free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->n_slots = n_slots;
    return true;
}

static bool
grow_entries(GasketDictionary *dictionary, GError **error)
{
    uint64_t room = MAX(FIRST_SLOTS / 2, 2 * dictionary->room);
    void *entries =
        gasket_array_resize(dictionary->entries, room, sizeof *dictionary->entries, error);
    if (entries == NULL)
        return false;
    dictionary->entries = entries;
    dictionary->room = room;
    return true;
}

static bool
grow_text(GasketDictionary *dictionary, size_t length, GError **error)
{
    uint64_t room = MAX(FIRST_TEXT, 2 * dictionary->text_room);
    while (room - dictionary->n_text < length)
        room *= 2;
    void *text = gasket_array_resize(dictionary->text, room, 1, error);
    if (text == NULL)
        return false;
    dictionary->text = text;
    dictionary->text_room = room;
    return true;
}

/* Room for n more entries. */
static bool
reserve(GasketDictionary *dictionary, uint32_t n, GError **error)
{
    if (dictionary->n > GASKET_DICTIONARY_MAX - n) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "there are 2^31 - 1 or more different ids");
        return false;
    }
    uint64_t entries = (uint64_t)dictionary->n + n;
    while (4 * entries > 3 * dictionary->n_slots)
        if (!grow_slots(dictionary, error))
            return false;
    return entries <= dictionary->room || grow_entries(dictionary, error);
}

static uint32_t
enter(GasketDictionary *dictionary, uint64_t at, uint32_t hash, uint64_t value, uint32_t length)
{
    uint32_t index = dictionary->n++;
    dictionary->entries[index] = (GasketDictionaryEntry){.value = value, .length = length};
    dictionary->slots[at] = (uint64_t)hash << 32 | (index + 1);
    return index;
}

/* The index of an integer whose hash is known, where there is room for it. */
static uint32_t
find_integer(GasketDictionary *dictionary, uint64_t value, uint32_t hash)
{
    uint64_t at = hash & (dictionary->n_slots - 1);
    for (; dictionary->slots[at] != 0; at = (at + 1) & (dictionary->n_slots - 1)) {
        uint64_t slot = dictionary->slots[at];
        if (slot >> 32 != hash)
            continue;
        uint32_t index = (uint32_t)slot - 1;
        const GasketDictionaryEntry *entry = &dictionary->entries[index];
        if (entry->length == GASKET_DICTIONARY_INTEGER && entry->value == value)
            return index;
    }
    return enter(dictionary, at, hash, value, GASKET_DICTIONARY_INTEGER);
}

bool
gasket_dictionary_integer(GasketDictionary *dictionary, int64_t integer, uint32_t *ret_index,
                          GError **error)
{
    if (!reserve(dictionary, 1, error))
        return false;
    uint64_t value = (uint64_t)integer;
    *ret_index = find_integer(dictionary, value, hash_of(&value, sizeof value));
    return true;
}

/* Asks for the slot of each of a group's hashes, then for the entries that these slots name. */
static void
prefetch_group(const GasketDictionary *dictionary, uint32_t n, const uint32_t *hash)
{
    uint64_t mask = dictionary->n_slots - 1;

    for (uint32_t i = 0; i < n; i++)
        __builtin_prefetch(&dictionary->slots[hash[i] & mask]);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t slot = dictionary->slots[hash[i] & mask];
        if (slot >> 32 == hash[i] && slot != 0)
            __builtin_prefetch(&dictionary->entries[(uint32_t)slot - 1]);
    }
}

bool
gasket_dictionary_integers(GasketDictionary *dictionary, size_t n, const int64_t *integers,
                           uint32_t *ret_indices, GError **error)
{
    uint32_t hash[GROUP];

    for (size_t done = 0; done < n;) {
        uint32_t count = (uint32_t)MIN(n - done, GROUP);
        /* At the very end a group of ids that are there already must not fail. */
        if (dictionary->n > GASKET_DICTIONARY_MAX - GROUP)
            count = 1;
        if (!reserve(dictionary, count, error))
            return false;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t value = (uint64_t)integers[done + i];
            hash[i] = hash_of(&value, sizeof value);
        }
        prefetch_group(dictionary, count, hash);
        for (uint32_t i = 0; i < count; i++)
            ret_indices[done + i] = find_integer(dictionary, (uint64_t)integers[done + i], hash[i]);
        done += count;
    }
    return true;
}

bool
gasket_dictionary_text(GasketDictionary *dictionary, const char *text, size_t length,
                       uint32_t *ret_index, GError **error)
{
    if (length >= GASKET_DICTIONARY_INTEGER) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "an id has %zu bytes, which is more than 2^32 - 2", length);
        return false;
    }
    if (!reserve(dictionary, 1, error))
        return false;
    uint32_t hash = hash_of(text, length);
    uint64_t at = hash & (dictionary->n_slots - 1);
    for (; dictionary->slots[at] != 0; at = (at + 1) & (dictionary->n_slots - 1)) {
        uint64_t slot = dictionary->slots[at];
        if (slot >> 32 != hash)
            continue;
        uint32_t index = (uint32_t)slot - 1;
        const GasketDictionaryEntry *entry = &dictionary->entries[index];
        if (entry->length == length && memcmp(dictionary->text + entry->value, text, length) == 0) {
            *ret_index = index;
            return true;
        }
    }
    if ((dictionary->text == NULL || dictionary->text_room - dictionary->n_text < length) &&
        !grow_text(dictionary, length, error))
        return false;
    memcpy(dictionary->text + dictionary->n_text, text, length);
    *ret_index = enter(dictionary, at, hash, dictionary->n_text, (uint32_t)length);
    dictionary->n_text += length;
    dictionary->any_text = true;
    return true;
}

bool
gasket_parse_canonical(const char *text, size_t length, int64_t *ret_value)
{
    bool negative = length > 0 && text[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == length || length - i > 19)
        return false;
    if (text[i] == '0') {
        if (negative || length > 1)
            return false;
        *ret_value = 0;
        return true;
    }
    uint64_t value = 0; /* 19 digits are less than 2^64 */
    for (; i < length; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9)
            return false;
        value = 10 * value + digit;
    }
    if (value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *ret_value = (int64_t)(negative ? -value : value);
    return true;
}

/* How often an entry's index stands on the way from its hash to a free slot. */
static unsigned
count_slots(const GasketDictionary *dictionary, uint32_t index)
{
    const GasketDictionaryEntry *entry = &dictionary->entries[index];
    bool text = entry->length != GASKET_DICTIONARY_INTEGER;
    uint32_t hash = text ? hash_of(dictionary->text + entry->value, entry->length)
                         : hash_of(&entry->value, sizeof entry->value);
    uint64_t at = hash & (dictionary->n_slots - 1);
    unsigned n = 0;

    for (; dictionary->slots[at] != 0; at = (at + 1) & (dictionary->n_slots - 1))
        n += dictionary->slots[at] == ((uint64_t)hash << 32 | (index + 1));
    return n;
}

bool
gasket_dictionary_check(const GasketDictionary *dictionary, GError **error)
{
    uint64_t used = 0;
    bool good = dictionary->n <= dictionary->room && dictionary->n_text <= dictionary->text_room &&
                4 * (uint64_t)dictionary->n <= 3 * dictionary->n_slots;

    for (uint64_t i = 0; i < dictionary->n_slots; i++)
        used += dictionary->slots[i] != 0;
    good = good && used == dictionary->n;
    for (uint32_t i = 0; good && i < dictionary->n; i++)
        good = count_slots(dictionary, i) == 1;
    if (!good)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "a dictionary of ids is damaged");
    return good;
}
