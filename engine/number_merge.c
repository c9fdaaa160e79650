/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging the ids of one kind from every feed into ordinals: see number.h.
 *
 * Integers: those of the dictionaries are sorted by value; the direct ones, which are known
 * ascending already, stand between the negative and the large.
 *
 *   -7 -2 | 0 3 4 9 ... (direct) | 2147483648 ...
 *
 * Text: direct ids and dictionary integers are written out, then all are sorted by their first 8
 * bytes (as one big-endian integer, by radix), and runs that agree in these by comparing.
 *
 * Cost: integers O(n), 32 bytes for each that is not direct; text O(n log n), 56 bytes and its
 * bytes for each.
 */
#include <string.h>

#include "engine/array.h"
#include "engine/number.h"
#include "engine/sort.h"

/* An id of one dictionary, or (feed = n_feeds) a direct id by its rank. */
typedef struct {
    uint32_t feed, index;
} Origin;

static uint64_t
pack(Origin origin)
{
    return (uint64_t)origin.feed << 32 | origin.index;
}

static Origin
unpack(uint64_t packed)
{
    return (Origin){.feed = (uint32_t)(packed >> 32), .index = (uint32_t)packed};
}

static void
set_number(GasketKindNumbers *numbers, unsigned n_feeds, Origin origin, uint32_t number)
{
    if (origin.feed == n_feeds)
        numbers->by_rank[origin.index] = number;
    else
        numbers->other[origin.feed][origin.index] = number;
}

static bool
check_count(uint64_t n, const char *kind, GError **error)
{
    if (n < GASKET_NO_VERTEX)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "there are %" G_GUINT64_FORMAT " vertices of kind %s, which is more than 2^32 - 2",
                n, kind);
    return false;
}

/* ---- integers ------------------------------------------------------------------------------ */

/* The value of a pair's key; keys ascend with values. */
static int64_t
key_value(uint64_t key)
{
    return (int64_t)(key ^ UINT64_C(1) << 63);
}

/* Sorted pairs (key of a value, origin) of the integers in dictionaries; a gasket_array. */
static GasketPair *
sorted_integers(const GasketGraphBuilder *builder, unsigned kind, uint64_t n, GError **error)
{
    GasketPair *pairs = gasket_array_new(n, sizeof *pairs, error);
    GasketPair *scratch = pairs != NULL ? gasket_array_new(n, sizeof *scratch, error) : NULL;
    if (scratch == NULL) {
        gasket_array_free(pairs);
        return NULL;
    }
    uint64_t i = 0;
    for (unsigned f = 0; f < builder->n_feeds; f++) {
        const GasketDictionary *dictionary = &builder->feeds[f]->kinds[kind].dictionary;
        for (uint32_t index = 0; index < dictionary->n; index++)
            pairs[i++] = (GasketPair){.key = dictionary->entries[index].value ^ UINT64_C(1) << 63,
                                      .value = pack((Origin){.feed = f, .index = index})};
    }
    gasket_sort_pairs(pairs, n, scratch);
    gasket_array_free(scratch);
    return pairs;
}

static bool
number_integers(GasketKindNumbers *numbers, unsigned n_feeds, const char *name,
                const GasketPair *pairs, uint64_t n_pairs, GasketIds *ret_ids, GError **error)
{
    uint64_t below = 0, distinct = 0; /* distinct ones in all, and those below 0 */
    for (uint64_t i = 0; i < n_pairs; i++) {
        bool new = i == 0 || pairs[i].key != pairs[i - 1].key;
        distinct += new;
        below += new &&key_value(pairs[i].key) < 0;
    }
    uint32_t n_direct = numbers->direct.n;
    if (!check_count(distinct + n_direct, name, error))
        return false;
    numbers->n = (uint32_t)(distinct + n_direct);
    numbers->first = (uint32_t)below;
    int64_t *integer = gasket_array_new(numbers->n, sizeof *integer, error);
    if (integer == NULL)
        return false;
    *ret_ids = (GasketIds){.n = numbers->n, .integer = integer};

    uint64_t next = 0; /* ordinal of the next distinct one */
    for (uint64_t i = 0; i < n_pairs; i++) {
        if (i == 0 || pairs[i].key != pairs[i - 1].key) {
            if (next == below)
                next += n_direct;
            integer[next++] = key_value(pairs[i].key);
        }
        set_number(numbers, n_feeds, unpack(pairs[i].value), (uint32_t)next - 1);
    }
    return true;
}

