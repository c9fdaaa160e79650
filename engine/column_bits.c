/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing and combining the values of columns: see column_bits.h. */
#include "engine/column_bits.h"

#include <string.h>

/* An element's bits as an unsigned integer. */
static uint64_t
load_bits(const void *element, size_t size)
{
    if (size == 1)
        return *(const uint8_t *)element;
    if (size == 4) {
        uint32_t bits;
        memcpy(&bits, element, sizeof bits);
        return bits;
    }
    uint64_t bits;
    memcpy(&bits, element, sizeof bits);
    return bits;
}

int
gasket_bits_compare(GasketType type, const void *x, uint64_t x_count, const void *y,
                    uint64_t y_count)
{
    size_t size = gasket_type_size(type);
    for (uint64_t i = 0; i < MIN(x_count, y_count); i++) {
        uint64_t x_bits = load_bits((const char *)x + i * size, size);
        uint64_t y_bits = load_bits((const char *)y + i * size, size);
        if (x_bits != y_bits)
            return x_bits < y_bits ? -1 : 1;
    }
    return (x_count > y_count) - (x_count < y_count);
}

static bool
is_real(GasketType type)
{
    return type == GASKET_FLOAT || type == GASKET_DOUBLE;
}

static double
load_real(GasketType type, const void *element)
{
    if (type == GASKET_DOUBLE) {
        double value;
        memcpy(&value, element, sizeof value);
        return value;
    }
    float value;
    memcpy(&value, element, sizeof value);
    return value;
}

static int64_t
load_integer(GasketType type, const void *element)
{
    uint64_t bits = load_bits(element, gasket_type_size(type));
    return type == GASKET_INT32 ? (int32_t)(uint32_t)bits : (int64_t)bits;
}

/* x + y, or the end of the range of 64 bits that it lies beyond. */
static int64_t
add_saturating(int64_t x, int64_t y)
{
    int64_t sum;
    if (!__builtin_add_overflow(x, y, &sum))
        return sum;
    return y < 0 ? INT64_MIN : INT64_MAX;
}

void
gasket_fold_start(GasketFold *fold, GasketMultiEdges rule, GasketType type, const void *element)
{
    *fold = (GasketFold){.rule = rule, .type = type};
    if (is_real(type))
        fold->real = load_real(type, element);
    else
        fold->integer = load_integer(type, element);
}

void
gasket_fold_add(GasketFold *fold, const void *element)
{
    if (is_real(fold->type)) {
        double next = load_real(fold->type, element);
        if (fold->rule == GASKET_MULTI_SUM)
            fold->real += next;
        else if (fold->rule == GASKET_MULTI_MIN ? next < fold->real : next > fold->real)
            fold->real = next;
    } else {
        int64_t next = load_integer(fold->type, element);
        if (fold->rule == GASKET_MULTI_SUM)
            fold->integer = add_saturating(fold->integer, next);
        else if (fold->rule == GASKET_MULTI_MIN ? next < fold->integer : next > fold->integer)
            fold->integer = next;
    }
}

void
gasket_fold_store(const GasketFold *fold, void *ret_element)
{
    switch (fold->type) {
    case GASKET_UINT8:
        *(uint8_t *)ret_element = (uint8_t)CLAMP(fold->integer, 0, UINT8_MAX);
        return;
    case GASKET_INT32:
        *(int32_t *)ret_element = (int32_t)CLAMP(fold->integer, INT32_MIN, INT32_MAX);
        return;
    case GASKET_UINT32:
    case GASKET_VERTEX:
        *(uint32_t *)ret_element = (uint32_t)CLAMP(fold->integer, 0, (int64_t)UINT32_MAX);
        return;
    case GASKET_INT64:
        *(int64_t *)ret_element = fold->integer;
        return;
    case GASKET_FLOAT:
        *(float *)ret_element = (float)fold->real;
        return;
    case GASKET_DOUBLE:
        *(double *)ret_element = fold->real;
        return;
    }
}
