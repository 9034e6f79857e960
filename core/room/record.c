/* Device certificates and person records: writing, reading, and whether their signatures hold. */
#include "core/room/record.h"

#include <string.h>

#include "core/room/body.h"

/* Everything that both halves of a certificate sign. */
static enum pv_err put_signed(struct pv_buf *buf, const struct pv_cert_context *context, const struct pv_device *device,
                              bool paper, const struct pv_hash *signer)
{
    static const struct pv_hash nobody;
    pv_cbor_put_hash(buf, context->in_genesis ? &nobody : &context->person);
    pv_cbor_put_bytes(buf, context->genesis_nonce.b, context->in_genesis ? sizeof context->genesis_nonce.b : 0);
    pv_device_put(buf, device);
    pv_cbor_put_bool(buf, paper);
    pv_cbor_put_hash(buf, signer);
    return buf->err;
}

enum pv_err pv_cert_sign(const struct pv_cert_context *context, const struct pv_device *device, bool paper,
                         const struct pv_hash *signer, const struct pv_sign_sk *sk, struct pv_sig *ret_sig)
{
    struct pv_buf buf;
    pv_buf_init(&buf, PV_LIMIT_ENTRY_BYTES);
    enum pv_err err = put_signed(&buf, context, device, paper, signer);
    if (!err) err = pv_sign(sk, "certificate", pv_buf_bytes(&buf), ret_sig);
    pv_buf_release(&buf);
    return err;
}

enum pv_err pv_cert_verify(const struct pv_cert_context *context, const struct pv_cert *cert,
                           const struct pv_sign_pk *signer_pk)
{
    struct pv_buf buf;
    pv_buf_init(&buf, PV_LIMIT_ENTRY_BYTES);
    enum pv_err err = put_signed(&buf, context, &cert->device, cert->paper, &cert->signer);
    if (!err) err = pv_verify(signer_pk, "certificate", pv_buf_bytes(&buf), &cert->sig);
    if (!err) err = pv_verify(&cert->device.sign_pk, "certificate", pv_buf_bytes(&buf), &cert->consent);
    pv_buf_release(&buf);
    return err;
}

void pv_cert_put(struct pv_buf *buf, const struct pv_cert *cert)
{
    pv_cbor_put_array(buf, 5);
    pv_device_put(buf, &cert->device);
    pv_cbor_put_bool(buf, cert->paper);
    pv_cbor_put_hash(buf, &cert->signer);
    pv_cbor_put_bytes(buf, cert->sig.b, sizeof cert->sig.b);
    pv_cbor_put_bytes(buf, cert->consent.b, sizeof cert->consent.b);
}

void pv_cert_get(struct pv_cbor *in, struct pv_cert *ret_cert)
{
    pv_cbor_get_array_of(in, 5);
    pv_device_get(in, &ret_cert->device);
    ret_cert->paper = pv_cbor_get_bool(in);
    pv_cbor_get_hash(in, &ret_cert->signer);
    pv_cbor_get_fixed(in, ret_cert->sig.b, sizeof ret_cert->sig.b);
    pv_cbor_get_fixed(in, ret_cert->consent.b, sizeof ret_cert->consent.b);
}

void pv_record_put(struct pv_buf *buf, struct pv_bytes genesis_entry, struct pv_bytes genesis_body,
                   const struct pv_cert *certs, size_t count)
{
    if (count > PV_LIMIT_CERTIFICATES && !buf->err) buf->err = PV_ERR_LIMIT;
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_bytes(buf, genesis_entry.p, genesis_entry.n);
    pv_cbor_put_bytes(buf, genesis_body.p, genesis_body.n);
    pv_cbor_put_array(buf, count);
    for (size_t i = 0; i < count && !buf->err; i++) pv_cert_put(buf, &certs[i]);
}

struct parts {
    struct pv_bytes entry_bytes, body_bytes;
    struct pv_cert certs[PV_LIMIT_CERTIFICATES];
    size_t count;
};

static void get_parts(struct pv_cbor *in, struct parts *ret_parts)
{
    pv_cbor_get_array_of(in, 3);
    ret_parts->entry_bytes = pv_cbor_get_bytes(in, PV_LIMIT_ENTRY_BYTES);
    ret_parts->body_bytes = pv_cbor_get_bytes(in, PV_LIMIT_BODY_BYTES);
    ret_parts->count = pv_cbor_get_array(in, PV_LIMIT_CERTIFICATES);
    for (size_t i = 0; i < ret_parts->count && !in->err; i++) pv_cert_get(in, &ret_parts->certs[i]);
}

struct pv_bytes pv_record_get(struct pv_cbor *in)
{
    struct parts parts;
    const uint8_t *start = in->p;
    get_parts(in, &parts);
    return in->err ? pv_bytes(NULL, 0) : pv_bytes(start, (size_t)(in->p - start));
}

