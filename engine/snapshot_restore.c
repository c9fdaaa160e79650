/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot's files read back into a run; see snapshot_data.h. */
#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/edge_values.h"
#include "engine/snapshot_data.h"
#include "engine/snapshot_format.h"
#include "engine/snapshot_spread.h"
#include "engine/vertex_order.h"

/* Bytes of a file, taken from the front. */
typedef struct {
    const char *path;
    const uint8_t *at;
    uint64_t left;
    GError **error;
} Bytes;

typedef struct {
    GasketRun *run;
    uint32_t **order;                 /* [n_kinds] owned vertices by ascending number */
    uint64_t *restored;               /* [n_kinds] owned vertices found so far */
    uint64_t *rows;                   /* [2 * n_relations] owned rows found so far */
    uint64_t arrays[GASKET_MAX_KEPT]; /* owned vertices found in each so far */
    bool has_run;
} Restore;

static bool
refuse(const Bytes *bytes, const char *what)
{
    g_set_error(bytes->error, GASKET_ERROR, GASKET_ERROR_FORMAT, "%s: found %s", bytes->path, what);
    return false;
}

static const void *
take(Bytes *bytes, uint64_t n)
{
    const void *at = bytes->at;

    if (n > bytes->left) {
        (void)refuse(bytes, "a section that is cut, expected the bytes that its head promises");
        return NULL;
    }
    bytes->at += n;
    bytes->left -= n;
    return at;
}

/* An element of an array that need not be aligned. */
static uint32_t
number_at(const uint8_t *numbers, uint64_t i)
{
    uint32_t x;
    memcpy(&x, numbers + i * sizeof x, sizeof x);
    return x;
}

/* Walks a file's ascending numbers beside the owned vertices: the vertex with numbers[i] if this
 * rank owns it, else GASKET_NO_VERTEX. *cursor starts at 0 and only grows. */
static GasketVertex
owned_at(const GasketPartKind *part, const uint32_t *order, const uint8_t *numbers, uint64_t i,
         uint32_t *cursor)
{
    uint32_t number = number_at(numbers, i);

    while (*cursor < part->n_owned && part->number[order[*cursor]] < number)
        ++*cursor;
    return *cursor < part->n_owned && part->number[order[*cursor]] == number ? order[*cursor]
                                                                             : GASKET_NO_VERTEX;
}

static bool
check_numbers(const Bytes *bytes, const uint8_t *numbers, uint64_t n, uint32_t n_global)
{
    for (uint64_t i = 0; i < n; i++)
        if (number_at(numbers, i) >= n_global ||
            (i > 0 && number_at(numbers, i) <= number_at(numbers, i - 1)))
            return refuse(bytes, "vertices out of order, expected each once and ascending");
    return true;
}

/* ---- RUN ------------------------------------------------------------------------------------- */

static bool
restore_kept(GasketRun *run, Bytes *bytes, uint32_t n_kept)
{
    for (uint32_t i = 0; i < n_kept; i++) {
        uint64_t size;
        const void *head = take(bytes, sizeof size);
        if (head == NULL)
            return false;
        memcpy(&size, head, sizeof size);
        const void *data = take(bytes, size);
        if (data == NULL)
            return false;
        if (size != run->kept[i].size)
            return refuse(bytes, "other data of the driver, expected that of this program");
        memcpy(run->kept[i].data, data, size);
    }
    return true;
}

