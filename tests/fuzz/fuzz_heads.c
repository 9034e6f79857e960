/* The heads beside the blobs: whatever stands there is read, refused by its place, or set aside; never more than that. */
#include <stdint.h>
#include <stdlib.h>

#include "server/heads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pv_sign_seed seed = {{7}};
	struct pv_sign_sk sk;
	struct pv_sign_pk pk;
	struct pv_blobs *blobs;
	struct pv_heads_list list;
	struct pv_hash room = {{1}};
	struct pv_checkpoint checkpoint = {.size = 3, .time_s = 9};
	struct pv_buf bytes, note;
	pv_sign_from_seed(&seed, &sk, &pk);
	if (pv_blobs_memory_open(&blobs)) abort();
	pv_buf_init(&bytes, 1 << 20);
	pv_buf_init(&note, PV_LIMIT_NOTE_BYTES);
	/* An even first byte: a true one stands before what follows. */
	if (size && data[0] % 2 == 0 && pv_checkpoint_make("here:1", &room, &checkpoint, &sk, &pk, &note)) abort();
	if (note.n) pv_cbor_put_bytes(&bytes, note.p, note.n);
	if (size) pv_buf_append(&bytes, data + 1, size - 1);
	if (bytes.err || blobs->ops->heads_replace(blobs, pv_buf_bytes(&bytes), false)) abort();
	enum pv_err err = pv_heads_read(blobs, &pk, &list);
	if (err && err != PV_ERR_CORRUPT) abort();
	if (err && list.damaged_at > bytes.n) abort();
	for (size_t i = 0; !err && i < list.count; i++)
		if (!list.notes[i].checkpoint.size) abort(); /* each was shown to be signed */
	pv_heads_list_release(&list);
	blobs->ops->close(blobs);
	pv_buf_release(&bytes);
	pv_buf_release(&note);
	return 0;
}
