/* Examples for FORMAT.md §3 to §6: the log of a client room, from genesis to the last member's leave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/state/payload.h"
#include "tests/vectors/example.h"

#define CERT_FIELDS "[device[version sign_pk kem_hash] paper signer sig consent]"
#define PARTY_FIELDS "[record[genesis_entry genesis_body certs[*cert" CERT_FIELDS "]] devices[*id] person_epoch kem_hash]"
#define ENTRY_FIELDS "[header[version room author n prev seen[size root] time kind epoch refs_hash body_hash commit] sig]"

static void say_entry(size_t index, const char *what)
{
    char text[200];
    snprintf(text, sizeof text, "### Entry %zu: %s", index, what);
    ex_say(text);
}

static const char *part(size_t index, const char *what)
{
    static char name[64];
    snprintf(name, sizeof name, "room.%zu.%s", index, what);
    return name;
}

static void print_entry(const struct ex_log *log, const struct ex_entry *made)
{
    size_t index = log->count - 1;
    if (made->refs.n > 1) ex_cbor(part(index, "refs"), NULL, pv_buf_bytes(&made->refs), "[*blob]");
    if (made->beside.n > 4)
        ex_cbor(part(index, "beside"), NULL, pv_buf_bytes(&made->beside), "[kem_keys[*kem_pk] links[*link] wraps[*wrap]]");
    ex_cbor(part(index, "entry"), NULL, pv_buf_bytes(&made->entry), ENTRY_FIELDS);
    ex_hash(part(index, "leaf"), "SHA-256(00 ‖ entry)", &made->leaf);
}

/* A clear entry, whole. */
static void clear(struct ex_log *log, struct ex_draft *draft, struct pv_buf *body, const char *what, const char *fields)
{
    if (body->err) ex_must(body->err, what);
    draft->body = pv_buf_bytes(body);
    const struct ex_entry *made = ex_log_append(log, draft, PV_ACCEPTED);
    say_entry(log->count - 1, what);
    ex_cbor(part(log->count - 1, "body"), NULL, draft->body, fields);
    print_entry(log, made);
    pv_buf_clear(body);
}

static void roster(struct ex_log *log, struct ex_draft *draft, const struct pv_roster_body *roster_body,
                   const char *what, const char *fields)
{
    struct pv_buf body;
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    pv_roster_body_put(&body, roster_body);
    clear(log, draft, &body, what, fields);
    pv_buf_release(&body);
}

static void server(struct ex_log *log, const struct pv_server_body *server_body, const char *what, const char *fields)
{
    struct pv_buf body;
    struct ex_draft draft = {.author = &log->log_id, .sk = &log->log_sk, .kind = PV_KIND_SERVER};
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    pv_server_body_put(&body, server_body);
    clear(log, &draft, &body, what, fields);
    pv_buf_release(&body);
}

/* Entries by a device's hand. */
static struct ex_draft by(const struct ex_device *device, enum pv_kind kind, uint64_t epoch)
{
    return (struct ex_draft){.author = &device->id, .sk = &device->sk, .kind = kind, .epoch = epoch};
}

static struct pv_write_ref sealed(struct ex_log *log, struct ex_draft *draft, const struct ex_epoch *epoch,
                                  struct pv_payload *payload, const char *what, const char *fields)
{
    struct pv_buf buf;
    struct pv_entry_key key;
    struct pv_seal_nonce nonce;
    ex_fill(&payload->write_id, sizeof payload->write_id);
    pv_buf_init(&buf, PV_LIMIT_PAYLOAD_BYTES);
    pv_payload_put(&buf, payload);
    if (buf.err) ex_must(buf.err, what);
    draft->prk = &epoch->prk;
    draft->epoch = epoch->epoch;
    draft->payload = pv_buf_bytes(&buf);
    const struct ex_entry *made = ex_log_append(log, draft, PV_ACCEPTED);
    size_t index = log->count - 1;
    say_entry(index, what);
    ex_cbor(part(index, "payload"), NULL, pv_buf_bytes(&buf), fields);
    memcpy(nonce.b, made->body.p, sizeof nonce.b);
    pv_entry_key_derive(&epoch->prk, &made->header, &nonce, &key);
    ex_bytes(part(index, "key"), "K = HKDF(S, \"entry\"; room, epoch, author, n, nonce)", PV_BYTES_OF(key));
    ex_bytes(part(index, "body"), "nonce ‖ Seal(K, nonce, ad, padded payload)", pv_buf_bytes(&made->body));
    print_entry(log, made);
    pv_buf_release(&buf);
    return (struct pv_write_ref){.author = *draft->author, .write_id = payload->write_id};
}

