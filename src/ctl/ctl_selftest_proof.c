/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_network_io.h>
#include <apr_portable.h>
#include <apr_signal.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "base/banned.h"

/* Answers http-01 (RFC 8555 8.3): files below a web server's root, or a thread
 * that answers every token on a port, for one account key. */

#define PREFIX      "/.well-known/acme-challenge/"
#define REQUEST_MAX 4096

struct ctl_proof_t {
    apr_pool_t *pool;
    const char *dir;           /* of the webroot, with PREFIX; or NULL */
    apr_array_header_t *files; /* of const char *: what we put there */
    const char *thumbprint;    /* of the account that asks */
    apr_socket_t *listener;    /* or NULL */
    apr_thread_t *thread;
};

/* token → what to answer, of "GET /.well-known/… HTTP/1.1"; NULL: not ours. */
static const char *token_take(char *request, apr_pool_t *pool)
{
    char *path = strchr(request, ' '), *end;

    if (!path || strncmp(path + 1, PREFIX, strlen(PREFIX)))
        return NULL;
    path += 1 + strlen(PREFIX);
    end = strpbrk(path, " \r\n");
    return end ? apr_pstrmemdup(pool, path, (apr_size_t)(end - path)) : NULL;
}

static void client_answer(const ctl_proof_t *proof, apr_socket_t *client,
                          apr_pool_t *pool)
{
    char request[REQUEST_MAX + 1] = "";
    const char *token, *text;
    apr_size_t have = 0, len;

    apr_socket_timeout_set(client, apr_time_from_sec(5));
    while (have < REQUEST_MAX && !strstr(request, "\r\n\r\n")) {
        len = REQUEST_MAX - have;
        if (apr_socket_recv(client, request + have, &len) != APR_SUCCESS)
            return;
        have += len;
        request[have] = '\0';
    }
    token = token_take(request, pool);
    text = token ? apr_pstrcat(pool, token, ".", proof->thumbprint, NULL) : "";
    text = apr_psprintf(pool,
                        "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
                        "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
                        token ? "200 OK" : "404 Not Found", (int)strlen(text),
                        text);
    len = strlen(text);
    if (apr_socket_send(client, text, &len) == APR_SUCCESS)
        apr_socket_shutdown(client, APR_SHUTDOWN_WRITE);
}

/* Until the listener is shut down. */
static void *APR_THREAD_FUNC serve(apr_thread_t *thread, void *baton)
{
    ctl_proof_t *proof = baton;
    apr_socket_t *client;
    apr_pool_t *pool;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return NULL;
    while (apr_socket_accept(&client, proof->listener, pool) == APR_SUCCESS) {
        client_answer(proof, client, pool);
        apr_socket_close(client);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return NULL;
}

/* On every address, IPv6 and IPv4 where the machine has both. */
static apr_status_t listener_make(ctl_proof_t *proof, const char *host,
                                  int port)
{
    apr_sockaddr_t *address;
    apr_status_t rv;

    rv = apr_sockaddr_info_get(&address, host, APR_UNSPEC, (apr_port_t)port, 0,
                               proof->pool);
    if (rv == APR_SUCCESS)
        rv = apr_socket_create(&proof->listener, address->family, SOCK_STREAM,
                               APR_PROTO_TCP, proof->pool);
    if (rv != APR_SUCCESS)
        return rv;
    apr_socket_opt_set(proof->listener, APR_SO_REUSEADDR, 1);
    if (address->family != APR_INET)
        apr_socket_opt_set(proof->listener, APR_IPV6_V6ONLY, 0);
    rv = apr_socket_bind(proof->listener, address);
    return rv == APR_SUCCESS ? apr_socket_listen(proof->listener, 16) : rv;
}

static ctl_exit_e server_start(ctl_proof_t *proof, int port)
{
    char text[128];
    apr_status_t rv = listener_make(proof, "::", port);

    if (rv != APR_SUCCESS)
        rv = listener_make(proof, "0.0.0.0", port);
    if (rv == APR_SUCCESS)
        rv = apr_thread_create(&proof->thread, NULL, serve, proof, proof->pool);
    if (rv == APR_SUCCESS)
        return CTL_OK;
    ctl_print_error("--http-port %d: %s; choose another way (--webroot)", port,
                    apr_strerror(rv, text, sizeof(text)));
    return CTL_FAILED;
}

ctl_exit_e ctl_proof_make(ctl_proof_t **proof, const char *webroot, int port,
                          apr_pool_t *pool)
{
    ctl_proof_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv;

    made->pool = pool;
    made->thumbprint = "";
    made->files = apr_array_make(pool, 4, sizeof(const char *));
    *proof = made;
    apr_signal(SIGPIPE, SIG_IGN);
    if (!webroot)
        return server_start(made, port);
    made->dir = apr_pstrcat(pool, webroot, PREFIX, NULL);
    rv = apr_dir_make_recursive(made->dir, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS)
        return CTL_OK;
    ctl_print_error("--webroot %s: there is no such directory, or it may not "
                    "be written to",
                    webroot);
    return CTL_FAILED;
}

int ctl_proof_put(ctl_proof_t *proof, const char *token, const char *thumbprint,
                  apr_pool_t *pool)
{
    const char *path, *text;
    apr_file_t *file;
    apr_size_t len;
    int is_written;

    proof->thumbprint = thumbprint;
    if (!proof->dir)
        return 1;
    /* What comes from the server names no other file. */
    if (!*token || token[strspn(token, "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_")])
        return 0;
    path = apr_pstrcat(pool, proof->dir, token, NULL);
    text = apr_pstrcat(pool, token, ".", thumbprint, NULL);
    if (apr_file_open(&file, path,
                      APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL,
                      APR_FPROT_OS_DEFAULT, pool) != APR_SUCCESS)
        return 0;
    APR_ARRAY_PUSH(proof->files, const char *) = apr_pstrdup(proof->pool, path);
    len = strlen(text);
    is_written = apr_file_write_full(file, text, len, NULL) == APR_SUCCESS;
    return apr_file_close(file) == APR_SUCCESS && is_written;
}

void ctl_proof_end(ctl_proof_t *proof)
{
    apr_os_sock_t descriptor;
    apr_status_t rv;
    int i;

    for (i = 0; i < proof->files->nelts; i++)
        apr_file_remove(APR_ARRAY_IDX(proof->files, i, const char *),
                        proof->pool);
    if (!proof->thread)
        return;
    /* Wakes accept(), which closing it would not. */
    apr_os_sock_get(&descriptor, proof->listener);
    shutdown(descriptor, SHUT_RDWR);
    apr_thread_join(&rv, proof->thread);
    apr_socket_close(proof->listener);
}
