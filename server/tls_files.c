/* Checking and reading certificate and key with libcrypto, before the HTTP library gets them and says less. */
#include "server/tls_files.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_file(const char *path, char ret_why[static PV_CONFIG_WHY_MAX])
{
    FILE *file = fopen(path, "re");
    if (!file) snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s cannot be read: %s", path, strerrordesc_np(errno));
    return file;
}

/* A key with a passphrase is refused, not asked for. */
static int no_passphrase(char *text, int max, int writing, void *context)
{
    (void)text;
    (void)max;
    (void)writing;
    (void)context;
    return -1;
}

static enum pv_err check_pair(FILE *cert_file, FILE *key_file, const char *cert_path, const char *key_path,
                              char ret_why[static PV_CONFIG_WHY_MAX])
{
    X509 *cert = PEM_read_X509(cert_file, NULL, no_passphrase, NULL);
    EVP_PKEY *key = PEM_read_PrivateKey(key_file, NULL, no_passphrase, NULL);
    enum pv_err err = PV_ERR_MALFORMED;
    if (!cert) snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s holds no certificate in PEM", cert_path);
    else if (!key) snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s holds no private key in PEM without a passphrase", key_path);
    else if (X509_check_private_key(cert, key) != 1)
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "the key in %.512s is not that of the certificate in %.512s", key_path, cert_path);
    else err = PV_OK;
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}

enum pv_err pv_tls_check(const char *cert, const char *key, char ret_why[static PV_CONFIG_WHY_MAX])
{
    FILE *cert_file = open_file(cert, ret_why);
    FILE *key_file = cert_file ? open_file(key, ret_why) : NULL;
    enum pv_err err = key_file ? check_pair(cert_file, key_file, cert, key, ret_why) : PV_ERR_IO;
    if (cert_file) fclose(cert_file);
    if (key_file) fclose(key_file);
    return err;
}

static enum pv_err read_pem(const char *path, char **ret_text, char ret_why[static PV_CONFIG_WHY_MAX])
{
    enum { PEM_MAX = 1 << 20 };
    FILE *file = fopen(path, "re");
    char *text = malloc(PEM_MAX);
    if (file) setvbuf(file, NULL, _IONBF, 0); /* no second copy of a key */
    size_t n = file && text ? fread(text, 1, PEM_MAX - 1, file) : 0;
    bool good = n > 0 && n < PEM_MAX - 1;
    if (file) fclose(file);
    if (!good) {
        if (text) pv_wipe(text, n);
        free(text);
        snprintf(ret_why, PV_CONFIG_WHY_MAX, "%.512s cannot be read", path);
        return PV_ERR_IO;
    }
    text[n] = 0;
    *ret_text = text;
    return PV_OK;
}

enum pv_err pv_tls_files_read(struct pv_tls_files *files, const struct pv_config *config, char ret_why[static PV_CONFIG_WHY_MAX])
{
    struct pv_tls_files read = {NULL, NULL};
    enum pv_err err = PV_OK;
    if (*config->tls_cert) {
        err = pv_tls_check(config->tls_cert, config->tls_key, ret_why);
        if (!err) err = read_pem(config->tls_cert, &read.cert, ret_why);
        if (!err) err = read_pem(config->tls_key, &read.key, ret_why);
    }
    if (err) pv_tls_files_release(&read);
    else *files = read;
    return err;
}

void pv_tls_files_release(struct pv_tls_files *files)
{
    if (files->key) pv_wipe(files->key, strlen(files->key));
    free(files->key);
    free(files->cert);
    *files = (struct pv_tls_files){NULL, NULL};
}