/* ---- the story */

static void genesis(struct ex_world *w)
{
    static const struct pv_hash nowhere;
    struct pv_roster_body body = {.type = PV_ROSTER_GENESIS};
    struct pv_genesis *g = &body.u.genesis;
    struct ex_draft draft = by(&w->ana.first, PV_KIND_ROSTER, 0);
    const struct pv_kem_pk *keys[] = {&w->epochs[0].kem_pk, &w->ana.epoch.kem_pk};
    uint8_t wrap[PV_WRAP_BYTES];
    ex_epoch_make(&w->epochs[0], 0);
    ex_wrap(&nowhere, &w->epochs[0], PV_BYTES_OF(w->ana.log.room), &w->ana.epoch.kem_pk, &w->ana.epoch.kem_hash, wrap);
    draft.wraps[0] = pv_bytes(wrap, sizeof wrap);
    draft.wrap_count = 1;
    draft.kem_keys = keys;
    draft.kem_key_count = 2;
    *g = (struct pv_genesis){.room_kind = PV_ROOM_CLIENT, .server_name = pv_bytes_of_string(EX_SERVER_NAME),
                             .log_key = w->room.log_pk, .secret_hash = w->epochs[0].secret_hash,
                             .kem_hash = w->epochs[0].kem_hash, .founder = ex_party(&w->ana)};
    ex_fill(&g->nonce, sizeof g->nonce);
    ex_must(pv_merkle_list_root(draft.wraps, 1, &g->wraps_root), "a root");
    ex_bytes("room.secret.0", "S of epoch 0, random", PV_BYTES_OF(w->epochs[0].secret));
    ex_bytes("room.log_seed", "seed of the server's log key", PV_BYTES_OF(w->room.log_seed));
    roster(&w->room, &draft, &body, "genesis, by Ana",
           "[type nonce room_kind parent server_name log_key secret_hash kem_hash wraps_root founder" PARTY_FIELDS "]");
    ex_hash("room.id", "H(\"room\"; entry 0)", &w->room.room);
}

static struct pv_hash agreement(struct ex_world *w)
{
    static const char text[] = "Ben keeps what Ana shows him to himself.";
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE, .u.message.text = pv_bytes_of_string(text)};
    struct ex_draft draft = by(&w->ana.first, PV_KIND_TALK, 0);
    struct pv_sha256 sha;
    struct pv_hash salt, document;
    sealed(&w->room, &draft, &w->epochs[0], &payload, "a message by Ana, whose text is to be agreed on",
           "[type write_id text reply attachments]");
    ex_fill(&salt, sizeof salt);
    pv_hash_begin(&sha, "document");
    pv_sha256_put_bytes(&sha, salt.b, sizeof salt.b);
    pv_sha256_put_bytes(&sha, text, strlen(text));
    pv_sha256_final(&sha, &document);
    ex_bytes("document.text", NULL, pv_bytes_of_string(text));
    ex_hash("document.salt", "random", &salt);
    ex_hash("document.id", "H(\"document\"; salt, document)", &document);
    return document;
}