static bool
restore_run(Restore *restore, Bytes *bytes, const GasketSnapshotSectionHead *head)
{
    GasketRun *run = restore->run;
    const GasketTotals *totals = &run->totals;
    uint32_t n_totals = totals->n_aggregates == 0 ? 0 : totals->first[totals->n_aggregates];
    GasketSnapshotRun said;
    const void *at = take(bytes, sizeof said);

    if (at == NULL)
        return false;
    memcpy(&said, at, sizeof said);
    if (head->n != run->part->n_kinds || said.n_totals != n_totals || said.n_kept != run->n_kept)
        return refuse(bytes, "other kinds or aggregates, expected those of this program");
    for (unsigned k = 0; k < run->part->n_kinds; k++) {
        GasketSnapshotCounters counters;
        at = take(bytes, sizeof counters);
        if (at == NULL)
            return false;
        memcpy(&counters, at, sizeof counters);
        run->kinds[k].n_changed = counters.n_changed;
        run->kinds[k].changed_degree = counters.changed_degree;
        run->kinds[k].all_changed = counters.all_changed != 0;
        run->kinds[k].all_active = counters.all_active != 0;
    }
    at = take(bytes, n_totals * sizeof(GasketTotal));
    if (at == NULL)
        return false;
    memcpy(totals->total, at, n_totals * sizeof(GasketTotal));
    run->step = said.step;
    run->iteration = said.iteration;
    run->n_woken = said.n_woken;
    restore->has_run = true;
    return restore_kept(run, bytes, said.n_kept);
}

/* ---- KIND ------------------------------------------------------------------------------------ */

static void
restore_awake(GasketKindData *kind, const uint8_t *awake, uint64_t i, GasketVertex v)
{
    if ((awake[i / 8] >> (i % 8) & 1) != 0)
        gasket_bitset_add(kind->active, v);
    else
        gasket_bitset_remove(kind->active, v);
}

/* Values of varying size: sizes of all n, then their bytes. */
static bool
restore_varying(GasketKindData *kind, const GasketPartKind *part, const uint32_t *order,
                const uint8_t *numbers, uint64_t n, Bytes *bytes)
{
    const uint8_t *sizes = take(bytes, n * sizeof(uint32_t));
    uint32_t cursor = 0;

    for (uint64_t i = 0; sizes != NULL && i < n; i++) {
        uint32_t size = number_at(sizes, i);
        const uint8_t *value = take(bytes, size);
        if (value == NULL)
            return false;
        GasketVertex v = owned_at(part, order, numbers, i, &cursor);
        if (v == GASKET_NO_VERTEX)
            continue;
        if (size != kind->value_begin[v + 1] - kind->value_begin[v])
            return refuse(bytes, "values of other sizes, expected those of this program");
        memcpy(kind->current + kind->value_begin[v], value, size);
    }
    return sizes != NULL;
}

static bool
restore_kind(Restore *restore, Bytes *bytes, const GasketSnapshotSectionHead *head)
{
    GasketRun *run = restore->run;
    if (head->index >= run->part->n_kinds)
        return refuse(bytes, "a kind too many");
    const GasketPartKind *part = &run->part->kinds[head->index];
    GasketKindData *kind = &run->kinds[head->index];
    const uint32_t *order = restore->order[head->index];
    const bool uniform = kind->current != NULL && kind->value_begin == NULL;
    if (head->n > part->n_global)
        return refuse(bytes, "more vertices than the graph has");

    const uint8_t *numbers = take(bytes, head->n * sizeof(uint32_t));
    const uint8_t *awake = numbers != NULL ? take(bytes, (head->n + 7) / 8) : NULL;
    const uint8_t *states = awake != NULL ? take(bytes, head->n * kind->state_size) : NULL;
    if (states == NULL || !check_numbers(bytes, numbers, head->n, part->n_global))
        return false;
    const uint8_t *values = uniform ? take(bytes, head->n * kind->value_size) : NULL;
    if (uniform && values == NULL)
        return false;

    uint32_t cursor = 0;
    for (uint64_t i = 0; i < head->n; i++) {
        GasketVertex v = owned_at(part, order, numbers, i, &cursor);
        if (v == GASKET_NO_VERTEX)
            continue;
        restore->restored[head->index]++;
        restore_awake(kind, awake, i, v);
        if (kind->state_size > 0)
            memcpy(kind->state + v * kind->state_size, states + i * kind->state_size,
                   kind->state_size);
        if (uniform)
            memcpy(kind->current + v * kind->value_size, values + i * kind->value_size,
                   kind->value_size);
    }
    return kind->value_begin == NULL || restore_varying(kind, part, order, numbers, head->n, bytes);
}

