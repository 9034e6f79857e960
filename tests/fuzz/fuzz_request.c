/* Whole requests against the server's resources, with a session: routes, queries, headers, bodies. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/server/server_rig_only.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"};
static const char *const targets[] = {
	"/v1/session", "/v1/rooms", "/v1/gates/00112233445566778899aabbccddeeff",
	"/v1/gates/00112233445566778899aabbccddeeff/release", "/v1/events", "/v1/server", "/v1/session/nonce", "/metrics"};

/* A line of the input, cut off from the rest. */
static void take_line(const uint8_t **data, size_t *size, char *ret_line, size_t max)
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t n = end ? (size_t)(end - *data) : 0;
	snprintf(ret_line, max, "%.*s", (int)(n < max ? n : max - 1), (const char *)*data);
	*data += end ? n + 1 : 0;
	*size -= end ? n + 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct srv srv;
	static char authorization[96];
	char line[256], range[64];
	struct pv_web_response response;
	if (!authorization[0]) {
		struct pv_sign_seed seed = {{4}};
		struct pv_sign_sk sk;
		struct pv_device device = {.kem_hash = {{5}}};
		char token[64];
		if (pv_crypto_init()) abort();
		pv_sign_from_seed(&seed, &sk, &device.sign_pk);
		srv_init(&srv, 1);
		if (srv_login(&srv, &device, &sk, token) != 200) abort();
		snprintf(authorization, sizeof authorization, "Bearer %s", token);
	}
	if (size < 2) return 0;
	const char *method = methods[data[0] % 6], *target = targets[data[1] % 8];
	bool named = data[1] & 0x80;
	data += 2;
	size -= 2;
	take_line(&data, &size, line, sizeof line);
	take_line(&data, &size, range, sizeof range);
	struct srv_header headers[] = {{"Authorization", authorization}, {"Range", range}, {"Privity-Registration", range},
				       {NULL, NULL}};
	srv_request(&srv, method, named && line[0] == '/' ? line : target, headers, pv_bytes(data, size), &response);
	if (response.status < 200 || response.status > 599) abort();
	if (response.stream) pv_stream_close(response.stream);
	pv_web_response_release(&response);
	return 0;
}