static void invite(struct ex_world *w, const struct pv_id16 *id, const struct pv_hash *document, uint64_t until_ms)
{
    struct pv_roster_body body = {.type = PV_ROSTER_INVITE};
    struct pv_invite_body *i = &body.u.invite;
    struct pv_sign_sk sk;
    struct pv_kem_seed seed;
    struct pv_kem_pk pk;
    uint64_t current = document ? 0 : 3;
    struct ex_draft draft = by(&w->ana.first, PV_KIND_ROSTER, current);
    const struct pv_kem_pk *keys[] = {&pk};
    uint8_t wrap[PV_WRAP_BYTES];
    *i = (struct pv_invite_body){.id = *id, .role = document ? PV_ROLE_EDITOR : PV_ROLE_VIEWER, .uses = 2,
                                 .has_until = true, .until_ms = until_ms,
                                 .has_member_until = true, .member_until_ms = until_ms + 1000, .has_document = document != NULL};
    if (document) i->document = *document;
    pv_gate_key(&w->a, &w->b, NULL, pv_bytes(NULL, 0), id, &w->gate_key);
    pv_gate_a_key(&w->a, id, &sk, &i->a_key);
    pv_invite_join_key(&w->gate_key, &sk, &i->join_key);
    pv_invite_kem_seed(&w->gate_key, &seed);
    pv_kem_from_seed(&seed, &pk);
    pv_kem_hash(&pk, &i->kem_hash);
    ex_wrap(&w->room.room, &w->epochs[current], PV_BYTES_OF(*id), &pk, &i->kem_hash, wrap);
    draft.wraps[0] = pv_bytes(wrap, sizeof wrap);
    draft.wrap_count = 1;
    draft.kem_keys = keys;
    draft.kem_key_count = 1;
    ex_must(pv_merkle_list_root(draft.wraps, 1, &i->wraps_root), "a root");
    roster(&w->room, &draft, &body, document ? "invite, by Ana; its keys are those of §9's example" : "another invite",
           "[type id role uses until document a_key join_key kem_hash wraps_root member_until]");
}

static void release(struct ex_world *w)
{
    struct pv_server_body body = {.type = PV_SERVER_RELEASE, .u.release = {.gate = w->invite_id, .version = 1}};
    ex_fill(&body.u.release.request, sizeof body.u.release.request);
    server(&w->room, &body, "the server released the invite's half B", "[type gate version request]");
}

static void received(struct ex_world *w)
{
    struct pv_server_body body = {.type = PV_SERVER_RECEIVED};
    ex_fill(&body.u.received, sizeof body.u.received);
    server(&w->room, &body, "the server received an upload for a file request (made-up bytes)",
           "[type gate request kem_ct descriptor a_sig]");
}

static void sign(struct ex_world *w, const struct ex_device *device, const struct pv_hash *document, bool stranger)
{
    struct pv_buf body;
    struct ex_draft draft = by(device, PV_KIND_SIGN, 0);
    struct pv_sign_body sign_body = {.document = *document, .index = 1, .stance = PV_STANCE_ACCEPT, .stranger = stranger};
    pv_buf_init(&body, PV_LIMIT_BODY_BYTES);
    if (stranger) {
        struct pv_sign_sk sk;
        struct pv_sign_pk pk;
        struct pv_stranger_context context = {.room = w->room.room, .invite = w->invite_id, .author = device->id, .n = 1,
                                              .document = *document};
        sign_body.record = pv_buf_bytes(&w->ben.record);
        sign_body.invite = w->invite_id;
        pv_gate_a_key(&w->a, &w->invite_id, &sk, &pk);
        ex_must(pv_stranger_sign(&sk, &context, &sign_body.a_sig), "a stranger's signature");
    }
    pv_sign_body_put(&body, &sign_body);
    clear(&w->room, &draft, &body, stranger ? "sign, by Ben before he joined" : "sign, by Ana",
          "[document index purpose stance stranger[record[genesis_entry genesis_body certs] invite a_sig]]");
    pv_buf_release(&body);
}