/* ---- ROWS ------------------------------------------------------------------------------------ */

/* What a ROWS section holds, by entry: each part NULL where there is none. */
typedef struct {
    const uint8_t *numbers, *lengths; /* [n] */
    const uint8_t *sizes;             /* [entries] of values that vary */
    const uint8_t *values, *states;
} RowsSection;

static bool
take_rows(Bytes *bytes, const GasketRowsData *data, uint64_t n, RowsSection *section)
{
    const GasketEdgeValues *values = &data->values;
    uint64_t n_entries = 0, n_bytes = 0;

    *section = (RowsSection){.numbers = take(bytes, n * sizeof(uint32_t))};
    section->lengths = section->numbers != NULL ? take(bytes, n * sizeof(uint32_t)) : NULL;
    if (section->lengths == NULL)
        return false;
    for (uint64_t i = 0; i < n; i++)
        n_entries += number_at(section->lengths, i);
    if (values->current != NULL && values->begin != NULL) {
        section->sizes = n_entries <= bytes->left / sizeof(uint32_t)
                             ? take(bytes, n_entries * sizeof(uint32_t))
                             : take(bytes, UINT64_MAX);
        if (section->sizes == NULL)
            return false;
        for (uint64_t e = 0; e < n_entries; e++)
            n_bytes += number_at(section->sizes, e);
    } else if (values->current != NULL) {
        n_bytes = n_entries * values->size;
    }
    section->values = take(bytes, n_bytes);
    if (section->values == NULL)
        return false;
    section->states = take(bytes, n_entries * data->edge_state_size);
    return section->states != NULL;
}

/* One owned row from its entry `from` of the section, whose values start at byte `begin`. */
static bool
restore_row(const Bytes *bytes, GasketRowsData *data, const RowsSection *section, uint64_t first,
            uint32_t length, uint64_t from, uint64_t begin)
{
    GasketEdgeValues *values = &data->values;
    uint64_t own = gasket_edge_value_begin(values, first), size = 0;

    if (data->edge_state != NULL)
        memcpy(data->edge_state + first * data->edge_state_size,
               section->states + from * data->edge_state_size, length * data->edge_state_size);
    if (values->current == NULL)
        return true;
    for (uint32_t e = 0; section->sizes != NULL && e < length; e++)
        if (number_at(section->sizes, from + e) !=
            values->begin[first + e + 1] - values->begin[first + e])
            return refuse(bytes, "edge values of other sizes, expected those of this program");
    size = gasket_edge_value_begin(values, first + length) - own;
    memcpy(values->current + own, section->values + begin, size);
    return true;
}

static bool
restore_rows(Restore *restore, Bytes *bytes, const GasketSnapshotSectionHead *head)
{
    GasketRun *run = restore->run;
    if (head->index >= 2 * run->part->n_relations)
        return refuse(bytes, "a relation too many");
    const GasketPartRelation *relation = &run->part->relations[head->index / 2];
    const GasketPartRows *rows = &relation->rows[head->index % 2];
    GasketRowsData *data = &run->rows[head->index];
    unsigned k = gasket_part_row_kind(relation, (GasketDirection)(head->index % 2));
    const GasketPartKind *part = &run->part->kinds[k];
    RowsSection section;
    uint64_t from = 0, begin = 0;
    uint32_t cursor = 0;

    if (data->values.current == NULL && data->edge_state == NULL)
        return refuse(bytes, "edge data that this program does not have");
    if (head->n > part->n_global || !take_rows(bytes, data, head->n, &section) ||
        !check_numbers(bytes, section.numbers, head->n, part->n_global))
        return head->n <= part->n_global ? false : refuse(bytes, "more rows than vertices");
    for (uint64_t i = 0; i < head->n; i++) {
        uint32_t length = number_at(section.lengths, i);
        GasketVertex v = owned_at(part, restore->order[k], section.numbers, i, &cursor);
        if (v != GASKET_NO_VERTEX) {
            if (length != rows->offset[v + 1] - rows->offset[v])
                return refuse(bytes, "rows of other lengths, expected those of this graph");
            if (!restore_row(bytes, data, &section, rows->offset[v], length, from, begin))
                return false;
            restore->rows[head->index]++;
        }
        for (uint32_t e = 0; section.sizes != NULL && e < length; e++)
            begin += number_at(section.sizes, from + e);
        from += length;
        if (section.sizes == NULL)
            begin = from * data->values.size;
    }
    return true;
}

