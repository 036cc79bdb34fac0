/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IDENTIFIER_H
#define IDENTIFIER_H

/*
 * ACME identifiers (RFC 8555 7.1.3, 9.7.7): syntax and normal form, no policy.
 *
 * A dns value is lower case, without trailing dot, made of LDH labels of 1..63
 * octets, at most 253 in all; "xn--" labels must be valid A-labels.  A leading
 * "*." label makes a wildcard; nothing else may hold "*".  An all-numeric last
 * label (an IPv4 address in disguise) is refused.
 *
 * An ip value (RFC 8738) is an address as RFC 5952 writes it, without brackets,
 * zone or length of a prefix.
 */

#include <apr_pools.h>
#include <apr_tables.h>

struct problem_t;

typedef enum { IDENTIFIER_DNS, IDENTIFIER_IP } identifier_type_e;

typedef struct {
    identifier_type_e type;
    const char *value; /* normalised; with "*." for a wildcard */
} identifier_t;

/* What the directive ACMEValidationUnderscore allows. */
#define IDENTIFIER_UNDERSCORE 1

/* type and value as the client sent them → normalised identifier in pool.
 * unsupportedIdentifier for an unknown type, malformed for bad syntax, with a
 * detail that quotes the value (printable part only) and says what is wrong. */
struct problem_t *identifier_parse(identifier_t **identifier, const char *type,
                                   const char *value, int flags,
                                   apr_pool_t *pool)
    __attribute__((warn_unused_result));

const char *identifier_type_name(identifier_type_e type); /* "dns" */
/* An identifier_type_e; -1: there is no such type. */
int identifier_type_find(const char *name);
/* What an operator means by value: "ip" for an address, "dns" for all else. */
const char *identifier_type_guess(const char *value);

/* An address in network order: 4 or 16 octets; 0: text is none. */
apr_size_t identifier_address(unsigned char octets[16], const char *text);
/* An identifier from network order, 4 or 16 octets; NULL: of another length. */
identifier_t *identifier_from_octets(const unsigned char *octets,
                                     apr_size_t len, apr_pool_t *pool);
/* The way back: 4 or 16, 0 for a dns identifier. */
apr_size_t identifier_octets(unsigned char octets[16],
                             const identifier_t *identifier);

int identifier_is_wildcard(const identifier_t *identifier);
/* The value without "*.": what an authorization is for. */
const char *identifier_base(const identifier_t *identifier);
int identifier_compare(const identifier_t *a, const identifier_t *b);
/* Sorts and removes doubles, in place (array of identifier_t *). */
void identifier_sort(apr_array_header_t *identifiers);
/* Are these two sorted, double-free lists equal? */
int identifier_lists_equal(const apr_array_header_t *a,
                           const apr_array_header_t *b);
/* "dns:a.example ip:192.0.2.1" ↔ list: how the store and the log write them.
 * from_text is for our own text only and trusts it; NULL if it is not ours. */
const char *identifier_list_text(const apr_array_header_t *identifiers,
                                 apr_pool_t *pool);
apr_array_header_t *identifier_list_from_text(const char *text,
                                              apr_pool_t *pool);

#endif
