/* Logs in by libstrophe, talks with a peer, and logs out:  strophe_login PORT JID PASSWORD PEER [TEXT]
 *
 * Arguments, what is printed and the status are as in gloox_login.cpp. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

static const char *peer, *text;
static int is_in, status = 1;

static void say(xmpp_conn_t *conn, const char *to, const char *body)
{
    xmpp_ctx_t *ctx = xmpp_conn_get_context(conn);
    xmpp_stanza_t *message = xmpp_message_new(ctx, "chat", to, NULL);
    xmpp_message_set_body(message, body);
    xmpp_send(conn, message);
    xmpp_stanza_release(message);
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *message, void *data)
{
    char *body = xmpp_message_get_body(message);
    (void)data;
    if (!body) return 1;
    printf("got %s\n", body);
    if (!text) say(conn, xmpp_stanza_get_from(message), "answer");
    xmpp_free(xmpp_conn_get_context(conn), body);
    xmpp_disconnect(conn);
    return 1;
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error, void *ctx)
{
    if (event == XMPP_CONN_CONNECT) {
        xmpp_stanza_t *presence = xmpp_presence_new(ctx);
        is_in = 1;
        printf("in %s\n", xmpp_conn_get_bound_jid(conn));
        xmpp_handler_add(conn, on_message, NULL, "message", NULL, NULL);
        xmpp_send(conn, presence);
        xmpp_stanza_release(presence);
        if (text) say(conn, peer, text);
        return;
    }
    status = stream_error || error ? 1 : is_in ? 0 : 2;
    printf("%s (error %d, stream error %d)\n", status == 0 ? "out" : status == 2 ? "refused" : "lost", error,
           stream_error ? (int)stream_error->type : -1);
    xmpp_stop(ctx);
}

static void on_log(void *data, xmpp_log_level_t level, const char *area, const char *line)
{
    const char *found = strstr(line, "mechanism=\"");
    (void)data, (void)level, (void)area;
    if (strncmp(line, "SENT: <auth", 11) != 0 || !found) return;
    found += strlen("mechanism=\"");
    printf("mechanism %.*s\n", (int)strcspn(found, "\""), found);
}

int main(int count, char **words)
{
    xmpp_log_t log = {on_log, NULL};
    xmpp_ctx_t *ctx;
    xmpp_conn_t *conn;
    if (count < 5) return 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    peer = words[4];
    text = count > 5 ? words[5] : NULL;
    xmpp_initialize();
    ctx = xmpp_ctx_new(NULL, &log);
    conn = xmpp_conn_new(ctx);
    xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_TRUST_TLS);
    xmpp_conn_set_jid(conn, words[2]);
    xmpp_conn_set_pass(conn, words[3]);
    if (xmpp_connect_client(conn, "127.0.0.1", (unsigned short)atoi(words[1]), on_event, ctx) == 0) xmpp_run(ctx);
    xmpp_conn_release(conn);
    xmpp_ctx_free(ctx);
    xmpp_shutdown();
    return status;
}
