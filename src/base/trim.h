/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRIM_H
#define TRIM_H

/* After something that needed much memory, once: malloc keeps what was freed,
 * perhaps for years; this gives whole pages back to the system.  Takes
 * milliseconds. */
void trim_memory(void);

#endif
