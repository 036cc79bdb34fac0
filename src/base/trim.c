/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trim.h"

#include <malloc.h>

#include "base/banned.h"

void trim_memory(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