/* ---- ARRAY ----------------------------------------------------------------------------------- */

static bool
restore_array(Restore *restore, Bytes *bytes, const GasketSnapshotSectionHead *head)
{
    const GasketRun *run = restore->run;
    if (head->index >= run->n_kept_arrays)
        return refuse(bytes, "an array too many");
    const GasketKeptArray *array = &run->kept_arrays[head->index];
    const GasketPartKind *part = &run->part->kinds[array->kind];
    if (head->n > part->n_global)
        return refuse(bytes, "more vertices than the graph has");
    const uint8_t *numbers = take(bytes, head->n * sizeof(uint32_t));
    const uint8_t *lengths = numbers != NULL ? take(bytes, head->n * sizeof(uint32_t)) : NULL;
    uint32_t cursor = 0;

    if (lengths == NULL || !check_numbers(bytes, numbers, head->n, part->n_global))
        return false;
    for (uint64_t i = 0; i < head->n; i++) {
        uint32_t length = number_at(lengths, i);
        const uint8_t *elements = take(bytes, length * (uint64_t)array->size);
        if (elements == NULL)
            return false;
        GasketVertex v = owned_at(part, restore->order[array->kind], numbers, i, &cursor);
        if (v == GASKET_NO_VERTEX)
            continue;
        if (length != gasket_kept_length(array, v))
            return refuse(bytes, "arrays of other lengths, expected those of this program");
        if (length > 0)
            memcpy(gasket_kept_elements(array, v), elements, length * array->size);
        restore->arrays[head->index]++;
    }
    return true;
}

/* ---- a file ---------------------------------------------------------------------------------- */

static bool
restore_section(Restore *restore, Bytes *bytes)
{
    GasketSnapshotSectionHead head;
    const void *at = take(bytes, sizeof head);
    if (at == NULL)
        return false;
    memcpy(&head, at, sizeof head);
    const uint8_t *body = take(bytes, head.bytes);
    if (body == NULL)
        return false;
    Bytes section = {bytes->path, body, head.bytes, bytes->error};
    bool ok;
    switch (head.type) {
    case GASKET_SNAPSHOT_RUN:
        ok = restore_run(restore, &section, &head);
        break;
    case GASKET_SNAPSHOT_KIND:
        ok = restore_kind(restore, &section, &head);
        break;
    case GASKET_SNAPSHOT_ROWS:
        ok = restore_rows(restore, &section, &head);
        break;
    case GASKET_SNAPSHOT_ARRAY:
        ok = restore_array(restore, &section, &head);
        break;
    default:
        return refuse(bytes, "a section of an unknown type");
    }
    return ok && (section.left == 0 ||
                  refuse(bytes, "state or values of other sizes, expected those of this program"));
}

