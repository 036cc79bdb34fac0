/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_HANDLER_H
#define HTTPD_HANDLER_H

/*
 * request_rec → acme_request_t, acme_response_t → wire.
 *
 * A request is bound to us before any other module looks at it, by its URL as
 * it came: signatures are over that (H6).  From then on every answer to it is
 * ours, errors of httpd and other modules included (H1, H2): they go through an
 * output filter that puts a problem document in the place of httpd's text.
 */

void httpd_handler_hooks(void);

#endif
