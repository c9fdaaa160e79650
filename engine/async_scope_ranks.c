/* SPDX-License-Identifier: Apache-2.0 */
/* A scope's way from rank to rank. See async_scope.h. */
#include "engine/async_scope.h"

void
gasket_async_scope_begin(GasketAsync *async, GasketScope *scope)
{
    scope->rank = async->run->part->rank;
    gasket_async_claim(&async->scopes, scope);
}

void
gasket_async_scope_granted(GasketAsync *async, GasketScope *scope)
{
    scope->next = async->scopes.ready;
    async->scopes.ready = scope;
}

void
gasket_async_scope_over(GasketAsync *async, GasketScope *scope)
{
    gasket_async_release_cells(async, scope);
}
