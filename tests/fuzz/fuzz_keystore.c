/* Keystore files: whatever is read is written as the same bytes. Input is taken as the file, and as its content with
 * the checksum made right. */
#include <stdlib.h>
#include <string.h>

#include "core/base/cbor.h"
#include "core/room/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_file(struct pv_bytes bytes)
{
	struct pv_keystore store;
	struct pv_buf buf;
	if (pv_keystore_read(bytes, &store) != PV_OK) return;
	pv_buf_init(&buf, PV_LIMIT_KEYSTORE_BYTES);
	pv_keystore_put(&buf, &store);
	if (!pv_bytes_equal(pv_buf_bytes(&buf), bytes)) abort();
	pv_buf_release(&buf);
	pv_keystore_release(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pv_device_secrets secrets;
	struct pv_sha256 sha;
	struct pv_hash hash;
	struct pv_buf buf;
	read_file(pv_bytes(data, size));
	pv_buf_init(&buf, PV_LIMIT_KEYSTORE_BYTES);
	if (pv_device_secrets_read(pv_bytes(data, size), &secrets) == PV_OK) {
		pv_device_secrets_put(&buf, &secrets);
		if (!pv_bytes_equal(pv_buf_bytes(&buf), pv_bytes(data, size))) abort();
		pv_buf_clear(&buf);
	}
	pv_hash_begin(&sha, "keystore-check");
	pv_sha256_put_uint(&sha, 1);
	pv_sha256_put_bytes(&sha, data, size);
	pv_sha256_final(&sha, &hash);
	pv_cbor_put_array(&buf, 4);
	pv_cbor_put_text(&buf, "privity keystore", 16);
	pv_cbor_put_uint(&buf, 1);
	pv_cbor_put_bytes(&buf, data, size);
	pv_cbor_put_hash(&buf, &hash);
	read_file(pv_buf_bytes(&buf));
	pv_buf_release(&buf);
	return 0;
}
