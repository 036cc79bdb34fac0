/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BANNED_H
#define BANNED_H

/*
 * Functions that must not compile here.  Included by every .c file, last.
 * Copying strings: apr_pstrdup, apr_psprintf, apr_snprintf.  Time: clock.h.
 * jansson: only the calls that steal the reference.
 */

#define BANNED(name) name##_is_a_banned_function

#undef strcpy
#define strcpy(x, y) BANNED(strcpy)
#undef strcat
#define strcat(x, y) BANNED(strcat)
#undef strncpy
#define strncpy(x, y, n) BANNED(strncpy)
#undef strncat
#define strncat(x, y, n) BANNED(strncat)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)
#undef gmtime
#define gmtime(x) BANNED(gmtime)
#undef localtime
#define localtime(x) BANNED(localtime)
#undef ctime
#define ctime(x) BANNED(ctime)
#undef strtok
#define strtok(x, y) BANNED(strtok)
#undef rand
#define rand() BANNED(rand)
#undef json_object_set
#define json_object_set(o, k, v) BANNED(json_object_set)
#undef json_array_append
#define json_array_append(a, v) BANNED(json_array_append)
#undef json_array_insert
#define json_array_insert(a, i, v) BANNED(json_array_insert)
#undef json_array_set
#define json_array_set(a, i, v) BANNED(json_array_set)

#endif
