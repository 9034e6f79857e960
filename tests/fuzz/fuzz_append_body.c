/* The body of an append, up to where a room is needed: bundles, entries, hashes, neighbours. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/append.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Behind true hashes and a true signature lies what a mutation alone never reaches: give it those. */
static void sign_again(const struct pv_sign_sk *sk, const struct pv_hash *author, struct pv_bytes body,
		       struct pv_bytes beside, uint64_t kind, struct pv_buf *bundles)
{
	struct pv_header header = {.author = *author, .n = 1, .kind = kind};
	struct pv_bytes refs = pv_bytes("\x80", 1);
	struct pv_buf entry;
	pv_buf_init(&entry, 4096);
	pv_merkle_empty_root(&header.seen_root);
	pv_refs_hash(refs, &header.refs_hash);
	pv_body_hash(body, &header.body_hash);
	if (kind == 2 || kind == 3) header.commit.b[0] = 1;
	if (pv_entry_make(&header, sk, &entry)) abort();
	struct pv_bundle bundle = {pv_buf_bytes(&entry), refs, body, beside};
	pv_cbor_put_array(bundles, 1);
	pv_bundle_put(bundles, &bundle);
	pv_buf_release(&entry);
}

static void prepare(const struct pv_meta_session *session, bool founds, struct pv_bytes body)
{
	struct pv_hash room = {{1}};
	struct pv_web_response response;
	pv_web_response_init(&response);
	struct pv_job *job = pv_append_prepare(session, founds ? NULL : &room, body, &response);
	if (!job && response.status < 400) abort(); /* a refusal says why */
	if (job && response.status >= 400) abort();
	pv_job_free(job);
	pv_web_response_release(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pv_meta_session session;
	static struct pv_sign_sk sk;
	static const struct pv_sign_seed seed = {{1, 2, 3}};
	if (session.device_id.b[0] == 0 && session.device_id.b[1] == 0) {
		if (pv_crypto_init()) abort();
		pv_sign_from_seed(&seed, &sk, &session.device.sign_pk);
		pv_device_id(&session.device, &session.device_id);
	}
	if (size < 4) return 0;
	size_t cut = 3 + ((size_t)data[1] << 8 | data[2]) % (size - 2);
	struct pv_buf bundles;
	struct pv_cbor in;
	pv_buf_init(&bundles, 1 << 24);
	prepare(&session, data[0] & 1, pv_bytes(data + 3, size - 3));
	/* What lies beside is one item of its own, as the writer of a bundle must see to. */
	pv_cbor_init(&in, pv_bytes(data + cut, size - cut));
	struct pv_bytes beside = pv_cbor_get_item(&in);
	if (!in.err) {
		sign_again(&sk, &session.device_id, pv_bytes(data + 3, cut - 3), beside, data[0] >> 1 & 3, &bundles);
		prepare(&session, data[0] & 1, pv_buf_bytes(&bundles));
	}
	pv_buf_release(&bundles);
	return 0;
}
