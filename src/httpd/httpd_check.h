/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_CHECK_H
#define HTTPD_CHECK_H

/* The hooks in which the configuration is looked at: check_config, where
 * mistakes end a start and `httpd -t` alike, all of them told at once; and
 * test_config, which prints the resolved configuration for acmectl. */

void httpd_check_hooks(void);

#endif
