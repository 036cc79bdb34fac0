/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

/* The nouns' tables of verbs, one in each ctl_<noun>.c. */

#include "ctl/ctl.h"

extern const ctl_command_t ctl_account_commands[], ctl_audit_commands[],
    ctl_authz_commands[], ctl_ca_commands[], ctl_cert_commands[],
    ctl_check_commands[], ctl_crl_commands[], ctl_limit_commands[],
    ctl_db_commands[], ctl_eab_commands[], ctl_issuer_commands[],
    ctl_order_commands[], ctl_policy_commands[], ctl_profile_commands[],
    ctl_renew_commands[], ctl_selftest_commands[];

#endif
