/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of edges and vertices: see block.h.
 *
 * The first block of a list is small and each following one four times the size, until its widest
 * array has 2 MiB: so little data costs little, and the arrays of much data are mapped one by one
 * and are given back one by one.
 *
 * Cost: one copy of what is added; memory within 2 MiB of it for each list and array.
 */
#include "engine/block.h"

#include <string.h>

#include "engine/array.h"

#define FIRST_CAPACITY 1024
#define ARRAY_BYTES    ((size_t)2 << 20)

void
gasket_block_list_init(GasketBlockList *list, unsigned ends, const GasketColumnShape *shape,
                       unsigned n_columns)
{
    *list = (GasketBlockList){.ends = ends, .shape = shape, .n_columns = n_columns};
}

void
gasket_block_free(GasketBlock *block)
{
    if (block == NULL)
        return;
    gasket_array_free(block->handles);
    for (unsigned c = 0; c < block->n_columns; c++) {
        gasket_array_free(block->columns[c].data);
        gasket_array_free(block->columns[c].begin);
    }
    g_free(block->columns);
    g_free(block);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketBlock, gasket_block_free)

void
gasket_block_list_clear(GasketBlockList *list)
{
    for (size_t b = 0; b < list->n_blocks; b++)
        gasket_block_free(list->blocks[b]);
    gasket_array_free(list->blocks);
    gasket_block_list_init(list, list->ends, list->shape, list->n_columns);
}

/* Items of a list's next block. */
static uint32_t
next_capacity(const GasketBlockList *list)
{
    size_t widest = list->ends * sizeof(uint32_t);
    for (unsigned c = 0; c < list->n_columns; c++)
        widest = MAX(widest, gasket_type_size(list->shape[c].type) * (size_t)list->shape[c].length);
    size_t capacity = FIRST_CAPACITY;
    for (size_t b = 0; b < MIN(list->n_blocks, 4); b++)
        capacity *= 4;
    return (uint32_t)CLAMP(ARRAY_BYTES / widest, 1, capacity);
}

static GasketBlock *
block_new(const GasketBlockList *list, GError **error)
{
    g_autoptr(GasketBlock) block = g_new0(GasketBlock, 1);
    block->capacity = next_capacity(list);
    block->n_columns = list->n_columns;
    block->columns = g_new0(GasketBlockColumn, list->n_columns);
    block->handles =
        gasket_array_new((uint64_t)block->capacity * list->ends, sizeof *block->handles, error);
    if (block->handles == NULL)
        return NULL;
    for (unsigned c = 0; c < list->n_columns; c++) {
        const GasketColumnShape *shape = &list->shape[c];
        GasketBlockColumn *column = &block->columns[c];
        if (shape->length > 0)
            column->data = gasket_array_new((uint64_t)block->capacity * shape->length,
                                            gasket_type_size(shape->type), error);
        else
            column->begin =
                gasket_array_new((uint64_t)block->capacity + 1, sizeof *column->begin, error);
        if (column->data == NULL && column->begin == NULL)
            return NULL;
    }
    return g_steal_pointer(&block);
}

/* The block that takes the next item. */
static GasketBlock *
open_block(GasketBlockList *list, GError **error)
{
    if (list->n_blocks > 0) {
        GasketBlock *last = list->blocks[list->n_blocks - 1];
        if (last->n < last->capacity)
            return last;
    }
    if (list->n_blocks == list->room) {
        size_t room = MAX(16, 2 * list->room);
        void *blocks = gasket_array_resize(list->blocks, room, sizeof *list->blocks, error);
        if (blocks == NULL)
            return NULL;
        list->blocks = blocks;
        list->room = room;
    }
    GasketBlock *block = block_new(list, error);
    if (block != NULL)
        list->blocks[list->n_blocks++] = block;
    return block;
}

static bool
add_varying(GasketBlockColumn *column, uint32_t at, size_t n, const GasketVarying *from,
            uint64_t first, size_t size, GError **error)
{
    uint64_t used = column->begin[at];
    uint64_t added = from->begin[first + n] - from->begin[first];
    if (column->data == NULL || column->room - used < added) {
        uint64_t room = MAX(used + added, 2 * column->room);
        void *data = gasket_array_resize(column->data, room, size, error);
        if (data == NULL)
            return false;
        column->data = data;
        column->room = room;
    }
    if (added > 0)
        memcpy((char *)column->data + used * size,
               (const char *)from->data + from->begin[first] * size, added * size);
    for (size_t i = 0; i < n; i++)
        column->begin[at + i + 1] = used + (from->begin[first + i + 1] - from->begin[first]);
    return true;
}

/* Copies columns of the items first .. first + n - 1 to the end of a block. */
static bool
add_columns(const GasketBlockList *list, GasketBlock *block, size_t first, size_t n,
            const void *const *columns, GError **error)
{
    for (unsigned c = 0; c < list->n_columns; c++) {
        const GasketColumnShape *shape = &list->shape[c];
        size_t size = gasket_type_size(shape->type);
        if (shape->length == 0) {
            if (!add_varying(&block->columns[c], block->n, n, columns[c], first, size, error))
                return false;
        } else {
            size *= shape->length;
            memcpy((char *)block->columns[c].data + block->n * size,
                   (const char *)columns[c] + first * size, n * size);
        }
    }
    return true;
}

bool
gasket_block_list_add(GasketBlockList *list, size_t n, const uint32_t *first,
                      const uint32_t *second, const void *const *columns, GError **error)
{
    g_assert((second != NULL) == (list->ends == 2) || n == 0);
    for (size_t done = 0; done < n;) {
        GasketBlock *block = open_block(list, error);
        if (block == NULL)
            return false;
        size_t count = MIN(n - done, (size_t)(block->capacity - block->n));
        if (!add_columns(list, block, done, count, columns, error))
            return false;
        uint32_t *handles = block->handles + (size_t)block->n * list->ends;
        if (list->ends == 1) {
            memcpy(handles, first + done, count * sizeof *first);
        } else {
            for (size_t i = 0; i < count; i++) {
                handles[2 * i] = first[done + i];
                handles[2 * i + 1] = second[done + i];
            }
        }
        block->n += (uint32_t)count;
        list->n += count;
        done += count;
    }
    return true;
}

const void *
gasket_block_value(const GasketBlock *block, const GasketColumnShape *shape, unsigned column,
                   uint32_t i, uint64_t *ret_count)
{
    const GasketBlockColumn *from = &block->columns[column];
    size_t size = gasket_type_size(shape[column].type);
    if (shape[column].length > 0) {
        *ret_count = shape[column].length;
        return (const char *)from->data + (size_t)i * shape[column].length * size;
    }
    *ret_count = from->begin[i + 1] - from->begin[i];
    return (const char *)from->data + from->begin[i] * size;
}
