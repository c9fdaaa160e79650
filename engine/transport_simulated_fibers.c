/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a simulation as fibers: each has a stack of its own, and all share the thread that
 * calls gasket_simulated_run. A turn is then a change of stacks and not of threads, which costs a
 * few hundred nanoseconds and never waits for the system's scheduler.
 *
 *   caller ──> first member ──its wait──> another ── ... ──last one gone──> caller
 *
 * Checkers of memory and threads see a thread's stack change under them; where the program runs
 * under one, members stay threads (gasket_simulated_has_fibers).
 */
#include <sys/mman.h>
#include <unistd.h>

#include "engine/transport_simulated_internal.h"

#define STACK_BYTES ((size_t)1 << 20) /* touched pages alone take memory */

/* The checkers', where the program runs under them; else NULL. */
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size)
    __attribute__((weak));
void *__tsan_create_fiber(unsigned flags) __attribute__((weak));

bool
gasket_simulated_has_fibers(void)
{
    return __sanitizer_start_switch_fiber == NULL && __tsan_create_fiber == NULL;
}

/* A stack above a page that nobody may touch, so that what overflows it ends at once. */
static bool
init_stack(GasketSimulatedMember *member, GError **error)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *stack = mmap(NULL, page + STACK_BYTES, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (stack != MAP_FAILED &&
        mprotect((uint8_t *)stack + page, STACK_BYTES, PROT_READ | PROT_WRITE) == 0) {
        member->stack = stack;
        member->stack_bytes = page + STACK_BYTES;
        member->context.uc_stack.ss_sp = (uint8_t *)stack + page;
        member->context.uc_stack.ss_size = STACK_BYTES;
        return true;
    }
    if (stack != MAP_FAILED)
        munmap(stack, page + STACK_BYTES);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for a member's stack");
    return false;
}

static ucontext_t *
context_of_turn(GasketSimulation *simulation)
{
    return simulation->turn < simulation->size ? &simulation->member[simulation->turn].context
                                               : &simulation->caller;
}

/* makecontext hands over ints alone: a pointer comes in two. */
static void
be_member(unsigned high, unsigned low)
{
    GasketSimulatedMember *self =
        (GasketSimulatedMember *)(uintptr_t)((uint64_t)high << 32 | low); /* NOLINT */
    GasketSimulation *simulation = self->simulation;

    simulation->talk(simulation->talk_data, self->base.rank);
    g_assert(self->gone);
    setcontext(context_of_turn(simulation));
}

void
gasket_simulated_switch(GasketSimulatedMember *self)
{
    if (self->simulation->turn != self->base.rank)
        swapcontext(&self->context, context_of_turn(self->simulation));
}

static bool
init_fiber(GasketSimulatedMember *member, GError **error)
{
    uint64_t address = (uintptr_t)member;

    getcontext(&member->context);
    if (!init_stack(member, error))
        return false;
    makecontext(&member->context, (void (*)(void))be_member, 2, (unsigned)(address >> 32),
                (unsigned)address);
    return true;
}

bool
gasket_simulated_run(GasketSimulation *simulation, void (*talk)(void *data, unsigned rank),
                     void *data, GError **error)
{
    bool ok = true;

    simulation->fibers = true;
    simulation->talk = talk;
    simulation->talk_data = data;
    for (unsigned i = 0; ok && i < simulation->size; i++)
        ok = init_fiber(&simulation->member[i], error);
    if (ok) {
        gasket_simulated_cut_if_due(simulation);
        gasket_simulated_pass_baton(simulation);
        swapcontext(&simulation->caller, context_of_turn(simulation));
    }
    for (unsigned i = 0; i < simulation->size; i++)
        if (simulation->member[i].stack != NULL)
            munmap(simulation->member[i].stack, simulation->member[i].stack_bytes);
    return ok;
}
