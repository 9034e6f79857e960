/* Which resource answers a request, and who may ask: decided from the head, before a body is read. */
#ifndef PV_SERVER_ROUTER_H
#define PV_SERVER_ROUTER_H

#include "server/server.h"

enum pv_route_auth {
    PV_ROUTE_NONE,
    PV_ROUTE_SESSION,
    PV_ROUTE_ROOM,   /* a session, and the room exists */
    PV_ROUTE_READ,   /* a member's session, or a ticket for the room */
    PV_ROUTE_WRITE   /* a session of an editor or owner */
};

struct pv_route {
    enum pv_web_method method;
    const char *pattern;
    enum pv_route_auth auth;
    bool uploads; /* the body goes to the blob store as it comes */
    uint64_t max_body_bytes;
    pv_handler *handler;
};

/* Match, limit, authenticate. True: go on with the body, then pv_router_run. False: `response` is the answer. */
bool pv_router_begin(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response);
/* A part of an uploaded body. */
void pv_router_upload(struct pv_server *server, struct pv_web_request *request, struct pv_bytes part);
void pv_router_run(struct pv_server *server, struct pv_web_request *request, struct pv_web_response *response);
/* Whatever the router took for the request; once, at its end. */
void pv_router_end(struct pv_server *server, struct pv_web_request *request);

#endif