static void join(struct ex_world *w)
{
    struct pv_roster_body body = {.type = PV_ROSTER_JOIN};
    struct pv_sign_sk sk;
    struct pv_sign_pk pk;
    struct ex_draft draft = by(&w->ben.first, PV_KIND_ROSTER, 0);
    const struct pv_kem_pk *keys[] = {&w->ben.epoch.kem_pk};
    uint8_t wrap[PV_WRAP_BYTES];
    ex_wrap(&w->room.room, &w->epochs[0], PV_BYTES_OF(w->ben.log.room), &w->ben.epoch.kem_pk, &w->ben.epoch.kem_hash, wrap);
    draft.wraps[0] = pv_bytes(wrap, sizeof wrap);
    draft.wrap_count = 1;
    draft.kem_keys = keys;
    draft.kem_key_count = 1;
    body.u.join.invite = w->invite_id;
    body.u.join.party = ex_party(&w->ben);
    ex_must(pv_merkle_list_root(draft.wraps, 1, &body.u.join.wraps_root), "a root");
    pv_gate_key(&w->a, &w->b, NULL, pv_bytes(NULL, 0), &w->invite_id, &w->gate_key);
    pv_invite_join_key(&w->gate_key, &sk, &pk);
    ex_must(pv_join_sign(&sk, &w->room.room, &w->ben.log.room, &body.u.join.party, &w->invite_id, &body.u.join.join_sig),
            "a join signature");
    roster(&w->room, &draft, &body, "join, by Ben", "[type invite party" PARTY_FIELDS " wraps_root join_sig]");
}

static void talk(struct ex_world *w)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_MESSAGE, .u.message.text = pv_bytes_of_string("Glad to be here.")};
    struct ex_draft draft = by(&w->ben.first, PV_KIND_TALK, 0);
    w->message_index = w->room.count;
    struct pv_write_ref message = sealed(&w->room, &draft, &w->epochs[0], &payload, "a message by Ben",
                                         "[type write_id text reply attachments]");
    payload.u.message.text = pv_bytes_of_string("And I to have you.");
    payload.u.message.is_reply = true;
    payload.u.message.reply = message;
    draft = by(&w->ana.first, PV_KIND_TALK, 0);
    sealed(&w->room, &draft, &w->epochs[0], &payload, "Ana's reply", "[type write_id text reply[author write_id] attachments]");
    payload = (struct pv_payload){.type = PV_PAYLOAD_PROFILE, .u.profile_name = pv_bytes_of_string("Ben B.")};
    draft = by(&w->ben.first, PV_KIND_TALK, 0);
    sealed(&w->room, &draft, &w->epochs[0], &payload, "Ben's profile", "[type write_id name]");
}

static void files(struct ex_world *w)
{
    struct pv_payload payload = {.type = PV_PAYLOAD_CHUNKING};
    struct ex_draft draft = by(&w->ana.first, PV_KIND_WORK, 0);
    ex_fill(&payload.u.chunking, sizeof payload.u.chunking);
    sealed(&w->room, &draft, &w->epochs[0], &payload, "the room's chunking secret", "[type write_id secret]");

    struct pv_chunk chunk = {.length_bytes = 11, .span_bytes = 11};
    struct pv_buf list;
    struct pv_payload put = {.type = PV_PAYLOAD_FILE_PUT};
    struct pv_file *file = &put.u.file_put.file;
    pv_sha256(pv_bytes_of_string("hello world"), &chunk.sha256);
    ex_fill(&chunk.blob, sizeof chunk.blob);
    ex_fill(&chunk.key, sizeof chunk.key);
    pv_buf_init(&list, 4096);
    pv_chunk_put(&list, &chunk, false);
    *file = (struct pv_file){.size_bytes = 11, .mode = 0644, .mtime_seconds = 1760000000, .mtime_nanoseconds = 500000000,
                             .has_sha256 = true, .sha256 = chunk.sha256,
                             .manifest = {.count = 1, .encoded = pv_buf_bytes(&list)}};
    ex_must(pv_path_from_text(pv_bytes_of_string("drafts/hello.txt"), &file->path), "a path");
    draft = by(&w->ana.first, PV_KIND_WORK, 0);
    draft.refs = &chunk.blob;
    draft.ref_count = 1;
    w->put_index = w->room.count;
    struct pv_write_ref version = sealed(&w->room, &draft, &w->epochs[0], &put, "a file, by Ana",
        "[type write_id replaces file[path[*part] size mode mtime[seconds nanoseconds] sha256 "
        "manifest[paged chunks[*chunk[sha256 length blob offset key]]]]]");
    pv_buf_release(&list);

    payload = (struct pv_payload){.type = PV_PAYLOAD_FILE_MOVE, .u.file_move.version = version};
    ex_must(pv_path_from_text(pv_bytes_of_string("hello.txt"), &payload.u.file_move.path), "a path");
    draft = by(&w->ana.first, PV_KIND_WORK, 0);
    sealed(&w->room, &draft, &w->epochs[0], &payload, "the file moved", "[type write_id version[author write_id] path[*part]]");
    payload = (struct pv_payload){.type = PV_PAYLOAD_FILE_REMOVE, .u.file_remove = version};
    draft = by(&w->ana.first, PV_KIND_WORK, 0);
    sealed(&w->room, &draft, &w->epochs[0], &payload, "the file removed", "[type write_id version[author write_id]]");
}

