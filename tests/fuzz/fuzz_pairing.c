/* What a pairing reads from strangers: codes, the first message, and sealed ones under a key that is known here. */
#include <stdlib.h>
#include <string.h>

#include "core/crypto/hash.h"
#include "core/room/pairing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(void *context, void *ret_bytes, size_t n)
{
	(void)context;
	memset(ret_bytes, 7, n);
}

static void read_code(struct pv_bytes text)
{
	struct pv_pairing_code code, again;
	char shown[PV_PAIRING_CODE_CHARS + 1];
	if (pv_pairing_code_decode(text, &code)) return;
	pv_pairing_code_encode(&code, shown);
	if (pv_pairing_code_decode(pv_bytes_of_string(shown), &again) || again.plate != code.plate ||
	    strcmp(again.secret, code.secret) != 0)
		abort();
}

/* Seal what the fuzzer wrote as a peer with the right code would, so that the readers behind the seal are reached. */
static struct pv_bytes seal(const struct pv_pairing *pairing, unsigned slot, struct pv_bytes plain,
			    uint8_t sealed[static PV_LIMIT_PAIRING_BYTES])
{
	static const struct pv_seal_nonce nonce;
	const uint8_t encoded = (uint8_t)slot; /* CBOR of a small integer */
	struct pv_seal_key key;
	pv_hkdf(pv_bytes(pairing->key, sizeof pairing->key), "pairing", pv_bytes(&encoded, 1), key.b);
	pv_seal(&key, &nonce, pv_bytes(NULL, 0), plain, sealed);
	return pv_bytes(sealed, plain.n + PV_SEAL_TAG_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pv_random random = {.fill = fill};
	struct pv_pairing pairing = {.key = {1}};
	struct pv_pairing_code code = {.plate = 1, .secret = "1234567"};
	struct pv_pairing_offer offer = {.note = pv_bytes(NULL, 0)};
	struct pv_pairing_request request;
	struct pv_bytes note, input = pv_bytes(data, size);
	struct pv_buf message, memory;
	uint8_t sealed[PV_LIMIT_PAIRING_BYTES];
	pv_buf_init(&message, PV_LIMIT_PAIRING_BYTES);
	pv_buf_init(&memory, PV_LIMIT_PAIRING_BYTES);
	read_code(input);
	if (size <= PV_LIMIT_PAIRING_BYTES - PV_SEAL_TAG_BYTES) {
		if (pv_pairing_request_get(&pairing, seal(&pairing, 3, input, sealed), &request, &memory) == PV_OK &&
		    request.name.n > PV_LIMIT_NAME_BYTES)
			abort();
		if (pv_pairing_done_get(&pairing, seal(&pairing, 4, input, sealed), &note, &memory) == PV_OK &&
		    note.n > PV_LIMIT_NOTE_BYTES)
			abort();
	}
	if (pv_pairing_answer(&pairing, &code, "host:1", &random, input, &offer, &message) == PV_OK && message.n == 0) abort();
	pv_buf_release(&message);
	pv_buf_release(&memory);
	return 0;
}
