/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_NAMESERVER_H
#define DCV_NAMESERVER_H

/* A name server for tests: one thread, UDP and TCP, answers as its script says.
 * Names have their last dot and are lower case. */

#include <pthread.h>
#include <stdatomic.h>

#define NAMESERVER_A     1
#define NAMESERVER_NS    2
#define NAMESERVER_CNAME 5
#define NAMESERVER_TXT   16
#define NAMESERVER_AAAA  28
#define NAMESERVER_CAA   257

typedef struct {
    int is_silent, rcode;
    const char *cname;        /* the name whose records follow */
    const char *addresses[8]; /* of the type that was asked for */
    const char *txt[8];       /* strings of one record parted by "|" */
    int txt_count;            /* so many of txt[0] instead */
    const char *caa;          /* "issue=ca.test": one record */
    const char *ns[4];        /* answers to NS … */
    const char *zone;  /* … but with it they are a referral to this zone, or,
                          without any, its SOA says no */
    const char *owner; /* of the answers: another name than the asked */
    int is_lame;       /* not authoritative */
    int is_cut;        /* by UDP: truncated, without an answer */
    int is_stray;      /* a wrong id, and another question */
    int has_no_tcp;    /* the connection is closed */
    int is_tcp_silent; /* it is not, nor read any more */
} nameserver_reply_t;

typedef void (*nameserver_script_fn)(nameserver_reply_t *reply,
                                     const char *name, int type);

typedef struct {
    nameserver_script_fn script;
    int fd, tcp_fd, port;
    atomic_int questions;    /* of UDP */
    atomic_int tcp;          /* of TCP */
    int silent[16], silents; /* their connections */
    pthread_t thread;
} nameserver_t;

/* port 0: any.  0: cannot. */
int nameserver_start(nameserver_t *server, const char *ip, int port,
                     nameserver_script_fn script);
void nameserver_stop(nameserver_t *server);

#endif
