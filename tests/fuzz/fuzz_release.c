/* Release requests and answers, from whoever asks and from the server. */
#include <stdlib.h>
#include <string.h>

#include "core/room/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pv_kem_seed seed = {{1, 2, 3}};
	static const struct pv_id16 gate = {{4, 5, 6}};
	struct pv_bytes bytes = pv_bytes(data, size);
	struct pv_release_request request;
	struct pv_half_b b;
	struct pv_hash ticket;
	bool has;
	if (pv_release_request_read(bytes, &request) == PV_OK) {
		struct pv_buf buf;
		pv_buf_init(&buf, 4096);
		pv_release_request_put(&buf, &request);
		if (!pv_bytes_equal(pv_buf_bytes(&buf), bytes)) abort();
		pv_buf_release(&buf);
		struct pv_sign_pk pk = {{0}};
		if (pv_release_request_verify(&request, &pk) == PV_OK) abort();
	}
	if (pv_release_answer_open(&gate, &seed, bytes, &b, &has, &ticket) == PV_OK && b.b[0] != 0xb0) abort();
	return 0;
}
