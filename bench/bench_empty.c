/* A program that does nothing, linked to the libraries of `privity`: what starting it costs at least. */
#include <curl/curl.h>
#include <jansson.h>
#include <keyutils.h>
#include <openssl/evp.h>
#include <stddef.h>

int main(int argc, char **argv)
{
    if (argc < 100) return 0;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)EVP_sha256();
    (void)keyctl_clear(0);
    json_decref(json_string(argv[0]));
    return 1;
}