/* Writes the direct ids behind the negative ones. */
static bool
copy_direct(const GasketKindNumbers *numbers, int64_t *integer, GError **error)
{
    uint32_t *direct = gasket_array_new(numbers->direct.n, sizeof *direct, error);
    if (direct == NULL)
        return false;
    gasket_id_set_list(&numbers->direct, direct);
    for (uint32_t i = 0; i < numbers->direct.n; i++)
        integer[numbers->first + i] = direct[i];
    gasket_array_free(direct);
    return true;
}

static bool
merge_integers(const GasketGraphBuilder *builder, unsigned kind, uint64_t n,
               GasketKindNumbers *numbers, GasketIds *ret_ids, GError **error)
{
    GasketPair *pairs = sorted_integers(builder, kind, n, error);
    if (pairs == NULL)
        return false;
    bool done = number_integers(numbers, builder->n_feeds, builder->kinds[kind].name, pairs, n,
                                ret_ids, error) &&
                copy_direct(numbers, ret_ids->integer, error);
    gasket_array_free(pairs);
    return done;
}

/* ---- text ---------------------------------------------------------------------------------- */

typedef struct {
    const char *text;
    uint32_t length;
    Origin origin;
} Text;

/* An integer written out. */
typedef struct {
    char text[24];
} Decimal;

/* Everything that merging text needs; arrays. */
typedef struct {
    uint64_t n;
    Text *texts;                 /* [n] as found */
    GasketPair *pairs, *scratch; /* [n] first bytes, index into texts; then sorted */
    Decimal *decimals;           /* [n_integers] */
    uint32_t *direct;            /* [direct.n] */
} TextMerge;

static void
text_merge_clear(TextMerge *merge)
{
    gasket_array_free(merge->texts);
    gasket_array_free(merge->pairs);
    gasket_array_free(merge->scratch);
    gasket_array_free(merge->decimals);
    gasket_array_free(merge->direct);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TextMerge, text_merge_clear)

static bool
text_merge_init(TextMerge *merge, uint64_t n, uint64_t n_integers, uint32_t n_direct,
                GError **error)
{
    merge->n = n;
    merge->texts = gasket_array_new(n, sizeof *merge->texts, error);
    merge->pairs = merge->texts ? gasket_array_new(n, sizeof *merge->pairs, error) : NULL;
    merge->scratch = merge->pairs ? gasket_array_new(n, sizeof *merge->scratch, error) : NULL;
    merge->decimals =
        merge->scratch ? gasket_array_new(n_integers, sizeof *merge->decimals, error) : NULL;
    merge->direct =
        merge->decimals ? gasket_array_new(n_direct, sizeof *merge->direct, error) : NULL;
    return merge->direct != NULL;
}

static void
set_decimal(Text *text, Decimal *decimal, int64_t value)
{
    text->text = decimal->text;
    text->length =
        (uint32_t)g_snprintf(decimal->text, sizeof decimal->text, "%" G_GINT64_FORMAT, value);
}

static void
collect_texts(const GasketGraphBuilder *builder, unsigned kind, const GasketIdSet *direct,
              TextMerge *merge)
{
    Text *text = merge->texts;
    Decimal *decimal = merge->decimals;
    for (unsigned f = 0; f < builder->n_feeds; f++) {
        const GasketDictionary *dictionary = &builder->feeds[f]->kinds[kind].dictionary;
        for (uint32_t i = 0; i < dictionary->n; i++, text++) {
            const GasketDictionaryEntry *entry = &dictionary->entries[i];
            text->origin = (Origin){.feed = f, .index = i};
            if (entry->length == GASKET_DICTIONARY_INTEGER) {
                set_decimal(text, decimal++, (int64_t)entry->value);
            } else {
                text->text = dictionary->text + entry->value;
                text->length = entry->length;
            }
        }
    }
    gasket_id_set_list(direct, merge->direct);
    for (uint32_t i = 0; i < direct->n; i++, text++) {
        text->origin = (Origin){.feed = builder->n_feeds, .index = i};
        set_decimal(text, decimal++, merge->direct[i]);
    }
}

/* The first 8 bytes, filled up with zeros, so that keys ascend with texts. */
static uint64_t
text_key(const Text *text)
{
    unsigned char bytes[8] = {0};
    if (text->length > 0)
        memcpy(bytes, text->text, MIN(text->length, sizeof bytes));
    uint64_t key;
    memcpy(&key, bytes, sizeof key);
    return GUINT64_FROM_BE(key);
}

