/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_CLIMB_H
#define DCV_CLIMB_H

/*
 * CAA records of a job's names (RFC 8659 3): of the name, or else of the
 * nearest domain above that has some.  Comes after the job's own method, when
 * that has succeeded; in the same time.
 *
 * caa: the records forbid it; dns: they could not be had.  A name that does not
 * exist has none.  Unless the terms are strict, a failure does not matter above
 * a name of which the servers knew (an intranet's servers know nothing of what
 * is above their zone), nor of a name of one label.  An answer that is bogus
 * (DNSSEC) always does.
 */

#include "dcv/dcv_run.h"

extern const dcv_method_t dcv_climb;

#endif
