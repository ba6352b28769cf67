/* struct redis_tls is OpenSSL's SSL_CTX, struct redis_tls_session its SSL, under names of ours:
   neither is ever defined. */
#include "common/redis_tls.h"

#include <arpa/inet.h>
#include <hiredis/async.h>
#include <hiredis/hiredis_ssl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>

bool redis_tls_is_built_in(struct error *err)
{
    (void)err;
    return true;
}

/* An encrypted key: nobody is there to be asked. */
static int refuse_password(char *buffer, int size, int is_writing, void *arg)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)arg;
    return 0;
}

static bool load(SSL_CTX *context, const struct redis_tls_files *files, struct error *err)
{
    if (files->authorities == NULL && SSL_CTX_set_default_verify_paths(context) != 1) {
        return error_set(err, ERROR_BAD_INPUT, "the system's authorities cannot be read");
    }
    if (files->authorities != NULL && SSL_CTX_load_verify_file(context, files->authorities) != 1) {
        return error_set(err, ERROR_BAD_INPUT,
                         "the authorities' file must be a file of PEM certificates");
    }
    if (files->certificate != NULL &&
        SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1) {
        return error_set(err, ERROR_BAD_INPUT,
                         "the client certificate's file must be a file of PEM certificates");
    }
    if (files->key != NULL &&
        SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1) {
        return error_set(err, ERROR_BAD_INPUT,
                         "the client key's file must be a PEM key without a password, and the "
                         "client certificate's");
    }
    return true;
}

struct redis_tls *redis_tls_new(const struct redis_tls_files *files, struct error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        (void)error_set(err, ERROR_SYSTEM, "OpenSSL cannot be used");
        return NULL;
    }
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    /* A reply says itself where it ends; a Redis that is killed says no good-bye. */
    (void)SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_passwd_cb(context, refuse_password);
    /* Whoever names an authority trusts it, also when another has signed it. */
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    bool is_loaded = load(context, files, err);
    ERR_clear_error();
    if (!is_loaded) {
        SSL_CTX_free(context);
        context = NULL;
    }
    return (struct redis_tls *)(void *)context;
}

void redis_tls_free(struct redis_tls *tls)
{
    SSL_CTX_free((SSL_CTX *)(void *)tls);
}

static bool is_numeric(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Whom the certificate must be for. */
static bool expect_host(SSL *ssl, const char *host)
{
    if (is_numeric(host)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

void redis_tls_prepare(void)
{
    ERR_clear_error();
}

static bool explain_certificate(long verdict, const char *host, struct error *err)
{
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return error_set(err, ERROR_REFUSED, "TLS: the server's certificate is not for %s", host);
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return error_set(err, ERROR_REFUSED, "TLS: the certificate of %s has expired", host);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return error_set(err, ERROR_REFUSED, "TLS: the certificate of %s is not valid yet", host);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return error_set(err, ERROR_REFUSED,
                         "TLS: the certificate of %s is from an unknown authority "
                         "(OMNIHOOK_REDIS_CA_FILE names a private one)",
                         host);
    default:
        return error_set(err, ERROR_REFUSED, "TLS: the certificate of %s is refused: %s", host,
                         X509_verify_cert_error_string(verdict));
    }
}

bool redis_tls_stands(const struct redis_tls_session *session)
{
    return SSL_is_init_finished((const SSL *)(const void *)session);
}

/* The certificate was refused, or OpenSSL or an alert of the server's says what is wrong. */
static bool explain_refusal(const SSL *ssl, const char *host, struct error *err)
{
    long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
        (void)explain_certificate(verdict, host, err);
        return true;
    }
    unsigned long code = ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    if (reason != NULL) {
        /* The words are OpenSSL's own, or the name of the alert that the server sent. */
        (void)error_set(err, ERROR_REFUSED, "TLS with %s failed: %s", host, reason);
    }
    return reason != NULL;
}

bool redis_tls_explain(const struct redis_tls_session *session, const char *host, struct error *err)
{
    const SSL *ssl = (const SSL *)(const void *)session;
    if (explain_refusal(ssl, host, err)) {
        return true;
    }
    if (!SSL_is_init_finished(ssl)) {
        (void)error_set(err, ERROR_UNAVAILABLE,
                        "%s closed the connection before TLS stood (is its port one for TLS?)",
                        host);
        return true;
    }
    /* The alert that says so is often lost with what we have sent. */
    if (SSL_get_certificate(ssl) == NULL) {
        (void)error_set(err, ERROR_UNAVAILABLE,
                        "%s closed the connection after the TLS handshake (if it wants a client "
                        "certificate: OMNIHOOK_REDIS_CERT_FILE)",
                        host);
        return true;
    }
    return false;
}

struct redis_tls_session *redis_tls_start(const struct redis_tls *tls,
                                          struct redisAsyncContext *context, const char *host,
                                          struct error *err)
{
    /* SSL_new only counts one more user of it. */
    SSL *ssl = SSL_new((SSL_CTX *)(uintptr_t)tls);
    if (ssl != NULL && expect_host(ssl, host) && redisInitiateSSL(&context->c, ssl) == REDIS_OK) {
        return (struct redis_tls_session *)(void *)ssl;
    }
    /* A server that is near may have answered already, and the handshake have failed. */
    if (ssl == NULL || !explain_refusal(ssl, host, err)) {
        (void)error_set(err, ERROR_UNAVAILABLE, "cannot connect to %s: %s", host,
                        context->c.errstr);
    }
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}
