/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: what a feed was given, as it came. A list of blocks belongs to one feed and one relation
 * (two handles an item: source, target) or kind (one handle), and is emptied block by block.
 *
 *   handles   s0 t0 s1 t1 ...                        [capacity][ends]
 *   columns   uniform: data  [capacity][length]
 *             varying: begin [capacity + 1] into data, which grows
 */
#ifndef GASKET_ENGINE_BLOCK_H
#define GASKET_ENGINE_BLOCK_H

#include <gasket/graph.h>

/* A column before it has data. */
typedef struct {
    char *name;
    GasketType type;
    uint32_t length; /* elements each; 0: varying */
} GasketColumnShape;

typedef struct {
    void *data;
    uint64_t *begin; /* NULL where uniform */
    uint64_t room;   /* elements that data of a varying column has room for */
} GasketBlockColumn;

typedef struct {
    uint32_t n, capacity;
    uint32_t *handles;
    GasketBlockColumn *columns; /* [n_columns of the list] */
    unsigned n_columns;
} GasketBlock;

typedef struct {
    unsigned ends;                  /* handles an item: 1 or 2 */
    const GasketColumnShape *shape; /* [n_columns], borrowed */
    unsigned n_columns;
    GasketBlock **blocks; /* [n_blocks]; those already consumed are NULL */
    size_t n_blocks, room;
    uint64_t n; /* items added in all */
} GasketBlockList;

void gasket_block_list_init(GasketBlockList *list, unsigned ends, const GasketColumnShape *shape,
                            unsigned n_columns);
void gasket_block_list_clear(GasketBlockList *list);

/* Copies n items behind the others. second: NULL where ends is 1. columns: as in
 * gasket_graph_builder_add_edges. After an error the list can only be cleared. */
bool gasket_block_list_add(GasketBlockList *list, size_t n, const uint32_t *first,
                           const uint32_t *second, const void *const *columns, GError **error);

/* Frees one block before its time. */
void gasket_block_free(GasketBlock *block);

/* Element data of item i in a column of a block; ret_count: elements. */
const void *gasket_block_value(const GasketBlock *block, const GasketColumnShape *shape,
                               unsigned column, uint32_t i, uint64_t *ret_count);

#endif
