/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Residual belief propagation: what has changed most goes first, and what has not changed rests.
 *
 * A factor that sends a message which differs from its last by the tolerance wakes the variable,
 * with the difference as priority. A variable that runs wakes its factors with the change of its
 * belief. With the asynchronous engine and the priority scheduler the largest go first; with the
 * synchronous engine a step takes all that are woken, and the result is the same everywhere.
 *
 * It ends when nobody is woken. Beyond a bound on messages nobody is: loops may oscillate for ever.
 *
 * Reference: G. Elidan, I. McGraw, D. Koller, Residual belief propagation: informed scheduling for
 * asynchronous message passing, UAI 2006.
 */
#include "bp.h"

bool
bp_residual_run(GasketRun *run, BpSettings *settings, GError **error)
{
    GasketProgram variables = bp_variable_program(settings);
    GasketProgram factors = bp_factor_program(settings);
    const GasketProgram *programs[] = {&variables, &factors};

    variables.wakes = factors.wakes = GASKET_WAKES_CHOSEN;
    return gasket_run_until_quiet(run, programs, 2, error);
}
