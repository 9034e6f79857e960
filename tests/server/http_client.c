/* A small blocking HTTP client for tests. */
#include "tests/server/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void http_client_init(struct http_client *client, const char *host, uint16_t port)
{
	client->host = host;
	client->port = port;
	client->fd = -1;
}

void http_client_close(struct http_client *client)
{
	if (client->fd >= 0) close(client->fd);
	client->fd = -1;
}

static enum pv_err connect_it(struct http_client *client)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(client->port)};
	struct timeval patience = {.tv_sec = 30};
	int on = 1;
	if (client->fd >= 0) return PV_OK;
	if (inet_pton(AF_INET, client->host, &address.sin_addr) != 1) return PV_ERR_USAGE;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0) return PV_ERR_IO;
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(client->fd, (struct sockaddr *)&address, sizeof address)) {
		http_client_close(client);
		return PV_ERR_OFFLINE;
	}
	return PV_OK;
}

static enum pv_err send_all(int fd, struct iovec *parts, int count)
{
	while (count) {
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
		ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return PV_ERR_OFFLINE;
		while (count && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return PV_OK;
}

static enum pv_err receive(int fd, void *p, size_t max, size_t *ret_n)
{
	ssize_t n;
	do n = recv(fd, p, max, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0) return PV_ERR_OFFLINE;
	*ret_n = (size_t)n;
	return PV_OK;
}

static size_t length_of(const char *head)
{
	const char *line = strcasestr(head, "\r\nContent-Length:");
	return line ? strtoul(line + 17, NULL, 10) : 0;
}

static enum pv_err read_answer(struct http_client *client, unsigned *ret_status, struct pv_buf *answer)
{
	size_t have = 0, n;
	char *end = NULL;
	while (!end) {
		if (have == sizeof client->head - 1) return PV_ERR_LIMIT;
		enum pv_err err = receive(client->fd, client->head + have, sizeof client->head - 1 - have, &n);
		if (err) return err;
		have += n;
		client->head[have] = 0;
		end = strstr(client->head, "\r\n\r\n");
	}
	size_t head_n = (size_t)(end - client->head) + 4, rest = have - head_n;
	size_t length = length_of(client->head);
	pv_buf_clear(answer);
	pv_buf_append(answer, client->head + head_n, rest < length ? rest : length);
	while (answer->n < length && !answer->err) {
		uint8_t part[16384];
		enum pv_err err = receive(client->fd, part, sizeof part, &n);
		if (err) return err;
		pv_buf_append(answer, part, n);
	}
	end[0] = 0;
	if (sscanf(client->head, "HTTP/1.1 %u", ret_status) != 1) return PV_ERR_MALFORMED;
	if (strcasestr(client->head, "\r\nConnection: close")) http_client_close(client);
	return answer->err;
}

enum pv_err http_client_ask(struct http_client *client, const char *method, const char *target, const char *headers,
			    struct pv_bytes body, unsigned *ret_status, struct pv_buf *answer)
{
	char head[2048];
	int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: %s:%u\r\nContent-Length: %zu\r\n%s\r\n", method, target,
			 client->host, client->port, body.n, headers);
	struct iovec parts[2] = {{head, (size_t)n}, {(void *)(uintptr_t)body.p, body.n}};
	if (n < 0 || (size_t)n >= sizeof head) return PV_ERR_LIMIT;
	enum pv_err err = connect_it(client);
	if (!err) err = send_all(client->fd, parts, body.n ? 2 : 1);
	if (!err) err = read_answer(client, ret_status, answer);
	if (err) http_client_close(client);
	return err;
}
