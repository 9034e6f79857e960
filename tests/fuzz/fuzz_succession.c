/* What the server says of a room's successor: as it comes, and, sealed with the right key, what only a member could make. */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/room/succession.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum pv_err no_seed(void *context, const struct pv_hash *kem_hash, struct pv_kem_seed *ret_seed)
{
	(void)context;
	*ret_seed = (struct pv_kem_seed){{kem_hash->b[0]}};
	return PV_OK;
}

static void open_it(const struct pv_succession *succession)
{
	static const struct pv_epoch_secret secret = {{1}};
	static const struct pv_hash person = {{0}};
	struct pv_buf link;
	pv_buf_init(&link, PV_LIMIT_LINK_BYTES);
	enum pv_err err = pv_succession_open(succession, &secret, &person, no_seed, NULL, &link);
	if (err && link.n) abort();
	pv_buf_release(&link);
}

static void read_it(struct pv_bytes bytes)
{
	static const struct pv_sign_seed seed = {{3}};
	struct pv_succession succession;
	struct pv_hash device;
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	struct pv_buf again;
	if (pv_succession_read(bytes, &succession, &device)) return;
	pv_sign_from_seed(&seed, &sk, &pk);
	pv_buf_init(&again, PV_LIMIT_SUCCESSION_BYTES + 512);
	if (pv_succession_sign(&succession, &device, &sk, &again) || again.n != bytes.n ||
	    memcmp(again.p, bytes.p, bytes.n - 64) != 0 || pv_succession_verify(pv_buf_bytes(&again), &pk)) abort();
	open_it(&succession);
	pv_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[32] = {1};
	struct pv_succession succession = {.size = 1};
	struct pv_seal_nonce nonce = {{0}};
	struct pv_seal_key key;
	struct pv_buf parts, sealed;
	read_it(pv_bytes(data, size));
	if (size > PV_LIMIT_SUCCESSION_BYTES - 64) return 0;
	/* The content of one that opens. */
	pv_buf_init(&parts, 128);
	pv_buf_init(&sealed, PV_LIMIT_SUCCESSION_BYTES);
	pv_cbor_put_hash(&parts, &succession.room);
	pv_cbor_put_hash(&parts, &succession.successor);
	pv_hkdf(pv_bytes(secret, sizeof secret), "succession", pv_buf_bytes(&parts), key.b);
	pv_buf_append(&sealed, nonce.b, sizeof nonce.b);
	pv_seal(&key, &nonce, pv_bytes(NULL, 0), pv_bytes(data, size), pv_buf_extend(&sealed, size + PV_SEAL_TAG_BYTES));
	succession.sealed = pv_buf_bytes(&sealed);
	open_it(&succession);
	pv_buf_release(&parts);
	pv_buf_release(&sealed);
	return 0;
}
