/* Device certificates and person records: who may act for whom.  Source: FORMAT.md §2. */
#ifndef PV_ROOM_RECORD_H
#define PV_ROOM_RECORD_H

#include "core/base/limits.h"
#include "core/log/entry.h"

struct pv_cert {
    struct pv_device device;
    bool paper;
    struct pv_hash signer; /* device id */
    struct pv_sig sig;
    struct pv_sig consent;
};

/* What a certificate is bound to: in a person room's genesis person zero and the nonce, elsewhere the person. */
struct pv_cert_context {
    struct pv_hash person;
    bool in_genesis;
    struct pv_id16 genesis_nonce;
};

void pv_cert_put(struct pv_buf *buf, const struct pv_cert *cert);
void pv_cert_get(struct pv_cbor *in, struct pv_cert *ret_cert);
/* The signing halves: each side signs the same bytes. Errors: NOMEM. */
PV_MUST_USE enum pv_err pv_cert_sign(const struct pv_cert_context *context, const struct pv_device *device, bool paper,
                                     const struct pv_hash *signer, const struct pv_sign_sk *sk, struct pv_sig *ret_sig);
/* Both signatures. Errors: BAD_SIG, NOMEM. */
PV_MUST_USE enum pv_err pv_cert_verify(const struct pv_cert_context *context, const struct pv_cert *cert,
                                       const struct pv_sign_pk *signer_pk);

struct pv_record_device {
    struct pv_hash id;
    struct pv_device device;
    bool paper;
    bool founding;          /* one of the genesis's two */
    struct pv_hash signer;
};

/* A record that verified. */
struct pv_person {
    struct pv_hash id;
    struct pv_record_device devices[2 + PV_LIMIT_CERTIFICATES];
    size_t device_count;
};

/* Append `[genesis entry, genesis body, [cert…]]`. At most PV_LIMIT_CERTIFICATES, else the buffer fails with LIMIT. */
void pv_record_put(struct pv_buf *buf, struct pv_bytes genesis_entry, struct pv_bytes genesis_body,
                   const struct pv_cert *certs, size_t count);
/* Take a record out of a larger structure, its array and certificates well-formed; borrowed. */
struct pv_bytes pv_record_get(struct pv_cbor *in);
/* No signature checked: reads the devices that it lists (for "listed by a clear body, valid or not").
 * Errors: as a reader's; MALFORMED also where the genesis is no person room's or a device is listed twice. */
PV_MUST_USE enum pv_err pv_record_read(struct pv_bytes record, struct pv_person *ret_person);
/* Everything: shape, genesis signature, every certificate. Errors: BAD_SIG, BROKEN_CHAIN, MALFORMED, NOMEM. */
PV_MUST_USE enum pv_err pv_record_verify(struct pv_bytes record, struct pv_person *ret_person);
/* NULL when the record lists no such device. */
const struct pv_record_device *pv_person_device(const struct pv_person *person, const struct pv_hash *device);

#endif
