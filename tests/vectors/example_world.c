/* The made-up people, rooms and logs that worked examples come from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log/checkpoint.h"
#include "tests/vectors/example.h"

struct seeded ex_seeds;

void ex_fill(void *p, size_t n)
{
    seeded_fill(&ex_seeds, p, n);
}

void ex_must(enum pv_err err, const char *what)
{
    if (!err) return;
    fprintf(stderr, "example: %s: %s\n", what, pv_err_web_name(err));
    exit(1);
}

void ex_device_from_seeds(struct ex_device *device)
{
    pv_sign_from_seed(&device->sign_seed, &device->sk, &device->device.sign_pk);
    pv_kem_from_seed(&device->kem_seed, &device->kem_pk);
    pv_kem_hash(&device->kem_pk, &device->device.kem_hash);
    pv_device_id(&device->device, &device->id);
}

void ex_device_make(struct ex_device *device)
{
    ex_fill(&device->sign_seed, sizeof device->sign_seed);
    ex_fill(&device->kem_seed, sizeof device->kem_seed);
    ex_device_from_seeds(device);
}

void ex_epoch_make(struct ex_epoch *epoch, uint64_t number)
{
    epoch->epoch = number;
    ex_fill(&epoch->secret, sizeof epoch->secret);
    pv_epoch_secret_hash(&epoch->secret, &epoch->secret_hash);
    pv_epoch_kem_seed(&epoch->secret, &epoch->kem_seed);
    pv_kem_from_seed(&epoch->kem_seed, &epoch->kem_pk);
    pv_kem_hash(&epoch->kem_pk, &epoch->kem_hash);
    pv_epoch_prk(&epoch->secret, &epoch->prk);
}

void ex_wrap(const struct pv_hash *room, const struct ex_epoch *epoch, struct pv_bytes recipient,
             const struct pv_kem_pk *pk, const struct pv_hash *kem_hash, uint8_t ret_wrap[static PV_WRAP_BYTES])
{
    uint8_t enc_seed[PV_KEM_ENC_SEED_BYTES];
    struct pv_wrap_context context = {.room = *room, .epoch = epoch->epoch, .secret_hash = epoch->secret_hash,
                                      .recipient = recipient, .recipient_kem_hash = *kem_hash};
    ex_fill(enc_seed, sizeof enc_seed);
    ex_must(pv_wrap_make(&context, pk, enc_seed, &epoch->secret, ret_wrap), "a wrap");
}

/* ---- logs */

void ex_log_init(struct ex_log *log, uint64_t time_ms)
{
    memset(log, 0, sizeof *log);
    log->time_ms = time_ms;
    ex_fill(&log->log_seed, sizeof log->log_seed);
    pv_sign_from_seed(&log->log_seed, &log->log_sk, &log->log_pk);
    pv_log_key_id(&log->log_pk, &log->log_id);
    ex_must(pv_roster_new(&log->roster), "a roster");
}

void ex_log_free(struct ex_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        pv_buf_release(&log->entries[i].entry);
        pv_buf_release(&log->entries[i].refs);
        pv_buf_release(&log->entries[i].body);
        pv_buf_release(&log->entries[i].beside);
    }
    pv_roster_free(log->roster);
}

static enum pv_err read_stored(void *context, uint64_t at, size_t count, struct pv_hash *ret_hashes)
{
    const struct ex_log *log = context;
    if (at + count > log->stored_count) return PV_ERR_MALFORMED;
    memcpy(ret_hashes, log->stored + at, count * sizeof *ret_hashes);
    return PV_OK;
}

struct pv_merkle_reader ex_log_reader(struct ex_log *log)
{
    return (struct pv_merkle_reader){.read = read_stored, .context = log};
}

static size_t head_of(struct ex_log *log, const struct pv_hash *author)
{
    for (size_t i = 0; i < log->head_count; i++)
        if (pv_hash_equal(&log->heads[i].id, author)) return i;
    log->heads[log->head_count].id = *author;
    return log->head_count++;
}

