/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_CLIMB_H
#define DCV_CLIMB_H

/*
 * CAA records of a job's names (RFC 8659 3): of the name, or else of the
 * nearest domain above that has some.  They are asked for while the job's own
 * method is at work, so that neither takes the other's time, and matter when
 * that has succeeded.
 *
 * caa: the records forbid it; dns: they could not be had.  A name that does not
 * exist has none.  Unless the terms are strict, a failure does not matter above
 * a name of which the servers knew (an intranet's servers know nothing of what
 * is above their zone), nor of a name of one label.  An answer that is bogus
 * (DNSSEC) always does.
 */

#include "dcv/dcv_run.h"

/* Sets run->climb; run is not finished by it. */
void dcv_climb_start(dcv_run_t *run);

/* The job's own method has succeeded: run is finished, by dcv_run_end, as soon
 * as the records are known; at once where they are, or the time is over. */
void dcv_climb_wait(dcv_run_t *run);

/* Nobody wants to know any more. */
void dcv_climb_cancel(dcv_run_t *run);

#endif
