"""Flaws of the log itself: what an entry's header may be, what a note's signatures cover, what opens a body, and who vouches for
whose signature."""
from flaw import Mutant

ENTRY, SEAL, NOTE, VOUCH = "core/log/entry.c", "core/log/seal.c", "core/log/checkpoint.c", "core/sync/vouch.c"
SIGNED, GATE, RELEASE = "core/room/body_sign.c", "core/room/gate.c", "core/room/release.c"
ENTRY_TEST, SEAL_TEST, NOTE_TEST = "tests/unit/test_entry", "tests/unit/test_seal", "tests/unit/test_checkpoint"
GATE_TEST, BYTES = "tests/unit/test_gate", "tests/vectors/format.t"

LOG = [
    # headers
    Mutant("header: n 0", ENTRY, "    if (header->n == 0) return PV_ERR_MALFORMED;\n", "", ENTRY_TEST),
    Mutant("header: nothing seen has its own root", ENTRY, "    if (header->seen_size == 0 && !pv_hash_equal(&header->seen_root, &empty_root)) return PV_ERR_MALFORMED;\n", "    (void)empty_root;\n", ENTRY_TEST),
    Mutant("header: a commitment is of what is sealed", ENTRY, "    if (!sealed && !pv_hash_is_zero(&header->commit)) return PV_ERR_MALFORMED;\n", "", ENTRY_TEST),
    Mutant("header: signs and servers have no epoch", ENTRY, "    if (!has_epoch && header->epoch != 0) return PV_ERR_MALFORMED;\n", "    (void)has_epoch;\n", ENTRY_TEST),
    Mutant("header: a genesis is of the roster", ENTRY, "    if (genesis && (header->kind != PV_KIND_ROSTER || ", "    if (genesis && (", ENTRY_TEST),
    Mutant("header: a genesis is its author's first", ENTRY, "header->kind != PV_KIND_ROSTER || header->n != 1 || ", "header->kind != PV_KIND_ROSTER || ", ENTRY_TEST),
    Mutant("header: a genesis is of epoch 0", ENTRY, "header->n != 1 || header->epoch != 0 || ", "header->n != 1 || ", ENTRY_TEST),
    Mutant("header: a genesis has seen nothing", ENTRY, "header->epoch != 0 || header->seen_size != 0 ||\n", "header->epoch != 0 ||\n", ENTRY_TEST),
    Mutant("header: a genesis follows nothing", ENTRY, " || header->seen_size != 0 ||\n                    !pv_hash_is_zero(&header->prev)))", " || header->seen_size != 0))", ENTRY_TEST),
    Mutant("header: a later version is told", ENTRY, "    if (version != VERSION) return pv_cbor_unknown(bytes);\n", "    if (version != VERSION) return PV_ERR_MALFORMED;\n", ENTRY_TEST),
    # notes
    Mutant("note: the plain signature", NOTE, "    enum pv_err err = pv_verify_raw(log_pk, note->text, &sig);\n    if (err) return err;\n", "", NOTE_TEST),
    Mutant("note: the signature with the time", NOTE, "    return pv_verify_raw(\n        log_pk, cosigned_message(", "    return PV_OK;\n    return pv_verify_raw(\n        log_pk, cosigned_message(", NOTE_TEST),
    Mutant("note: whose plain signature", NOTE, "    if (memcmp(id, note->plain, sizeof id) != 0) return PV_ERR_BAD_SIG;\n", "", NOTE_TEST),
    Mutant("note: whose signature with the time", NOTE, "    if (memcmp(id, note->cosignature, sizeof id) != 0) return PV_ERR_BAD_SIG;\n", "", NOTE_TEST),
    Mutant("note: of this server and room", NOTE, "    if (!pv_bytes_equal(note.origin, pv_buf_bytes(&origin))) return PV_ERR_BROKEN_CHAIN;\n", "", NOTE_TEST),
    Mutant("note: of some tree", NOTE, "    if (note.checkpoint.size == 0) return PV_ERR_MALFORMED; /* never signed */\n", "", NOTE_TEST),
    # bodies
    Mutant("body: what is authenticated beside it", SEAL, "    pv_header_put_first_ten(&ad, header);\n", "    (void)header;\n", SEAL_TEST),
    Mutant("body: a key for each nonce", SEAL, "    pv_cbor_put_bytes(&info, nonce->b, sizeof nonce->b);\n", "    (void)nonce;\n", SEAL_TEST),
    Mutant("body: as long as its padding says", SEAL, "    if (pv_padme(n) != padded.n) return PV_ERR_NONCANONICAL;\n", "", SEAL_TEST),
    Mutant("body: padded with nothing", SEAL, "    if (any) return PV_ERR_NONCANONICAL;\n", "", SEAL_TEST),
    # what is signed within bodies and gates
    Mutant("only an author's own link vouches", VOUCH, "(pv_hash_equal(&header->prev, leaf) && pv_hash_equal(&header->author, author))", "pv_hash_equal(&header->prev, leaf)", "tests/unit/test_vouch"),
    Mutant("a join is for its room", SIGNED, "    covered_begin(covered);\n    pv_cbor_put_hash(&covered->buf, room);\n    pv_cbor_put_hash(&covered->buf, person);", "    covered_begin(covered);\n    (void)room;\n    pv_cbor_put_hash(&covered->buf, person);", BYTES),
    Mutant("a join is of its devices", SIGNED, "    for (size_t i = 0; i < party->device_count; i++) pv_cbor_put_hash(&covered->buf, &party->devices[i]);\n    pv_cbor_put_uint(", "    pv_cbor_put_uint(", BYTES),
    Mutant("a join is of its key", SIGNED, "    pv_cbor_put_hash(&covered->buf, &party->kem_hash);\n", "", BYTES),
    Mutant("a stranger's sign is of one number", SIGNED, "    pv_cbor_put_uint(&covered->buf, context->n);\n", "", BYTES),
    Mutant("a change of server replaces one value", SIGNED, "    pv_cbor_put_hash(&covered->buf, replaces);\n", "    (void)replaces;\n", BYTES),
    Mutant("a gate is signed", GATE, '    return err ? err : pv_verify(device_pk, "gate", encoded, &sig);', "    return err;", GATE_TEST),
    Mutant("a release is asked for by the link", RELEASE, '    enum pv_err err = pv_verify(a_key, "release", pv_parts_bytes(&parts), &request->a_sig);\n', "    enum pv_err err = PV_OK;\n", GATE_TEST),
    Mutant("a release is of one request", RELEASE, "    pv_parts_put_bytes(parts, id.b, sizeof id.b);\n    if (request->has_proof)", "    if (request->has_proof)", BYTES),
]
