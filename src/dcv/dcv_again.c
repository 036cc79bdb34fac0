/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_again.h"

#include "base/token.h"

#include "base/banned.h"

#define TIMES_MAX 5
#define PAUSE_MIN apr_time_from_msec(500) /* at most, after the first */

apr_interval_time_t dcv_again_pause(int times)
{
    unsigned char octets[2];
    apr_interval_time_t most;

    if (times >= TIMES_MAX)
        return -1;
    if (!times)
        return 0;
    token_bytes(octets, sizeof(octets));
    most = PAUSE_MIN << (times - 1);
    return most * (octets[0] << 8 | octets[1]) / 65536;
}