static void put_beside(struct pv_buf *buf, const struct ex_draft *draft)
{
    pv_cbor_put_array(buf, 3);
    pv_cbor_put_array(buf, draft->kem_key_count);
    for (size_t i = 0; i < draft->kem_key_count; i++)
        pv_cbor_put_bytes(buf, draft->kem_keys[i]->b, sizeof draft->kem_keys[i]->b);
    pv_cbor_put_array(buf, draft->links.n ? 1 : 0);
    if (draft->links.n) pv_cbor_put_bytes(buf, draft->links.p, draft->links.n);
    pv_cbor_put_array(buf, draft->wrap_count);
    for (size_t i = 0; i < draft->wrap_count; i++)
        pv_cbor_put_bytes(buf, draft->wraps[i].p, draft->wraps[i].n);
}

static void make_header(struct ex_log *log, const struct ex_draft *draft, struct pv_bytes refs,
                        struct pv_header *header)
{
    size_t head = head_of(log, draft->author);
    *header = (struct pv_header){.room = log->room, .author = *draft->author, .n = log->heads[head].n + 1,
                                 .prev = log->heads[head].leaf, .seen_size = log->count, .time_ms = log->time_ms,
                                 .kind = draft->kind, .epoch = draft->epoch};
    if (log->count) pv_merkle_edge_root(&log->edge, &header->seen_root);
    else pv_merkle_empty_root(&header->seen_root);
    pv_refs_hash(refs, &header->refs_hash);
}

static void fold(struct ex_log *log, const struct ex_entry *made, enum pv_verdict want)
{
    struct pv_log_item item = {.index = log->count, .leaf = made->leaf, .body = pv_buf_bytes(&made->body)};
    enum pv_verdict verdict;
    enum pv_reason reason;
    ex_must(pv_entry_read(pv_buf_bytes(&made->entry), &item.entry), "an entry");
    ex_must(pv_roster_note(log->roster, &item), "a noted entry");
    ex_must(pv_roster_apply(log->roster, &item, &verdict, &reason), "a folded entry");
    if (verdict == want) return;
    fprintf(stderr, "example: entry %zu: verdict %d, reason %s\n", log->count, verdict,
            verdict == PV_REJECTED ? pv_reason_name(reason) : "");
    exit(1);
}

struct ex_entry *ex_log_append(struct ex_log *log, const struct ex_draft *draft, enum pv_verdict want)
{
    struct ex_entry *made = &log->entries[log->count];
    struct pv_seal_nonce nonce;
    struct pv_hash added[64];
    size_t added_count;
    pv_buf_init(&made->entry, PV_LIMIT_ENTRY_BYTES);
    pv_buf_init(&made->refs, 1 << 16);
    pv_buf_init(&made->body, PV_LIMIT_BODY_BYTES);
    pv_buf_init(&made->beside, 1 << 16);
    log->time_ms += 61000;
    pv_refs_put(&made->refs, draft->refs, draft->ref_count);
    make_header(log, draft, pv_buf_bytes(&made->refs), &made->header);
    if (draft->prk) {
        ex_fill(&nonce, sizeof nonce);
        ex_must(pv_body_seal(draft->prk, &nonce, draft->payload, &made->header, &made->body), "a sealed body");
    } else {
        pv_buf_append(&made->body, draft->body.p, draft->body.n);
        pv_body_hash(draft->body, &made->header.body_hash);
    }
    put_beside(&made->beside, draft);
    ex_must(pv_beside_check(draft->kind, draft->body, pv_buf_bytes(&made->beside)), "what lies beside");
    ex_must(pv_entry_make(&made->header, draft->sk, &made->entry), "an entry");
    pv_entry_leaf(pv_buf_bytes(&made->entry), &made->leaf);
    fold(log, made, want);

    size_t head = head_of(log, draft->author);
    log->heads[head].n = made->header.n;
    log->heads[head].leaf = made->leaf;
    pv_merkle_append(&log->edge, &made->leaf, added, &added_count);
    memcpy(log->stored + log->stored_count, added, added_count * sizeof *added);
    log->stored_count += added_count;
    if (log->count == 0) pv_entry_room_id(pv_buf_bytes(&made->entry), &log->room);
    log->count++;
    return made;
}