static bool
restore_file(Restore *restore, const GasketDisk *disk, const char *path, unsigned rank,
             const GasketSnapshotManifest *manifest, GError **error)
{
    const GasketSnapshotFile *file = &manifest->files[rank];
    uint64_t n;
    uint8_t *all = gasket_disk_read_file(disk, path, file->bytes, &n, error);
    if (all == NULL)
        return false;
    Bytes bytes = {path, all, n, error};
    GasketSum128 sum = gasket_sum128(all, n);
    GasketSnapshotHead head;
    bool ok = n == file->bytes && sum.low == file->sum.low && sum.high == file->sum.high &&
              n >= sizeof head;

    if (!ok) {
        (void)refuse(&bytes, "bytes with another sum than the manifest's: the file is damaged");
    } else {
        memcpy(&head, take(&bytes, sizeof head), sizeof head);
        ok = memcmp(head.magic, GASKET_SNAPSHOT_MAGIC, sizeof head.magic) == 0 &&
             head.format == GASKET_SNAPSHOT_FORMAT &&
             head.byte_order == GASKET_SNAPSHOT_BYTE_ORDER && head.rank == rank &&
             head.n_ranks == manifest->n_files;
        if (!ok)
            (void)refuse(&bytes, "another head, expected that of this rank's file");
    }
    while (ok && bytes.left > 0)
        ok = restore_section(restore, &bytes);
    gasket_array_free(all);
    return ok;
}

/* Every owned vertex, and every owned row with data, stood in one of the files. */
static bool
check_complete(const Restore *restore, const char *step_folder, GError **error)
{
    const GasketRun *run = restore->run;
    bool complete = restore->has_run;

    for (unsigned k = 0; k < run->part->n_kinds; k++)
        complete = complete && restore->restored[k] == run->part->kinds[k].n_owned;
    for (unsigned i = 0; i < 2 * run->part->n_relations; i++) {
        const GasketPartRelation *relation = &run->part->relations[i / 2];
        unsigned k = gasket_part_row_kind(relation, (GasketDirection)(i % 2));
        if (run->rows[i].values.current != NULL || run->rows[i].edge_state != NULL)
            complete = complete && restore->rows[i] == run->part->kinds[k].n_owned;
    }
    for (unsigned i = 0; i < run->n_kept_arrays; i++)
        complete =
            complete && restore->arrays[i] == run->part->kinds[run->kept_arrays[i].kind].n_owned;
    if (complete)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s: found only some of the graph's vertices and rows, expected all", step_folder);
    return false;
}

static bool
restore_files(Restore *restore, const GasketDisk *disk, const char *step_folder,
              const GasketSnapshotManifest *manifest, GError **error)
{
    for (unsigned k = 0; k < restore->run->part->n_kinds; k++) {
        restore->order[k] = gasket_vertices_by_number(&restore->run->part->kinds[k], error);
        if (restore->order[k] == NULL)
            return false;
    }
    for (unsigned f = 0; f < manifest->n_files; f++) {
        g_autofree char *name = g_strdup_printf("rank-%u", f);
        g_autofree char *path = g_build_filename(step_folder, name, NULL);
        if (!restore_file(restore, disk, path, f, manifest, error))
            return false;
    }
    return check_complete(restore, step_folder, error);
}

bool
gasket_snapshot_restore(GasketRun *run, const GasketDisk *disk, const char *step_folder,
                        const GasketSnapshotManifest *manifest, GError **error)
{
    Restore restore = {
        .run = run,
        .order = g_new0(uint32_t *, run->part->n_kinds),
        .restored = g_new0(uint64_t, run->part->n_kinds),
        .rows = g_new0(uint64_t, 2 * (size_t)run->part->n_relations + 1),
    };
    bool ok = restore_files(&restore, disk, step_folder, manifest, error);

    for (unsigned k = 0; k < run->part->n_kinds; k++) {
        gasket_array_free(restore.order[k]);
        /* What changed before is not known by vertex: the next step gathers over all. */
        run->kinds[k].pushable = (GasketPushable){0};
    }
    g_free(restore.order);
    g_free(restore.restored);
    g_free(restore.rows);
    return ok && gasket_snapshot_spread(run, error);
}