static void membership(struct ex_world *w, size_t join_index)
{
    struct pv_roster_body body = {.type = PV_ROSTER_CLOSE_INVITE, .u.close_invite = w->invite_id};
    struct ex_draft draft = by(&w->ana.first, PV_KIND_ROSTER, 0);
    roster(&w->room, &draft, &body, "close_invite; as it was opened, a rekey is due", "[type id]");

    body = (struct pv_roster_body){.type = PV_ROSTER_ROLE};
    draft = by(&w->ana.first, PV_KIND_ROSTER, 0);
    body.u.role.person = w->ben.log.room;
    body.u.role.join_index = join_index;
    body.u.role.from = PV_ROLE_EDITOR;
    body.u.role.to = PV_ROLE_VIEWER;
    roster(&w->room, &draft, &body, "role: Ben becomes a viewer", "[type person join_index old_role new_role]");

    body = (struct pv_roster_body){.type = PV_ROSTER_POLICY};
    body.u.policy.value = pv_bytes_of_string("\x82\x01\x19\x01\x6d");
    draft = by(&w->ana.first, PV_KIND_ROSTER, 0);
    roster(&w->room, &draft, &body, "policy: any bytes, here the first", "[type replaces value]");
    struct pv_hash value;
    pv_policy_value_hash(body.u.policy.value, &value);
    ex_hash("room.policy", "its name, which the next one replaces = H(\"policy\"; value)", &value);

    body = (struct pv_roster_body){.type = PV_ROSTER_HOLD};
    ex_fill(&body.u.ranges.id, 16);
    body.u.ranges.count = 2;
    body.u.ranges.ranges[0] = (struct pv_range){1, 2};
    body.u.ranges.ranges[1] = (struct pv_range){4, 6};
    draft = by(&w->ben.first, PV_KIND_ROSTER, 0);
    roster(&w->room, &draft, &body, "hold, by Ben", "[type id ranges[*range[from to]]]");
    struct pv_roster_body lift = {.type = PV_ROSTER_LIFT, .u.lift = body.u.ranges.id};
    draft = by(&w->ben.first, PV_KIND_ROSTER, 0);
    roster(&w->room, &draft, &lift, "lift, by Ben", "[type id]");
}