/* ---- people */

static void make_cert(struct ex_person *person, size_t i, const struct ex_device *device, bool paper)
{
    struct pv_cert_context context = {.in_genesis = true, .genesis_nonce = person->nonce};
    struct pv_cert *cert = &person->founders[i];
    *cert = (struct pv_cert){.device = device->device, .paper = paper, .signer = person->first.id};
    ex_must(pv_cert_sign(&context, &cert->device, paper, &cert->signer, &person->first.sk, &cert->sig), "a certificate");
    ex_must(pv_cert_sign(&context, &cert->device, paper, &cert->signer, &device->sk, &cert->consent), "a certificate");
}

static void make_genesis(struct ex_person *person)
{
    static const struct pv_hash nowhere;
    struct pv_buf body;
    struct pv_roster_body genesis = {.type = PV_ROSTER_GENESIS};
    const struct ex_device *devices[2] = {&person->first, &person->paper};
    uint8_t wraps[2][PV_WRAP_BYTES];
    struct ex_draft draft = {.author = &person->first.id, .sk = &person->first.sk, .kind = PV_KIND_ROSTER, .wrap_count = 2};
    const struct pv_kem_pk *keys[] = {&person->epoch.kem_pk, &person->first.kem_pk, &person->paper.kem_pk};
    size_t low = memcmp(&person->first.id, &person->paper.id, sizeof person->first.id) < 0 ? 0 : 1;
    for (size_t i = 0; i < 2; i++) {
        const struct ex_device *to = devices[i ? 1 - low : low];
        ex_wrap(&nowhere, &person->epoch, PV_BYTES_OF(to->id), &to->kem_pk, &to->device.kem_hash, wraps[i]);
        draft.wraps[i] = pv_bytes(wraps[i], PV_WRAP_BYTES);
    }
    struct pv_genesis *g = &genesis.u.genesis;
    *g = (struct pv_genesis){.nonce = person->nonce, .room_kind = PV_ROOM_PERSON,
                             .server_name = pv_bytes_of_string(EX_SERVER_NAME), .log_key = person->log.log_pk,
                             .secret_hash = person->epoch.secret_hash, .kem_hash = person->epoch.kem_hash};
    memcpy(g->founders, person->founders, sizeof g->founders);
    ex_must(pv_merkle_list_root(draft.wraps, 2, &g->wraps_root), "a root of wraps");
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    pv_roster_body_put(&body, &genesis);
    draft.body = pv_buf_bytes(&body);
    draft.kem_keys = keys;
    draft.kem_key_count = 3;
    ex_log_append(&person->log, &draft, PV_ACCEPTED);
    pv_buf_release(&body);
}

void ex_person_make(struct ex_person *person, const char *name)
{
    memset(person, 0, sizeof *person);
    person->name = name;
    ex_device_make(&person->first);
    ex_fill(&person->kit, sizeof person->kit);
    pv_kit_paper_seeds(&person->kit, &person->paper.sign_seed, &person->paper.kem_seed);
    ex_device_from_seeds(&person->paper);
    ex_fill(&person->nonce, sizeof person->nonce);
    ex_epoch_make(&person->epoch, 0);
    ex_log_init(&person->log, 1760000000000);
    make_cert(person, 0, &person->first, false);
    make_cert(person, 1, &person->paper, true);
    make_genesis(person);
    pv_buf_init(&person->record, PV_LIMIT_BODY_BYTES);
    pv_record_put(&person->record, pv_buf_bytes(&person->log.entries[0].entry), pv_buf_bytes(&person->log.entries[0].body),
                  NULL, 0);
}

void ex_person_free(struct ex_person *person)
{
    ex_log_free(&person->log);
    pv_buf_release(&person->record);
}

struct pv_party ex_party(const struct ex_person *person)
{
    struct pv_party party = {.record = pv_buf_bytes(&person->record), .device_count = 2,
                             .kem_hash = person->epoch.kem_hash};
    party.devices[0] = person->first.id;
    party.devices[1] = person->paper.id;
    return party;
}
