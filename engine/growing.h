/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays that grow as data comes in, by doubling.
 *
 *   GasketGrowing ids = {0};
 *   int64_t *id = gasket_growing_extend(&ids, 1, sizeof *id, error);
 *   if (id == NULL)
 *       return false;
 *   *id = 7;
 *   ids.n++;
 *
 * Free with gasket_array_free(ids.data).
 */
#ifndef GASKET_ENGINE_GROWING_H
#define GASKET_ENGINE_GROWING_H

#include "engine/array.h"

typedef struct {
    void *data;
    uint64_t n, room;
} GasketGrowing;

/* Room for n more elements of size bytes behind the n there are, which the caller then counts;
 * where they begin. NULL and MEMORY on failure. */
static inline void *
gasket_growing_extend(GasketGrowing *array, uint64_t n, size_t size, GError **error)
{
    if (array->data == NULL || n > array->room - array->n) {
        uint64_t room = MAX(2 * array->room, array->n + MAX(n, 16));
        void *data = array->data == NULL ? gasket_array_new(room, size, error)
                                         : gasket_array_resize(array->data, room, size, error);
        if (data == NULL)
            return NULL;
        array->data = data;
        array->room = room;
    }
    return (char *)array->data + array->n * size;
}

#endif
