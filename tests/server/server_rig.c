/* Persons whose devices speak to the rig's server. */
#include "tests/server/server_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"

/* The driver of a client would keep the ticket of a release; so does the proxy. */
static void keep_ticket(struct srv_person *person, struct pv_bytes answer)
{
	struct pv_cbor in;
	struct pv_hash ticket;
	struct pv_buf text;
	pv_cbor_init(&in, answer);
	pv_cbor_get_array_of(&in, 3);
	pv_cbor_get_item(&in);
	pv_cbor_get_item(&in);
	pv_cbor_get_hash(&in, &ticket);
	if (pv_cbor_finish(&in)) abort();
	pv_buf_init_fixed(&text, person->ticket, sizeof person->ticket - 1);
	pv_base64_put(&text, PV_BASE64_URL, PV_BYTES_OF(ticket));
	person->ticket[text.n] = 0;
}

static unsigned proxy(void *context, const struct pv_request *request, struct pv_buf *answer, const char **why)
{
	static const char *const methods[] = {[PV_GET] = "GET", [PV_POST] = "POST", [PV_PUT] = "PUT", [PV_DELETE] = "DELETE"};
	struct srv_person *person = context;
	struct pv_web_response response;
	char authorization[96];
	struct srv_header headers[4] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}}, *next = headers;
	if (!person->token[0] &&
	    srv_login(person->srv, &person->device.me.public, &person->device.me.sign_sk, person->token) != 200)
		return 401;
	if (request->auth == PV_AUTH_SESSION) {
		snprintf(authorization, sizeof authorization, "Bearer %s", person->token);
		*next++ = (struct srv_header){"Authorization", authorization};
		if (person->ticket[0]) *next++ = (struct srv_header){"Privity-Ticket", person->ticket};
	} else if (request->auth == PV_AUTH_TICKET) {
		snprintf(authorization, sizeof authorization, "Ticket %s", person->ticket);
		*next++ = (struct srv_header){"Authorization", authorization};
	}
	if (person->registration[0]) *next++ = (struct srv_header){"Privity-Registration", person->registration};
	srv_request(person->srv, methods[request->method], request->path, headers, request->body, &response);
	pv_buf_append(answer, response.body.p, response.body.n);
	unsigned status = response.status;
	person->last_status = status;
	snprintf(person->last_reason, sizeof person->last_reason, "%s", srv_reason);
	*why = person->last_reason;
	if (status == 200 && strstr(request->path, "/release")) keep_ticket(person, pv_buf_bytes(answer));
	pv_web_response_release(&response);
	return status;
}

void srv_person_sync_time(struct srv_person *person)
{
	person->proxy.now_ms = person->srv->now_ms;
}

void srv_person_login(struct srv_person *person)
{
	srv_login(person->srv, &person->device.me.public, &person->device.me.sign_sk, person->token);
	srv_person_sync_time(person);
}

void srv_cut_page(struct pv_buf *page)
{
	struct pv_cbor in;
	struct pv_buf cut;
	pv_buf_init(&cut, 1 << 20);
	pv_cbor_init(&in, pv_buf_bytes(page));
	pv_cbor_get_array_of(&in, 3);
	pv_cbor_put_array(&cut, 3);
	pv_cbor_put_uint(&cut, pv_cbor_get_uint(&in, PV_LIMIT_N));
	size_t count = pv_cbor_get_array(&in, 64);
	if (in.err || count < 2) abort();
	struct pv_bytes item = pv_cbor_get_item(&in);
	while (--count) (void)pv_cbor_get_item(&in);
	pv_cbor_put_array(&cut, 1);
	pv_buf_append(&cut, item.p, item.n);
	item = pv_cbor_get_item(&in);
	pv_buf_append(&cut, item.p, item.n);
	if (pv_cbor_finish(&in) || cut.err) abort();
	pv_buf_clear(page);
	pv_buf_append(page, cut.p, cut.n);
	pv_buf_release(&cut);
}

enum pv_err srv_person_init(struct srv_person *person, struct srv *srv, uint64_t seed, const char *registration)
{
	memset(person, 0, sizeof *person);
	rig_server_init(&person->proxy, seed);
	person->srv = srv;
	person->proxy.serve = proxy;
	person->proxy.serve_context = person;
	snprintf(person->proxy.info.name, sizeof person->proxy.info.name, "%s", srv->server.name);
	person->proxy.info.log_key = srv->server.log_pk;
	if (registration) snprintf(person->registration, sizeof person->registration, "%s", registration);
	srv_person_sync_time(person);
	return rig_device_init(&person->device, &person->proxy, seed);
}

void srv_person_release(struct srv_person *person)
{
	rig_device_release(&person->device);
	rig_server_release(&person->proxy);
}