static int
compare_texts(const Text *x, const Text *y)
{
    int order = memcmp(x->text, y->text, MIN(x->length, y->length));
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static int
compare_pairs(const void *x, const void *y, void *data)
{
    const Text *texts = data;
    return compare_texts(&texts[((const GasketPair *)x)->value],
                         &texts[((const GasketPair *)y)->value]);
}

static void
sort_texts(TextMerge *merge)
{
    for (uint64_t i = 0; i < merge->n; i++)
        merge->pairs[i] = (GasketPair){.key = text_key(&merge->texts[i]), .value = i};
    gasket_sort_pairs(merge->pairs, merge->n, merge->scratch);
    for (uint64_t begin = 0, end; begin < merge->n; begin = end) {
        for (end = begin + 1; end < merge->n && merge->pairs[end].key == merge->pairs[begin].key;)
            end++;
        if (end - begin > 1)
            qsort_r(merge->pairs + begin, end - begin, sizeof *merge->pairs, compare_pairs,
                    merge->texts);
    }
}

/* Whether the sorted text i differs from the one before it. */
static bool
is_new_text(const TextMerge *merge, uint64_t i)
{
    return i == 0 || compare_pairs(&merge->pairs[i - 1], &merge->pairs[i], merge->texts) != 0;
}

static bool
number_texts(const TextMerge *merge, const GasketGraphBuilder *builder, unsigned kind,
             GasketKindNumbers *numbers, GasketIds *ret_ids, GError **error)
{
    uint64_t distinct = 0, bytes = 0;
    for (uint64_t i = 0; i < merge->n; i++) {
        if (is_new_text(merge, i)) {
            distinct++;
            bytes += merge->texts[merge->pairs[i].value].length;
        }
    }
    if (!check_count(distinct, builder->kinds[kind].name, error))
        return false;
    GasketIds ids = {.n = (uint32_t)distinct};
    ids.text_begin = gasket_array_new(distinct + 1, sizeof *ids.text_begin, error);
    ids.text = ids.text_begin ? gasket_array_new(bytes, 1, error) : NULL;
    if (ids.text == NULL) {
        gasket_ids_clear(&ids);
        return false;
    }
    uint32_t next = 0;
    for (uint64_t i = 0; i < merge->n; i++) {
        const Text *text = &merge->texts[merge->pairs[i].value];
        if (is_new_text(merge, i)) {
            if (text->length > 0)
                memcpy(ids.text + ids.text_begin[next], text->text, text->length);
            ids.text_begin[next + 1] = ids.text_begin[next] + text->length;
            next++;
        }
        set_number(numbers, builder->n_feeds, text->origin, next - 1);
    }
    numbers->n = next;
    *ret_ids = ids;
    return true;
}

static bool
merge_texts(const GasketGraphBuilder *builder, unsigned kind, uint64_t n_entries,
            uint64_t n_integers, GasketKindNumbers *numbers, GasketIds *ret_ids, GError **error)
{
    uint32_t n_direct = numbers->direct.n;
    numbers->by_rank = gasket_array_new(n_direct, sizeof *numbers->by_rank, error);
    if (numbers->by_rank == NULL)
        return false;
    g_auto(TextMerge) merge = {0};
    if (!text_merge_init(&merge, n_entries + n_direct, n_integers + n_direct, n_direct, error))
        return false;
    collect_texts(builder, kind, &numbers->direct, &merge);
    sort_texts(&merge);
    return number_texts(&merge, builder, kind, numbers, ret_ids, error);
}

/* ---- both ---------------------------------------------------------------------------------- */

bool
gasket_numbers_merge(const GasketGraphBuilder *builder, unsigned kind, GasketKindNumbers *numbers,
                     GasketIds *ret_ids, GError **error)
{
    uint64_t n_entries = 0, n_integers = 0;
    for (unsigned f = 0; f < builder->n_feeds; f++) {
        const GasketDictionary *dictionary = &builder->feeds[f]->kinds[kind].dictionary;
        numbers->other[f] = gasket_array_new(dictionary->n, sizeof *numbers->other[f], error);
        if (numbers->other[f] == NULL)
            return false;
        n_entries += dictionary->n;
        for (uint32_t i = 0; i < dictionary->n; i++)
            n_integers += dictionary->entries[i].length == GASKET_DICTIONARY_INTEGER;
    }
    if (n_integers == n_entries)
        return merge_integers(builder, kind, n_entries, numbers, ret_ids, error);
    return merge_texts(builder, kind, n_entries, n_integers, numbers, ret_ids, error);
}