static void list_device(struct pv_person *person, const struct pv_cert *cert, bool founding)
{
    struct pv_record_device *to = &person->devices[person->device_count++];
    *to = (struct pv_record_device){.device = cert->device, .paper = cert->paper, .founding = founding,
                                    .signer = cert->signer};
    pv_device_id(&cert->device, &to->id);
}

static bool lists_twice(const struct pv_person *person)
{
    for (size_t i = 0; i < person->device_count; i++)
        for (size_t j = 0; j < i; j++)
            if (pv_hash_equal(&person->devices[i].id, &person->devices[j].id)) return true;
    return false;
}

struct record {
    struct parts parts;
    struct pv_entry entry;
    struct pv_roster_body body;
};

static enum pv_err read_record(struct pv_bytes bytes, struct record *ret_record, struct pv_person *ret_person)
{
    struct pv_cbor in;
    struct pv_person person = {.device_count = 0};
    pv_cbor_init(&in, bytes);
    get_parts(&in, &ret_record->parts);
    enum pv_err err = pv_cbor_finish(&in);
    if (!err) err = pv_entry_read(ret_record->parts.entry_bytes, &ret_record->entry);
    if (!err) err = pv_roster_body_read(ret_record->parts.body_bytes, &ret_record->body);
    if (err) return err;
    const struct pv_genesis *genesis = &ret_record->body.u.genesis;
    bool of_person = ret_record->body.type == PV_ROSTER_GENESIS && genesis->room_kind == PV_ROOM_PERSON;
    if (!of_person || !pv_hash_is_zero(&ret_record->entry.header.room)) return PV_ERR_MALFORMED;
    pv_entry_room_id(ret_record->parts.entry_bytes, &person.id);
    for (size_t i = 0; i < 2; i++) list_device(&person, &genesis->founders[i], true);
    for (size_t i = 0; i < ret_record->parts.count; i++) list_device(&person, &ret_record->parts.certs[i], false);
    if (lists_twice(&person)) return PV_ERR_MALFORMED;
    *ret_person = person;
    return PV_OK;
}

enum pv_err pv_record_read(struct pv_bytes record, struct pv_person *ret_person)
{
    struct record read;
    return read_record(record, &read, ret_person);
}

static const struct pv_record_device *find(const struct pv_person *person, size_t count, const struct pv_hash *id)
{
    for (size_t i = 0; i < count; i++)
        if (pv_hash_equal(&person->devices[i].id, id)) return &person->devices[i];
    return NULL;
}

/* Each certificate of the list by a device before it. */
static enum pv_err verify_certs(const struct parts *parts, const struct pv_person *person)
{
    struct pv_cert_context context = {.person = person->id};
    for (size_t i = 0; i < parts->count; i++) {
        const struct pv_record_device *signer = find(person, 2 + i, &parts->certs[i].signer);
        if (!signer) return PV_ERR_BROKEN_CHAIN;
        enum pv_err err = pv_cert_verify(&context, &parts->certs[i], &signer->device.sign_pk);
        if (err) return err;
    }
    return PV_OK;
}

enum pv_err pv_record_verify(struct pv_bytes record, struct pv_person *ret_person)
{
    struct record read;
    struct pv_person person;
    struct pv_hash body_hash;
    enum pv_err err = read_record(record, &read, &person);
    if (err) return err;
    pv_body_hash(read.parts.body_bytes, &body_hash);
    if (!pv_hash_equal(&body_hash, &read.entry.header.body_hash)) return PV_ERR_BROKEN_CHAIN;
    err = pv_genesis_verify_founders(&read.body.u.genesis, &read.entry.header.author);
    if (!err) err = pv_entry_verify(&read.entry, &person.devices[0].device.sign_pk);
    if (!err) err = verify_certs(&read.parts, &person);
    if (!err) *ret_person = person;
    return err;
}

const struct pv_record_device *pv_person_device(const struct pv_person *person, const struct pv_hash *device)
{
    return find(person, person->device_count, device);
}

enum pv_err pv_genesis_verify_founders(const struct pv_genesis *genesis, const struct pv_hash *author)
{
    const struct pv_cert *first = &genesis->founders[0], *paper = &genesis->founders[1];
    struct pv_cert_context context = {.in_genesis = true, .genesis_nonce = genesis->nonce};
    struct pv_hash id, paper_id;
    pv_device_id(&first->device, &id);
    pv_device_id(&paper->device, &paper_id);
    if (first->paper || !paper->paper || pv_hash_equal(&id, &paper_id)) return PV_ERR_MALFORMED;
    if (memcmp(first->sig.b, first->consent.b, sizeof first->sig.b) != 0) return PV_ERR_MALFORMED;
    if (!pv_hash_equal(&id, author) || !pv_hash_equal(&first->signer, &id) || !pv_hash_equal(&paper->signer, &id))
        return PV_ERR_BROKEN_CHAIN;
    enum pv_err err = pv_cert_verify(&context, first, &first->device.sign_pk);
    if (!err) err = pv_cert_verify(&context, paper, &first->device.sign_pk);
    return err;
}