/* A rekey to `epochs[to]` for all recipients, with a link to the epoch before. */
static void rekey(struct ex_world *w, size_t to, const struct ex_epoch *ana_epoch)
{
    struct pv_roster_body body = {.type = PV_ROSTER_REKEY};
    struct pv_rekey_body *r = &body.u.rekey;
    struct ex_epoch *old = &w->epochs[to - 1], *new = &w->epochs[to];
    struct ex_draft draft = by(&w->ana.first, PV_KIND_ROSTER, to - 1);
    struct pv_recipient *recipients;
    const struct pv_kem_pk *keys[] = {&new->kem_pk};
    uint8_t wraps[4][PV_WRAP_BYTES], link[PV_LINK_BYTES];
    char name[32];
    ex_epoch_make(new, to);
    ex_must(pv_roster_recipients(w->room.roster, &recipients, &draft.wrap_count), "recipients");
    for (size_t i = 0; i < draft.wrap_count; i++) {
        bool is_ana = pv_bytes_equal(recipients[i].id, PV_BYTES_OF(w->ana.log.room));
        ex_wrap(&w->room.room, new, recipients[i].id, is_ana ? &ana_epoch->kem_pk : &w->ben.epoch.kem_pk,
                &recipients[i].kem_hash, wraps[i]);
        draft.wraps[i] = pv_bytes(wraps[i], PV_WRAP_BYTES);
    }
    struct pv_link_context context = {.room = w->room.room, .new_epoch = to, .old_epoch = to - 1,
                                      .new_secret_hash = new->secret_hash, .old_secret_hash = old->secret_hash};
    pv_link_make(&context, &new->secret, &old->secret, link);
    *r = (struct pv_rekey_body){.epoch = to, .secret_hash = new->secret_hash, .kem_hash = new->kem_hash, .link_count = 1};
    r->links[0].epoch = to - 1;
    pv_hash_bytes("link-sealed", pv_bytes(link, sizeof link), &r->links[0].sealed_hash);
    pv_recipients_digest(recipients, draft.wrap_count, &r->recipients);
    ex_must(pv_merkle_list_root(draft.wraps, draft.wrap_count, &r->wraps_root), "a root");
    draft.kem_keys = keys;
    draft.kem_key_count = 1;
    draft.links = pv_bytes(link, sizeof link);
    snprintf(name, sizeof name, "room.secret.%zu", to);
    ex_bytes(name, "S of the next epoch, random", PV_BYTES_OF(new->secret));
    roster(&w->room, &draft, &body, "rekey", "[type epoch secret_hash kem_hash recipients wraps_root links[*link[epoch sealed_hash]]]");
    free(recipients);
}

static void devices(struct ex_world *w, struct ex_epoch *ana_epoch)
{
    struct ex_device second;
    struct pv_roster_body body = {.type = PV_ROSTER_DEVICE_ADD};
    struct pv_cert *cert = &body.u.device_add.certs[0];
    struct pv_cert_context context = {.person = w->ana.log.room};
    struct ex_draft draft = by(&w->ana.first, PV_KIND_ROSTER, 1);
    ex_device_make(&second);
    *cert = (struct pv_cert){.device = second.device, .signer = w->ana.first.id};
    ex_must(pv_cert_sign(&context, &second.device, false, &cert->signer, &w->ana.first.sk, &cert->sig), "a certificate");
    ex_must(pv_cert_sign(&context, &second.device, false, &cert->signer, &second.sk, &cert->consent), "a certificate");
    body.u.device_add.cert_count = 1;
    size_t added = w->room.count;
    roster(&w->room, &draft, &body, "device_add: Ana's second device", "[type certs[*cert" CERT_FIELDS "] wraps_root]");

    body = (struct pv_roster_body){.type = PV_ROSTER_BAD_WRAP, .u.bad_wrap_epoch = 1};
    draft = by(&w->ben.first, PV_KIND_ROSTER, 1);
    roster(&w->room, &draft, &body, "bad_wrap, by Ben", "[type epoch]");
    rekey(w, 2, &w->ana.epoch);

    const struct pv_kem_pk *keys[] = {&ana_epoch->kem_pk};
    ex_epoch_make(ana_epoch, 1);
    ex_bytes("ana.secret.1", "S of epoch 1 of Ana's person room, random", PV_BYTES_OF(ana_epoch->secret));
    body = (struct pv_roster_body){.type = PV_ROSTER_DEVICE_REMOVE};
    body.u.device_remove = (struct pv_device_remove_body){.device_count = 1, .since = added + 1, .has_kem = true,
                                                          .person_epoch = 1, .kem_hash = ana_epoch->kem_hash};
    body.u.device_remove.devices[0] = second.id;
    draft = by(&w->ana.first, PV_KIND_ROSTER, 2);
    draft.kem_keys = keys;
    draft.kem_key_count = 1;
    roster(&w->room, &draft, &body, "device_remove, with Ana's new KEM key", "[type devices[*id] since kem[person_epoch kem_hash]]");
    rekey(w, 3, ana_epoch);
}

