/* SPDX-License-Identifier: Apache-2.0 */
/* Products of tables, block by block. See exact_kernel.h. */
#include "exact_kernel.h"

#include <math.h>
#include <string.h>

#define BLOCK 2048 /* entries: a block and its offsets stay in the first cache */

/* A product below this has lost digits, or will soon. */
#define TINY 1e-290

bool
exact_kernel_init(ExactKernel *kernel, ExactDomain domain, uint32_t n, const uint32_t *card,
                  uint32_t n_inputs, GError **error)
{
    *kernel = (ExactKernel){
        .domain = domain, .n = n, .outer = n, .block = 1, .n_blocks = 1, .n_inputs = n_inputs};
    kernel->card = exact_new(n, sizeof *kernel->card, error);
    kernel->state = exact_new(n, sizeof *kernel->state, error);
    kernel->inputs = exact_new(n_inputs, sizeof *kernel->inputs, error);
    if (kernel->card == NULL || kernel->state == NULL || kernel->inputs == NULL)
        return false;
    memcpy(kernel->card, card, n * sizeof *card);
    /* The last dimension belongs to the block, whatever its size. */
    while (kernel->outer > 0 &&
           (kernel->outer == n || kernel->block * card[kernel->outer - 1] <= BLOCK))
        kernel->block *= card[--kernel->outer];
    for (uint32_t d = 0; d < kernel->outer; d++)
        kernel->n_blocks *= card[d];
    kernel->product = exact_new(kernel->block, sizeof *kernel->product, error);
    for (uint32_t i = 0; i < n_inputs; i++) {
        ExactInput *input = &kernel->inputs[i];
        input->stride = exact_new(n, sizeof *input->stride, error);
        input->offset = exact_new(kernel->block, sizeof *input->offset, error);
        if (input->stride == NULL || input->offset == NULL)
            return false;
    }
    kernel->last = exact_new(kernel->card[n - 1], sizeof *kernel->last, error);
    return kernel->product != NULL && kernel->last != NULL;
}

void
exact_kernel_clear(ExactKernel *kernel)
{
    for (uint32_t i = 0; kernel->inputs != NULL && i < kernel->n_inputs; i++) {
        g_free(kernel->inputs[i].stride);
        g_free(kernel->inputs[i].offset);
    }
    g_free(kernel->inputs);
    g_free(kernel->card);
    g_free(kernel->state);
    g_free(kernel->product);
    g_free(kernel->last);
    *kernel = (ExactKernel){0};
}

void
exact_kernel_begin(ExactKernel *kernel)
{
    for (uint32_t i = 0; i < kernel->n_inputs; i++) {
        ExactInput *input = &kernel->inputs[i];
        uint64_t done = 1;
        input->base = 0;
        input->last_only = true;
        for (uint32_t d = kernel->outer; d + 1 < kernel->n; d++)
            input->last_only = input->last_only && input->stride[d] == 0;
        input->offset[0] = 0;
        /* From the fastest dimension on, what stands is repeated for each state of the next. */
        for (uint32_t d = kernel->n; d-- > kernel->outer; done *= kernel->card[d])
            for (uint32_t x = 1; x < kernel->card[d]; x++)
                for (uint64_t j = 0; j < done; j++)
                    input->offset[x * done + j] =
                        (uint32_t)(input->offset[j] + x * input->stride[d]);
    }
}

void
exact_kernel_next(ExactKernel *kernel)
{
    for (uint32_t d = kernel->outer; d-- > 0;) {
        bool over = ++kernel->state[d] == kernel->card[d];
        for (uint32_t i = 0; i < kernel->n_inputs; i++) {
            ExactInput *input = &kernel->inputs[i];
            if (over)
                input->base -= input->stride[d] * (kernel->card[d] - 1);
            else
                input->base += input->stride[d];
        }
        if (!over)
            return;
        kernel->state[d] = 0;
    }
}

/* product[j] *= table[offset[j]], or where they are logarithms +=. */
static void
multiply(ExactKernel *kernel, double *product, const double *table, const uint32_t *offset,
         uint64_t n)
{
    if (kernel->domain != EXACT_LINEAR) {
        for (uint64_t j = 0; j < n; j++)
            product[j] += table[offset[j]];
        return;
    }
    bool underflow = false;
    for (uint64_t j = 0; j < n; j++) {
        double x = product[j], y = table[offset[j]], z = x * y;
        underflow |= (z < TINY) & (x != 0) & (y != 0);
        product[j] = z;
    }
    kernel->underflow |= underflow;
}

/* Most tables meet at the last dimension, a clique's own variable, and depend on no other of the
 * block: they are multiplied once for a block, not for each of its entries. */
void
exact_kernel_multiply(ExactKernel *kernel, uint32_t n)
{
    const uint32_t states = kernel->card[kernel->n - 1];

    for (uint32_t x = 0; x < states; x++)
        kernel->last[x] = kernel->domain == EXACT_LINEAR ? 1 : 0;
    for (uint32_t i = 0; i < n; i++) {
        const ExactInput *input = &kernel->inputs[i];
        if (input->last_only)
            multiply(kernel, kernel->last, input->table + input->base, input->offset, states);
    }
    for (uint64_t j = 0; j < kernel->block; j += states)
        for (uint32_t x = 0; x < states; x++)
            kernel->product[j + x] = kernel->last[x];
    for (uint32_t i = 0; i < n; i++) {
        const ExactInput *input = &kernel->inputs[i];
        if (!input->last_only)
            multiply(kernel, kernel->product, input->table + input->base, input->offset,
                     kernel->block);
    }
}
