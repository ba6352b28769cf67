#include "tests/support/certificate.h"

#include "common/mem.h"
#include "tests/support/fail.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* A step of OpenSSL's that cannot fail here unless something is very wrong. */
static void must(int is_done)
{
    if (is_done <= 0) {
        fail_because("a test certificate cannot be made");
    }
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension != NULL);
    must(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, const struct certificate_options *options)
{
    static const unsigned char common_name[] = "omnihook test";
    X509 *certificate = X509_new();
    must(certificate != NULL);
    must(X509_set_version(certificate, X509_VERSION_3));
    must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1));
    must(X509_gmtime_adj(X509_getm_notBefore(certificate), options->valid_from_s) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(certificate), options->valid_to_s) != NULL);
    must(X509_set_pubkey(certificate, key));
    X509_NAME *name = X509_get_subject_name(certificate);
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0));
    must(X509_set_issuer_name(certificate, name));
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, options->subject);
    must(X509_sign(certificate, key, EVP_sha256()));
    return certificate;
}

static FILE *open_file(const struct temp_dir *dir, const char *name, const char *ending)
{
    char file_name[128];
    (void)snprintf(file_name, sizeof file_name, "%s%s", name, ending);
    char *path = temp_dir_join(dir, file_name);
    FILE *file = fopen(path, "w");
    must(file != NULL);
    mem_free(path);
    return file;
}

void certificate_write(const struct temp_dir *dir, const char *name,
                       const struct certificate_options *options)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL);
    X509 *certificate = make_certificate(key, options);
    FILE *file = open_file(dir, name, ".crt");
    must(PEM_write_X509(file, certificate));
    must(fclose(file) == 0);
    file = open_file(dir, name, ".key");
    must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    must(fclose(file) == 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}
