/* AES-256-GCM where bulk jobs are performed: by the client's libcrypto natively, by node's crypto for wasm. */
#include "tests/vectors/vectors.h"

#ifdef __wasm__

/* tests/run-wasm.mjs provides it. */
__attribute__((import_module("host"), import_name("aes256gcm"))) extern int host_aes256gcm(
    int seal, const uint8_t *key, const uint8_t *nonce, const uint8_t *ad, size_t ad_bytes, const uint8_t *in,
    size_t in_bytes, uint8_t *ret_out);

bool vectors_aes256gcm(bool seal, const uint8_t key[static 32], const uint8_t nonce[static 12], struct pv_bytes ad,
                       struct pv_bytes in, uint8_t *ret_out)
{
    return host_aes256gcm(seal, key, nonce, ad.p, ad.n, in.p, in.n, ret_out) != 0;
}

#else

#include "client/bulk.h"

bool vectors_aes256gcm(bool seal, const uint8_t key[static 32], const uint8_t nonce[static 12], struct pv_bytes ad,
                       struct pv_bytes in, uint8_t *ret_out)
{
    struct pv_bulk bulk;
    if (pv_bulk_init(&bulk)) return false;
    enum pv_err err = seal ? pv_bulk_aes256gcm_seal(&bulk, key, nonce, ad, in, ret_out)
                           : pv_bulk_aes256gcm_open(&bulk, key, nonce, ad, in, ret_out);
    pv_bulk_release(&bulk);
    return err == PV_OK;
}

#endif