static void endings(struct ex_world *w, size_t join_index)
{
    struct pv_id16 id;
    ex_fill(&id, sizeof id);
    uint64_t until_ms = w->room.time_ms + 100;
    invite(w, &id, NULL, until_ms);
    struct pv_server_body expired = {.type = PV_SERVER_EXPIRED,
                                     .u.expired = {.time_ms = until_ms + 1, .is_invite = true, .invite = id}};
    server(&w->room, &expired, "the invite expired", "[type time invite]");

    struct pv_roster_body body = {.type = PV_ROSTER_FORGET};
    ex_fill(&body.u.ranges.id, 16);
    body.u.ranges.count = 1;
    body.u.ranges.ranges[0] = (struct pv_range){w->put_index, w->put_index + 3};
    body.u.ranges.cut_epoch = 3;
    struct ex_draft draft = by(&w->ana.first, PV_KIND_ROSTER, 3);
    roster(&w->room, &draft, &body, "forget", "[type id ranges[*range[from to]] cut_epoch]");
    struct pv_server_body deleted = {.type = PV_SERVER_DELETED, .u.deleted_forget = body.u.ranges.id};
    server(&w->room, &deleted, "the server deleted what was to be forgotten", "[type forget]");

    body = (struct pv_roster_body){.type = PV_ROSTER_REMOVE};
    body.u.remove.count = 1;
    body.u.remove.targets[0] = (struct pv_membership){w->ben.log.room, join_index};
    draft = by(&w->ana.first, PV_KIND_ROSTER, 3);
    roster(&w->room, &draft, &body, "remove: Ben", "[type memberships[*membership[person join_index]]]");

    struct pv_sign_seed seed;
    struct pv_sign_sk sk;
    body = (struct pv_roster_body){.type = PV_ROSTER_SERVER};
    ex_fill(&seed, sizeof seed);
    pv_sign_from_seed(&seed, &sk, &body.u.server.log_key);
    body.u.server.name = pv_bytes_of_string(EX_SERVER_NAME);
    body.u.server.has_sig = true;
    pv_server_value_hash(body.u.server.name, &w->room.log_pk, &body.u.server.replaces);
    ex_must(pv_server_change_sign(&w->room.log_sk, &w->room.room, &body.u.server.replaces, body.u.server.name,
                                  &body.u.server.log_key, &body.u.server.sig), "a server change");
    draft = by(&w->ana.first, PV_KIND_ROSTER, 3);
    roster(&w->room, &draft, &body, "server: a new log key, signed by the old one", "[type replaces server_name log_key sig]");
    w->room.log_pk = body.u.server.log_key;
    w->room.log_sk = sk;

    body = (struct pv_roster_body){.type = PV_ROSTER_LEAVE};
    draft = by(&w->ana.first, PV_KIND_ROSTER, 3);
    roster(&w->room, &draft, &body, "leave, by Ana, who is alone", "[type]");
}

void ex_print_room(struct ex_world *world)
{
    struct ex_epoch ana_epoch;
    ex_section("§3 to §6 A room's log");
    ex_say("The whole log of a small client room, in which every type of clear body occurs and every entry is accepted. "
           "Each entry is given with its body (or payload, K and sealed body), its refs where it has any, what lies "
           "beside it where anything does, and its leaf.");
    genesis(world);
    struct pv_hash document = agreement(world);
    invite(world, &world->invite_id, &document, world->room.time_ms + 604800000);
    release(world);
    sign(world, &world->ben.first, &document, true);
    size_t join_index = world->room.count;
    join(world);
    sign(world, &world->ana.first, &document, false);
    talk(world);
    files(world);
    received(world);
    membership(world, join_index);
    rekey(world, 1, &world->ana.epoch);
    devices(world, &ana_epoch);
    endings(world, join_index);
}
